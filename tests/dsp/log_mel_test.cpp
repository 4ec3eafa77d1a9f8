#include "instructme/dsp/log_mel.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace instructme {
namespace {

using at::Tensor;

TEST(LogMel, ABandFollowsItsTone) {
  const LogMel mel(1920, 480, 40, 24000);
  const Tensor time = torch::arange(24000, at::kFloat) / 24000.0;
  const auto bands = [&](double hertz, double amplitude) {
    return mel.forward((amplitude * torch::sin(2 * M_PI * hertz * time)).unsqueeze(0));
  };
  const Tensor low = bands(200, 0.1), high = bands(5000, 0.1);
  EXPECT_EQ(low.sizes(), at::IntArrayRef({1, 50, 40}));
  EXPECT_LT(low[0][25].argmax().item<int64_t>(), high[0][25].argmax().item<int64_t>());
  // Twice the amplitude is ln 2 more, halved by the scale.
  const Tensor louder = bands(200, 0.2) - low;
  EXPECT_NEAR(louder[0][25].max().item<double>(), 0.5 * std::log(2.0), 0.01);
}

TEST(LogMel, MusicLevelsAreNearZeroAndSilenceIsFinite) {
  const LogMel mel(1920, 480, 64, 24000);
  torch::manual_seed(1);
  const Tensor noise = mel.forward(torch::randn({2, 12000}) * 0.1);
  EXPECT_LT(noise.mean().abs().item<double>(), 1.0);
  const Tensor silence = mel.forward(torch::zeros({1, 4800}));
  EXPECT_NEAR(silence.min().item<double>(), 0.5 * (std::log(1e-4) + 6.0), 1e-4);
  EXPECT_NEAR(silence.max().item<double>(), silence.min().item<double>(), 1e-5);
}

}  // namespace
}  // namespace instructme
