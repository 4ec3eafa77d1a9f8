#include "instructme/nn/fused_ops.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace instructme {
namespace {

using at::Tensor;
using Inputs = std::vector<Tensor>;
using Operation = std::function<Tensor(const Inputs&)>;

struct Case {
  const char* name;
  Operation fused;
  Operation reference;
  std::vector<std::vector<int64_t>> shapes;
};

std::vector<Case> cases() {
  const auto normalised = [](const Tensor& x) { return x * (x.pow(2).mean(-1, true) + 1e-6).rsqrt(); };
  return {
      {"rms_norm",
       [](const Inputs& i) { return rms_norm(i[0], i[1]); },
       [=](const Inputs& i) { return normalised(i[0]) * i[1]; },
       {{3, 301, 40}, {40}}},
      {"adaptive_rms_norm",
       [](const Inputs& i) { return adaptive_rms_norm(i[0], i[1], i[2]); },
       [=](const Inputs& i) { return normalised(i[0]) * (1 + i[1]).unsqueeze(1) + i[2].unsqueeze(1); },
       {{3, 301, 40}, {3, 40}, {3, 40}}},
      {"silu",
       [](const Inputs& i) { return fused_silu(i[0]); },
       [](const Inputs& i) { return i[0] * torch::sigmoid(i[0]); },
       {{5, 77}}},
      {"silu_gate",
       [](const Inputs& i) { return silu_gate(i[0]); },
       [](const Inputs& i) { return torch::silu(i[0].narrow(-1, 0, 33)) * i[0].narrow(-1, 33, 33); },
       {{4, 19, 66}}},
      {"gated_add",
       [](const Inputs& i) { return gated_add(i[0], i[1], i[2]); },
       [](const Inputs& i) { return i[0] + i[2].unsqueeze(1) * i[1]; },
       {{3, 200, 24}, {3, 200, 24}, {3, 24}}},
      {"depthwise_conv",
       [](const Inputs& i) { return depthwise_conv(i[0], i[1], i[2]); },
       [](const Inputs& i) {
         return torch::conv1d(i[0].transpose(1, 2), i[1].unsqueeze(1), i[2], 1, i[1].size(1) / 2, 1, i[0].size(2))
             .transpose(1, 2);
       },
       {{3, 50, 24}, {24, 7}, {24}}},
  };
}

class FusedOps : public testing::TestWithParam<std::tuple<size_t, at::ScalarType>> {};

// The kernel's value and gradients against the same formula in torch operations, computed in double.
TEST_P(FusedOps, ValueAndGradientsEqualTheReference) {
  const auto [index, type] = GetParam();
  const Case c = cases()[index];
  // bfloat16 keeps 8 bits: one rounding of the result costs 2^-9, sums over rows a few of them.
  const double tolerance = type == at::kBFloat16 ? 2e-2 : 2e-5;
  torch::manual_seed(1);
  Inputs fused, reference;
  for (const auto& shape : c.shapes) {
    const Tensor x = torch::randn(shape).to(type);
    fused.push_back(x.clone().requires_grad_(true));
    reference.push_back(x.to(at::kDouble).requires_grad_(true));
  }
  const Tensor y = c.fused(fused), expected = c.reference(reference);
  ASSERT_EQ(y.sizes(), expected.sizes());
  EXPECT_EQ(y.scalar_type(), type);
  const auto error = [](const Tensor& a, const Tensor& b) {
    return ((a.to(at::kDouble) - b).abs().max() / b.abs().max()).item<double>();
  };
  EXPECT_LT(error(y, expected), tolerance) << c.name;
  const Tensor weights = torch::randn(y.sizes()).to(type);
  (y * weights).sum().backward();
  (expected * weights.to(at::kDouble)).sum().backward();
  for (size_t i = 0; i < fused.size(); ++i)
    EXPECT_LT(error(fused[i].grad(), reference[i].grad()), tolerance) << c.name << ", gradient of argument " << i;
}

INSTANTIATE_TEST_SUITE_P(All, FusedOps,
                         testing::Combine(testing::Range<size_t>(0, 6), testing::Values(at::kFloat, at::kBFloat16)));

// The composition that serves other devices and types, checked by differences.
TEST(FusedOps, CompositionHasTheNumericGradient) {
  torch::manual_seed(2);
  for (const Case& c : cases()) {
    Inputs inputs;
    for (auto shape : c.shapes) {
      if (shape.size() == 3) shape[1] = 5;
      inputs.push_back(torch::randn(shape, at::kDouble).requires_grad_(true));
    }
    const Tensor y = c.fused(inputs);
    const Tensor weights = torch::randn_like(y);
    (y * weights).sum().backward();
    torch::NoGradGuard no_grad;
    for (auto& x : inputs) {
      const Tensor direction = torch::randn_like(x);
      const double h = 1e-6;
      x += h * direction;
      const double above = (c.fused(inputs) * weights).sum().item<double>();
      x -= 2 * h * direction;
      const double below = (c.fused(inputs) * weights).sum().item<double>();
      x += h * direction;
      const double analytic = (x.grad() * direction).sum().item<double>();
      EXPECT_NEAR((above - below) / (2 * h), analytic, 1e-5 * (1 + std::abs(analytic))) << c.name;
    }
  }
}

TEST(FusedOps, SiluIsAccurateOverTheWholeRange) {
  const Tensor x = torch::linspace(-100, 100, 200001);
  const Tensor expected = x.to(at::kDouble) * torch::sigmoid(x.to(at::kDouble));
  EXPECT_LT((fused_silu(x).to(at::kDouble) - expected).abs().max().item<double>(), 1e-5);
}

TEST(FusedOps, SameBytesForAnyNumberOfThreads) {
  torch::manual_seed(3);
  const Tensor x = torch::randn({4, 999, 64}), scale = torch::randn({4, 64}), shift = torch::randn({4, 64});
  std::vector<Tensor> gradients;
  for (int threads : {1, 2}) {
    at::set_num_threads(threads);
    Tensor s = scale.clone().requires_grad_(true);
    adaptive_rms_norm(x, s, shift).pow(2).sum().backward();
    gradients.push_back(s.grad());
  }
  EXPECT_TRUE(torch::equal(gradients[0], gradients[1]));
}

TEST(FusedOps, OfNothingComesNothing) {
  for (const auto& [batch, frames] : std::vector<std::pair<int64_t, int64_t>>{{0, 5}, {2, 0}}) {
    const Tensor x = torch::randn({batch, frames, 8}).requires_grad_(true),
                 scale = torch::randn({batch, 8}).requires_grad_(true);
    const Tensor y = gated_add(rms_norm(x, torch::ones({8})), adaptive_rms_norm(x, scale, scale), scale);
    EXPECT_EQ(y.sizes(), x.sizes());
    y.sum().backward();
    EXPECT_EQ(x.grad().sizes(), x.sizes());
    EXPECT_TRUE(scale.grad().equal(torch::zeros({batch, 8})));
  }
}

TEST(FusedOps, ShapesThatDoNotFitAreErrors) {
  EXPECT_ANY_THROW(rms_norm(torch::zeros({2, 3, 4}), torch::zeros({5})));
  EXPECT_ANY_THROW(adaptive_rms_norm(torch::zeros({2, 3, 4}), torch::zeros({3, 4}), torch::zeros({3, 4})));
  EXPECT_ANY_THROW(depthwise_conv(torch::zeros({2, 3, 4}), torch::zeros({4, 2}), torch::zeros({4})));
}

}  // namespace
}  // namespace instructme
