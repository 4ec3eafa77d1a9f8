#include "fused_kernels.h"

#include <bit>
#include <cmath>
#include <vector>

#include "instructme/base/multiversion.h"

#define INSTRUCTME_INLINE inline __attribute__((always_inline))

namespace instructme::kernels {
namespace {

INSTRUCTME_INLINE float get(float x) { return x; }
INSTRUCTME_INLINE float get(Bf16 x) { return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16); }
INSTRUCTME_INLINE void put(float& out, float x) { out = x; }
// Round to nearest even. NaN stays NaN because its quiet bit survives the carry in practice only for
// quiet NaNs, which is all that arithmetic produces.
INSTRUCTME_INLINE void put(Bf16& out, float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const uint32_t quiet_nan = (bits >> 16) | 0x40u;
  out.bits = static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet_nan : rounded);
}

// 2^x by splitting off the integer part; relative error below 3e-7 (degree 6 minimax on [-1/2, 1/2]).
// Vectorises everywhere, unlike a call to expf.
INSTRUCTME_INLINE float exp_approx(float x) {
  float y = x * 1.44269504088896341f;
  y = y < -126.0f ? -126.0f : (y > 126.0f ? 126.0f : y);
  const float whole = __builtin_rintf(y);
  const float f = y - whole;
  float p = 1.540353e-4f;
  p = p * f + 1.33335581e-3f;
  p = p * f + 9.61812911e-3f;
  p = p * f + 5.55041087e-2f;
  p = p * f + 2.40226507e-1f;
  p = p * f + 6.93147181e-1f;
  p = p * f + 1.0f;
  const int32_t exponent = static_cast<int32_t>(whole) * (1 << 23);
  return std::bit_cast<float>(std::bit_cast<int32_t>(p) + exponent);
}

INSTRUCTME_INLINE float sigmoid(float x) { return 1.0f / (1.0f + exp_approx(-x)); }

template <class T>
INSTRUCTME_INLINE void norm_forward_rows(const T* x, const float* scale, const float* shift, T* y, float* inverse_rms,
                                         int64_t first, int64_t last, int64_t rows_per_group, int64_t c, float eps) {
  for (int64_t row = first; row < last; ++row) {
    const T* in = x + row * c;
    T* out = y + row * c;
    const float* a = scale + row / rows_per_group * c;
    float sum = 0;
#pragma GCC ivdep
    for (int64_t i = 0; i < c; ++i) sum += get(in[i]) * get(in[i]);
    const float r = 1.0f / std::sqrt(sum / static_cast<float>(c) + eps);
    inverse_rms[row] = r;
    if (shift) {
      const float* b = shift + row / rows_per_group * c;
#pragma GCC ivdep
      for (int64_t i = 0; i < c; ++i) put(out[i], get(in[i]) * r * a[i] + b[i]);
    } else {
#pragma GCC ivdep
      for (int64_t i = 0; i < c; ++i) put(out[i], get(in[i]) * r * a[i]);
    }
  }
}

template <class T>
INSTRUCTME_INLINE void norm_backward_rows(const T* x, const float* scale, const float* inverse_rms, const T* dy, T* dx,
                                          float* d_scale, float* d_shift, int64_t first, int64_t last,
                                          int64_t rows_per_group, int64_t c) {
  for (int64_t row = first; row < last; ++row) {
    const T* in = x + row * c;
    const T* g = dy + row * c;
    T* out = dx + row * c;
    const float* a = scale + row / rows_per_group * c;
    const float r = inverse_rms[row];
    float dot = 0;
#pragma GCC ivdep
    for (int64_t i = 0; i < c; ++i) dot += get(g[i]) * a[i] * get(in[i]);
    const float k = dot * r * r / static_cast<float>(c);
#pragma GCC ivdep
    for (int64_t i = 0; i < c; ++i) {
      const float xi = get(in[i]), gi = get(g[i]);
      d_scale[i] += gi * xi * r;
      d_shift[i] += gi;
      put(out[i], r * (gi * a[i] - xi * k));
    }
  }
}

template <class T>
INSTRUCTME_INLINE void silu_forward_all(const T* x, T* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float v = get(x[i]);
    put(y[i], v * sigmoid(v));
  }
}

template <class T>
INSTRUCTME_INLINE void silu_backward_all(const T* x, const T* dy, T* dx, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float v = get(x[i]), s = sigmoid(v);
    put(dx[i], get(dy[i]) * s * (1.0f + v * (1.0f - s)));
  }
}

template <class T>
INSTRUCTME_INLINE void silu_gate_forward_rows(const T* x, T* y, int64_t rows, int64_t h) {
  for (int64_t row = 0; row < rows; ++row) {
    const T *a = x + row * 2 * h, *b = a + h;
    T* out = y + row * h;
#pragma GCC ivdep
    for (int64_t i = 0; i < h; ++i) {
      const float v = get(a[i]);
      put(out[i], v * sigmoid(v) * get(b[i]));
    }
  }
}

template <class T>
INSTRUCTME_INLINE void silu_gate_backward_rows(const T* x, const T* dy, T* dx, int64_t rows, int64_t h) {
  for (int64_t row = 0; row < rows; ++row) {
    const T *a = x + row * 2 * h, *b = a + h, *g = dy + row * h;
    T *da = dx + row * 2 * h, *db = da + h;
#pragma GCC ivdep
    for (int64_t i = 0; i < h; ++i) {
      const float v = get(a[i]), s = sigmoid(v), gi = get(g[i]);
      put(da[i], gi * get(b[i]) * s * (1.0f + v * (1.0f - s)));
      put(db[i], gi * v * s);
    }
  }
}

template <class T>
INSTRUCTME_INLINE void gated_add_forward_rows(const T* x, const T* y, const float* gate, T* out, int64_t first,
                                              int64_t last, int64_t rows_per_group, int64_t c) {
  for (int64_t row = first; row < last; ++row) {
    const float* g = gate + row / rows_per_group * c;
#pragma GCC ivdep
    for (int64_t i = 0; i < c; ++i) put(out[row * c + i], get(x[row * c + i]) + g[i] * get(y[row * c + i]));
  }
}

template <class T>
INSTRUCTME_INLINE void gated_add_backward_rows(const T* y, const float* gate, const T* dout, T* dy, float* d_gate,
                                               int64_t first, int64_t last, int64_t rows_per_group, int64_t c) {
  for (int64_t row = first; row < last; ++row) {
    const float* g = gate + row / rows_per_group * c;
#pragma GCC ivdep
    for (int64_t i = 0; i < c; ++i) {
      const float d = get(dout[row * c + i]);
      d_gate[i] += d * get(y[row * c + i]);
      put(dy[row * c + i], g[i] * d);
    }
  }
}

template <class T>
INSTRUCTME_INLINE void depthwise_forward_all(const T* x, const float* weight, const float* bias, T* y, int64_t frames,
                                             int64_t c, int64_t k, bool flip, float* sum) {
  const int64_t half = k / 2;
  for (int64_t t = 0; t < frames; ++t) {
    for (int64_t i = 0; i < c; ++i) sum[i] = bias ? bias[i] : 0.0f;
    for (int64_t j = 0; j < k; ++j) {
      const int64_t from = t + j - half;
      if (from < 0 || from >= frames) continue;
      const float* w = weight + (flip ? k - 1 - j : j) * c;
      const T* in = x + from * c;
#pragma GCC ivdep
      for (int64_t i = 0; i < c; ++i) sum[i] += w[i] * get(in[i]);
    }
#pragma GCC ivdep
    for (int64_t i = 0; i < c; ++i) put(y[t * c + i], sum[i]);
  }
}

template <class T>
INSTRUCTME_INLINE void depthwise_backward_weight_all(const T* x, const T* dy, float* d_weight, float* d_bias,
                                                     int64_t frames, int64_t c, int64_t k) {
  const int64_t half = k / 2;
  for (int64_t t = 0; t < frames; ++t) {
    const T* g = dy + t * c;
#pragma GCC ivdep
    for (int64_t i = 0; i < c; ++i) d_bias[i] += get(g[i]);
    for (int64_t j = 0; j < k; ++j) {
      const int64_t from = t + j - half;
      if (from < 0 || from >= frames) continue;
      float* w = d_weight + j * c;
      const T* in = x + from * c;
#pragma GCC ivdep
      for (int64_t i = 0; i < c; ++i) w[i] += get(g[i]) * get(in[i]);
    }
  }
}

}  // namespace

// Function multiversioning does not apply to templates, so each instantiation is written out once.
#define INSTRUCTME_INSTANTIATE(T)                                                                                      \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void norm_forward<T>(const T* x, const float* scale, const float* shift, T* y,               \
                                               float* inverse_rms, int64_t first_row, int64_t last_row,                \
                                               int64_t rows_per_group, int64_t c, float eps) {                         \
    norm_forward_rows(x, scale, shift, y, inverse_rms, first_row, last_row, rows_per_group, c, eps);                   \
  }                                                                                                                    \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void norm_backward<T>(const T* x, const float* scale, const float* inverse_rms, const T* dy, \
                                                T* dx, float* d_scale, float* d_shift, int64_t first_row,              \
                                                int64_t last_row, int64_t rows_per_group, int64_t c) {                 \
    norm_backward_rows(x, scale, inverse_rms, dy, dx, d_scale, d_shift, first_row, last_row, rows_per_group, c);       \
  }                                                                                                                    \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void silu_forward<T>(const T* x, T* y, int64_t n) {                                          \
    silu_forward_all(x, y, n);                                                                                         \
  }                                                                                                                    \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void silu_backward<T>(const T* x, const T* dy, T* dx, int64_t n) {                           \
    silu_backward_all(x, dy, dx, n);                                                                                   \
  }                                                                                                                    \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void silu_gate_forward<T>(const T* x, T* y, int64_t rows, int64_t h) {                       \
    silu_gate_forward_rows(x, y, rows, h);                                                                             \
  }                                                                                                                    \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void silu_gate_backward<T>(const T* x, const T* dy, T* dx, int64_t rows, int64_t h) {        \
    silu_gate_backward_rows(x, dy, dx, rows, h);                                                                       \
  }                                                                                                                    \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void gated_add_forward<T>(const T* x, const T* y, const float* gate, T* out,                 \
                                                    int64_t first_row, int64_t last_row, int64_t rows_per_group,       \
                                                    int64_t c) {                                                       \
    gated_add_forward_rows(x, y, gate, out, first_row, last_row, rows_per_group, c);                                   \
  }                                                                                                                    \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void gated_add_backward<T>(const T* y, const float* gate, const T* dout, T* dy,              \
                                                     float* d_gate, int64_t first_row, int64_t last_row,               \
                                                     int64_t rows_per_group, int64_t c) {                              \
    gated_add_backward_rows(y, gate, dout, dy, d_gate, first_row, last_row, rows_per_group, c);                        \
  }                                                                                                                    \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void depthwise_forward<T>(const T* x, const float* weight, const float* bias, T* y,          \
                                                    int64_t frames, int64_t c, int64_t k, bool flip) {                 \
    std::vector<float> sum(static_cast<size_t>(c));                                                                    \
    depthwise_forward_all(x, weight, bias, y, frames, c, k, flip, sum.data());                                         \
  }                                                                                                                    \
  template <>                                                                                                          \
  INSTRUCTME_MULTIVERSION void depthwise_backward_weight<T>(const T* x, const T* dy, float* d_weight, float* d_bias,   \
                                                            int64_t frames, int64_t c, int64_t k) {                    \
    depthwise_backward_weight_all(x, dy, d_weight, d_bias, frames, c, k);                                              \
  }

INSTRUCTME_INSTANTIATE(float)
INSTRUCTME_INSTANTIATE(Bf16)

}  // namespace instructme::kernels
