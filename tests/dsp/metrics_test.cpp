#include "instructme/dsp/metrics.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>

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

TEST(SiSdr, OfSilenceIsMinusInfinity) {
  const auto sound = torch::ones({1, 500}), silence = torch::zeros({1, 500});
  for (const auto& [estimate, target] : {std::pair{sound, silence}, {silence, sound}, {silence, silence}})
    EXPECT_EQ(si_sdr(estimate, target).item<double>(), -std::numeric_limits<double>::infinity());
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

/// Clicks of noise that die away, two a second.
at::Tensor beats_of_noise(double seconds) {
  const auto samples = static_cast<int64_t>(seconds * 24000);
  const auto place = torch::arange(samples, torch::kFloat).remainder(12000);
  return (0.3 * torch::randn({samples}) * (-place / 1500).exp() * (place > 600)).unsqueeze(0);
}

TEST(Crispness, IsZeroForTheTargetAtAnyLevelOfAttacks) {
  torch::manual_seed(4);
  const auto wave = beats_of_noise(3);
  const Crispness same = crispness(wave, wave), louder = crispness(2 * wave, wave);
  EXPECT_NEAR(same.attack.item<double>(), 0, 1e-6);
  EXPECT_NEAR(same.treble.item<double>(), 0, 1e-6);
  EXPECT_NEAR(louder.treble.item<double>(), 20 * std::log10(2.0), 0.1);
}

TEST(Crispness, HearsSmearedAttacksAndMissingTreble) {
  torch::manual_seed(5);
  const auto wave = beats_of_noise(3);
  // An echo before the sound: 5 ms early, at half the level.
  const auto early = wave + 0.5 * torch::roll(wave, -120, 1);
  EXPECT_LT(crispness(early, wave).attack.item<double>(), -6);
  const auto dull = 0.5 * (wave + torch::roll(wave, 1, 1));  // cos² of the frequency: -3 dB at 6 kHz, nothing at 12 kHz
  EXPECT_LT(crispness(dull, wave).treble.item<double>(), -5);
  EXPECT_GT(crispness(dull, wave).attack.item<double>(), -6);
}

TEST(Crispness, OfSilenceAndOfVeryShortSoundsIsZero) {
  for (const int64_t samples : {100, 24000}) {
    const auto silence = torch::zeros({2, samples});
    EXPECT_EQ(crispness(silence, silence).attack.abs().max().item<double>(), 0);
    EXPECT_EQ(crispness(silence, silence).treble.abs().max().item<double>(), 0);
  }
}

}  // namespace
}  // namespace instructme
