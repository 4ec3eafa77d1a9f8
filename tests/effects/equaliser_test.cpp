#include "instructme/effects/equaliser.h"

#include <gtest/gtest.h>

#include "effects_test_support.h"

namespace instructme {
namespace {

// The analogue prototypes that the cookbook transforms, at the frequency that the bilinear transform maps to `hz`.
double prototype_db(const EqualiserBand& band, double hz, int rate) {
  const double warped = std::tan(std::numbers::pi * hz / rate) / std::tan(std::numbers::pi * band.frequency_hz / rate);
  const std::complex<double> s(0, warped);
  const double a = std::pow(10.0, band.gain_db / 40), q = band.q;
  switch (band.type) {
    case BandType::kLowPass: return to_db(std::abs(1.0 / (s * s + s / q + 1.0)));
    case BandType::kHighPass: return to_db(std::abs(s * s / (s * s + s / q + 1.0)));
    case BandType::kPeak: return to_db(std::abs((s * s + s * (a / q) + 1.0) / (s * s + s / (a * q) + 1.0)));
    case BandType::kLowShelf: {
      const double r = std::sqrt(a) / q;
      return to_db(std::abs(a * (s * s + r * s + a) / (a * s * s + r * s + 1.0)));
    }
    case BandType::kHighShelf: break;
  }
  const double r = std::sqrt(a) / q;
  return to_db(std::abs(a * (a * s * s + r * s + 1.0) / (s * s + r * s + a)));
}

double measured_db(const std::vector<EqualiserBand>& bands, double hz, int rate) {
  const AudioBuffer out = processed<Equaliser>(impulse(1, 1.0, rate), EqualiserSettings{bands});
  return to_db(std::abs(response(out.samples, hz, rate)));
}

TEST(Equaliser, EveryBandHasItsAnalyticResponse) {
  using enum BandType;
  const std::vector<EqualiserBand> bands{
      {kLowShelf, 200, 6, 0.7071}, {kLowShelf, 80, -9, 0.5}, {kHighShelf, 2500, -5, 0.7071}, {kHighShelf, 3000, 8, 1.0},
      {kPeak, 1000, 4, 1},         {kPeak, 250, -12, 4},     {kLowPass, 2000, 0, 0.7071},    {kLowPass, 3000, 0, 3},
      {kHighPass, 500, 0, 0.7071}, {kHighPass, 60, 0, 1.3}};
  for (const int rate : {8000, 24000, 192000})
    for (const EqualiserBand& band : bands)
      for (const double hz : {30.0, 90.0, 250.0, 700.0, 1000.0, 2000.0, 3500.0}) {
        const double wanted = prototype_db(band, hz, rate);
        // Samples are float: what is 100 dB down is measured less exactly.
        if (wanted < -60) continue;
        EXPECT_NEAR(measured_db({band}, hz, rate), wanted, 0.02)
            << hz << " Hz, band " << static_cast<int>(band.type) << " at " << band.frequency_hz << ", " << rate;
      }
}

TEST(Equaliser, GainsAtCornersAreTheTextbookOnes) {
  using enum BandType;
  EXPECT_NEAR(measured_db({{kPeak, 1000, 4, 1}}, 1000, kRate), 4, 0.01);
  EXPECT_NEAR(measured_db({{kLowShelf, 300, 6, 0.7071}}, 300, kRate), 3, 0.01);
  EXPECT_NEAR(measured_db({{kLowPass, 2000, 0, std::numbers::sqrt2 / 2}}, 2000, kRate), -3.01, 0.01);
}

TEST(Equaliser, BandsAddTheirDecibels) {
  using enum BandType;
  const EqualiserBand a{kPeak, 400, 5, 1}, b{kHighShelf, 3000, -6, 0.7071}, c{kHighPass, 100, 0, 0.7071};
  for (const double hz : {100.0, 400.0, 1500.0, 6000.0})
    EXPECT_NEAR(measured_db({a, b, c}, hz, kRate),
                measured_db({a}, hz, kRate) + measured_db({b}, hz, kRate) + measured_db({c}, hz, kRate), 0.01);
}

TEST(Equaliser, BandLimitsFallOffByTwentyFourDecibelsAnOctave) {
  const auto bands = band_limits(200, 2000);
  EXPECT_NEAR(measured_db(bands, 650, kRate), 0, 0.05);
  EXPECT_NEAR(measured_db(bands, 200, kRate), -3.01, 0.05);
  EXPECT_NEAR(measured_db(bands, 2000, kRate), -3.01, 0.05);
  EXPECT_NEAR(measured_db(bands, 50, kRate) - measured_db(bands, 100, kRate), -24, 0.3);
  EXPECT_LT(measured_db(bands, 4000, kRate), -24);
}

TEST(Equaliser, BandsAboveTheNyquistFrequencyDoNothingOrActAtIt) {
  using enum BandType;
  const AudioBuffer sound = noise(1, 0.2, 0.5, 3, 8000);
  for (const BandType type : {kHighShelf, kPeak, kLowPass})
    EXPECT_EQ(processed<Equaliser>(sound, EqualiserSettings{{{type, 9000, 6, 0.7}}}).samples, sound.samples);
  EXPECT_NEAR(measured_db({{kLowShelf, 9000, 6, 0.7071}}, 1000, 8000), 6, 0.05);
  EXPECT_LT(measured_db({{kHighPass, 9000, 0, 0.7071}}, 1000, 8000), -30);
}

TEST(Equaliser, ChannelsDoNotMix) {
  const EqualiserSettings settings{{{BandType::kPeak, 700, 6, 1}, {BandType::kLowPass, 3000, 0, 0.7}}};
  const auto left = noise(1, 0.1, 0.5, 4), right = noise(1, 0.1, 0.5, 5);
  const AudioBuffer both = processed<Equaliser>(from_planar({left.samples, right.samples}, kRate), settings);
  EXPECT_EQ(extract_channel(both, 0), processed<Equaliser>(left, settings).samples);
  EXPECT_EQ(extract_channel(both, 1), processed<Equaliser>(right, settings).samples);
}

TEST(Equaliser, RefusesImpossibleBandsAndFormats) {
  const AudioFormat good{kRate, 1};
  const auto make = [&](EqualiserBand band) { Equaliser({{band}}, good); };
  expect_error(ErrorKind::kUsage, "equaliser: frequency_hz is 0", [&] { make({BandType::kPeak, 0, 0, 1}); });
  expect_error(ErrorKind::kUsage, "equaliser: q is 0, it must be from 0.1 to 20", [&] {
    make({BandType::kPeak, 100, 0, 0});
  });
  expect_error(ErrorKind::kUsage, "gain_db is nan", [&] { make({BandType::kPeak, 100, std::nan(""), 1}); });
  expect_error(ErrorKind::kUsage, "number of bands is 33", [&] { Equaliser({std::vector<EqualiserBand>(33)}, good); });
  expect_error(ErrorKind::kUsage, "found 7999", [] { Equaliser({}, {7999, 1}); });
  expect_error(ErrorKind::kUsage, "found 192001", [] { Equaliser({}, {192001, 1}); });
  expect_error(ErrorKind::kUsage, "one or two channels, found 3", [] { Equaliser({}, {kRate, 3}); });
  expect_error(ErrorKind::kInternal, "whole frames", [] {
    Equaliser equaliser({}, {kRate, 2});
    std::vector<float> odd(3);
    equaliser.process(odd);
  });
}

}  // namespace
}  // namespace instructme
