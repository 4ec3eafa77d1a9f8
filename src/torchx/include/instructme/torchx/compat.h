#pragma once

// The only place that knows differences between versions of libtorch (1.13 to 2.x).

#include <ATen/ATen.h>
#include <torch/version.h>

#include <cmath>
#include <limits>

#define INSTRUCTME_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

namespace instructme {

/// softmax(q k^T / sqrt(D) + bias) v.  q (B, H, L, D), k and v (B, H, S, D) -> (B, H, L, D); bias is
/// undefined or broadcasts to (B, H, L, S), with -inf where attending is not allowed.
inline at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const at::Tensor& bias = {}) {
#if INSTRUCTME_TORCH_AT_LEAST(2, 0)
  if (q.is_cuda()) {
    return bias.defined() ? at::scaled_dot_product_attention(q, k, v, bias.to(q.scalar_type()))
                          : at::scaled_dot_product_attention(q, k, v);
  }
#endif
  at::Tensor scores = at::matmul(q * (1.0 / std::sqrt(static_cast<double>(q.size(-1)))), k.transpose(-2, -1));
  if (bias.defined()) scores = scores + bias;
  return at::matmul(at::softmax(scores, -1), v);
}

}  // namespace instructme
