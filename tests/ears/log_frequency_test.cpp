#include "instructme/ears/log_frequency.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <numbers>

#include "instructme/models/chord_extractor.h"

namespace instructme {
namespace {

using at::Tensor;

Tensor one_tone(double note, double seconds, double amplitude = 0.1) {
  const double hz = 440.0 * std::exp2((note - 69.0) / 12.0);
  const auto samples = static_cast<int64_t>(seconds * kChordSampleRate);
  const Tensor time = torch::arange(samples, at::kDouble) / static_cast<double>(kChordSampleRate);
  return (amplitude * (2 * std::numbers::pi * hz * time).sin()).to(at::kFloat).unsqueeze(0);
}

TEST(LogFrequency, AToneIsHighestInItsOwnBin) {
  const LogFrequency spectrum(24, 96);
  for (const double note : {30.0, 45.0, 58.0, 61.0, 69.0, 90.0}) {
    const Tensor x = spectrum.forward(one_tone(note, 2.0));
    ASSERT_EQ(x.sizes(), at::IntArrayRef({1, 25, 288, 2}));
    const Tensor middle = x[0][12];  // (B, 2)
    const auto expected = static_cast<int64_t>((note - 24) * 3);
    // The shorter windows tell low notes apart less well.
    EXPECT_NEAR(middle.select(1, 0).argmax().item<int64_t>(), expected, 1) << note;
    EXPECT_NEAR(middle.select(1, 1).argmax().item<int64_t>(), expected, note < 40 ? 6 : 1) << note;
  }
}

TEST(LogFrequency, ASemitoneIsThreeBinsAndDetuningAFraction) {
  const Tensor low = LogFrequency(40, 60).forward(one_tone(69.0, 1.0)),
               high = LogFrequency(40, 60).forward(one_tone(70.0, 1.0));
  const Tensor moved = LogFrequency(41, 60).forward(one_tone(70.0, 1.0));
  EXPECT_GT((low - high).abs().max().item<double>(), 1.0);
  EXPECT_LT((low - moved).slice(2, 60, 110).abs().mean().item<double>(), 0.1);
  // Music that is a third too high, with an axis that is a third too high, looks as usual.
  const Tensor detuned = LogFrequency(40, 60, 1.0 / 3.0).forward(one_tone(69.0 + 1.0 / 3.0, 1.0));
  EXPECT_EQ(detuned[0][6].select(1, 0).argmax().item<int64_t>(), low[0][6].select(1, 0).argmax().item<int64_t>());
}

TEST(LogFrequency, LongMusicIsTheSameInPieces) {
  torch::manual_seed(1);
  const LogFrequency spectrum(40, 48);
  const Tensor wave = torch::randn({1, 300 * kChordHop}) * 0.1;
  const Tensor whole = spectrum.forward(wave);
  const Tensor part = spectrum.forward(wave.slice(1, 240 * kChordHop, 280 * kChordHop));
  // Away from the part's own ends; frames 256 and on are of another block than those before.
  EXPECT_LT((whole.slice(1, 250, 270) - part.slice(1, 10, 30)).abs().max().item<double>(), 1e-3);
}

TEST(LogFrequency, LevelIsBroughtToTheUsualButSilenceStays) {
  const Tensor quiet = one_tone(60, 1.0, 0.003);
  EXPECT_NEAR(at_usual_level(quiet).square().mean().sqrt().item<double>(), 0.1, 1e-4);
  EXPECT_EQ(at_usual_level(torch::zeros({1, 100})).abs().max().item<double>(), 0.0);
}

}  // namespace
}  // namespace instructme
