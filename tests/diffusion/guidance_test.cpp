#include "instructme/diffusion/guidance.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "expect_error.h"
#include "gaussian.h"

namespace instructme {
namespace {

/// Answers 3 z + t with the text and z without; remembers what it was asked.
struct Network {
  std::vector<ConditionBatch> calls;
  std::vector<int64_t> sizes;

  ConditionedDenoiser denoiser() {
    return [this](const at::Tensor& z, double t, ConditionBatch batch) {
      calls.push_back(batch);
      sizes.push_back(z.size(0));
      const auto with = [t](const at::Tensor& half) { return 3.0 * half + t; };
      if (batch == ConditionBatch::kConditional) return with(z);
      if (batch == ConditionBatch::kUnconditional) return z.clone();
      const auto halves = z.chunk(2);
      return at::cat({with(halves[0]), halves[1]});
    };
  }
};

class GuidanceTest : public testing::Test {
 protected:
  at::Tensor z_ = seeded_noise({3, 6, 4}, 1, at::kDouble);
  Network network_;
};

TEST_F(GuidanceTest, ScaleOneIsOneConditionalPass) {
  const at::Tensor guided = classifier_free_guidance(network_.denoiser(), {1.0, 0.7})(z_, 5.0);
  EXPECT_EQ(network_.calls, std::vector{ConditionBatch::kConditional});
  EXPECT_EQ(network_.sizes, std::vector<int64_t>{3});
  EXPECT_TRUE(at::equal(guided, 3.0 * z_ + 5.0));
}

TEST_F(GuidanceTest, ScaleZeroIsOneUnconditionalPass) {
  const at::Tensor guided = classifier_free_guidance(network_.denoiser(), {0.0, 0.0})(z_, 5.0);
  EXPECT_EQ(network_.calls, std::vector{ConditionBatch::kUnconditional});
  EXPECT_TRUE(at::equal(guided, z_));
}

TEST_F(GuidanceTest, OtherScalesAreOneDoublePass) {
  for (const double w : {-0.5, 0.5, 2.0, 7.5}) {
    Network network;
    const at::Tensor guided = classifier_free_guidance(network.denoiser(), {w, 0.0})(z_, 5.0);
    EXPECT_EQ(network.calls, std::vector{ConditionBatch::kBoth});
    EXPECT_EQ(network.sizes, std::vector<int64_t>{6});
    EXPECT_LT(max_difference(guided, (1 - w) * z_ + w * (3.0 * z_ + 5.0)), 1e-9);  // Eq. 4
  }
}

TEST_F(GuidanceTest, ContinuousAtOneAndZero) {
  const auto at_scale = [&](double w) { return classifier_free_guidance(network_.denoiser(), {w, 0.0})(z_, 5.0); };
  EXPECT_LT(max_difference(at_scale(1.0), at_scale(1.0 + 1e-9)), 1e-7);
  EXPECT_LT(max_difference(at_scale(0.0), at_scale(1e-9)), 1e-7);
}

TEST_F(GuidanceTest, RescaleRestoresTheDeviation) {
  const at::Tensor full = classifier_free_guidance(network_.denoiser(), {6.0, 1.0})(z_, 0.0);
  const at::Tensor wanted = (3.0 * z_).flatten(1).std(1);
  EXPECT_LT(max_difference(full.flatten(1).std(1), wanted), 1e-9);

  const at::Tensor none = classifier_free_guidance(network_.denoiser(), {6.0, 0.0})(z_, 0.0);
  const at::Tensor half = classifier_free_guidance(network_.denoiser(), {6.0, 0.5})(z_, 0.0);
  EXPECT_LT(max_difference(half, 0.5 * (full + none)), 1e-9);
}

TEST_F(GuidanceTest, EpsilonAndVGuideAlike) {
  // Two Gaussians as the conditional and unconditional models: guiding either prediction must lead to the same x.
  const NoiseSchedule schedule({1000, ScheduleKind::kLinear, false});
  std::vector<at::Tensor> results;
  for (const Prediction prediction : {Prediction::kEpsilon, Prediction::kV}) {
    const ConditionedDenoiser two = [&](const at::Tensor& z, double t, ConditionBatch) {
      const auto halves = z.chunk(2);
      const GaussianModel with{schedule, prediction, 1.0, 0.5}, without{schedule, prediction, -1.0, 0.8};
      return at::cat({with(halves[0], t), without(halves[1], t)});
    };
    results.push_back(
        sample_from(schedule, prediction, classifier_free_guidance(two, {3.0, 0.0}), z_, {SamplerKind::kDdim, 20}));
  }
  EXPECT_LT(max_difference(results[0], results[1]), 1e-8);
  EXPECT_GT(results[0].mean().item<double>(), 1.0);  // pushed away from the unconditional mean
}

TEST_F(GuidanceTest, BadOptionsAreErrors) {
  expect_error(ErrorKind::kUsage, "rescale", [&] { classifier_free_guidance(network_.denoiser(), {2.0, 1.5}); });
  expect_error(ErrorKind::kUsage, "finite", [&] { classifier_free_guidance(network_.denoiser(), {NAN, 0.0}); });
  const ConditionedDenoiser forgetful = [](const at::Tensor& z, double, ConditionBatch) { return z.chunk(2)[0]; };
  expect_error(ErrorKind::kInternal, "half", [&] { classifier_free_guidance(forgetful, {2.0, 0.0})(z_, 1.0); });
}

}  // namespace
}  // namespace instructme
