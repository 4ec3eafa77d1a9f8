#include "instructme/nn/conv3x3.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "instructme/base/error.h"
#include "nn_test_util.h"

namespace instructme {
namespace {

using at::Tensor;

Tensor by_torch(const Tensor& x, const Tensor& weight) {
  return at::conv2d(x.permute({0, 3, 1, 2}), weight, {}, 1, 1).permute({0, 2, 3, 1});
}

struct Sizes {
  int64_t n, t, b, c, d;
};
// Whole tiles, tiles that reach beyond the edges, single rows, channels that are no multiple of what goes together.
constexpr Sizes kSizes[] = {{2, 8, 12, 32, 16}, {1, 7, 5, 16, 48}, {3, 1, 1, 16, 16},   {1, 2, 9, 64, 32},
                            {1, 9, 2, 5, 16},   {1, 6, 6, 16, 10}, {2, 40, 33, 48, 80}, {1, 30, 16, 192, 192}};

TEST(Conv3x3, IsTheConvolutionOfTorch) {
  torch::manual_seed(1);
  for (const Sizes& s : kSizes) {
    const Tensor x = at::randn({s.n, s.t, s.b, s.c}),
                 weight = at::randn({s.d, s.c, 3, 3}) / std::sqrt(9.0 * static_cast<double>(s.c));
    const Tensor exact = by_torch(x.to(at::kDouble), weight.to(at::kDouble));
    const at::NoGradGuard guard;
    const Tensor y = Conv3x3(weight)(x);
    EXPECT_TRUE(y.is_contiguous());
    EXPECT_LT(max_difference(y, exact), 1e-4) << s.c << " -> " << s.d;
  }
}

TEST(Conv3x3, TakesTensorsWhateverTheirLayout) {
  torch::manual_seed(2);
  const at::NoGradGuard guard;
  const Tensor x = at::randn({1, 16, 8, 20}).permute({0, 2, 3, 1}), weight = at::randn({16, 16, 3, 3}) * 0.1;
  EXPECT_LT(max_difference(Conv3x3(weight)(x), by_torch(x, weight)), 1e-4);
}

TEST(Conv3x3, GradientsAreThoseOfTorch) {
  torch::manual_seed(3);
  for (const Sizes& s : kSizes) {
    const Tensor x = at::randn({s.n, s.t, s.b, s.c}),
                 weight = at::randn({s.d, s.c, 3, 3}) / std::sqrt(9.0 * static_cast<double>(s.c));
    const Tensor grad = at::randn({s.n, s.t, s.b, s.d});
    std::vector<Tensor> found, expected;
    for (const auto type : {at::kFloat, at::kDouble}) {
      Tensor xs = x.to(type).detach().clone().requires_grad_(), ws = weight.to(type).detach().clone().requires_grad_();
      const Tensor y = type == at::kFloat ? Conv3x3(ws)(xs) : by_torch(xs, ws);
      (y * grad.to(type)).sum().backward();
      (type == at::kFloat ? found : expected) = {xs.grad(), ws.grad()};
    }
    EXPECT_LT(max_difference(found[0], expected[0]), 1e-4 * expected[0].abs().max().item<double>());
    EXPECT_LT(max_difference(found[1], expected[1]), 1e-4 * expected[1].abs().max().item<double>());
  }
}

TEST(Conv3x3, WhatNeedsNoGradientGetsNone) {
  torch::manual_seed(6);
  for (const bool of_x : {false, true}) {
    Tensor x = at::randn({1, 5, 6, 16}), weight = at::randn({32, 16, 3, 3}) * 0.1;
    Tensor &wanted = of_x ? x : weight, &other = of_x ? weight : x;
    wanted.requires_grad_();
    const Tensor y = Conv3x3(weight)(x);
    y.sum().backward();  // from a gradient that is one number, expanded
    const Tensor found = wanted.grad();
    wanted.mutable_grad() = Tensor();
    by_torch(x, weight).sum().backward();
    EXPECT_LT(max_difference(found, wanted.grad()), 1e-4 * found.abs().max().item<double>());
    EXPECT_FALSE(other.grad().defined());
  }
}

TEST(Conv3x3, OfNothingComesNothing) {
  for (const auto& [batch, frames] : std::vector<std::pair<int64_t, int64_t>>{{0, 5}, {2, 0}}) {
    const Tensor x = at::zeros({batch, frames, 7, 16}).requires_grad_(),
                 weight = at::ones({32, 16, 3, 3}).requires_grad_();
    const Tensor y = Conv3x3(weight)(x);
    EXPECT_EQ(y.sizes(), (std::vector<int64_t>{batch, frames, 7, 32}));
    y.sum().backward();
    EXPECT_EQ(x.grad().sizes(), x.sizes());
    EXPECT_TRUE(weight.grad().equal(at::zeros({32, 16, 3, 3})));
    const at::NoGradGuard guard;
    EXPECT_EQ(Conv3x3(weight)(x).sizes(), y.sizes());
  }
}

TEST(Conv3x3, NoBitDependsOnTheNumberOfThreads) {
  torch::manual_seed(4);
  const int threads = at::get_num_threads();
  const Tensor x = at::randn({2, 60, 64, 32}), weight = at::randn({64, 32, 3, 3}) * 0.1;
  std::vector<std::array<Tensor, 3>> results;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    Tensor xs = x.clone().requires_grad_(), ws = weight.clone().requires_grad_();
    const Tensor y = Conv3x3(ws)(xs);
    y.square().sum().backward();
    results.push_back({y.detach(), xs.grad(), ws.grad()});
  }
  at::set_num_threads(threads);
  for (const auto& result : results)
    for (size_t i = 0; i < result.size(); ++i) EXPECT_TRUE(at::equal(result[i], results[0][i])) << i;
}

TEST(Conv3x3, OtherTypesGoThroughTorch) {
  torch::manual_seed(5);
  const Tensor x = at::randn({1, 5, 6, 16}, at::kDouble), weight = at::randn({16, 16, 3, 3}, at::kDouble);
  EXPECT_LT(max_difference(Conv3x3(weight)(x), by_torch(x, weight)), 1e-12);
  const Tensor coarse = Conv3x3(weight.to(at::kBFloat16))(x.to(at::kBFloat16));
  EXPECT_EQ(coarse.scalar_type(), at::kBFloat16);
}

TEST(Conv3x3, WhatDoesNotFitIsAnError) {
  EXPECT_THROW(Conv3x3(at::zeros({16, 16, 5, 3})), Error);
  EXPECT_THROW(Conv3x3(at::zeros({16, 16, 3, 3}))(at::zeros({1, 4, 4, 8})), Error);
}

}  // namespace
}  // namespace instructme
