#pragma once

#include <cstdint>

// Kernels of 3x3 convolutions by Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016, "Fast Algorithms for
// Convolutional Neural Networks"): tiles of 4x4 results, that come from patches of 6x6 values, take 36 products per
// pair of channels instead of 144. Channels are contiguous everywhere; C channels go in and D come out, and D is a
// multiple of kPanel. No torch; arithmetic is float32.

namespace instructme::kernels {

constexpr int64_t kTile = 4;        // results of a tile, in either direction
constexpr int64_t kPatch = 6;       // values that they come from
constexpr int64_t kPlaces = 36;     // products of a tile
constexpr int64_t kPanel = 16;      // channels that are computed together
constexpr int64_t kFilterSize = 9;  // weights for two channels

/// filter (9, C, D) -> transformed (36, D / kPanel, C, kPanel), as `multiply` wants it.
void winograd_filter(const float* filter, float* transformed, int64_t c, int64_t d);
/// gradient of the transformed filter (36, C, D) -> gradient of the filter (9, C, D).
void winograd_filter_gradient(const float* transformed, float* filter, int64_t c, int64_t d);

/// 36 pointers to the C values of a patch, row by row -> out[place * stride + channel].
void winograd_patch(const float* const* patch, float* out, int64_t stride, int64_t c);
/// in[place * stride + channel] -> 16 pointers to the D values of a tile.
void winograd_tile(const float* in, int64_t stride, float* const* tile, int64_t d);
/// The transpose of `winograd_tile`: gradients of a tile -> out[place * stride + channel].
void winograd_tile_gradient(const float* const* tile, float* out, int64_t stride, int64_t d);

/// out (rows, D) = x (rows, C) * panels (D / kPanel, C, kPanel).
void multiply(const float* x, const float* panels, float* out, int64_t rows, int64_t c, int64_t d);
/// out (C, D) += x (rows, C) transposed * y (rows, D).
void add_transposed_product(const float* x, const float* y, float* out, int64_t rows, int64_t c, int64_t d);

}  // namespace instructme::kernels
