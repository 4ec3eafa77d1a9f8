#pragma once

#include <ATen/core/Tensor.h>

#include "instructme/dsp/stft.h"

namespace instructme {

/// Log-mel spectrogram as the input of a network, scaled to lie mostly within -2 and 2 for music at -20 dBFS.
/// `n_fft` and `hop` in samples, `sample_rate` in Hz. Letters: N batch, S samples, T = ceil(S / hop) frames, M bands.
/// Thread-safe.
class LogMel {
 public:
  LogMel(int64_t n_fft, int64_t hop, int64_t bands, double sample_rate);

  /// wave (N, S) float -> (N, T, M) float.
  at::Tensor forward(const at::Tensor& wave) const;

 private:
  Stft stft_;
  at::Tensor bank_;
};

}  // namespace instructme
