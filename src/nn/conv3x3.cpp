#include "instructme/nn/conv3x3.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "instructme/base/error.h"
#include "winograd_kernels.h"

namespace instructme {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
namespace k = kernels;

constexpr int64_t kBlockValues = 1 << 18;  // of the transformed patches that are multiplied together: 1 MB
// Gradients of filters are summed in so many parts whatever the number of threads, so that no bit depends on it.
constexpr int64_t kParts = 8;

bool fits(const Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

/// weight (D, C, 3, 3) -> (36, D / 16, C, 16).
Tensor transformed_filter(const Tensor& weight) {
  const int64_t d = weight.size(0), c = weight.size(1);
  const Tensor filter = weight.permute({2, 3, 1, 0}).contiguous();  // (3, 3, C, D)
  Tensor out = at::empty({k::kPlaces, d / k::kPanel, c, k::kPanel}, weight.options().requires_grad(false));
  k::winograd_filter(filter.data_ptr<float>(), out.data_ptr<float>(), c, d);
  return out;
}

/// The tiles of (N, T, B, C), one after the other, in blocks of tiles.
class Tiles {
 public:
  Tiles(const Tensor& x, int64_t most_channels) : n_(x.size(0)), t_(x.size(1)), b_(x.size(2)) {
    down_ = (t_ + k::kTile - 1) / k::kTile;
    across_ = (b_ + k::kTile - 1) / k::kTile;
    block_ = std::max<int64_t>(6, kBlockValues / (k::kPlaces * most_channels) / 6 * 6);
    block_ = std::min(block_, std::max<int64_t>(1, count()));
  }
  int64_t count() const { return n_ * down_ * across_; }
  int64_t block() const { return block_; }
  int64_t blocks() const { return (count() + block_ - 1) / block_; }

  /// Pointers to the C values at kSize x kSize places, from `before` before the tile on; `outside` where there are
  /// none.
  template <int64_t kSize, class T>
  std::array<T*, kSize * kSize> places(int64_t tile, int64_t before, T* data, int64_t c, T* outside) const {
    std::array<T*, kSize * kSize> out;
    const int64_t n = tile / (down_ * across_), t0 = tile / across_ % down_ * k::kTile - before,
                  b0 = tile % across_ * k::kTile - before;
    for (int64_t i = 0; i < kSize; ++i)
      for (int64_t j = 0; j < kSize; ++j) {
        const int64_t t = t0 + i, b = b0 + j;
        out[static_cast<size_t>(i * kSize + j)] =
            t >= 0 && t < t_ && b >= 0 && b < b_ ? data + ((n * t_ + t) * b_ + b) * c : outside;
      }
    return out;
  }

 private:
  int64_t n_, t_, b_, down_, across_, block_;
};

/// The patches of tiles [first, last) of x, transformed: (36, block, C).
void transform_patches(const Tiles& tiles, const Tensor& x, int64_t first, int64_t last, const float* zeros,
                       float* out) {
  const int64_t c = x.size(3);
  const float* data = x.data_ptr<float>();
  for (int64_t i = first; i < last; ++i)
    k::winograd_patch(tiles.places<k::kPatch>(i, 1, data, c, zeros).data(), out + (i - first) * c, tiles.block() * c,
                      c);
}

/// x (N, T, B, C), contiguous.
Tensor convolve(const Tensor& x, const Tensor& filter) {
  const int64_t c = x.size(3), d = filter.size(1) * k::kPanel;
  Tensor y = at::empty({x.size(0), x.size(1), x.size(2), d}, x.options().requires_grad(false));
  const Tiles tiles(x, std::max(c, d));
  const std::vector<float> zeros(static_cast<size_t>(c));
  const float* filters = filter.data_ptr<float>();
  float* result = y.data_ptr<float>();
  at::parallel_for(0, tiles.blocks(), 1, [&](int64_t first_block, int64_t last_block) {
    const int64_t block = tiles.block();
    const auto patches = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(k::kPlaces * block * c));
    const auto products = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(k::kPlaces * block * d));
    std::vector<float> beyond(static_cast<size_t>(d));
    for (int64_t b = first_block; b < last_block; ++b) {
      const int64_t first = b * block, last = std::min(tiles.count(), first + block);
      transform_patches(tiles, x, first, last, zeros.data(), patches.get());
      for (int64_t place = 0; place < k::kPlaces; ++place)
        k::multiply(patches.get() + place * block * c, filters + place * c * d, products.get() + place * block * d,
                    last - first, c, d);
      for (int64_t i = first; i < last; ++i)
        k::winograd_tile(products.get() + (i - first) * d, block * d,
                         tiles.places<k::kTile>(i, 0, result, d, beyond.data()).data(), d);
    }
  });
  return y;
}

/// The gradient of the weight (D, C, 3, 3).
Tensor weight_gradient(const Tensor& x, const Tensor& dy) {
  const int64_t c = x.size(3), d = dy.size(3);
  const Tiles tiles(x, std::max(c, d));
  const int64_t parts = std::min(kParts, std::max<int64_t>(1, tiles.blocks()));
  const Tensor sums = at::zeros({parts, k::kPlaces, c, d}, x.options().requires_grad(false));
  const std::vector<float> zeros(static_cast<size_t>(std::max(c, d)));
  const float* gradients = dy.data_ptr<float>();
  float* out = sums.data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](int64_t first_part, int64_t last_part) {
    const int64_t block = tiles.block();
    const auto patches = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(k::kPlaces * block * c));
    const auto of_tiles = std::make_unique_for_overwrite<float[]>(static_cast<size_t>(k::kPlaces * block * d));
    for (int64_t part = first_part; part < last_part; ++part)
      for (int64_t b = part; b < tiles.blocks(); b += parts) {
        const int64_t first = b * block, last = std::min(tiles.count(), first + block);
        transform_patches(tiles, x, first, last, zeros.data(), patches.get());
        for (int64_t i = first; i < last; ++i)
          k::winograd_tile_gradient(tiles.places<k::kTile>(i, 0, gradients, d, zeros.data()).data(),
                                    of_tiles.get() + (i - first) * d, block * d, d);
        for (int64_t place = 0; place < k::kPlaces; ++place)
          k::add_transposed_product(patches.get() + place * block * c, of_tiles.get() + place * block * d,
                                    out + (part * k::kPlaces + place) * c * d, last - first, c, d);
      }
  });
  const Tensor sum = sums.sum(0);
  Tensor filter = at::empty({3, 3, c, d}, sum.options());
  k::winograd_filter_gradient(sum.data_ptr<float>(), filter.data_ptr<float>(), c, d);
  return filter.permute({3, 2, 0, 1}).contiguous();
}

struct Conv3x3Function : torch::autograd::Function<Conv3x3Function> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x_in, const Tensor& weight) {
    const Tensor x = x_in.contiguous();
    ctx->save_for_backward({x, weight});
    return convolve(x, transformed_filter(weight));
  }
  static tensor_list backward(AutogradContext* ctx, tensor_list grads) {
    const auto saved = ctx->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const Tensor dy = grads[0].contiguous();
    Tensor dx, d_weight;
    // The gradient of x is the convolution with the filters turned round, from D channels to C.
    if (ctx->needs_input_grad(0)) dx = convolve(dy, transformed_filter(weight.flip({2, 3}).transpose(0, 1)));
    if (ctx->needs_input_grad(1)) d_weight = weight_gradient(x, dy);
    return {dx, d_weight};
  }
};

}  // namespace

Conv3x3::Conv3x3(Tensor weight) : weight_(std::move(weight)) {
  ensure(weight_.dim() == 4 && weight_.size(2) == 3 && weight_.size(3) == 3, "Conv3x3 wants a weight (D, C, 3, 3)");
  if (!at::GradMode::is_enabled() && fits(weight_) && weight_.size(0) % k::kPanel == 0)
    transformed_ = transformed_filter(weight_);
}

Tensor Conv3x3::operator()(const Tensor& x) const {
  ensure(x.dim() == 4 && x.size(3) == weight_.size(1), "Conv3x3 wants (N, T, B, C) with the channels of its weight");
  if (fits(x) && fits(weight_)) {
    if (!at::GradMode::is_enabled() && transformed_.defined()) return convolve(x.contiguous(), transformed_);
    if (at::GradMode::is_enabled() && x.size(3) % k::kPanel == 0 && weight_.size(0) % k::kPanel == 0)
      return Conv3x3Function::apply(x, weight_);
  }
  return at::conv2d(x.permute({0, 3, 1, 2}), weight_, {}, 1, 1).permute({0, 2, 3, 1}).contiguous();
}

}  // namespace instructme
