#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "instructme/dsp/stft.h"

namespace instructme {

/// Multi-resolution STFT loss (Yamamoto et al. 2020): per resolution the spectral convergence
/// ||a| - |b|| / ||b|| plus the mean absolute difference of log magnitudes, averaged over resolutions.
/// `sizes`: of the windows, samples; each moves on by a quarter of itself. wave (N, S) float32, both.
class MultiResolutionStftLoss {
 public:
  explicit MultiResolutionStftLoss(const std::vector<int64_t>& sizes = {1024, 256});
  at::Tensor operator()(const at::Tensor& estimate, const at::Tensor& target) const;

 private:
  std::vector<Stft> stfts_;
};

/// Mean absolute difference of log mel bands at several resolutions (Kumar et al. 2023 use the same idea).
/// `sample_rate` in Hz; sizes of the windows in samples, each with its number of mel bands. wave (N, S) float32, both.
class MelLoss {
 public:
  explicit MelLoss(double sample_rate,
                   const std::vector<std::pair<int64_t, int64_t>>& sizes_and_bands = {{2048, 128}, {512, 40}});
  at::Tensor operator()(const at::Tensor& estimate, const at::Tensor& target) const;

 private:
  std::vector<Stft> stfts_;
  std::vector<at::Tensor> banks_;
};

/// KL divergence of N(mean, exp(log_variance)) from N(0, 1), averaged over all elements.
at::Tensor kl_loss(const at::Tensor& mean, const at::Tensor& log_variance);

}  // namespace instructme
