#include "instructme/ears/key_estimate.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "instructme/base/error.h"
#include "instructme/models/chord_extractor.h"

namespace instructme {
namespace {

using ChordTable = std::array<std::array<int, 12>, kChordQualities>;

// Share of the time, in thousandths, of each quality (rows, in the order of ChordQuality) on each degree above the
// tonic (columns, in semitones), in songs of `data render` in major (and lydian, mixolydian) and minor (and dorian,
// phrygian) keys.
constexpr ChordTable kMajorShares = {{{243, 3, 9, 0, 7, 84, 1, 103, 1, 4, 18, 0},
                                      {0, 2, 73, 0, 53, 4, 0, 4, 0, 70, 1, 2},
                                      {27, 1, 3, 0, 2, 8, 0, 67, 0, 3, 6, 2},
                                      {53, 0, 0, 0, 0, 14, 0, 0, 0, 0, 0, 2},
                                      {0, 0, 15, 0, 15, 9, 0, 1, 0, 30, 1, 0},
                                      {0, 0, 0, 0, 1, 0, 1, 0, 0, 1, 0, 11},
                                      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                                      {18, 0, 2, 0, 2, 3, 0, 13, 0, 2, 0, 0}}};
constexpr ChordTable kMinorShares = {{{5, 3, 0, 80, 1, 13, 0, 38, 84, 1, 90, 0},
                                      {262, 0, 1, 0, 0, 92, 0, 47, 0, 0, 1, 0},
                                      {1, 0, 3, 2, 0, 3, 0, 48, 0, 2, 6, 0},
                                      {0, 0, 0, 4, 0, 0, 0, 0, 9, 1, 3, 0},
                                      {82, 0, 3, 0, 0, 23, 0, 18, 0, 0, 0, 0},
                                      {0, 3, 26, 0, 1, 0, 1, 0, 0, 3, 0, 0},
                                      {0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0},
                                      {15, 0, 1, 3, 0, 4, 0, 4, 2, 0, 7, 0}}};
constexpr double kUnusual = 0.5;  // thousandths added to all, for chords that did not occur

constexpr double kRate = static_cast<double>(kChordSampleRate) / static_cast<double>(kChordHop);
constexpr int64_t kKeys = 24;  // 12 major, 12 minor

/// log P(chord | key): (kChordClasses, 24), float64. "No chord" says nothing.
at::Tensor make_log_shares() {
  at::Tensor shares = at::zeros({kChordClasses, kKeys}, at::kDouble);
  for (int index = 1; index < kChordClasses; ++index) {
    const Chord chord = chord_of_class(index);
    for (int key = 0; key < kKeys; ++key) {
      const ChordTable& table = key < 12 ? kMajorShares : kMinorShares;
      const auto degree = static_cast<size_t>((chord.root - key % 12 + 12) % 12);
      shares[index][key] = std::log((table[static_cast<size_t>(chord.quality)][degree] + kUnusual) / 1000.0);
    }
  }
  return shares;
}

Key key_of(int64_t state) { return {static_cast<int>(state % 12), state < 12 ? Mode::kMajor : Mode::kMinor}; }

}  // namespace

std::vector<KeySpan> estimate_keys(const at::Tensor& chords, double duration_s, const KeyEstimateOptions& options) {
  ensure(chords.dim() == 2 && chords.size(1) == kChordClasses, "keys are estimated from chords (T, classes)");
  const at::Tensor p = chords.to(at::kCPU, at::kDouble);
  if (p.size(0) == 0 || p.argmax(1).eq(0).all().item<bool>()) return {};
  static const at::Tensor log_shares = make_log_shares();
  const at::Tensor evidence = p.matmul(log_shares) / (options.chord_seconds * kRate);  // (T, 24)
  const at::Tensor likelihood = (evidence - std::get<0>(evidence.max(1, true))).exp().contiguous();
  const at::Tensor posterior = smooth_forward_backward(likelihood, 1.0 - 1.0 / (options.change_seconds * kRate));
  const at::Tensor best = posterior.argmax(1);
  std::vector<KeySpan> spans;
  const auto frames = p.size(0);
  for (int64_t start = 0; start < frames;) {
    const auto state = best[start].item<int64_t>();
    int64_t end = start + 1;
    while (end < frames && best[end].item<int64_t>() == state) ++end;
    const bool too_short = static_cast<double>(end - start) / kRate < options.shortest_seconds;
    if (spans.empty() || !too_short) {
      spans.push_back({static_cast<double>(start) / kRate, static_cast<double>(end) / kRate, key_of(state),
                       posterior.slice(0, start, end).select(1, state).mean().item<double>()});
    } else {
      spans.back().end_s = static_cast<double>(end) / kRate;
    }
    start = end;
  }
  // A short beginning belongs to what follows.
  if (spans.size() > 1 && spans.front().end_s < options.shortest_seconds) {
    spans[1].start_s = 0;
    spans.erase(spans.begin());
  }
  spans.back().end_s = duration_s;
  return spans;
}

Key longest_key(const std::vector<KeySpan>& spans) {
  ensure(!spans.empty(), "there is no key among no spans");
  std::map<std::pair<int, Mode>, double> seconds;
  for (const KeySpan& span : spans) seconds[{span.key.tonic, span.key.mode}] += span.end_s - span.start_s;
  const auto longest =
      std::max_element(seconds.begin(), seconds.end(), [](auto& a, auto& b) { return a.second < b.second; });
  return {longest->first.first, longest->first.second};
}

}  // namespace instructme
