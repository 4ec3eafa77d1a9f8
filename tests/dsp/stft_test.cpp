#include "instructme/dsp/stft.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <numbers>

#include "expect_error.h"

namespace instructme {
namespace {

TEST(Stft, InverseGivesTheWaveBack) {
  torch::manual_seed(1);
  for (const auto& [n_fft, hop] : std::vector<std::pair<int64_t, int64_t>>{{960, 240}, {1024, 256}, {512, 256}})
    for (int64_t samples : {1, 100, 960, 5001}) {
      const Stft stft(n_fft, hop);
      const auto wave = torch::randn({2, samples});
      const auto spectrum = stft.forward(wave);
      EXPECT_EQ(spectrum.size(1), (samples + hop - 1) / hop);
      EXPECT_EQ(spectrum.size(2), stft.bins());
      const auto back = stft.inverse(spectrum, samples);
      EXPECT_LT((back - wave).abs().max().item<double>(), 2e-4) << n_fft << " " << samples;
    }
}

TEST(Stft, FullScaleSineHasMagnitudeOne) {
  const Stft stft(1024, 256);
  const auto t = torch::arange(24000, torch::kDouble);
  const auto wave = torch::sin(2 * std::numbers::pi * 40.0 / 1024.0 * t).to(torch::kFloat).unsqueeze(0);
  EXPECT_NEAR(stft.magnitude(wave)[0][20][40].item<double>(), 1.0, 1e-3);
}

// Against torch's own transform, whose frames are centred on multiples of the hop.
TEST(Stft, EqualsTorchStft) {
  torch::manual_seed(2);
  const Stft stft(960, 240);
  const auto wave = torch::randn({1, 4800});
  const auto mine = stft.forward(wave);
  const auto padded = torch::constant_pad_nd(wave, {360, 360});
  const auto theirs = torch::stft(padded, 960, 240, 960, torch::hann_window(960), /*center=*/false, "reflect",
                                  /*normalized=*/false, /*onesided=*/true, /*return_complex=*/true)
                          .transpose(1, 2) *
                      (4.0 / 960.0);
  EXPECT_LT((mine - theirs).abs().max().item<double>(), 1e-5);
}

TEST(Stft, HasTheNumericGradient) {
  torch::manual_seed(3);
  const Stft stft(32, 8);
  auto wave = torch::randn({1, 64}).requires_grad_(true);
  const auto weights = torch::randn({1, 8, 17});
  (stft.magnitude(wave).pow(2) * weights).sum().backward();
  const auto direction = torch::randn({1, 64});
  torch::NoGradGuard no_grad;
  const auto value = [&](double h) {
    return (stft.magnitude(wave + h * direction).pow(2) * weights).sum().item<double>();
  };
  EXPECT_NEAR((value(1e-2) - value(-1e-2)) / 2e-2, (wave.grad() * direction).sum().item<double>(), 2e-2);
}

TEST(Stft, RefusesSizesThatDoNotFit) {
  expect_error(ErrorKind::kInternal, "hop", [] { Stft(960, 250); });
}

TEST(MelFilterBank, TrianglesCoverTheBand) {
  const auto bank = mel_filter_bank(1024, 80, 24000);
  EXPECT_EQ(bank.size(0), 513);
  EXPECT_EQ(bank.size(1), 80);
  EXPECT_GE(bank.min().item<double>(), 0.0);
  EXPECT_LE(bank.max().item<double>(), 1.0);
  // Neighbouring triangles add up to one between the first and the last centre.
  const auto sums = bank.sum(1);
  EXPECT_NEAR(sums[100].item<double>(), 1.0, 1e-5);
  EXPECT_NEAR(sums[300].item<double>(), 1.0, 1e-5);
}

}  // namespace
}  // namespace instructme
