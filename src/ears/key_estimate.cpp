#include "instructme/ears/key_estimate.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "instructme/base/error.h"
#include "instructme/models/chord_extractor.h"

namespace instructme {
namespace {

constexpr double kRate = static_cast<double>(kChordSampleRate) / static_cast<double>(kChordHop);

Key key_of(int64_t state) { return {static_cast<int>(state % 12), state < 12 ? Mode::kMajor : Mode::kMinor}; }

}  // namespace

std::vector<KeySpan> estimate_keys(KeyNet& net, const at::Tensor& chords, double duration_s,
                                   const KeyEstimateOptions& options) {
  ensure(chords.dim() == 2 && chords.size(1) == kChordClasses, "keys are estimated from chords (T, classes)");
  const at::Tensor p = chords.to(at::kCPU, at::kDouble);
  if (p.size(0) == 0 || p.argmax(1).eq(0).all().item<bool>()) return {};
  const torch::NoGradGuard no_grad;
  const at::Tensor evidence =
      net->forward(p.to(net->weight.device())).to(at::kCPU, at::kDouble) / (net->options.seconds * kRate);  // (T, 24)
  const at::Tensor likelihood = (evidence - std::get<0>(evidence.max(1, true))).exp().contiguous();
  const at::Tensor posterior = smooth_forward_backward(likelihood, 1.0 - 1.0 / (options.change_seconds * kRate));
  const at::Tensor states = posterior.argmax(1).contiguous();
  const int64_t* const best = states.data_ptr<int64_t>();
  std::vector<KeySpan> spans;
  const auto frames = p.size(0);
  for (int64_t start = 0; start < frames;) {
    const int64_t state = best[start];
    int64_t end = start + 1;
    while (end < frames && best[end] == state) ++end;
    const bool too_short = static_cast<double>(end - start) / kRate < options.shortest_seconds;
    // What comes back after a span that was too short has never been left.
    if (spans.empty() || (!too_short && !(spans.back().key == key_of(state)))) {
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
