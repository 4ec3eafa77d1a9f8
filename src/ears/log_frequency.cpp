#include "instructme/ears/log_frequency.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/models/chord_extractor.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kMiddleNote = 60;              // from here on, semitones are apart in the shorter of two windows
constexpr int64_t kDecimation = 8;              // of the wave for the longest window, which only shows low notes
constexpr int64_t kSpectrumBlock_frames = 256;  // at a time, to bound memory

double note_hz(double note) { return 440.0 * std::exp2((note - 69.0) / 12.0); }

/// Triangles over the bins of a transform, one for each note from `first` on, a third of a semitone wide but never
/// narrower than a bin: (F, count).
Tensor triangles(const Stft& stft, double sample_rate, double first, int64_t count) {
  const double bin_hz = sample_rate / static_cast<double>(stft.n_fft());
  Tensor pooling = torch::zeros({stft.bins(), count});
  auto weight = pooling.accessor<float, 2>();
  for (int64_t b = 0; b < count; ++b) {
    const double centre = note_hz(first + static_cast<double>(b) / LogFrequency::kPerSemitone) / bin_hz;
    const double half = std::max(1.0, centre * (std::exp2(1.0 / (12.0 * LogFrequency::kPerSemitone)) - 1.0));
    for (auto k = static_cast<int64_t>(std::floor(centre - half)); k <= static_cast<int64_t>(centre + half) + 1; ++k)
      if (k >= 0 && k < stft.bins())
        weight[k][b] = static_cast<float>(std::max(0.0, 1.0 - std::abs(static_cast<double>(k) - centre) / half));
  }
  return pooling;
}

/// Only the rows of a pooling that are not all zero count; cutting the others off saves most of the product.
Tensor pool(const Tensor& power, const Tensor& pooling) { return power.slice(2, 0, pooling.size(0)).matmul(pooling); }

Tensor trim(const Tensor& pooling) {
  int64_t used = pooling.size(0);
  while (used > 1 && pooling[used - 1].abs().max().item<float>() == 0.0f) --used;
  return pooling.narrow(0, 0, used).contiguous();
}

/// Every eighth sample after a low-pass that takes at least 47 dB of what is folded onto the low notes: (N, S) -> (N, S
/// / 8).
Tensor decimate(const Tensor& wave) {
  constexpr int64_t kTaps = 4 * kDecimation, kAhead = (kTaps - kDecimation) / 2;
  static const Tensor taps = [] {
    const Tensor window = torch::hann_window(kTaps + 2, /*periodic=*/false).slice(0, 1, kTaps + 1);
    return (window / window.sum()).reshape({1, 1, kTaps});
  }();
  return at::conv1d(at::constant_pad_nd(wave, {kAhead, kAhead}).unsqueeze(1), taps, {}, kDecimation).squeeze(1);
}

}  // namespace

LogFrequency::LogFrequency(double lowest, int64_t semitones, double detune) : bins_(semitones * kPerSemitone) {
  ensure(semitones >= 1 && note_hz(lowest + static_cast<double>(semitones)) < 11000.0,
         "the log-frequency axis must end below 11 kHz");
  low_bins_ = std::clamp<int64_t>(std::llround((kMiddleNote - lowest) * kPerSemitone), 0, bins_);
  windows_ = {Stft(8 * kChordHop / kDecimation, kChordHop / kDecimation), Stft(4 * kChordHop, kChordHop),
              Stft(2 * kChordHop, kChordHop / 2)};
  constexpr double kRate = static_cast<double>(kChordSampleRate);
  const double first = lowest + detune, middle = first + static_cast<double>(low_bins_) / kPerSemitone;
  const int64_t high = bins_ - low_bins_;
  pooling_ = {trim(triangles(windows_[0], kRate / kDecimation, first, low_bins_)),
              trim(triangles(windows_[1], kRate, middle, high)), trim(triangles(windows_[1], kRate, first, low_bins_)),
              trim(triangles(windows_[2], kRate, middle, high))};
}

Tensor LogFrequency::forward(const Tensor& wave) const {
  ensure(wave.dim() == 2, "the log-frequency spectrum wants a wave of shape (N, S)");
  const int64_t frames = chord_frames(wave.size(1));
  const Tensor whole = at::constant_pad_nd(wave, {0, frames * kChordHop - wave.size(1)});
  constexpr int64_t kMargin = 4;  // frames that the longest window reaches to each side
  std::vector<Tensor> blocks;
  for (int64_t start = 0; start < frames; start += kSpectrumBlock_frames) {
    const int64_t end = std::min(frames, start + kSpectrumBlock_frames);
    const int64_t first = std::max<int64_t>(0, start - kMargin), last = std::min(frames, end + kMargin);
    const Tensor piece = whole.slice(1, first * kChordHop, last * kChordHop);
    const auto power = [&](const Stft& stft, const Tensor& sound) {  // (N, T, F)
      Tensor p = at::view_as_real(stft.forward(sound)).square().sum(-1);
      if (p.size(1) > last - first) p = p.reshape({p.size(0), last - first, -1, p.size(2)}).mean(2);
      return p.slice(1, start - first, end - first);
    };
    const Tensor middle = power(windows_[1], piece);
    const Tensor fine =
        torch::cat({pool(power(windows_[0], decimate(piece)), pooling_[0]), pool(middle, pooling_[1])}, 2);
    const Tensor quick = torch::cat({pool(middle, pooling_[2]), pool(power(windows_[2], piece), pooling_[3])}, 2);
    blocks.push_back(torch::stack({fine, quick}, 3));
  }
  // Music at -20 dBFS has magnitudes of 1e-4 (the floor) to 1e-1.
  return ((torch::cat(blocks, 1) + kSpectrumFloor * kSpectrumFloor).log() * 0.5 + 6.5) * kSpectrumPerNeper;
}

Tensor at_usual_level(const Tensor& wave) {
  const Tensor rms = wave.square().mean(1, true).sqrt();
  return wave * torch::where(rms > 1e-4, 0.1 / rms.clamp_min(1e-9), torch::ones_like(rms));
}

}  // namespace instructme
