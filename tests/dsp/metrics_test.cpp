#include "instructme/dsp/metrics.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace instructme {
namespace {

TEST(SiSdr, NoiseOfKnownPower) {
  torch::manual_seed(1);
  const auto target = torch::randn({1, 100000}, torch::kDouble);
  auto noise = torch::randn({1, 100000}, torch::kDouble);
  noise = noise - (noise * target).sum() / (target * target).sum() * target;
  noise = noise * (target.norm() / noise.norm()) * std::pow(10.0, -12.0 / 20);
  EXPECT_NEAR(si_sdr(target + noise, target).item<double>(), 12.0, 1e-6);
  // The scale of the estimate does not matter.
  EXPECT_NEAR(si_sdr(0.01 * (target + noise), target).item<double>(), 12.0, 1e-6);
}

TEST(SiSdr, PerfectIsVeryHighAndUnrelatedVeryLow) {
  torch::manual_seed(2);
  const auto a = torch::randn({1, 5000}), b = torch::randn({1, 5000});
  EXPECT_GT(si_sdr(a, a).item<double>(), 100);
  EXPECT_LT(si_sdr(b, a).item<double>(), -20);
}

TEST(LogMelDistance, GainShiftsAllBandsAlike) {
  torch::manual_seed(3);
  const LogMelDistance log_mel;
  const auto wave = 0.1 * torch::randn({2, 24000});
  EXPECT_NEAR(log_mel.distance(wave, wave)[0].item<double>(), 0.0, 1e-7);
  // Twice the amplitude is ln 2 in every band above the floor.
  EXPECT_NEAR(log_mel.distance(2 * wave, wave)[1].item<double>(), std::log(2.0), 1e-3);
}

TEST(LogMelDistance, BelowTheFloorEverythingIsSilence) {
  const LogMelDistance log_mel;
  EXPECT_EQ(log_mel.distance(1e-7 * torch::randn({1, 9000}), torch::zeros({1, 9000})).item<double>(), 0.0);
}

}  // namespace
}  // namespace instructme
