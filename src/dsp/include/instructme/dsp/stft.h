#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace instructme {

/// A short-time Fourier transform whose frame i covers samples [i*hop - pad, i*hop - pad + n_fft) with
/// pad = (n_fft - hop) / 2, so that S samples give ceil(S / hop) frames, time-major. Periodic Hann
/// window, scaled so that a full-scale sine has magnitude 1 in its bin. Thread-safe.
/// Letters: N batch, S samples, T frames, F = n_fft / 2 + 1 bins.
class Stft {
 public:
  /// Throws kInternal unless hop divides n_fft and both are even.
  Stft(int64_t n_fft, int64_t hop);

  int64_t n_fft() const { return n_fft_; }
  int64_t hop() const { return hop_; }
  int64_t bins() const { return n_fft_ / 2 + 1; }

  /// wave (N, S) float -> (N, T, F) complex. Differentiable.
  at::Tensor forward(const at::Tensor& wave) const;
  /// |forward(wave)|, with a gradient that stays finite at 0.
  at::Tensor magnitude(const at::Tensor& wave) const;
  /// Least-squares inverse (Griffin and Lim 1984): spectrum (N, T, F) complex -> (N, samples) float,
  /// samples at most T * hop. inverse(forward(x), S) == x. Differentiable.
  at::Tensor inverse(const at::Tensor& spectrum, int64_t samples) const;

 private:
  int64_t n_fft_, hop_, pad_;
  at::Tensor window_;
};

/// HTK mel filter bank (F, mels), triangles of height 1, from 0 Hz to rate / 2.
at::Tensor mel_filter_bank(int64_t n_fft, int64_t mels, double sample_rate);

}  // namespace instructme
