#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace instructme {

struct FeedForwardOptions {
  int64_t channels = 0;  ///< C, of input and output
  int64_t hidden = 0;    ///< of x A and x B, between
};

/// (silu(x A) * x B) W, the gated feed-forward layer of Shazeer 2020 ("SwiGLU").
class FeedForwardImpl : public torch::nn::Cloneable<FeedForwardImpl> {
 public:
  explicit FeedForwardImpl(const FeedForwardOptions& options);
  void reset() override;
  /// x (N, T, C) -> (N, T, C).
  at::Tensor forward(const at::Tensor& x);

  FeedForwardOptions options;
  torch::nn::Linear input{nullptr};  ///< C -> 2 hidden: gate, then value
  torch::nn::Linear output{nullptr};
};
TORCH_MODULE(FeedForward);

}  // namespace instructme
