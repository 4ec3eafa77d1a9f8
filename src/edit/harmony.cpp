#include "instructme/edit/harmony.h"

#include <torch/torch.h>

#include <algorithm>

#include "instructme/base/statistics.h"
#include "instructme/models/chord_extractor.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kFrameSeconds = static_cast<double>(kChordHop) / kChordSampleRate;

}  // namespace

std::optional<double> tempo_bpm(const std::vector<Beat>& beats) {
  std::vector<double> gaps;
  for (size_t i = 1; i < beats.size(); ++i) gaps.push_back(beats[i].time_s - beats[i - 1].time_s);
  if (gaps.empty()) return std::nullopt;
  return 60 / upper_median(gaps);
}

Tensor chord_matrix(const std::vector<ChordSpan>& chords, double start_s, int64_t frames) {
  const Tensor matrix = torch::zeros({frames, kChordClasses});
  auto rows = matrix.accessor<float, 2>();
  size_t at = 0;
  for (int64_t i = 0; i < frames; ++i) {
    const double time = start_s + (static_cast<double>(i) + 0.5) * kFrameSeconds;
    while (at < chords.size() && chords[at].end_s <= time) ++at;
    const bool known = at < chords.size() && chords[at].start_s <= time;
    rows[i][known ? chord_class(chords[at].chord) : 0] = 1;
  }
  return matrix;
}

std::vector<ChordSpan> chord_spans(const Tensor& matrix) {
  const Tensor best = matrix.argmax(1).to(at::kLong).contiguous();
  std::vector<ChordSpan> spans;
  for (int64_t i = 0; i < best.size(0); ++i) {
    const Chord chord = chord_of_class(static_cast<int>(best.data_ptr<int64_t>()[i]));
    const double end = static_cast<double>(i + 1) * kFrameSeconds;
    if (!spans.empty() && spans.back().chord == chord)
      spans.back().end_s = end;
    else
      spans.push_back({end - kFrameSeconds, end, chord});
  }
  return spans;
}

Tensor in_key(const Tensor& matrix, const Key& key) {
  constexpr float kForeign = 0.1f;
  const std::vector<int> scale = scale_pitch_classes(key);
  const Tensor weight = torch::ones({kChordClasses});
  for (int i = 0; i < kChordClasses; ++i)
    for (const int tone : chord_pitch_classes(chord_of_class(i)))
      if (std::find(scale.begin(), scale.end(), tone) == scale.end()) weight[i] = kForeign;
  const Tensor weighted = matrix * weight.to(matrix.device());
  return weighted / weighted.sum(1, /*keepdim=*/true).clamp_min(1e-9);
}

}  // namespace instructme
