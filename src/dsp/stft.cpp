#include "instructme/dsp/stft.h"

#include <torch/torch.h>

#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

using at::Tensor;

Stft::Stft(int64_t n_fft, int64_t hop) : n_fft_(n_fft), hop_(hop), pad_((n_fft - hop) / 2) {
  ensure(hop > 0 && n_fft % hop == 0 && n_fft % 2 == 0 && hop % 2 == 0 && n_fft >= 2 * hop,
         format("Stft needs an even hop that divides n_fft at least twice, found %lld and %lld",
                static_cast<long long>(hop), static_cast<long long>(n_fft)));
  window_ = torch::hann_window(n_fft, torch::kFloat);
}

Tensor Stft::forward(const Tensor& wave) const {
  ensure(wave.dim() == 2, "Stft::forward wants a wave of shape (N, S)");
  const int64_t samples = wave.size(1), frames = (samples + hop_ - 1) / hop_;
  const Tensor padded = at::constant_pad_nd(wave, {pad_, frames * hop_ - samples + n_fft_ - hop_ - pad_});
  // A sine of amplitude 1 sums to n_fft / 4 under a Hann window, in each of the two mirrored bins.
  const Tensor window = (window_ * (4.0 / static_cast<double>(n_fft_))).to(wave.device());
  return torch::fft::rfft(padded.unfold(1, n_fft_, hop_) * window);  // (N, T, F)
}

Tensor Stft::magnitude(const Tensor& wave) const {
  // torch's complex absolute value has gradient 0 at 0.
  return forward(wave).abs();
}

Tensor Stft::inverse(const Tensor& spectrum, int64_t samples) const {
  ensure(spectrum.dim() == 3 && spectrum.size(2) == bins() && samples <= spectrum.size(1) * hop_,
         "Stft::inverse wants a spectrum of shape (N, T, F) with T * hop >= samples");
  const int64_t batch = spectrum.size(0), frames = spectrum.size(1), overlap = n_fft_ / hop_;
  const Tensor window = window_.to(spectrum.device());
  const Tensor pieces = (torch::fft::irfft(spectrum, n_fft_) * (window * (static_cast<double>(n_fft_) / 4.0)))
                            .view({batch, frames, overlap, hop_});
  const Tensor weights = window.pow(2).view({overlap, hop_});
  Tensor sum, weight;
  for (int64_t i = 0; i < overlap; ++i) {
    const Tensor piece = at::constant_pad_nd(pieces.select(2, i), {0, 0, i, overlap - 1 - i});
    const Tensor share = at::constant_pad_nd(weights[i].expand({frames, hop_}), {0, 0, i, overlap - 1 - i});
    sum = i == 0 ? piece : sum + piece;
    weight = i == 0 ? share : weight + share;
  }
  return (sum / weight.clamp_min(1e-6)).reshape({batch, -1}).narrow(1, pad_, samples);
}

Tensor mel_filter_bank(int64_t n_fft, int64_t mels, double sample_rate) {
  const auto to_mel = [](double hz) { return 2595.0 * std::log10(1.0 + hz / 700.0); };
  const auto to_hz = [](double mel) { return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0); };
  const int64_t bins = n_fft / 2 + 1;
  Tensor bank = torch::zeros({bins, mels});
  auto values = bank.accessor<float, 2>();
  const double top = to_mel(sample_rate / 2);
  for (int64_t m = 0; m < mels; ++m) {
    const double low = to_hz(top * static_cast<double>(m) / static_cast<double>(mels + 1));
    const double middle = to_hz(top * static_cast<double>(m + 1) / static_cast<double>(mels + 1));
    const double high = to_hz(top * static_cast<double>(m + 2) / static_cast<double>(mels + 1));
    for (int64_t f = 0; f < bins; ++f) {
      const double hz = sample_rate * static_cast<double>(f) / static_cast<double>(n_fft);
      const double rising = (hz - low) / (middle - low), falling = (high - hz) / (high - middle);
      values[f][m] = static_cast<float>(std::max(0.0, std::min(rising, falling)));
    }
  }
  return bank;
}

}  // namespace instructme
