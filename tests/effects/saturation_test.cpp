#include "instructme/effects/saturation.h"

#include <gtest/gtest.h>

#include "effects_test_support.h"

namespace instructme {
namespace {

using enum SaturationCurve;

AudioBuffer saturated(double hz, double amplitude, SaturationSettings settings) {
  return processed<Saturator>(from_mono(sine(hz, kRate, 1, amplitude), kRate), settings);
}

double harmonic_db(const AudioBuffer& sound, double hz, int number) {
  return to_db((amplitude_at(sound.samples, number * hz) + 1e-12) / amplitude_at(sound.samples, hz));
}

TEST(Saturator, SymmetricCurvesMakeOddHarmonicsOnly) {
  for (const SaturationCurve curve : {kTanh, kHardClip}) {
    const AudioBuffer out = saturated(500, 0.5, {curve, 18, 0, 1, 4});
    EXPECT_GT(harmonic_db(out, 500, 3), -20);
    EXPECT_GT(harmonic_db(out, 500, 5), -35);
    EXPECT_LT(harmonic_db(out, 500, 2), -90);
    EXPECT_LT(harmonic_db(out, 500, 4), -90);
  }
}

TEST(Saturator, TheTubeMakesEvenHarmonicsTooAndNoOffset) {
  const AudioBuffer out = saturated(500, 0.3, {kTube, 12, 0.5, 1, 4});
  EXPECT_GT(harmonic_db(out, 500, 2), -35);
  EXPECT_GT(harmonic_db(out, 500, 3), -40);
  double mean = 0;
  for (size_t i = kRate / 2; i < kRate; ++i) mean += out.samples[i];
  EXPECT_LT(std::abs(mean / (kRate / 2)), 1e-3);
}

// The third harmonic of tanh for a small amplitude a at drive d is (a d)³/12 against a d.
TEST(Saturator, HarmonicsAreThoseOfTheSeries) {
  const double amplitude = 0.05, drive = from_db(6);
  const AudioBuffer out = saturated(500, amplitude, {kTanh, 6, 0, 1, 2});
  EXPECT_NEAR(harmonic_db(out, 500, 3), to_db(std::pow(amplitude * drive, 2) / 12), 0.2);
}

TEST(Saturator, OversamplingLowersAliasing) {
  // The 5th and 7th harmonics of 3150 Hz lie above 12 kHz and come back as 8250 and 1950 Hz.
  const auto alias_db = [](int oversampling) {
    const AudioBuffer out = saturated(3150, 0.5, {kTanh, 18, 0, 1, oversampling});
    const double tone = amplitude_at(out.samples, 3150);
    return std::pair(to_db(amplitude_at(out.samples, 8250) / tone), to_db(amplitude_at(out.samples, 1950) / tone));
  };
  const auto once = alias_db(1), twice = alias_db(2), four = alias_db(4);
  EXPECT_LT(twice.first, once.first - 40) << "the 5th lies below the doubled Nyquist frequency and is filtered out";
  EXPECT_LT(twice.second, once.second - 40);
  // 15th harmonic: 47250 Hz comes back at 750 Hz both at 24 and at 48 kHz, but not at 96 kHz.
  const auto fifteenth = [](int oversampling) {
    const AudioBuffer out = saturated(3150, 0.9, {kHardClip, 24, 0, 1, oversampling});
    return to_db(amplitude_at(out.samples, 750) / amplitude_at(out.samples, 3150));
  };
  EXPECT_LT(fifteenth(4), fifteenth(2) - 30);
  EXPECT_LT(four.second, once.second - 40);
}

TEST(Saturator, OversamplingKeepsTimeAndTheAudibleBand) {
  for (const int oversampling : {1, 2, 4}) {
    SaturationSettings s{kTanh, 0, 0, 1, oversampling};
    for (const double hz : {100.0, 1000.0, 5000.0, 9500.0}) {
      const std::vector<float> x = sine(hz, kRate, 1, 0.001);
      const AudioBuffer out = processed<Saturator>(from_mono(x, kRate), s);
      const auto ratio = component(out.samples, hz, 6000, 18000) / component(x, hz, 6000, 18000);
      // At 0 dB of drive the level is 0.25 / tanh(0.25), 0.18 dB.
      EXPECT_NEAR(to_db(std::abs(ratio)), 0.178, 0.1) << hz << " x" << oversampling;
      EXPECT_NEAR(std::arg(ratio), 0, 1e-3) << hz << " x" << oversampling;
    }
  }
}

TEST(Saturator, ASampleAtMinusTwelveDecibelsKeepsItsLevel) {
  for (const SaturationCurve curve : {kTanh, kHardClip})
    for (const double drive : {-10.0, 6.0, 12.0, 40.0}) {
      const AudioBuffer in = from_mono({0.25f, -0.25f, 0.05f, 0.9f}, kRate);
      const AudioBuffer out = processed<Saturator>(in, SaturationSettings{curve, drive, 0, 1, 1});
      EXPECT_NEAR(out.samples[0], 0.25, 1e-4);
      EXPECT_NEAR(out.samples[1], -0.25, 1e-4);
      EXPECT_GE(out.samples[2], 0.05f - 1e-6f);
      EXPECT_LE(out.samples[3], 0.9f + 1e-6f);
    }
}

TEST(SaturationGain, TurnsSamplesIntoTheSaturatedOnes) {
  AudioBuffer in = noise(2, 0.2, 1.5, 4);
  in.samples[10] = 0;
  in.samples[11] = 1e-6f;
  in.samples[12] = -1e-20f;
  for (const double drive : {-6.0, 3.0, 20.0}) {
    const std::vector<float> gain = saturation_gain(in, drive);
    const AudioBuffer wanted = processed<Saturator>(in, SaturationSettings{kTanh, drive, 0, 1, 1});
    for (size_t i = 0; i < gain.size(); ++i) {
      ASSERT_TRUE(gain[i] > 0 && std::isfinite(gain[i])) << i;
      ASSERT_NEAR(in.samples[i] * gain[i], wanted.samples[i], 1e-6) << i;
    }
  }
}

TEST(Amplifier, DriveMakesHarmonicsAndTheCabinetCutsTheTreble) {
  const auto played = [](double drive) {
    return processed<Amplifier>(from_mono(sine(220, kRate, 1, 0.15), kRate), AmplifierSettings{.drive_db = drive});
  };
  EXPECT_LT(harmonic_db(played(-10), 220, 3), -25) << "clean";
  EXPECT_GT(harmonic_db(played(40), 220, 3), -20) << "distorted";
  EXPECT_GT(harmonic_db(played(40), 220, 2), -50) << "tubes are not symmetric";
  const AudioBuffer in = noise(1, 2, 0.05, 6), out = processed<Amplifier>(in, AmplifierSettings{.drive_db = 0});
  const auto band_db = [](const AudioBuffer& sound, double hz) {
    double sum = 0;
    for (int i = 0; i < 20; ++i) sum += std::norm(component(sound.samples, hz * (1 + 0.01 * i), 8000, 40000));
    return 10 * std::log10(sum);
  };
  const auto change = [&](double hz) { return band_db(out, hz) - band_db(in, hz); };
  EXPECT_LT(change(9000), change(1500) - 20);
  EXPECT_LT(change(30), change(1500) - 10);
}

TEST(Saturation, RefusesImpossibleSettings) {
  const AudioFormat format{kRate, 1};
  expect_error(ErrorKind::kUsage, "saturation: oversampling is 3, it must be 1, 2 or 4",
               [&] { Saturator({.oversampling = 3}, format); });
  expect_error(ErrorKind::kUsage, "mix is 1.5", [&] { Saturator({.mix = 1.5}, format); });
  expect_error(ErrorKind::kUsage, "amplifier: drive_db is 90", [&] { Amplifier({.drive_db = 90}, format); });
  expect_error(ErrorKind::kUsage, "drive_db is nan", [&] { saturation_gain({kRate, 1, {}}, std::nan("")); });
}

}  // namespace
}  // namespace instructme
