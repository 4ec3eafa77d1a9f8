#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "instructme/analysis/analysis.h"
#include "instructme/models/chord_extractor.h"

namespace instructme {
namespace {

int likeliest(const std::vector<float>& probabilities) {
  return static_cast<int>(std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin());
}

}  // namespace

std::vector<BeatChord> chords_of_beats(const Hearing& hearing) {
  std::vector<BeatChord> result;
  const auto frames = static_cast<int64_t>(hearing.chords.size());
  for (size_t i = 0; i < hearing.beats.size(); ++i) {
    const double start = hearing.beats[i].time_s;
    const double end = i + 1 < hearing.beats.size() ? hearing.beats[i + 1].time_s : std::max(start, hearing.duration_s);
    BeatChord found{hearing.beats[i], end, Chord::no_chord()};
    if (frames > 0) {
      std::vector<float> sum(kChordClasses, 0.0f);
      const auto first = std::clamp<int64_t>(std::llround(start * hearing.chord_rate), 0, frames - 1);
      const auto last = std::clamp<int64_t>(std::llround(end * hearing.chord_rate), first + 1, frames);
      for (int64_t frame = first; frame < last; ++frame)
        for (size_t c = 0; c < sum.size(); ++c) sum[c] += hearing.chords[static_cast<size_t>(frame)][c];
      found.chord = chord_of_class(likeliest(sum));
    }
    result.push_back(found);
  }
  return result;
}

std::vector<ChordSpan> likeliest_chords(const at::Tensor& chords, double duration_s, double shortest_s) {
  constexpr double kRate = static_cast<double>(kChordSampleRate) / kChordHop;
  std::vector<ChordSpan> spans;
  const at::Tensor best = chords.argmax(1).to(at::kCPU).contiguous();
  for (int64_t frame = 0; frame < best.size(0); ++frame) {
    const double start = static_cast<double>(frame) / kRate;
    if (start >= duration_s) break;
    const Chord chord = chord_of_class(static_cast<int>(best.data_ptr<int64_t>()[frame]));
    if (spans.empty() || !(spans.back().chord == chord)) spans.push_back({start, start, chord});
    spans.back().end_s = std::min(duration_s, static_cast<double>(frame + 1) / kRate);
  }
  std::vector<ChordSpan> kept;
  for (const ChordSpan& span : spans) {
    const bool same = !kept.empty() && kept.back().chord == span.chord;
    if (same || (!kept.empty() && span.end_s - span.start_s < shortest_s))
      kept.back().end_s = span.end_s;
    else
      kept.push_back(span);
  }
  if (!kept.empty()) kept.back().end_s = duration_s;
  return kept;
}

}  // namespace instructme
