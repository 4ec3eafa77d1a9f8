#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace instructme {

/// cos and sin of t at dim/2 frequencies from 1 down to 1/10000 (Vaswani et al. 2017; Ho et al. 2020).
/// t (N), fractions allowed -> (N, dim), in float32 (float64 when t is). Throws kInternal for an odd dim.
at::Tensor sinusoidal_embedding(const at::Tensor& t, int64_t dim);

struct TimestepEmbeddingOptions {
  int64_t frequencies = 256;  ///< channels of the sinusoidal embedding, even
  int64_t channels = 128;     ///< channels of the result
};

/// Diffusion time as a vector: sinusoids, then linear, SiLU, linear, SiLU.
class TimestepEmbeddingImpl : public torch::nn::Cloneable<TimestepEmbeddingImpl> {
 public:
  explicit TimestepEmbeddingImpl(const TimestepEmbeddingOptions& options);
  void reset() override;
  /// t (N) in [0, 1000], any floating type (float32 keeps fractions exact) -> (N, channels) in the
  /// weights' dtype.
  at::Tensor forward(const at::Tensor& t);

  TimestepEmbeddingOptions options;
  torch::nn::Linear input{nullptr};
  torch::nn::Linear output{nullptr};
};
TORCH_MODULE(TimestepEmbedding);

}  // namespace instructme
