#include "instructme/train/spectral_losses.h"

#include <torch/torch.h>

namespace instructme {

using at::Tensor;

namespace {
// -80 dB below a full-scale sine: what is quieter does not count.
constexpr double kFloor = 1e-4;
}  // namespace

MultiResolutionStftLoss::MultiResolutionStftLoss(const std::vector<int64_t>& sizes) {
  for (int64_t size : sizes) stfts_.emplace_back(size, size / 4);
}

Tensor MultiResolutionStftLoss::operator()(const Tensor& estimate, const Tensor& target) const {
  Tensor sum = torch::zeros({}, estimate.options());
  for (const auto& stft : stfts_) {
    const Tensor a = stft.magnitude(estimate), b = stft.magnitude(target);
    const Tensor convergence =
        ((a - b).pow(2).sum({1, 2}) + 1e-10).sqrt() / (b.pow(2).sum({1, 2}) + 1e-3).sqrt();  // (N)
    sum = sum + convergence.mean() + ((a + kFloor).log() - (b + kFloor).log()).abs().mean();
  }
  return sum / static_cast<double>(stfts_.size());
}

MelLoss::MelLoss(double sample_rate, const std::vector<std::pair<int64_t, int64_t>>& sizes_and_bands) {
  for (const auto& [size, bands] : sizes_and_bands) {
    stfts_.emplace_back(size, size / 4);
    const Tensor bank = mel_filter_bank(size, bands, sample_rate);
    banks_.push_back(bank / bank.sum(0, true).clamp_min(1e-8));
  }
}

Tensor MelLoss::operator()(const Tensor& estimate, const Tensor& target) const {
  Tensor sum = torch::zeros({}, estimate.options());
  for (size_t i = 0; i < stfts_.size(); ++i) {
    const Tensor bank = banks_[i].to(estimate.device());
    const Tensor a = at::matmul(stfts_[i].magnitude(estimate), bank), b = at::matmul(stfts_[i].magnitude(target), bank);
    sum = sum + ((a + kFloor).log() - (b + kFloor).log()).abs().mean();
  }
  return sum / static_cast<double>(stfts_.size());
}

Tensor kl_loss(const Tensor& mean, const Tensor& log_variance) {
  return 0.5 * (mean.pow(2) + log_variance.exp() - 1.0 - log_variance).mean();
}

}  // namespace instructme
