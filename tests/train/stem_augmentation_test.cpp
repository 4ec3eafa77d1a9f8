#include "instructme/train/stem_augmentation.h"

#include <torch/torch.h>

#include <cmath>

#include "expect_error.h"

namespace instructme {
namespace {

using at::Tensor;

constexpr int64_t kWave = 12800;
constexpr double kRate = 24000;

Tensor tone(double hz) { return 0.1 * torch::sin(2 * M_PI * hz / kRate * torch::arange(kWave, at::kFloat)); }

/// Two mixes: of instruments 0 and 1 with something else, and of instrument 2 with something else.
StemBatch batch() {
  const Tensor first = tone(200) + tone(900) + tone(5000), second = tone(3000) + tone(7000);
  return {torch::stack({first, second}), torch::stack({tone(200), tone(900), tone(3000)}), torch::arange(3),
          torch::tensor({0, 0, 1}, at::kLong)};
}

double difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

/// Frequency of the loudest bin.
double pitch(const Tensor& wave) {
  return static_cast<double>(torch::fft::rfft(wave).abs().argmax().item<int64_t>()) * kRate /
         static_cast<double>(kWave);
}

TEST(StemAugmentation, NothingChangesWithoutIt) {
  StemBatch changed = batch();
  augment(changed, {}, kRate, Rng(1));
  EXPECT_EQ(difference(changed.source, batch().source), 0);
  EXPECT_EQ(difference(changed.stem, batch().stem), 0);
}

TEST(StemAugmentation, SumsStaySums) {
  StemBatch changed = batch();
  augment(changed, {.equaliser_db = 6, .speed = 0, .borrowed = 0}, kRate, Rng(1));
  EXPECT_GT(difference(changed.stem[0], batch().stem[0]), 0.005);
  // What is left of the mix is its third tone, at another level.
  const Tensor rest = changed.source[0] - changed.stem[0] - changed.stem[1];
  EXPECT_NEAR(pitch(rest), 5000, 2);
  EXPECT_NEAR(pitch(changed.stem[0]), 200, 2);
  EXPECT_NEAR(pitch(changed.stem[1]), 900, 2);
  for (int i = 0; i < 2; ++i)
    EXPECT_NEAR(changed.source[i].pow(2).mean().item<double>(), batch().source[i].pow(2).mean().item<double>(), 1e-4);
}

TEST(StemAugmentation, SpeedMovesAllPitchesOfAMixAlike) {
  StemBatch changed = batch();
  augment(changed, {.equaliser_db = 0, .speed = 0.3, .borrowed = 0}, kRate, Rng(4));
  const double factor = pitch(changed.stem[0]) / 200;
  EXPECT_GT(std::abs(factor - 1), 0.03);
  EXPECT_NEAR(pitch(changed.stem[1]) / 900, factor, 0.01);
  EXPECT_NEAR(pitch(changed.source[0] - changed.stem[0] - changed.stem[1]) / 5000, factor, 0.01);
  EXPECT_GT(std::abs(pitch(changed.stem[2]) / 3000 - factor), 0.01);  // another mix has another speed
}

TEST(StemAugmentation, BorrowsFromOtherMixesOnly) {
  int borrowed = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    StemBatch changed = batch();
    augment(changed, {.equaliser_db = 0, .speed = 0, .borrowed = 1}, kRate, Rng(seed));
    // Nothing of what is asked for is heard in the rest: levels of the mix's own stems are still one gain.
    const Tensor rest = changed.source[0] - changed.stem[0] - changed.stem[1];
    const Tensor spectrum = torch::fft::rfft(rest).abs();
    const auto at_hz = [&](double hz) {
      return spectrum[std::llround(hz * static_cast<double>(kWave) / kRate)].item<double>();
    };
    borrowed += at_hz(3000) > 0.05 * at_hz(5000);
    EXPECT_LT(at_hz(200), 0.05 * at_hz(5000));
    EXPECT_LT(at_hz(900), 0.05 * at_hz(5000));
  }
  EXPECT_GT(borrowed, 0);
  EXPECT_LT(borrowed, 12);

  // Another mix's piano may not sound where the piano is asked for.
  for (uint64_t seed = 0; seed < 12; ++seed) {
    StemBatch same = batch();
    same.instrument = torch::zeros({3}, at::kLong);
    augment(same, {.equaliser_db = 0, .speed = 0, .borrowed = 1}, kRate, Rng(seed));
    EXPECT_LT(difference(same.source, batch().source), 1e-5);
  }
}

TEST(StemAugmentation, TheRngDecides) {
  const StemAugmentation all{.equaliser_db = 6, .speed = 0.1, .borrowed = 0.5};
  StemBatch a = batch(), b = batch(), c = batch();
  augment(a, all, kRate, Rng(1));
  augment(b, all, kRate, Rng(1));
  augment(c, all, kRate, Rng(2));
  EXPECT_EQ(difference(a.source, b.source), 0);
  EXPECT_GT(difference(a.source, c.source), 0.001);
}

TEST(StemAugmentation, ReadsAndRefuses) {
  const auto read = [](nlohmann::json recipe) {
    return StemAugmentation::read(ConfigReader(std::move(recipe), "recipe.json: augmentation"));
  };
  EXPECT_TRUE(read(nlohmann::json::object()).none());
  EXPECT_EQ(read({{"equaliser_db", 4}, {"speed", 0.1}}).equaliser_db, 4);
  expect_error(ErrorKind::kModel, "speed 0 to 0.5", [&] { read({{"speed", 0.6}}); });
  expect_error(ErrorKind::kModel, "equalizer", [&] { read({{"equalizer", 4}}); });
}

}  // namespace
}  // namespace instructme
