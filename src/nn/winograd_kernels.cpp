#include "winograd_kernels.h"

#include <algorithm>

#include "instructme/base/multiversion.h"

#define INSTRUCTME_INLINE inline __attribute__((always_inline))

namespace instructme::kernels {
namespace {

constexpr int64_t kChannels = 32;  // that are transformed at a time, so that what is between stays in registers or near

// The one-dimensional transforms, on rows of `n` values. The points are 0, 1, -1, 2, -2 and infinity.

INSTRUCTME_INLINE void patch_1d(const float* const* x, float* const* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float x0 = x[0][i], x1 = x[1][i], x2 = x[2][i], x3 = x[3][i], x4 = x[4][i], x5 = x[5][i];
    const float even = x4 - 4 * x2, odd = x3 - 4 * x1, even2 = x4 - x2, odd2 = 2 * (x3 - x1);
    y[0][i] = 4 * x0 - 5 * x2 + x4;
    y[1][i] = even + odd;
    y[2][i] = even - odd;
    y[3][i] = even2 + odd2;
    y[4][i] = even2 - odd2;
    y[5][i] = 4 * x1 - 5 * x3 + x5;
  }
}

INSTRUCTME_INLINE void tile_1d(const float* const* x, float* const* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float x0 = x[0][i], x1 = x[1][i], x2 = x[2][i], x3 = x[3][i], x4 = x[4][i], x5 = x[5][i];
    const float sum = x1 + x2, difference = x1 - x2, sum2 = x3 + x4, difference2 = x3 - x4;
    y[0][i] = x0 + sum + sum2;
    y[1][i] = difference + 2 * difference2;
    y[2][i] = sum + 4 * sum2;
    y[3][i] = difference + 8 * difference2 + x5;
  }
}

INSTRUCTME_INLINE void tile_gradient_1d(const float* const* x, float* const* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float x0 = x[0][i], x1 = x[1][i], x2 = x[2][i], x3 = x[3][i];
    const float even = x0 + x2, odd = x1 + x3, even2 = x0 + 4 * x2, odd2 = 2 * x1 + 8 * x3;
    y[0][i] = x0;
    y[1][i] = even + odd;
    y[2][i] = even - odd;
    y[3][i] = even2 + odd2;
    y[4][i] = even2 - odd2;
    y[5][i] = x3;
  }
}

INSTRUCTME_INLINE void filter_1d(const float* const* x, float* const* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float x0 = x[0][i], x1 = x[1][i], x2 = x[2][i];
    const float even = -(x0 + x2) / 6, odd = x1 / 6, even2 = x0 / 24 + x2 / 6, odd2 = x1 / 12;
    y[0][i] = x0 / 4;
    y[1][i] = even - odd;
    y[2][i] = even + odd;
    y[3][i] = even2 + odd2;
    y[4][i] = even2 - odd2;
    y[5][i] = x2;
  }
}

INSTRUCTME_INLINE void filter_gradient_1d(const float* const* x, float* const* y, int64_t n) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    const float x0 = x[0][i], x1 = x[1][i], x2 = x[2][i], x3 = x[3][i], x4 = x[4][i], x5 = x[5][i];
    y[0][i] = x0 / 4 - (x1 + x2) / 6 + (x3 + x4) / 24;
    y[1][i] = (x2 - x1) / 6 + (x3 - x4) / 12;
    y[2][i] = -(x1 + x2) / 6 + (x3 + x4) / 6 + x5;
  }
}

using Transform = void (*)(const float* const*, float* const*, int64_t);

/// A transform of `kIn` values to `kOut` over both directions of a square of rows of `n` <= kChannels channels:
/// in(row, column) and out(row, column) give the rows.
template <int kIn, int kOut, Transform kTransform, class In, class Out>
INSTRUCTME_INLINE void both_ways(In&& in, Out&& out, int64_t n) {
  float between[kOut * kIn][kChannels];
  for (int column = 0; column < kIn; ++column) {
    const float* x[kIn];
    float* y[kOut];
    for (int row = 0; row < kIn; ++row) x[row] = in(row, column);
    for (int row = 0; row < kOut; ++row) y[row] = between[row * kIn + column];
    kTransform(x, y, n);
  }
  for (int row = 0; row < kOut; ++row) {
    const float* x[kIn];
    float* y[kOut];
    for (int column = 0; column < kIn; ++column) x[column] = between[row * kIn + column];
    for (int column = 0; column < kOut; ++column) y[column] = out(row, column);
    kTransform(x, y, n);
  }
}

// A vector extension, as no loop over an array of sums is kept in registers. Half a panel, for 16 registers of 8
// values.
using Vector = float __attribute__((vector_size(4 * kPanel / 2), aligned(4)));

/// out (kRows, kPanel) = or += x * y over `count` steps; x[row * row_step + i * step], y[i * y_step + column].
template <int kRows, bool kAdd>
INSTRUCTME_INLINE void multiply_panel(const float* x, int64_t row_step, int64_t step, const float* y, int64_t y_step,
                                      float* out, int64_t out_step, int64_t count) {
  Vector sums[kRows][2];
  for (int row = 0; row < kRows; ++row) sums[row][0] = sums[row][1] = Vector{};
  for (int64_t i = 0; i < count; ++i) {
    const Vector left = *reinterpret_cast<const Vector*>(y + i * y_step);
    const Vector right = *reinterpret_cast<const Vector*>(y + i * y_step + kPanel / 2);
#pragma GCC unroll 8
    for (int row = 0; row < kRows; ++row) {
      const float value = x[row * row_step + i * step];
      sums[row][0] += value * left;
      sums[row][1] += value * right;
    }
  }
#pragma GCC unroll 8
  for (int row = 0; row < kRows; ++row) {
    Vector* left = reinterpret_cast<Vector*>(out + row * out_step);
    Vector* right = reinterpret_cast<Vector*>(out + row * out_step + kPanel / 2);
    if (kAdd) {
      sums[row][0] += *left;
      sums[row][1] += *right;
    }
    *left = sums[row][0];
    *right = sums[row][1];
  }
}

template <bool kAdd>
INSTRUCTME_INLINE void multiply_rows(const float* x, int64_t row_step, int64_t step, const float* y, int64_t y_step,
                                     float* out, int64_t out_step, int64_t rows, int64_t count) {
  int64_t row = 0;
  for (; row + 6 <= rows; row += 6)
    multiply_panel<6, kAdd>(x + row * row_step, row_step, step, y, y_step, out + row * out_step, out_step, count);
  for (; row + 2 <= rows; row += 2)
    multiply_panel<2, kAdd>(x + row * row_step, row_step, step, y, y_step, out + row * out_step, out_step, count);
  for (; row < rows; ++row)
    multiply_panel<1, kAdd>(x + row * row_step, row_step, step, y, y_step, out + row * out_step, out_step, count);
}

}  // namespace

INSTRUCTME_MULTIVERSION
void winograd_filter(const float* filter, float* transformed, int64_t c, int64_t d) {
  for (int64_t panel = 0; panel < d / kPanel; ++panel)
    for (int64_t channel = 0; channel < c; ++channel)
      both_ways<3, 6, filter_1d>(
          [&](int row, int column) { return filter + ((row * 3 + column) * c + channel) * d + panel * kPanel; },
          [&](int row, int column) {
            return transformed + (((row * 6 + column) * (d / kPanel) + panel) * c + channel) * kPanel;
          },
          kPanel);
}

INSTRUCTME_MULTIVERSION
void winograd_filter_gradient(const float* transformed, float* filter, int64_t c, int64_t d) {
  for (int64_t i = 0; i < c * d; i += kPanel)
    both_ways<6, 3, filter_gradient_1d>(
        [&](int row, int column) { return transformed + (row * 6 + column) * c * d + i; },
        [&](int row, int column) { return filter + (row * 3 + column) * c * d + i; }, kPanel);
}

INSTRUCTME_MULTIVERSION
void winograd_patch(const float* const* patch, float* out, int64_t stride, int64_t c) {
  for (int64_t i = 0; i < c; i += kChannels)
    both_ways<6, 6, patch_1d>([&](int row, int column) { return patch[row * 6 + column] + i; },
                              [&](int row, int column) { return out + (row * 6 + column) * stride + i; },
                              std::min(kChannels, c - i));
}

INSTRUCTME_MULTIVERSION
void winograd_tile(const float* in, int64_t stride, float* const* tile, int64_t d) {
  for (int64_t i = 0; i < d; i += kChannels)
    both_ways<6, 4, tile_1d>([&](int row, int column) { return in + (row * 6 + column) * stride + i; },
                             [&](int row, int column) { return tile[row * 4 + column] + i; },
                             std::min(kChannels, d - i));
}

INSTRUCTME_MULTIVERSION
void winograd_tile_gradient(const float* const* tile, float* out, int64_t stride, int64_t d) {
  for (int64_t i = 0; i < d; i += kChannels)
    both_ways<4, 6, tile_gradient_1d>([&](int row, int column) { return tile[row * 4 + column] + i; },
                                      [&](int row, int column) { return out + (row * 6 + column) * stride + i; },
                                      std::min(kChannels, d - i));
}

INSTRUCTME_MULTIVERSION
void multiply(const float* x, const float* panels, float* out, int64_t rows, int64_t c, int64_t d) {
  for (int64_t panel = 0; panel < d / kPanel; ++panel)
    multiply_rows<false>(x, c, 1, panels + panel * c * kPanel, kPanel, out + panel * kPanel, d, rows, c);
}

INSTRUCTME_MULTIVERSION
void add_transposed_product(const float* x, const float* y, float* out, int64_t rows, int64_t c, int64_t d) {
  for (int64_t panel = 0; panel < d / kPanel; ++panel)
    multiply_rows<true>(x, 1, c, y + panel * kPanel, d, out + panel * kPanel, d, c, rows);
}

}  // namespace instructme::kernels
