#pragma once

#include <cstdint>

// Row kernels behind fused_ops.h: no torch, plain loops that the compiler vectorises for several
// instruction sets and chooses between at load time. T is float or Bf16; arithmetic is float32.
// Rows are C contiguous elements. "Groups" are runs of `rows_per_group` rows that share one vector.

namespace instructme::kernels {

struct Bf16 {
  uint16_t bits;
};

/// y = x * r * scale[group] + shift[group], r = 1 / rms(x) per row, stored in `inverse_rms`.
/// `shift` may be null.
template <class T>
void norm_forward(const T* x, const float* scale, const float* shift, T* y, float* inverse_rms, int64_t first_row,
                  int64_t last_row, int64_t rows_per_group, int64_t c, float eps);

/// dx, and for the rows given (all of one group) their sums d_scale += dy * x * r, d_shift += dy.
template <class T>
void norm_backward(const T* x, const float* scale, const float* inverse_rms, const T* dy, T* dx, float* d_scale,
                   float* d_shift, int64_t first_row, int64_t last_row, int64_t rows_per_group, int64_t c);

template <class T>
void silu_forward(const T* x, T* y, int64_t n);
template <class T>
void silu_backward(const T* x, const T* dy, T* dx, int64_t n);

/// x has rows of 2H, y rows of H.
template <class T>
void silu_gate_forward(const T* x, T* y, int64_t rows, int64_t h);
template <class T>
void silu_gate_backward(const T* x, const T* dy, T* dx, int64_t rows, int64_t h);

/// out = x + gate[group] * y.
template <class T>
void gated_add_forward(const T* x, const T* y, const float* gate, T* out, int64_t first_row, int64_t last_row,
                       int64_t rows_per_group, int64_t c);
/// dy = gate * dout; d_gate += dout * y over the rows given (all of one group).
template <class T>
void gated_add_backward(const T* y, const float* gate, const T* dout, T* dy, float* d_gate, int64_t first_row,
                        int64_t last_row, int64_t rows_per_group, int64_t c);

/// One sequence of `frames` rows; weight (K, C), bias (C) or null. `flip` runs the filter backwards
/// (the gradient with respect to x).
template <class T>
void depthwise_forward(const T* x, const float* weight, const float* bias, T* y, int64_t frames, int64_t c, int64_t k,
                       bool flip);
/// d_weight (K, C) += sum_t dy[t] * x[t + k - K/2]; d_bias (C) += sum_t dy[t].
template <class T>
void depthwise_backward_weight(const T* x, const T* dy, float* d_weight, float* d_bias, int64_t frames, int64_t c,
                               int64_t k);

}  // namespace instructme::kernels
