#include "instructme/dsp/log_mel.h"

#include <torch/torch.h>

namespace instructme {

LogMel::LogMel(int64_t n_fft, int64_t hop, int64_t bands, double sample_rate)
    : stft_(n_fft, hop), bank_(mel_filter_bank(n_fft, bands, sample_rate)) {
  // Mean amplitudes, so that the floor means the same in every band.
  bank_ = bank_ / bank_.sum(0, true).clamp_min(1e-8);
}

at::Tensor LogMel::forward(const at::Tensor& wave) const {
  constexpr double kFloor = 1e-4, kMiddle = -6.0, kScale = 0.5;
  return (at::matmul(stft_.magnitude(wave), bank_.to(wave.device())) + kFloor).log().sub(kMiddle).mul(kScale);
}

}  // namespace instructme
