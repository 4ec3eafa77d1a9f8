#include "instructme/effects/dynamics.h"

#include <gtest/gtest.h>

#include "effects_test_support.h"

namespace instructme {
namespace {

// A square wave has one level at every sample, so the detector sees no ripple.
std::vector<float> square(double level_db, double seconds) {
  std::vector<float> x(static_cast<size_t>(seconds * kRate));
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(from_db(level_db) * (i / 30 % 2 == 0 ? 1 : -1));
  return x;
}

double settled_db(const CompressorSettings& settings, double level_db) {
  return to_db(compressor_gain(from_mono(square(level_db, 1), kRate), settings).back());
}

TEST(Compressor, StaticCurveIsThatOfThresholdRatioAndKnee) {
  CompressorSettings s{.threshold_db = -20, .ratio = 4, .knee_db = 0, .release_s = 0.05};
  for (const double level : {-80.0, -40.0, -20.1}) EXPECT_NEAR(settled_db(s, level), 0, 0.01) << level;
  for (const double level : {-18.0, -10.0, 0.0}) EXPECT_NEAR(settled_db(s, level), -(level + 20) * 0.75, 0.01) << level;
  s.knee_db = 10;
  EXPECT_NEAR(settled_db(s, -26), 0, 0.01) << "below the knee";
  EXPECT_NEAR(settled_db(s, -20), -0.75 * 25 / 20, 0.01) << "in its middle: slope * (knee/2)² / (2 knee)";
  EXPECT_NEAR(settled_db(s, -14), -0.75 * 6, 0.01) << "above";
  s.makeup_db = 5;
  EXPECT_NEAR(settled_db(s, -14), 5 - 0.75 * 6, 0.01);
}

TEST(Compressor, AttackAndReleaseReachOneMinusOneOverEInTheirTime) {
  const CompressorSettings s{.threshold_db = -20, .ratio = 1e2, .knee_db = 0, .attack_s = 0.02, .release_s = 0.1};
  std::vector<float> x = square(-40, 0.5);
  for (const double level : {-6.0, -40.0}) {
    const auto next = square(level, 1);
    x.insert(x.end(), next.begin(), next.end());
  }
  const std::vector<float> gain = compressor_gain(from_mono(x, kRate), s);
  const auto reduction = [&](double t) { return -to_db(gain[static_cast<size_t>(t * kRate)]); };
  const double whole = 14 * 0.99, part = 1 - std::exp(-1.0);
  EXPECT_NEAR(reduction(0.5 + 0.02), whole * part, 0.05);
  EXPECT_NEAR(reduction(1.49), whole, 0.05);
  EXPECT_NEAR(reduction(1.5 + 0.1), whole * (1 - part), 0.05);
}

TEST(Compressor, RmsDetectorHearsASineThreeDecibelsBelowItsPeak) {
  CompressorSettings s{.threshold_db = -20, .ratio = 2, .knee_db = 0, .attack_s = 0.05, .release_s = 0.05};
  s.detector_s = 0.05;
  const auto gain = compressor_gain(from_mono(sine(1000, kRate, 2, from_db(-6)), kRate), s);
  EXPECT_NEAR(to_db(gain.back()), -(20 - 9.01) / 2, 0.05);
}

TEST(Compressor, BothChannelsGetTheGainOfTheLouderOne) {
  const auto loud = square(-6, 0.5), quiet = sine(300, kRate, 0.5, 0.01);
  const CompressorSettings s{.threshold_db = -30, .ratio = 4};
  const AudioBuffer in = from_planar({quiet, loud}, kRate);
  const AudioBuffer out = processed<Compressor>(in, s);
  const std::vector<float> gain = compressor_gain(from_mono(loud, kRate), s);
  for (size_t f = 0; f < gain.size(); ++f)
    for (size_t c = 0; c < 2; ++c) ASSERT_FLOAT_EQ(out.samples[2 * f + c], in.samples[2 * f + c] * gain[f]);
}

TEST(Limiter, NoSampleIsBeyondTheCeiling) {
  for (const double look_ahead : {0.0002, 0.003, 0.05})
    for (const int channels : {1, 2}) {
      const LimiterSettings s{.ceiling_db = -1, .look_ahead_s = look_ahead, .release_s = 0.02};
      AudioBuffer sound = noise(channels, 1, 0.2, 8);
      Rng rng(9);
      for (int i = 0; i < 60; ++i)
        sound.samples[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(sound.samples.size()) - 1))] =
            static_cast<float>(rng.uniform(-40, 40));
      sound.samples.front() = 3;
      sound.samples.back() = -3;
      const AudioBuffer out = processed<Limiter>(sound, s);
      EXPECT_LE(peak(out.samples), static_cast<float>(from_db(-1)));
      EXPECT_GT(peak(out.samples), from_db(-1) * 0.99) << "it should not be lower than needed";
    }
}

TEST(Limiter, LeavesWhatIsBelowTheCeilingAloneAndInTime) {
  const AudioBuffer sound = noise(2, 0.3, 0.4, 10);
  const AudioBuffer out = processed<Limiter>(sound, LimiterSettings{.ceiling_db = -3});
  EXPECT_EQ(out.samples, sound.samples);
}

TEST(Limiter, TheGainFallsDuringTheLookAheadAndRecoversInTheRelease) {
  AudioBuffer sound{kRate, 1, std::vector<float>(kRate, 0.1f)};
  const size_t peak_at = 12000, ahead = 120;
  sound.samples[peak_at] = 2;
  const LimiterSettings s{.ceiling_db = 0, .look_ahead_s = 0.005, .release_s = 0.1};
  const std::vector<float> gain = limiter_gain(sound, s);
  EXPECT_EQ(gain[peak_at - ahead - 1], 1.0f);
  EXPECT_LT(gain[peak_at - ahead / 2], 0.9f);
  EXPECT_NEAR(gain[peak_at], 0.5, 1e-3);
  for (size_t i = 1; i <= ahead; ++i) EXPECT_LT(std::abs(gain[peak_at - i] - gain[peak_at - i + 1]), 0.01) << i;
  // After the peak the gain holds for the look-ahead (its window) and half of it again (the average's delay).
  EXPECT_NEAR(1 - gain[peak_at + ahead + ahead / 2 + 2400], 0.5 * std::exp(-1.0), 0.02);
  EXPECT_GT(gain.back(), 0.995f);
}

TEST(Limiter, ItsGainIsWhatItApplies) {
  AudioBuffer sound = noise(2, 0.5, 3, 11);
  const LimiterSettings s{.ceiling_db = -6};
  const std::vector<float> gain = limiter_gain(sound, s);
  const AudioBuffer out = processed<Limiter>(sound, s);
  for (size_t f = 0; f < gain.size(); ++f)
    for (size_t c = 0; c < 2; ++c) ASSERT_EQ(out.samples[2 * f + c], sound.samples[2 * f + c] * gain[f]);
}

TEST(Dynamics, RefuseImpossibleSettings) {
  const AudioFormat format{kRate, 2};
  expect_error(ErrorKind::kUsage, "compressor: ratio is 0.5, it must be from 1 to 100",
               [&] { Compressor({.ratio = 0.5}, format); });
  expect_error(ErrorKind::kUsage, "attack_s is 0", [&] { Compressor({.attack_s = 0}, format); });
  expect_error(ErrorKind::kUsage, "limiter: ceiling_db is 1", [&] { Limiter({.ceiling_db = 1}, format); });
  expect_error(ErrorKind::kUsage, "look_ahead_s is nan", [&] { Limiter({.look_ahead_s = std::nan("")}, format); });
}

}  // namespace
}  // namespace instructme
