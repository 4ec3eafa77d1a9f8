#include "instructme/diffusion/schedule.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "gaussian.h"

namespace instructme {
namespace {

struct ScheduleCase {
  ScheduleKind kind;
  bool zero_terminal_snr;
  int64_t steps;
};

class ScheduleTest : public testing::TestWithParam<ScheduleCase> {
 protected:
  NoiseSchedule schedule_{{GetParam().steps, GetParam().kind, GetParam().zero_terminal_snr}};
};

TEST_P(ScheduleTest, FallsFromCleanToNoise) {
  EXPECT_EQ(schedule_.alpha_bar(0), 1.0);
  EXPECT_EQ(schedule_.sigma(0), 0.0);
  for (int64_t t = 1; t <= schedule_.steps(); ++t) {
    ASSERT_LT(schedule_.alpha_bar(t), schedule_.alpha_bar(t - 1)) << t;
    ASSERT_NEAR(std::pow(schedule_.alpha(t), 2) + std::pow(schedule_.sigma(t), 2), 1.0, 1e-12) << t;
  }
  if (GetParam().zero_terminal_snr) {
    EXPECT_EQ(schedule_.alpha_bar(schedule_.steps()), 0.0);
    EXPECT_EQ(schedule_.sigma(schedule_.steps()), 1.0);
  } else {
    EXPECT_GT(schedule_.alpha_bar(schedule_.steps()), 0.0);
    EXPECT_LT(schedule_.alpha_bar(schedule_.steps()), 0.01);
  }
}

TEST_P(ScheduleTest, BatchValuesEqualScalars) {
  const at::Tensor t = at::tensor(std::vector<int64_t>{0, 1, schedule_.steps() / 2, schedule_.steps()}, at::kLong);
  const at::Tensor alpha = schedule_.alpha(t), sigma = schedule_.sigma(t);
  ASSERT_EQ(alpha.scalar_type(), at::kFloat);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(alpha[i].item<float>(), static_cast<float>(schedule_.alpha(t[i].item<int64_t>())));
    EXPECT_FLOAT_EQ(sigma[i].item<float>(), static_cast<float>(schedule_.sigma(t[i].item<int64_t>())));
  }
}

TEST_P(ScheduleTest, AddingNoisePreservesVariance) {
  at::manual_seed(1);
  const int64_t t = schedule_.steps() / 2;
  const at::Tensor x0 = at::randn({1, 200000}), noise = at::randn({1, 200000});
  const at::Tensor z = schedule_.add_noise(x0, noise, at::full({1}, t, at::kLong));
  // Standard error of a variance over 200000 values is sqrt(2 / 200000) = 0.003.
  EXPECT_NEAR(z.var().item<double>(), 1.0, 0.015);
  EXPECT_NEAR((z * x0).mean().item<double>(), schedule_.alpha(t), 0.015);
}

TEST_P(ScheduleTest, ConversionsAgree) {
  at::manual_seed(2);
  const int64_t last = schedule_.steps() - 1;  // t = T has no signal in half of the cases
  const at::Tensor t =
      at::tensor(std::vector<int64_t>{1, schedule_.steps() / 3, schedule_.steps() / 2, last}, at::kLong);
  const auto options = at::TensorOptions().dtype(at::kDouble);
  const at::Tensor x0 = at::randn({4, 5, 3}, options), noise = at::randn({4, 5, 3}, options);
  const at::Tensor z = schedule_.add_noise(x0, noise, t);
  const at::Tensor v = schedule_.training_target(x0, noise, t, Prediction::kV);
  const at::Tensor epsilon = schedule_.training_target(x0, noise, t, Prediction::kEpsilon);
  EXPECT_EQ(max_difference(epsilon, noise), 0.0);
  const at::Tensor flow = schedule_.training_target(x0, noise, t, Prediction::kFlow);
  EXPECT_EQ(max_difference(flow, noise - x0), 0.0);
  for (const auto& [kind, prediction] :
       {std::pair{Prediction::kV, v}, std::pair{Prediction::kEpsilon, epsilon}, std::pair{Prediction::kFlow, flow}}) {
    EXPECT_LT(max_difference(schedule_.to_x0(prediction, z, t, kind), x0), 1e-9);
    EXPECT_LT(max_difference(schedule_.to_epsilon(prediction, z, t, kind), noise), 1e-9);
    EXPECT_LT(max_difference(schedule_.to_v(prediction, z, t, kind), v), 1e-9);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ScheduleTest,
    testing::Values(ScheduleCase{ScheduleKind::kCosine, false, 1000}, ScheduleCase{ScheduleKind::kCosine, true, 1000},
                    ScheduleCase{ScheduleKind::kLinear, false, 1000}, ScheduleCase{ScheduleKind::kLinear, true, 1000},
                    ScheduleCase{ScheduleKind::kScaledLinear, false, 1000},
                    ScheduleCase{ScheduleKind::kScaledLinear, true, 1000},
                    ScheduleCase{ScheduleKind::kFlow, true, 1000}, ScheduleCase{ScheduleKind::kLinear, false, 100},
                    ScheduleCase{ScheduleKind::kScaledLinear, true, 50}),
    [](const auto& tested) {
      return schedule_kind_name(tested.param.kind) + std::to_string(tested.param.steps) +
             (tested.param.zero_terminal_snr ? "ZeroTerminal" : "");
    });

TEST(Schedule, PublishedEndPoints) {
  // Products of 1 - beta over the published ranges, as printed by Lin et al. 2023, Table 1: sqrt(ᾱ_T) of
  // linear 0.006353, cosine 4.928e-05, Stable Diffusion's scaled linear 0.068265.
  EXPECT_NEAR(NoiseSchedule({1000, ScheduleKind::kLinear}).alpha(1000), 0.006353, 2e-6);
  EXPECT_NEAR(NoiseSchedule({1000, ScheduleKind::kCosine}).alpha(1000), 4.928e-5, 2e-7);
  EXPECT_NEAR(NoiseSchedule({1000, ScheduleKind::kScaledLinear}).alpha(1000), 0.068265, 2e-6);
}

TEST(Schedule, FlowIsAStraightLine) {
  const NoiseSchedule schedule({100, ScheduleKind::kFlow});
  for (const int64_t t : {1, 30, 99, 100})
    EXPECT_NEAR(schedule.alpha(t) / (schedule.alpha(t) + schedule.sigma(t)), 1 - static_cast<double>(t) / 100, 1e-12);
}

TEST(Schedule, RescalingKeepsTheFirstStep) {
  const NoiseSchedule plain({1000, ScheduleKind::kScaledLinear, false}),
      rescaled({1000, ScheduleKind::kScaledLinear, true});
  EXPECT_NEAR(plain.alpha(1), rescaled.alpha(1), 1e-12);
}

TEST(Schedule, EpsilonSaysNothingWithoutSignal) {
  const NoiseSchedule schedule({1000, ScheduleKind::kCosine, true});
  const at::Tensor z = at::ones({2, 3}), t = at::tensor(std::vector<int64_t>{1000, 10}, at::kLong);
  expect_error(ErrorKind::kModel, "v-prediction", [&] { schedule.to_x0(z, z, t, Prediction::kEpsilon); });
  expect_error(ErrorKind::kModel, "v-prediction", [&] { schedule.to_v(z, z, t, Prediction::kEpsilon); });
  // v does: at t = T it is -x0.
  EXPECT_EQ(max_difference(schedule.to_x0(z, z, 1000, Prediction::kV), -z), 0.0);
}

TEST(Schedule, BadTimesAreErrors) {
  const NoiseSchedule schedule;
  const at::Tensor z = at::ones({2, 3});
  expect_error(ErrorKind::kInternal, "0..1000", [&] { schedule.alpha_bar(1001); });
  expect_error(ErrorKind::kInternal, "1..1000", [&] {
    schedule.add_noise(z, z, at::tensor(std::vector<int64_t>{0, 5}, at::kLong));
  });
  expect_error(ErrorKind::kInternal, "shape (N)", [&] { schedule.add_noise(z, z, at::ones({3}, at::kLong)); });
  expect_error(ErrorKind::kInternal, "int64", [&] { schedule.add_noise(z, z, at::ones({2})); });
}

TEST(Schedule, OptionsRoundTrip) {
  const NoiseScheduleOptions options{500, ScheduleKind::kScaledLinear, true};
  const auto back = NoiseScheduleOptions::read({options.to_json(), "test"});
  EXPECT_EQ(back.to_json(), options.to_json());
  EXPECT_EQ(parse_prediction("v"), Prediction::kV);
  EXPECT_EQ(parse_prediction(prediction_name(Prediction::kEpsilon)), Prediction::kEpsilon);
}

TEST(Schedule, WrongOptionsAreNamed) {
  const auto read = [](const char* text) { NoiseScheduleOptions::read({nlohmann::json::parse(text), "test"}); };
  expect_error(ErrorKind::kModel, "did you mean 'cosine'", [&] { read(R"({"kind": "cosin"})"); });
  expect_error(ErrorKind::kModel, "unknown key 'step'", [&] { read(R"({"step": 10})"); });
  expect_error(ErrorKind::kModel, "2 to 1000000", [&] { read(R"({"steps": 1})"); });
  expect_error(ErrorKind::kModel, "prediction", [] { parse_prediction("x0"); });
}

}  // namespace
}  // namespace instructme
