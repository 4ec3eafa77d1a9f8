#include "instructme/score/chord_estimate.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "instructme/base/error.h"
#include "time_grid.h"

namespace instructme {
namespace {

using Profile = std::array<double, 12>;

// How much one beat of notes and its bass weigh against the cost of a change; found by a random search on ninety
// composed charts and every twelfth song of POP909.
constexpr double kNotesWeight = 7.3, kBassWeight = 0.8;
constexpr double kBarCost = 0.5, kHalfBarCost = 3.4, kBeatCost = 4.7;
constexpr double kMelodyShare = 0.25;  // a melody has passing notes
constexpr int kHighestBass = 59;

struct Template {
  std::array<double, 12> tones{};  // share of the sound above the root; the rest is spread evenly
  double cost = 0;                 // of choosing it: rarer qualities need more evidence
};

Template make_template(ChordQuality quality) {
  switch (quality) {
    case ChordQuality::kMaj: return {{.32, 0, .02, 0, .28, 0, 0, .24, 0, .02, 0, 0}, 0.0};
    case ChordQuality::kMin: return {{.32, 0, .02, .28, 0, .01, 0, .24, 0, .01, 0, 0}, 0.3};
    case ChordQuality::k7: return {{.24, 0, .04, 0, .22, 0, 0, .15, 0, .03, .20, 0}, 1.0};
    case ChordQuality::kMaj7: return {{.24, 0, .03, 0, .22, 0, 0, .17, 0, .01, 0, .20}, 1.15};
    case ChordQuality::kMin7: return {{.24, 0, .02, .22, 0, .02, 0, .17, 0, 0, .20, 0}, 0.85};
    case ChordQuality::kDim: return {{.27, 0, 0, .25, 0, 0, .25, 0, 0, .06, .06, 0}, 1.75};
    case ChordQuality::kAug: return {{.29, 0, 0, 0, .28, 0, 0, 0, .27, 0, .03, 0}, 2.6};
    case ChordQuality::kSus: return {{.30, 0, .05, 0, 0, .26, 0, .22, 0, 0, .05, 0}, 1.75};
  }
  throw Error(ErrorKind::kInternal, "a chord has an unknown quality");
}

// What sounds in each beat.
struct BeatSound {
  Profile notes{};
  Profile bass{};
  double total = 0;
};

std::vector<BeatSound> listen(const Score& score, const TimeGrid& grid) {
  std::vector<BeatSound> beats(grid.beats());
  std::vector<int> lowest(beats.size(), 128);
  std::vector<bool> has_bass(beats.size(), false);
  for (const Part& part : score.parts) {
    if (part.drums) continue;
    const bool tune = part.role == Role::kMelody || part.role == Role::kCounterMelody;
    for (const Note& note : part.notes) {
      const double start = std::max(0.0, grid.beat_of(note.onset_s));
      // A short note stands for what is meant to sound until the next.
      const double end = std::max(grid.beat_of(note.onset_s + note.duration_s), start + 0.5);
      const double loud = (0.4 + 0.6 * note.velocity / 127.0) * (tune ? kMelodyShare : 1.0);
      for (auto i = static_cast<size_t>(start); i < beats.size() && static_cast<double>(i) < end; ++i) {
        const double from = static_cast<double>(i);
        const double inside = std::min(end, from + 1) - std::max(start, from);
        if (inside < 0.05) continue;
        const auto pc = static_cast<size_t>(note.pitch % 12);
        beats[i].notes[pc] += inside * loud;
        beats[i].total += inside * loud;
        if (part.role == Role::kBass) {
          if (!has_bass[i]) beats[i].bass = {};
          has_bass[i] = true;
          beats[i].bass[pc] += inside;
        } else if (!has_bass[i] && note.pitch <= kHighestBass && note.pitch <= lowest[i]) {
          if (note.pitch < lowest[i]) beats[i].bass = {};
          lowest[i] = note.pitch;
          beats[i].bass[pc] += inside;
        }
      }
    }
  }
  return beats;
}

// Logarithms of the share of every pitch class in the notes and in the bass, by class of the vocabulary.
struct ChordModel {
  std::array<Profile, kChordClasses> notes, bass;
  std::array<double, kChordClasses> cost;

  ChordModel() {
    notes[0].fill(std::log(1.0 / 12));
    bass[0] = notes[0];
    cost[0] = 2.0;
    for (int c = 1; c < kChordClasses; ++c) {
      const Chord chord = chord_of_class(c);
      const Template shape = make_template(chord.quality);
      const auto tones = chord_pitch_classes(chord);
      double rest = 1;
      for (double share : shape.tones) rest -= share;
      const auto index = static_cast<size_t>(c);
      cost[index] = shape.cost;
      for (int interval = 0; interval < 12; ++interval) {
        const auto pc = static_cast<size_t>((chord.root + interval) % 12);
        const bool tone = std::find(tones.begin(), tones.end(), static_cast<int>(pc)) != tones.end();
        notes[index][pc] = std::log(shape.tones[static_cast<size_t>(interval)] + rest / 12);
        bass[index][pc] = std::log(interval == 0 ? 0.6 : tone ? 0.25 / static_cast<double>(tones.size() - 1) : 0.015);
      }
    }
  }
};

double change_cost(const Beat& beat, int beats_per_bar) {
  if (beat.position == 0) return kBarCost;
  return beats_per_bar % 2 == 0 && 2 * beat.position == beats_per_bar ? kHalfBarCost : kBeatCost;
}

}  // namespace

std::vector<ChordSpan> estimate_chords(const Score& score) {
  const TimeGrid grid(score);
  const std::vector<BeatSound> beats = listen(score, grid);
  static const ChordModel model;
  std::array<double, kChordClasses> best{};
  std::vector<std::array<uint8_t, kChordClasses>> before(beats.size());
  for (size_t i = 0; i < beats.size(); ++i) {
    const BeatSound& beat = beats[i];
    double bass_total = 0;
    for (double share : beat.bass) bass_total += share;
    const size_t from = static_cast<size_t>(std::max_element(best.begin(), best.end()) - best.begin());
    const double changed = best[from] - (i == 0 ? 0.0 : change_cost(score.beats[i], score.beats_per_bar));
    for (size_t c = 0; c < kChordClasses; ++c) {
      double sound = c == 0 ? 0.0 : -0.4;  // of a beat without notes
      if (beat.total > 0) {
        sound = 0;
        for (size_t pc = 0; pc < 12; ++pc) {
          sound += kNotesWeight * beat.notes[pc] / beat.total * model.notes[c][pc];
          if (bass_total > 0) sound += kBassWeight * beat.bass[pc] / bass_total * model.bass[c][pc];
        }
      }
      const bool change = i == 0 || changed - model.cost[c] > best[c];
      before[i][c] = static_cast<uint8_t>(change ? from : c);
      best[c] = (change ? changed - model.cost[c] : best[c]) + sound;
    }
  }
  std::vector<size_t> path(beats.size());
  path.back() = static_cast<size_t>(std::max_element(best.begin(), best.end()) - best.begin());
  for (size_t i = beats.size() - 1; i > 0; --i) path[i - 1] = before[i][path[i]];
  std::vector<ChordSpan> spans;
  for (size_t i = 0; i < path.size(); ++i) {
    const Chord chord = chord_of_class(static_cast<int>(path[i]));
    if (spans.empty() || !(spans.back().chord == chord))
      spans.push_back({spans.empty() ? 0.0 : grid.times()[i], 0, chord});
    spans.back().end_s = grid.times()[i + 1];
  }
  return spans;
}

Key estimate_key(const Score& score) {
  constexpr Profile kMajor = {6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88};
  constexpr Profile kMinor = {6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17};
  Profile durations{};
  double sum = 0;
  for (const Part& part : score.parts) {
    if (part.drums) continue;
    for (const Note& note : part.notes) {
      durations[static_cast<size_t>(note.pitch % 12)] += note.duration_s;
      sum += note.duration_s;
    }
  }
  Key best;
  double best_correlation = -2;
  if (sum <= 0) return best;
  for (const auto& [mode, profile] : {std::pair{Mode::kMajor, kMajor}, std::pair{Mode::kMinor, kMinor}}) {
    double mean = 0;
    for (double x : profile) mean += x / 12;
    for (int tonic = 0; tonic < 12; ++tonic) {
      double product = 0, square_a = 0, square_b = 0;
      for (size_t pc = 0; pc < 12; ++pc) {
        const double a = durations[(pc + static_cast<size_t>(tonic)) % 12] - sum / 12, b = profile[pc] - mean;
        product += a * b;
        square_a += a * a;
        square_b += b * b;
      }
      const double correlation = square_a > 0 ? product / std::sqrt(square_a * square_b) : 0;
      if (correlation <= best_correlation) continue;
      best_correlation = correlation;
      best = {tonic, mode};
    }
  }
  return best;
}

}  // namespace instructme
