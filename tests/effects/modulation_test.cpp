#include "instructme/effects/modulation.h"

#include <gtest/gtest.h>

#include "effects_test_support.h"

namespace instructme {
namespace {

constexpr double kOff = -100;

// Frequency of a tone between two times from the advance of its phase, in cents against `hz`.
double cents_of(const std::vector<float>& x, double hz, double from_s, double to_s) {
  const double window_s = 0.1, step_s = 0.004;
  double turned = 0, time = 0;
  std::complex<double> before;
  for (double t = from_s; t + window_s < to_s; t += step_s) {
    const auto begin = static_cast<size_t>(t * kRate), end = static_cast<size_t>((t + window_s) * kRate);
    const auto now = component(x, hz, begin, end);
    if (t > from_s) turned += std::arg(now / before), time += step_s;
    before = now;
  }
  return 1200 * std::log2(1 + turned / (2 * std::numbers::pi * time * hz));
}

TEST(Detune, ShiftsThePitchByTheCentsAskedFor) {
  for (const double hz : {110.0, 440.0, 3000.0})
    for (const double cents : {-20.0, -5.0, 5.0, 12.0}) {
      const AudioBuffer out = processed<Detune>(from_mono(sine(hz, kRate, 2, 0.5), kRate), DetuneSettings{cents});
      // The first jump comes after half a round.
      const double first_jump_s = 0.01 / std::abs(std::exp2(cents / 1200) - 1);
      EXPECT_NEAR(cents_of(out.samples, hz, 0.05, std::min(1.9, first_jump_s)), cents, 0.1) << hz;
    }
}

TEST(Detune, StaysNearTrueTimeAndAtLevel) {
  // Clicks show the delay: at most 10 ms and a cross-fade away, whatever the shift.
  for (const double cents : {-60.0, -8.0, 3.0, 60.0}) {
    AudioBuffer clicks{kRate, 1, std::vector<float>(10 * kRate)};
    for (size_t i = kRate / 2; i < clicks.samples.size(); i += kRate / 2) clicks.samples[i] = 1;
    const AudioBuffer out = processed<Detune>(clicks, DetuneSettings{cents});
    for (size_t i = kRate / 2; i + kRate / 2 < clicks.samples.size(); i += kRate / 2) {
      double outside = 0, inside = 0;
      for (size_t k = i - kRate / 4; k < i + kRate / 4; ++k) {
        const bool near = std::abs(static_cast<double>(k) - static_cast<double>(i)) < 0.015 * kRate;
        (near ? inside : outside) += std::abs(out.samples[k]);
      }
      EXPECT_GT(inside, 0.4) << "a click in a cross-fade may lose half its level";
      EXPECT_LT(outside, 0.12) << "the rest of the interpolation's ripple";
    }
  }
  const AudioBuffer out = processed<Detune>(noise(2, 8, 0.3), DetuneSettings{10});
  EXPECT_NEAR(rms_db(out.samples), rms_db(noise(2, 8, 0.3).samples), 1.0);
}

TEST(Detune, OfNothingIsADelayThatIsTakenOut) {
  const AudioBuffer in = noise(2, 0.5, 0.5, 3), out = processed<Detune>(in, DetuneSettings{0});
  EXPECT_LT(largest_difference(in.samples, out.samples), 1e-6);
}

TEST(SincReader, ReadsBetweenSamples) {
  for (const double hz : {200.0, 3000.0, 8000.0}) {
    SincReader reader(100, 1);
    double worst = 0;
    for (int n = 0; n < 2000; ++n) {
      const auto x = static_cast<float>(std::sin(2 * std::numbers::pi * hz * n / kRate));
      reader.write(&x);
      const double delay = 20 + 0.0377 * (n % 1000);
      float y = 0;
      reader.read(delay, 1, &y);
      if (n > 200) worst = std::max(worst, std::abs(y - std::sin(2 * std::numbers::pi * hz * (n - delay) / kRate)));
    }
    EXPECT_LT(worst, hz < 8000 ? 2e-3 : 1e-2) << hz;
  }
}

TEST(Wow, BendsThePitchAsFarAsAskedAndKeepsTime) {
  const WowSettings s{.wow_cents = 20, .wow_hz = 0.5, .flutter_cents = 0, .flutter_hz = 8, .phase = 0};
  const AudioBuffer out = processed<Wow>(from_mono(sine(1000, kRate, 4, 0.5), kRate), s);
  double lowest = 0, highest = 0;
  for (double t = 0.1; t < 3.8; t += 0.05) {
    const double cents = cents_of(out.samples, 1000, t, t + 0.19);
    lowest = std::min(lowest, cents);
    highest = std::max(highest, cents);
  }
  EXPECT_NEAR(highest, 20, 1.5);
  EXPECT_NEAR(lowest, -20, 1.5);
  EXPECT_NEAR(cents_of(out.samples, 1000, 0.5, 2.5 + 0.1), 0, 1) << "over a whole round";
  const AudioBuffer in = noise(1, 1, 0.3);
  const AudioBuffer still = processed<Wow>(in, WowSettings{.wow_cents = 0, .flutter_cents = 0});
  EXPECT_LT(largest_difference(in.samples, still.samples), 1e-6);
}

TEST(Chorus, IsBoundedAndItsVoicesLieWhereTheyShould) {
  const ChorusSettings s{.voices = 3, .delay_s = 0.02, .depth_s = 0.004, .rate_hz = 1, .wet_db = 0, .dry_db = kOff};
  AudioBuffer clicks{kRate, 2, std::vector<float>(4 * kRate)};
  for (size_t f = 1000; f < 2 * kRate; f += 4000) clicks.samples[2 * f] = clicks.samples[2 * f + 1] = 1;
  const AudioBuffer out = processed<Chorus>(clicks, s);
  for (size_t f = 0; f < 2 * kRate; ++f) {
    const double since = static_cast<double>((f + 3000) % 4000) / kRate;
    const bool allowed = since > 0.016 - 2e-4 && since < 0.024 + 2e-4;
    ASSERT_TRUE(allowed || out.samples[2 * f] == 0) << since;
  }
  const AudioBuffer loud = processed<Chorus>(noise(2, 3, 1), ChorusSettings{.voices = 4, .wet_db = 0});
  // Dry and four voices of 1/√4 each; a cubic may pass its points by a quarter.
  EXPECT_LE(peak(loud.samples), 1 + 1.25 * 4 / 2);
}

TEST(Chorus, VoicesWanderBetweenTheirBounds) {
  const ChorusSettings s{.voices = 1, .delay_s = 0.02, .depth_s = 0.005, .rate_hz = 2, .wet_db = 0, .dry_db = kOff};
  AudioBuffer clicks{kRate, 1, std::vector<float>(3 * kRate)};
  for (size_t f = 0; f < clicks.samples.size(); f += 1200) clicks.samples[f] = 1;
  const AudioBuffer out = processed<Chorus>(clicks, s);
  double least = 1, most = 0;
  for (size_t f = 0; f + 1200 < clicks.samples.size(); f += 1200) {
    double sum = 0, centre = 0;
    for (size_t k = 0; k < 1200; ++k) sum += out.samples[f + k], centre += out.samples[f + k] * static_cast<double>(k);
    EXPECT_NEAR(sum, 1, 0.08) << "a voice that comes nearer at 0.06 s/s is that much louder";
    least = std::min(least, centre / sum / kRate);
    most = std::max(most, centre / sum / kRate);
    const double expected = 0.02 + 0.005 * std::sin(2 * std::numbers::pi * 2 * (static_cast<double>(f) / kRate + 0.02));
    EXPECT_NEAR(centre / sum / kRate, expected, 4e-4);
  }
  EXPECT_NEAR(least, 0.015, 3e-4);
  EXPECT_NEAR(most, 0.025, 3e-4);
}

TEST(Modulation, RefusesImpossibleSettings) {
  const AudioFormat format{kRate, 2};
  expect_error(ErrorKind::kUsage, "chorus: depth_s is 0.01, it must be below delay_s, which is 0.01",
               [&] { Chorus({.delay_s = 0.01, .depth_s = 0.01}, format); });
  expect_error(ErrorKind::kUsage, "chorus: voices is 0", [&] { Chorus({.voices = 0}, format); });
  expect_error(ErrorKind::kUsage, "detune: cents is nan", [&] { Detune({std::nan("")}, format); });
  expect_error(ErrorKind::kUsage, "wow: flutter_hz is 0", [&] { Wow({.flutter_hz = 0}, format); });
}

}  // namespace
}  // namespace instructme
