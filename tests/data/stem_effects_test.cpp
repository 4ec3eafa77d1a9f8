#include "instructme/data/stem_effects.h"

#include "data_test_support.h"

namespace instructme {
namespace {

constexpr int kRate = 24000;

// Steady gain of a filter at a frequency, dB.
double gain_db(const Biquad& filter, double hz) {
  std::vector<float> x = sine(hz, 0.5, 2 * kRate, kRate);
  filter.apply(x);
  const std::vector<float> steady(x.begin() + kRate, x.end());
  return 20 * std::log10(sine_amplitude(steady, hz, kRate) / 0.5);
}

TEST(Biquad, HasTheGainItSays) {
  EXPECT_NEAR(gain_db(Biquad::low_shelf(300, 6, kRate), 10), 6, 0.1);
  EXPECT_NEAR(gain_db(Biquad::low_shelf(300, 6, kRate), 300), 3, 0.1);
  EXPECT_NEAR(gain_db(Biquad::low_shelf(300, 6, kRate), 9000), 0, 0.1);
  EXPECT_NEAR(gain_db(Biquad::high_shelf(3000, -5, kRate), 11500), -5, 0.1);
  EXPECT_NEAR(gain_db(Biquad::high_shelf(3000, -5, kRate), 50), 0, 0.1);
  EXPECT_NEAR(gain_db(Biquad::peak(1000, 4, 1, kRate), 1000), 4, 0.05);
  EXPECT_NEAR(gain_db(Biquad::peak(1000, 4, 1, kRate), 20), 0, 0.1);
  EXPECT_NEAR(gain_db(Biquad::low_pass(2000, M_SQRT1_2, kRate), 2000), -3.01, 0.05);
  EXPECT_LT(gain_db(Biquad::low_pass(2000, M_SQRT1_2, kRate), 8000), -24);
  EXPECT_NEAR(gain_db(Biquad::high_pass(500, M_SQRT1_2, kRate), 500), -3.01, 0.05);
  EXPECT_LT(gain_db(Biquad::high_pass(500, M_SQRT1_2, kRate), 50), -38);
}

TEST(ActiveRms, LeavesPausesOut) {
  std::vector<float> x = sine(440, 0.5, 4 * kRate, kRate);
  const double level = active_rms(x, kRate);
  EXPECT_NEAR(level, 0.5 / std::sqrt(2.0), 1e-4);
  std::fill(x.begin() + kRate, x.begin() + 3 * kRate, 0.0f);
  EXPECT_NEAR(active_rms(x, kRate), level, 1e-4);
  EXPECT_EQ(active_rms(std::vector<float>(kRate), kRate), 0.0);
  EXPECT_EQ(active_rms({}, kRate), 0.0);
}

TEST(Saturate, KeepsSmallSoundsAndLimitsLoudOnes) {
  std::vector<float> x{0.001f, -0.001f, 1.0f, 50.0f, -50.0f};
  saturate(x, 4);
  EXPECT_NEAR(x[0], 0.001f, 1e-6f);
  EXPECT_EQ(x[1], -x[0]);
  EXPECT_LT(x[2], 0.25f);
  EXPECT_FLOAT_EQ(x[3], 0.25f);
  EXPECT_FLOAT_EQ(x[4], -0.25f);
}

TEST(Room, DiesAwayInTheTimeAskedFor) {
  for (double decay_s : {0.4, 1.2}) {
    Rng rng(3);
    std::vector<float> x(2 * kRate);
    x[0] = 1;
    add_room(x, decay_s, 0.1, kRate, rng);
    EXPECT_FLOAT_EQ(x[0], 1.0f);
    const auto energy_db = [&](double start_s) {
      double sum = 0;
      for (auto i = static_cast<size_t>(start_s * kRate); i < x.size(); ++i) sum += static_cast<double>(x[i]) * x[i];
      return 10 * std::log10(sum);
    };
    // Slope of Schroeder's backward integral from a tenth to four tenths of the decay. The loop's
    // low-pass shortens it, for treble more than for bass.
    const double slope = (energy_db(0.1 * decay_s) - energy_db(0.4 * decay_s)) / (0.3 * decay_s);
    EXPECT_GT(60 / slope, 0.35 * decay_s);
    EXPECT_LT(60 / slope, 1.1 * decay_s);
  }
}

TEST(DoubleTrack, AddsADelayedTakeOfTheGivenLevel) {
  Rng rng(4);
  std::vector<float> x(kRate);
  x[100] = 1;
  double_track(x, 0.5, kRate, rng);
  EXPECT_FLOAT_EQ(x[100], 1.0f);
  double sum = 0, centre = 0;
  for (size_t i = 101; i < x.size(); ++i) sum += x[i], centre += x[i] * static_cast<double>(i);
  EXPECT_NEAR(sum, 0.5, 0.01);
  EXPECT_GT((centre / sum - 100) / kRate, 0.010);
  EXPECT_LT((centre / sum - 100) / kRate, 0.030);
}

TEST(ColourStem, KeepsTheLevelStaysFiniteAndRepeats) {
  bool changed = false;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    std::vector<float> x = sine(220, 0.01, 3 * kRate, kRate);
    std::fill(x.begin() + kRate, x.begin() + 2 * kRate, 0.0f);
    std::vector<float> again = x;
    const std::vector<float> before = x;
    ColourOptions options;
    options.amplifier_drive = seed % 3 == 0 ? 15 : 0;
    Rng rng(seed), same(seed);
    const std::string done = colour_stem(x, options, kRate, rng);
    EXPECT_EQ(colour_stem(again, options, kRate, same), done);
    EXPECT_EQ(again, x);
    EXPECT_NEAR(active_rms(x, kRate), 0.1, 1e-3) << done;
    for (float v : x) ASSERT_TRUE(std::isfinite(v)) << done;
    EXPECT_EQ(done.find("amplifier") != std::string::npos, seed % 3 == 0);
    changed = changed || !done.empty();
  }
  EXPECT_TRUE(changed);
  std::vector<float> silence(kRate);
  Rng rng(5);
  colour_stem(silence, {}, kRate, rng);
  EXPECT_EQ(rms(silence), 0.0);
}

}  // namespace
}  // namespace instructme
