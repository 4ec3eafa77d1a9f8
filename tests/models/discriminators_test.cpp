#include "instructme/models/discriminators.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <nlohmann/json.hpp>
#include <numbers>

#include "expect_error.h"

namespace instructme {
namespace {

DiscriminatorOptions small() {
  DiscriminatorOptions options;
  options.period_channels = {4, 8, 8};
  options.fft_sizes = {512, 256, 128};
  options.spectrogram_channels = 4;
  return options;
}

TEST(Discriminators, OutputsForAnyLength) {
  torch::manual_seed(1);
  Discriminators discriminators(small());
  for (const int64_t samples : {257, 1000, 1001, 2309, 4801}) {
    const auto output = discriminators->forward(torch::randn({2, samples}));
    ASSERT_EQ(output.logits.size(), 8u);  // five periods, three resolutions
    ASSERT_EQ(output.features.size(), 8u);
    for (size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(output.logits[i].size(0), 2);
      EXPECT_EQ(output.logits[i].size(1), 1);
      EXPECT_EQ(output.features[i].size(), i < 5 ? 3u : 5u);
      EXPECT_TRUE(output.logits[i].isfinite().all().item<bool>());
    }
    const int64_t rows = (samples + 1) / 2;  // period 2
    EXPECT_EQ(output.features[0][0].sizes(), (std::vector<int64_t>{2, 4, (rows + 2) / 3, 2}));
    EXPECT_EQ(output.features[5][0].sizes(), (std::vector<int64_t>{2, 4, samples / 128 + 1, 257}));
    EXPECT_EQ(output.features[5][3].size(3), 33);  // frequency halved three times
  }
}

TEST(Discriminators, GradientReachesTheWholeWaveform) {
  torch::manual_seed(2);
  for (const bool complex : {true, false}) {
    DiscriminatorOptions options = small();
    options.complex_spectrogram = complex;
    Discriminators discriminators(options);
    const auto waveform = torch::randn({1, 2001}).requires_grad_();
    auto real = discriminators->forward(torch::randn({1, 2001})), fake = discriminators->forward(waveform);
    (generator_loss(fake, AdversarialLoss::kLeastSquares) + feature_matching_loss(real, fake)).backward();
    EXPECT_TRUE(waveform.grad().isfinite().all().item<bool>());
    EXPECT_EQ((waveform.grad() == 0).sum().item<int64_t>(), 0);
    real = discriminators->forward(torch::randn({1, 2001}));
    discriminator_loss(real, discriminators->forward(waveform.detach()), AdversarialLoss::kLeastSquares).backward();
    for (const auto& item : discriminators->named_parameters())
      EXPECT_TRUE(item.value().grad().defined() && item.value().grad().abs().sum().item<double>() > 0) << item.key();
  }
}

TEST(Discriminators, JudgeInTheTypeOfTheirWeights) {
  torch::manual_seed(3);
  Discriminators discriminators(small());
  const at::Tensor wave = torch::randn({2, 1000});
  const DiscriminatorOutput exact = discriminators->forward(wave);
  discriminators->to(at::kBFloat16);
  const DiscriminatorOutput rough = discriminators->forward(wave.to(at::kBFloat16));
  ASSERT_EQ(rough.logits.size(), exact.logits.size());
  for (size_t i = 0; i < rough.logits.size(); ++i) {
    EXPECT_EQ(rough.logits[i].scalar_type(), at::kBFloat16);
    // Eight bits of precision through five layers.
    EXPECT_LT((rough.logits[i].to(at::kFloat) - exact.logits[i]).abs().max().item<double>(),
              0.05 + 0.1 * exact.logits[i].abs().max().item<double>())
        << i;
  }
}

TEST(Discriminators, SilenceHasFiniteGradient) {
  DiscriminatorOptions options = small();
  options.complex_spectrogram = false;
  Discriminators discriminators(options);
  const auto silence = torch::zeros({1, 1000}).requires_grad_();
  generator_loss(discriminators->forward(silence), AdversarialLoss::kHinge).backward();
  EXPECT_TRUE(silence.grad().isfinite().all().item<bool>());
}

TEST(WeightNormConv2d, StartsAsAPlainConvolutionAndScalesWithG) {
  torch::manual_seed(3);
  WeightNormConv2d layer(WeightNormConv2dOptions{3, 4, {3, 5}, {1, 2}, {1, 2}, {1, 1}});
  const auto x = torch::randn({2, 3, 9, 11});
  const auto plain = torch::conv2d(x, layer->weight_v, layer->bias, {1, 2}, {1, 2});
  EXPECT_TRUE(torch::allclose(layer->forward(x), plain, 1e-5, 1e-6));
  {
    torch::NoGradGuard no_grad;
    layer->weight_v.mul_(7.0);  // length is g's alone
    EXPECT_TRUE(torch::allclose(layer->forward(x), plain, 1e-5, 1e-6));
    layer->weight_g.mul_(2.0);
    const auto bias = layer->bias.view({1, -1, 1, 1});
    EXPECT_TRUE(torch::allclose(layer->forward(x) - bias, 2.0 * (plain - bias), 1e-5, 1e-5));
  }
  const auto copy = std::dynamic_pointer_cast<WeightNormConv2dImpl>(layer->clone());
  EXPECT_TRUE(torch::allclose(copy->forward(x), layer->forward(x)));
}

TEST(Discriminators, CloneIsIndependentAndEqual) {
  torch::manual_seed(4);
  Discriminators discriminators(small());
  const auto copy = std::dynamic_pointer_cast<DiscriminatorsImpl>(discriminators->clone());
  const auto x = torch::randn({1, 700});
  const auto before = copy->forward(x).logits[3].clone();
  EXPECT_TRUE(torch::allclose(before, discriminators->forward(x).logits[3]));
  {
    torch::NoGradGuard no_grad;
    for (auto& parameter : discriminators->parameters()) parameter.zero_();
  }
  EXPECT_TRUE(torch::equal(before, copy->forward(x).logits[3]));
}

TEST(AdversarialLosses, ByHand) {
  DiscriminatorOutput real, fake;
  real.logits = {torch::tensor({2.0, 0.5}), torch::tensor({-1.0})};
  fake.logits = {torch::tensor({-3.0, 0.0}), torch::tensor({1.0})};
  // Hinge: ((0 + 0.5) / 2 + (0 + 1) / 2 + 2 + 2) / 2.
  EXPECT_NEAR(discriminator_loss(real, fake, AdversarialLoss::kHinge).item<double>(), 2.375, 1e-6);
  EXPECT_NEAR(generator_loss(fake, AdversarialLoss::kHinge).item<double>(), ((4.0 + 1.0) / 2 + 0.0) / 2, 1e-6);
  // Squares: ((1 + 0.25) / 2 + (9 + 0) / 2 + 4 + 1) / 2.
  EXPECT_NEAR(discriminator_loss(real, fake, AdversarialLoss::kLeastSquares).item<double>(), 5.0625, 1e-6);
  EXPECT_NEAR(generator_loss(fake, AdversarialLoss::kLeastSquares).item<double>(), ((16.0 + 1.0) / 2 + 0.0) / 2, 1e-6);

  real.features = {{torch::tensor({1.0, -3.0}), torch::tensor({4.0})}, {torch::tensor({10.0})}};
  fake.features = {{torch::tensor({2.0, -3.0}), torch::tensor({4.0})}, {torch::tensor({5.0})}};
  // ((0.5 / 2 + 0) / 2 + 5 / 10) / 2
  EXPECT_NEAR(feature_matching_loss(real, fake).item<double>(), 0.3125, 1e-6);
  EXPECT_EQ(feature_matching_loss(real, real).item<double>(), 0.0);
  expect_error(ErrorKind::kInternal, "same parts", [&] { feature_matching_loss(real, {}); });
  expect_error(ErrorKind::kInternal, "same parts", [&] { discriminator_loss(real, {}, AdversarialLoss::kHinge); });
}

class TellsSineFromNoise : public testing::TestWithParam<AdversarialLoss> {};

TEST_P(TellsSineFromNoise, InAFewSteps) {
  torch::manual_seed(5);
  DiscriminatorOptions options = small();
  options.period_channels = {8, 16, 32};
  Discriminators discriminators(options);
  torch::optim::Adam optimizer(discriminators->parameters(), torch::optim::AdamOptions(1e-2));
  const auto time = torch::arange(1200, torch::kFloat) / 24000.0;
  const auto sines = [&] {
    const auto hz = torch::rand({4, 1}) * 1000.0 + 200.0;
    return 0.3 * torch::sin(2.0 * std::numbers::pi * hz * time);
  };
  const auto noise = [] { return 0.2 * torch::randn({4, 1200}); };
  for (int step = 0; step < 50; ++step) {
    optimizer.zero_grad();
    discriminator_loss(discriminators->forward(sines()), discriminators->forward(noise()), GetParam()).backward();
    optimizer.step();
  }
  const auto real = discriminators->forward(sines()), fake = discriminators->forward(noise());
  // Saying the same of everything costs 0.5 with squares and 2 with the hinge.
  EXPECT_LT(discriminator_loss(real, fake, GetParam()).item<double>(), 0.4);
  for (size_t i = 0; i < real.logits.size(); ++i)
    EXPECT_GT(real.logits[i].mean().item<double>(), fake.logits[i].mean().item<double>()) << i;
}

INSTANTIATE_TEST_SUITE_P(Losses, TellsSineFromNoise,
                         testing::Values(AdversarialLoss::kHinge, AdversarialLoss::kLeastSquares));

TEST(DiscriminatorOptions, RoundTripAndErrors) {
  const DiscriminatorOptions options = small();
  EXPECT_EQ(DiscriminatorOptions::read({options.to_json(), "test"}).to_json(), options.to_json());
  const auto read = [](const char* text) { DiscriminatorOptions::read({nlohmann::json::parse(text), "test"}); };
  expect_error(ErrorKind::kModel, "at least one", [&] { read(R"({"periods": [], "fft_sizes": []})"); });
  expect_error(ErrorKind::kModel, "periods", [&] { read(R"({"periods": [0]})"); });
  expect_error(ErrorKind::kModel, "given twice", [&] { read(R"({"periods": [2, 3, 2]})"); });
  expect_error(ErrorKind::kModel, "given twice", [&] { read(R"({"fft_sizes": [512, 512]})"); });
  expect_error(ErrorKind::kModel, "multiples of 4", [&] { read(R"({"fft_sizes": [333]})"); });
  expect_error(ErrorKind::kModel, "period_channels", [&] { read(R"({"period_channels": []})"); });
  Discriminators discriminators(options);
  expect_error(ErrorKind::kInternal, "S >= 257", [&] { discriminators->forward(torch::zeros({1, 256})); });
  expect_error(ErrorKind::kInternal, "(N, S)", [&] { discriminators->forward(torch::zeros({1, 1, 3000})); });
}

}  // namespace
}  // namespace instructme
