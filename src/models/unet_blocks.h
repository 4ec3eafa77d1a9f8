#pragma once

#include <torch/torch.h>

#include "instructme/models/unet.h"

namespace instructme {

// Parts that the U-Net and its source encoder share.

/// Filters along time, one per channel, that start as identity or at random.
class DepthwiseConvImpl : public torch::nn::Cloneable<DepthwiseConvImpl> {
 public:
  DepthwiseConvImpl(int64_t channel_count, int64_t taps, bool start_as_identity);
  void reset() override;
  at::Tensor forward(const at::Tensor& x);  // (N, T, C) -> (N, T, C)

  int64_t channels;
  int64_t kernel;
  bool identity;
  at::Tensor weight;  // (C, kernel)
  at::Tensor bias;    // (C)
};
TORCH_MODULE(DepthwiseConv);

/// x + W2 silu(W1 rms_norm(depthwise_conv(x))), the block of ConvNeXt (Liu et al. 2022) with RMS norm.
class SourceConvBlockImpl : public torch::nn::Cloneable<SourceConvBlockImpl> {
 public:
  explicit SourceConvBlockImpl(int64_t channel_count, double initial_gain);
  void reset() override;
  at::Tensor forward(const at::Tensor& x);  // (N, T, C) -> (N, T, C)

  int64_t channels;
  double gain;
  DepthwiseConv filter{nullptr};
  at::Tensor norm;
  torch::nn::Linear expand{nullptr};
  torch::nn::Linear reduce{nullptr};
};
TORCH_MODULE(SourceConvBlock);

constexpr int64_t kSourceBlockTaps = 7;
constexpr int64_t kSourceBlockExpansion = 2;
constexpr int64_t kSmoothTaps = 5;
constexpr int64_t kTimeFrequencies = 256;

/// Two frames become one: (N, T, C) -> (N, T/2, 2C).
inline at::Tensor pair_frames(const at::Tensor& x) { return x.reshape({x.size(0), x.size(1) / 2, 2 * x.size(2)}); }
/// One frame becomes two: (N, T, 2C) -> (N, 2T, C).
inline at::Tensor unpair_frames(const at::Tensor& x) { return x.reshape({x.size(0), 2 * x.size(1), x.size(2) / 2}); }

}  // namespace instructme
