#include "instructme/nn/linear.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "instructme/torchx/first_weights.h"

namespace instructme {
namespace {

TEST(Linear, IsWholeWithoutFirstWeights) {
  const NoFirstWeights none;
  torch::nn::Linear plain = plain_linear(3, 5), made = make_linear(4, 2, /*bias=*/false);
  EXPECT_EQ(plain->weight.sizes(), (std::vector<int64_t>{5, 3}));
  EXPECT_EQ(plain->bias.sizes(), (std::vector<int64_t>{5}));
  EXPECT_EQ(plain->options.in_features(), 3);
  EXPECT_EQ(plain->options.out_features(), 5);
  EXPECT_TRUE(plain->weight.requires_grad());
  EXPECT_EQ(made->parameters().size(), 1u);
  const torch::NoGradGuard no_grad;
  plain->weight.fill_(2.0), plain->bias.fill_(1.0);
  EXPECT_TRUE(at::equal(plain(at::ones({1, 3})), at::full({1, 5}, 7.0)));
}

TEST(Linear, XavierWeightsStayWithinTheirBound) {
  torch::manual_seed(1);
  const torch::nn::Linear linear = make_linear(20, 30, true, 0.5);
  const double bound = 0.5 * std::sqrt(6.0 / 50.0);
  EXPECT_LE(linear->weight.abs().max().item<double>(), bound);
  EXPECT_GT(linear->weight.abs().max().item<double>(), 0.9 * bound);
  EXPECT_EQ(linear->bias.abs().max().item<double>(), 0.0);
  EXPECT_EQ(make_linear(3, 3, true, 0.0)->weight.abs().max().item<double>(), 0.0);
}

}  // namespace
}  // namespace instructme
