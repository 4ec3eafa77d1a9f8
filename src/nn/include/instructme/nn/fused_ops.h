#pragma once

#include <ATen/core/Tensor.h>

namespace instructme {

// Element-wise and normalising operations that eager torch does in several passes over memory (and,
// in bfloat16, without vector instructions). On the CPU each is one pass, in float32 or bfloat16 with
// float32 arithmetic inside; elsewhere they are compositions of torch operations. All are
// differentiable in all tensor arguments. N batch, T frames, C channels; all layouts are time-major
// and contiguous (others are made so). Thread-safe.

/// x / rms(x) * weight over the last dimension (Zhang and Sennrich 2019).  x (..., C), weight (C).
at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps = 1e-6);

/// x / rms(x) * (1 + scale) + shift, adaptive norm without own weight.
/// x (N, T, C), scale and shift (N, C) -> (N, T, C).
at::Tensor adaptive_rms_norm(const at::Tensor& x, const at::Tensor& scale, const at::Tensor& shift, double eps = 1e-6);

/// x * sigmoid(x).
at::Tensor fused_silu(const at::Tensor& x);

/// silu(x[..., :H]) * x[..., H:].  x (..., 2H) -> (..., H).
at::Tensor silu_gate(const at::Tensor& x);

/// x + gate * y.  x, y (N, T, C), gate (N, C).
at::Tensor gated_add(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate);

/// One filter per channel along time, zero padding, output as long as the input.
/// x (N, T, C), weight (C, K) with K odd, bias (C) -> (N, T, C).
at::Tensor depthwise_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace instructme
