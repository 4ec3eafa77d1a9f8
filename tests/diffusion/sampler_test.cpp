#include "instructme/diffusion/sampler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "gaussian.h"

namespace instructme {
namespace {

constexpr SamplerKind kKinds[] = {SamplerKind::kDdpm, SamplerKind::kDdim, SamplerKind::kDpmpp};

struct SamplerCase {
  SamplerKind sampler;
  double eta;
  int64_t steps;
  Prediction prediction;
  ScheduleKind schedule;
  bool zero_terminal_snr;
  double tolerance;  // of mean and deviation, relative to the deviation: discretisation plus sampling
};

class RecoversGaussian : public testing::TestWithParam<SamplerCase> {};

TEST_P(RecoversGaussian, MeanAndDeviation) {
  const SamplerCase& c = GetParam();
  const NoiseSchedule schedule({1000, c.schedule, c.zero_terminal_snr});
  const GaussianModel model{schedule, c.prediction};
  SamplerOptions options{c.sampler, c.steps, c.eta, 3};
  const at::Tensor x = sample(schedule, c.prediction, model, {20000}, options);
  EXPECT_NEAR(x.mean().item<double>(), model.mean, c.tolerance * model.deviation);
  EXPECT_NEAR(x.std().item<double>(), model.deviation, c.tolerance * model.deviation);
}

// 20000 draws estimate mean and deviation to 0.7 % and 0.5 % of the deviation; 0.03 leaves 4 standard errors.
// Coarser tolerances are for few steps; ancestral sampling loses variance to the number of steps.
constexpr auto kEps = Prediction::kEpsilon;
constexpr auto kV = Prediction::kV;
INSTANTIATE_TEST_SUITE_P(
    Samplers, RecoversGaussian,
    testing::Values(SamplerCase{SamplerKind::kDdpm, 0, 1000, kEps, ScheduleKind::kLinear, false, 0.03},
                    SamplerCase{SamplerKind::kDdpm, 0, 1000, kV, ScheduleKind::kCosine, true, 0.03},
                    SamplerCase{SamplerKind::kDdpm, 0, 250, kV, ScheduleKind::kScaledLinear, true, 0.05},
                    SamplerCase{SamplerKind::kDdim, 0, 200, kEps, ScheduleKind::kScaledLinear, false, 0.05},
                    SamplerCase{SamplerKind::kDdim, 0, 200, kEps, ScheduleKind::kLinear, false, 0.05},
                    SamplerCase{SamplerKind::kDdim, 0, 200, kV, ScheduleKind::kCosine, true, 0.05},
                    SamplerCase{SamplerKind::kDdim, 0.5, 500, kV, ScheduleKind::kLinear, true, 0.05},
                    SamplerCase{SamplerKind::kDdim, 0, 20, kV, ScheduleKind::kCosine, true, 0.15},
                    SamplerCase{SamplerKind::kDpmpp, 0, 200, kEps, ScheduleKind::kCosine, false, 0.03},
                    SamplerCase{SamplerKind::kDpmpp, 0, 50, kEps, ScheduleKind::kScaledLinear, false, 0.05},
                    SamplerCase{SamplerKind::kDpmpp, 0, 50, kV, ScheduleKind::kCosine, true, 0.03},
                    SamplerCase{SamplerKind::kDpmpp, 0, 50, Prediction::kFlow, ScheduleKind::kFlow, true, 0.03},
                    SamplerCase{SamplerKind::kDpmpp, 0, 15, kV, ScheduleKind::kCosine, true, 0.08}));

TEST(Sampler, OneStepIsThePosteriorMean) {
  const NoiseSchedule schedule({1000, ScheduleKind::kCosine, true});
  const GaussianModel model{schedule, Prediction::kV};
  const at::Tensor noise = seeded_noise({50}, 5, at::kDouble);
  for (const SamplerKind kind : kKinds) {
    const at::Tensor x = sample_from(schedule, Prediction::kV, model, noise, {kind, 1});
    EXPECT_LT(max_difference(x, model.posterior_mean(noise, 1000)), 1e-12);
    EXPECT_LT((x - model.mean).abs().max().item<double>(), 1e-12);  // no signal at T: nothing but the mean
  }
}

TEST(Sampler, OneAndTwoStepsOfDdimAndDpmppAgree) {
  // Both are first order there: the last step of DPM-Solver++ always is.
  for (const bool zero : {false, true}) {
    const NoiseSchedule schedule({1000, ScheduleKind::kScaledLinear, zero});
    const GaussianModel model{schedule, Prediction::kV};
    const at::Tensor noise = seeded_noise({50}, 6, at::kDouble);
    for (const int64_t steps : {1, 2}) {
      const at::Tensor ddim = sample_from(schedule, Prediction::kV, model, noise, {SamplerKind::kDdim, steps});
      const at::Tensor dpmpp = sample_from(schedule, Prediction::kV, model, noise, {SamplerKind::kDpmpp, steps});
      EXPECT_LT(max_difference(ddim, dpmpp), 1e-12);
    }
  }
}

TEST(Sampler, SecondOrderConvergesFaster) {
  for (const bool zero : {false, true}) {
    const NoiseSchedule schedule({1000, ScheduleKind::kCosine, zero});
    const GaussianModel model{schedule, Prediction::kV};
    const at::Tensor noise = seeded_noise({500}, 7, at::kDouble);
    const auto error = [&](SamplerKind kind, int64_t steps) {
      const at::Tensor x = sample_from(schedule, Prediction::kV, model, noise, {kind, steps});
      return (x - model.flow(noise)).abs().mean().item<double>();
    };
    const double ddim = error(SamplerKind::kDdim, 10) / error(SamplerKind::kDdim, 40);
    const double dpmpp = error(SamplerKind::kDpmpp, 10) / error(SamplerKind::kDpmpp, 40);
    EXPECT_LT(error(SamplerKind::kDpmpp, 20), 0.5 * error(SamplerKind::kDdim, 20));
    EXPECT_GT(ddim, 2.5);          // 4 for a method of order 1
    EXPECT_GT(dpmpp, 1.8 * ddim);  // 16 for one of order 2
  }
}

TEST(Sampler, EpsilonAndVGiveTheSameResult) {
  const NoiseSchedule schedule({1000, ScheduleKind::kLinear, false});
  const at::Tensor noise = seeded_noise({50}, 8, at::kDouble);
  for (const SamplerKind kind : kKinds) {
    const SamplerOptions options{kind, 20};
    const at::Tensor from_epsilon =
        sample_from(schedule, Prediction::kEpsilon, GaussianModel{schedule, Prediction::kEpsilon}, noise, options);
    const at::Tensor from_v =
        sample_from(schedule, Prediction::kV, GaussianModel{schedule, Prediction::kV}, noise, options);
    EXPECT_LT(max_difference(from_epsilon, from_v), 1e-9);
  }
}

TEST(Sampler, DdpmVarianceIsThePosteriorVariance) {
  // One ancestral step with x0 known: z_s must follow q(z_s | z_t, x0), whose moments are written here in the
  // beta form of Ho et al. 2020, Eq. 7, for neighbouring steps.
  const NoiseSchedule schedule({4, ScheduleKind::kCosine, false});
  const double x0 = 0.3;
  at::Tensor seen;
  const Denoiser knows = [&](const at::Tensor& z, double time) {
    const auto t = static_cast<int64_t>(time);
    if (t == 3) seen = z.clone();
    return (z - schedule.alpha(t) * x0) / schedule.sigma(t);
  };
  const double start = -0.8;
  sample_from(schedule, Prediction::kEpsilon, knows, at::full({200000}, start, at::kDouble),
              {SamplerKind::kDdpm, 4, 0, 9});
  const double bar_t = schedule.alpha_bar(4), bar_s = schedule.alpha_bar(3), step = bar_t / bar_s;
  const double mean =
      std::sqrt(bar_s) * (1 - step) / (1 - bar_t) * x0 + std::sqrt(step) * (1 - bar_s) / (1 - bar_t) * start;
  const double variance = (1 - bar_s) / (1 - bar_t) * (1 - step);
  EXPECT_NEAR(seen.mean().item<double>(), mean, 5 * std::sqrt(variance / 200000));
  EXPECT_NEAR(seen.var().item<double>(), variance, 0.02 * variance);
}

TEST(Sampler, SameSeedSameBytes) {
  const NoiseSchedule schedule({1000, ScheduleKind::kCosine, true});
  const GaussianModel model{schedule, Prediction::kV};
  for (const SamplerKind kind : kKinds) {
    const auto run = [&](uint64_t seed) {
      return sample(schedule, Prediction::kV, model, {2, 7, 5}, {kind, 10, 0.5, seed}).contiguous();
    };
    const at::Tensor a = run(11), b = (at::randn({17}), run(11)), c = run(12);
    ASSERT_EQ(a.scalar_type(), at::kFloat);
    EXPECT_EQ(std::memcmp(a.data_ptr(), b.data_ptr(), static_cast<size_t>(a.numel()) * sizeof(float)), 0);
    EXPECT_GT(max_difference(a, c), 0.0);
  }
}

TEST(Sampler, AddedNoiseIsNotTheStartingNoise) {
  const NoiseSchedule schedule({2, ScheduleKind::kCosine, true});
  at::Tensor second;
  const Denoiser zero = [&](const at::Tensor& z, double t) {
    if (t == 1) second = z.clone();
    return at::zeros_like(z);
  };
  const at::Tensor start = seeded_noise({5000}, 4);
  sample(schedule, Prediction::kV, zero, {5000}, {SamplerKind::kDdpm, 2, 0, 4});
  const double correlation = ((second * start).mean() / (second.std() * start.std())).item<double>();
  EXPECT_LT(std::abs(correlation), 0.1);
}

TEST(Sampler, TrailingTimesIncludeTheLast) {
  EXPECT_EQ(trailing_time_steps(1000, 1), (std::vector<int64_t>{1000, 0}));
  EXPECT_EQ(trailing_time_steps(1000, 4), (std::vector<int64_t>{1000, 750, 500, 250, 0}));
  EXPECT_EQ(trailing_time_steps(1000, 3), (std::vector<int64_t>{1000, 667, 333, 0}));
  for (const int64_t steps : {7, 25, 333, 999, 1000}) {
    const auto times = trailing_time_steps(1000, steps);
    ASSERT_EQ(times.size(), static_cast<size_t>(steps) + 1);
    for (size_t i = 1; i < times.size(); ++i) ASSERT_LT(times[i], times[i - 1]);
  }
}

TEST(Sampler, ReportsAndCancels) {
  const NoiseSchedule schedule({1000, ScheduleKind::kCosine, true});
  std::atomic<bool> stop{false};
  int calls = 0;
  std::vector<int64_t> done;
  SamplerHooks hooks;
  hooks.cancel = CancelToken(&stop);
  hooks.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.total, 10);
    done.push_back(progress.done);
    if (progress.done == 3) stop = true;
  };
  const Denoiser counting = [&](const at::Tensor& z, double) { return ++calls, at::zeros_like(z); };
  const auto run = [&] { sample(schedule, Prediction::kV, counting, {4}, {SamplerKind::kDpmpp, 10}, {}, hooks); };
  try {
    run();
    ADD_FAILURE() << "was not cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kCancelled);
  }
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(done, (std::vector<int64_t>{1, 2, 3}));
}

TEST(Sampler, CorrectionSeesEveryArrival) {
  const NoiseSchedule schedule({1000, ScheduleKind::kCosine, true});
  std::vector<double> times;
  SamplerHooks hooks;
  hooks.correct = [&](const at::Tensor& z, double t) { return times.push_back(t), z + 1.0; };
  const Denoiser zero = [](const at::Tensor& z, double) { return at::zeros_like(z); };
  const at::Tensor plain = sample(schedule, Prediction::kV, zero, {4}, {SamplerKind::kDdim, 4});
  const at::Tensor moved = sample(schedule, Prediction::kV, zero, {4}, {SamplerKind::kDdim, 4}, {}, hooks);
  EXPECT_EQ(times, (std::vector<double>{750, 500, 250, 0}));
  EXPECT_GT((moved - plain).min().item<double>(), 1.0);
}

TEST(Sampler, ClippingBoundsTheResult) {
  const NoiseSchedule schedule({1000, ScheduleKind::kCosine, false});
  SamplerOptions options{SamplerKind::kDpmpp, 12, 0, 1};
  options.clip_x0 = 2.0;
  // A network that is wrong about epsilon by 1 % is wrong about x0 by 200 at the first step of this schedule.
  const Denoiser wrong = [](const at::Tensor& z, double) { return 0.99 * z; };
  const at::Tensor x = sample(schedule, Prediction::kEpsilon, wrong, {1000}, options);
  EXPECT_LE(x.abs().max().item<double>(), 2.0);
}

TEST(Sampler, BadInputsAreErrors) {
  const NoiseSchedule zero({1000, ScheduleKind::kCosine, true});
  const Denoiser same = [](const at::Tensor& z, double) { return z; };
  const auto run = [&](Prediction prediction, SamplerOptions options) { sample(zero, prediction, same, {4}, options); };
  expect_error(ErrorKind::kModel, "zero_terminal_snr", [&] { run(Prediction::kEpsilon, {}); });
  expect_error(ErrorKind::kUsage, "1..1000", [&] { run(Prediction::kV, {SamplerKind::kDdim, 1001}); });
  expect_error(ErrorKind::kUsage, "at least 1", [&] { run(Prediction::kV, {SamplerKind::kDdim, 0}); });
  expect_error(ErrorKind::kUsage, "eta", [&] { run(Prediction::kV, {SamplerKind::kDdim, 5, 1.5}); });
  expect_error(ErrorKind::kInternal, "shape",
               [&] { sample(zero, Prediction::kV, [](const at::Tensor& z, double) { return z.sum(); }, {4}, {}); });
  expect_error(ErrorKind::kUsage, "ddpm", [] { parse_sampler_kind("euler"); });
  expect_error(ErrorKind::kModel, "unknown key", [] { SamplerOptions::read({{{"stepz", 3}}, "test"}); });
  const SamplerOptions options{SamplerKind::kDdim, 7, 0.25, 99, 3.0};
  EXPECT_EQ(SamplerOptions::read({options.to_json(), "test"}).to_json(), options.to_json());
}

}  // namespace
}  // namespace instructme
