#include "instructme/annotation/chord_scores.h"

#include <algorithm>

namespace instructme {
namespace {

using Tones = unsigned;  // bit i: the tone i semitones above the root sounds

constexpr Tones kUpToTheFifth = 0xff;
constexpr Tones kMinorThird = 1u << 3;

// Semitones above the root; 0 for no chord.
Tones tones_above_root(const Chord& chord) {
  Tones tones = 0;
  for (int pitch_class : chord_pitch_classes(chord)) tones |= 1u << ((pitch_class - chord.root + 12) % 12);
  return tones;
}

Tones pitch_classes(const Chord& chord) {
  Tones tones = 0;
  for (int pitch_class : chord_pitch_classes(chord)) tones |= 1u << pitch_class;
  return tones;
}

bool judged(const Chord& truth, ChordRule rule) {
  if (truth.none || (rule != ChordRule::kMajMin && rule != ChordRule::kSevenths)) return true;
  switch (truth.quality) {
    case ChordQuality::kMaj:
    case ChordQuality::kMin:
    case ChordQuality::k7:
    case ChordQuality::kMaj7:
    case ChordQuality::kMin7: return true;
    case ChordQuality::kDim:
    case ChordQuality::kAug:
    case ChordQuality::kSus: return false;
  }
  return false;
}

// The tones that must be the same.
Tones compared_tones(ChordRule rule) {
  switch (rule) {
    case ChordRule::kThirds: return kMinorThird;
    case ChordRule::kTriads:
    case ChordRule::kMajMin: return kUpToTheFifth;
    case ChordRule::kTetrads:
    case ChordRule::kSevenths: return ~0u;
    case ChordRule::kRoot:
    case ChordRule::kMirex: return 0;
  }
  return 0;
}

}  // namespace

std::optional<bool> chords_agree(const Chord& truth, const Chord& other, ChordRule rule) {
  if (!judged(truth, rule)) return std::nullopt;
  if (truth.none || other.none) return truth.none == other.none;
  if (rule == ChordRule::kMirex) return __builtin_popcount(pitch_classes(truth) & pitch_classes(other)) >= 3;
  const Tones differing = tones_above_root(truth) ^ tones_above_root(other);
  return truth.root == other.root && (differing & compared_tones(rule)) == 0;
}

ChordOverlap& ChordOverlap::operator+=(const ChordOverlap& more) {
  agreeing_s += more.agreeing_s;
  judged_s += more.judged_s;
  return *this;
}

ChordOverlap chord_overlap(const std::vector<ChordSpan>& truth, const std::vector<ChordSpan>& other, ChordRule rule) {
  ChordOverlap overlap;
  size_t first = 0;
  for (const ChordSpan& span : truth) {
    const auto without = chords_agree(span.chord, Chord::no_chord(), rule);
    if (!without) continue;
    overlap.judged_s += span.end_s - span.start_s;
    double unlabelled = span.end_s - span.start_s;
    while (first < other.size() && other[first].end_s <= span.start_s) ++first;
    for (size_t i = first; i < other.size() && other[i].start_s < span.end_s; ++i) {
      const double shared = std::min(span.end_s, other[i].end_s) - std::max(span.start_s, other[i].start_s);
      if (shared <= 0) continue;
      unlabelled -= shared;
      if (*chords_agree(span.chord, other[i].chord, rule)) overlap.agreeing_s += shared;
    }
    if (*without) overlap.agreeing_s += std::max(0.0, unlabelled);
  }
  return overlap;
}

}  // namespace instructme
