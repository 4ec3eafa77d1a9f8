#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "expect_error.h"
#include "instructme/dsp/constant_q.h"

namespace instructme {
namespace {

// Twelve bins an octave, five octaves from 110 Hz at 22 050 Hz.
constexpr int64_t kBins = 12, kOctaves = 5, kTaps = 256, kHop = 256;
constexpr double kRate = 22050, kLowest = 220;

double bin_hz(int64_t bin) { return kLowest * std::exp2(static_cast<double>(bin) / kBins); }

ConstantQ make_transform() {
  ConstantQKernels kernels{torch::zeros({kBins, kTaps}), torch::zeros({kBins, kTaps}), torch::zeros({kTaps}),
                           torch::ones({kBins * kOctaves})};
  const double pi = std::numbers::pi;
  for (int64_t bin = 0; bin < kBins; ++bin) {
    const double hz = bin_hz((kOctaves - 1) * kBins + bin);
    for (int64_t tap = 0; tap < kTaps; ++tap) {
      const double t = static_cast<double>(tap - kTaps / 2), window = 0.5 + 0.5 * std::cos(2 * pi * t / kTaps);
      kernels.real[bin][tap] = window * std::cos(2 * pi * hz * t / kRate) * 4 / kTaps;
      kernels.imaginary[bin][tap] = window * std::sin(2 * pi * hz * t / kRate) * 4 / kTaps;
    }
  }
  for (int64_t tap = 0; tap < kTaps; ++tap) {  // half of the band
    const double t = static_cast<double>(tap) - (kTaps - 1) / 2.0;
    kernels.low_pass[tap] = std::sin(pi * t * 0.47) / (pi * t) * (0.5 + 0.5 * std::cos(2 * pi * t / kTaps));
  }
  return ConstantQ(kernels, kHop, kOctaves);
}

at::Tensor sine(double hz, int64_t samples) {
  return (torch::arange(samples, at::kDouble) * (2 * std::numbers::pi * hz / kRate)).sin().to(at::kFloat).unsqueeze(0);
}

TEST(ConstantQ, ASineOfEveryBinIsLoudestThere) {
  const ConstantQ transform = make_transform();
  for (int64_t bin = 0; bin < kBins * kOctaves; bin += 5) {
    const at::Tensor found = transform.magnitude(sine(bin_hz(bin), 22050));
    ASSERT_EQ(found.sizes(), (std::vector<int64_t>{1, 22050 / kHop + 1, kBins * kOctaves}));
    const at::Tensor middle = found[0][43];
    EXPECT_EQ(middle.argmax().item<int64_t>(), bin);
    EXPECT_NEAR(middle[bin].item<double>(), 1.0, 0.05) << "amplitude in every octave, bin " << bin;
  }
}

TEST(ConstantQ, FramesLieWhereTheHopSays) {
  // A click at frame 40 is loudest in frame 40 in every octave.
  at::Tensor click = torch::zeros({1, 22050});
  click[0][40 * kHop] = 1.0;
  const at::Tensor found = make_transform().magnitude(click)[0];
  for (int64_t octave = 0; octave < kOctaves; ++octave) {
    const at::Tensor level = found.slice(1, octave * kBins, (octave + 1) * kBins).sum(1);
    EXPECT_NEAR(static_cast<double>(level.argmax().item<int64_t>()), 40.0, 1.0) << "octave " << octave;
  }
}

TEST(ConstantQ, KeepsTheHighestBinsAndScalesThem) {
  ConstantQKernels kernels{torch::ones({2, 4}), torch::zeros({2, 4}), torch::full({4}, 0.25), torch::tensor({3.0f})};
  const at::Tensor found = ConstantQ(kernels, 4, 2).magnitude(torch::ones({1, 64}));
  ASSERT_EQ(found.size(2), 1);
  EXPECT_NEAR(found[0][5][0].item<double>(), 12.0, 1e-5);  // four taps of one, times three
}

TEST(ConstantQ, RefusesWhatDoesNotFit) {
  const ConstantQKernels kernels{torch::ones({2, 4}), torch::zeros({2, 4}), torch::ones({4}), torch::ones({4})};
  expect_error(ErrorKind::kInternal, "hop", [&] { ConstantQ(kernels, 3, 2); });
  expect_error(ErrorKind::kInternal, "too few", [&] { ConstantQ(kernels, 4, 2).magnitude(torch::ones({1, 3})); });
}

}  // namespace
}  // namespace instructme
