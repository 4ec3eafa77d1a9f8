#include "instructme/dsp/metrics.h"

#include <torch/torch.h>

#include "instructme/base/error.h"

namespace instructme {

using at::Tensor;

Tensor si_sdr(const Tensor& estimate, const Tensor& target) {
  ensure(estimate.dim() == 2 && estimate.sizes() == target.sizes(), "si_sdr wants two tensors of one shape (N, S)");
  const Tensor x = estimate.to(at::kDouble), s = target.to(at::kDouble);
  const Tensor scale = (x * s).sum(1, true) / (s * s).sum(1, true).clamp_min(1e-20);
  const Tensor wanted = scale * s;
  const Tensor error = x - wanted;
  return 10.0 * torch::log10(wanted.pow(2).sum(1) / error.pow(2).sum(1).clamp_min(1e-20));
}

namespace {
constexpr double kRate = 24000;
constexpr int64_t kMels = 80;
constexpr double kFloor = 1e-4;
}  // namespace

LogMelDistance::LogMelDistance() : stft_(1024, 256) {
  bank_ = mel_filter_bank(1024, kMels, kRate);
  // Bands are mean amplitudes, so that the floor means the same in each.
  bank_ = bank_ / bank_.sum(0, true).clamp_min(1e-8);
}

Tensor LogMelDistance::log_mel(const Tensor& wave) const {
  return at::matmul(stft_.magnitude(wave), bank_.to(wave.device())).clamp_min(kFloor).log();
}

Tensor LogMelDistance::distance(const Tensor& a, const Tensor& b) const {
  ensure(a.dim() == 2 && a.sizes() == b.sizes(), "LogMelDistance wants two tensors of one shape (N, S)");
  return (log_mel(a) - log_mel(b)).abs().mean({1, 2});
}

}  // namespace instructme
