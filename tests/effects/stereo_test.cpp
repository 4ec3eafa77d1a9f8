#include "instructme/effects/stereo.h"

#include <gtest/gtest.h>

#include "effects_test_support.h"

namespace instructme {
namespace {

TEST(Echo, RepeatsAreExactlyWhereAndAsLoudAsTheyShouldBe) {
  for (const int rate : {8000, 24000, 192000}) {
    const EchoSettings s{.time_s = 0.05, .feedback = 0.5, .damping_hz = 96000, .wet_db = -6};
    const AudioBuffer out = processed<Echo>(impulse(1, 0.3, rate), s);
    const auto distance = static_cast<size_t>(rate / 20);
    for (size_t i = 0; i < out.samples.size(); ++i) {
      double wanted = i == 0 ? 1 : 0;
      if (i > 0 && i % distance == 0) wanted = from_db(-6) * std::pow(0.5, static_cast<double>(i / distance) - 1);
      ASSERT_NEAR(out.samples[i], wanted, 1e-6) << i;
    }
  }
}

TEST(Echo, PingPongChangesSides) {
  AudioBuffer in{kRate, 2, std::vector<float>(2 * 10000)};
  in.samples[0] = 1;  // left only
  const EchoSettings s{.time_s = 0.1, .feedback = 0.6, .damping_hz = 96000, .ping_pong = true, .wet_db = 0};
  const AudioBuffer out = processed<Echo>(in, s);
  EXPECT_FLOAT_EQ(out.samples[2 * 2400], 1.0f);
  EXPECT_EQ(out.samples[2 * 2400 + 1], 0.0f);
  EXPECT_EQ(out.samples[2 * 4800], 0.0f);
  EXPECT_FLOAT_EQ(out.samples[2 * 4800 + 1], 0.6f);
  EXPECT_FLOAT_EQ(out.samples[2 * 7200], 0.36f);
}

TEST(Echo, EachRepeatLosesTreble) {
  const EchoSettings s{.time_s = 0.25, .feedback = 0.9, .damping_hz = 1500, .wet_db = 0};
  AudioBuffer in = from_mono(std::vector<float>(kRate * 2), kRate);
  const auto burst = sine(1500, kRate, 0.1, 0.5);
  std::copy(burst.begin(), burst.end(), in.samples.begin());
  const AudioBuffer out = processed<Echo>(in, s);
  const auto repeat = [&](size_t n) { return std::abs(component(out.samples, 1500, n * 6000, n * 6000 + 2400)); };
  EXPECT_NEAR(to_db(repeat(2) / repeat(1)), to_db(0.9) - 3.01, 0.1) << "half the power at the damping frequency";
  EXPECT_NEAR(to_db(repeat(3) / repeat(2)), to_db(0.9) - 3.01, 0.1);
}

TEST(Width, ScalesTheSideAndNothingElse) {
  const AudioBuffer in = noise(2, 0.05, 0.5, 7);
  EXPECT_EQ(processed<StereoMatrix>(in, WidthSettings{1}).samples, in.samples);
  for (const double width : {0.0, 0.5, 2.0}) {
    const AudioBuffer out = processed<StereoMatrix>(in, WidthSettings{width});
    for (size_t i = 0; i < in.samples.size(); i += 2) {
      EXPECT_NEAR(out.samples[i] + out.samples[i + 1], in.samples[i] + in.samples[i + 1], 1e-6) << "middle";
      EXPECT_NEAR(out.samples[i] - out.samples[i + 1], width * (in.samples[i] - in.samples[i + 1]), 1e-6) << "side";
    }
  }
}

TEST(Pan, KeepsThePowerOfTheMiddle) {
  const AudioBuffer in = from_planar({{0.5f}, {0.5f}}, kRate);
  EXPECT_EQ(processed<StereoMatrix>(in, PanSettings{0}).samples, in.samples);
  for (const double pan : {-1.0, -0.4, 0.0, 0.7, 1.0}) {
    const AudioBuffer out = processed<StereoMatrix>(in, PanSettings{pan});
    EXPECT_NEAR(energy(out.samples), 0.5, 1e-6) << pan;
    EXPECT_EQ(pan<0, out.samples[0]> out.samples[1]);
  }
  EXPECT_NEAR(processed<StereoMatrix>(in, PanSettings{1}).samples[0], 0, 1e-7);
}

TEST(Gain, IsThatManyDecibels) {
  const AudioBuffer in = noise(2, 0.01, 0.5);
  const AudioBuffer out = processed<StereoMatrix>(in, GainSettings{-6});
  for (size_t i = 0; i < in.samples.size(); ++i) EXPECT_NEAR(out.samples[i], in.samples[i] * from_db(-6), 1e-7);
  EXPECT_EQ(peak(processed<StereoMatrix>(in, GainSettings{-100}).samples), 0.0f);
}

TEST(Stereo, OneChannelHasNoSides) {
  const AudioBuffer in = noise(1, 0.01, 0.5);
  EXPECT_EQ(processed<StereoMatrix>(in, WidthSettings{0}).samples, in.samples);
  EXPECT_EQ(processed<StereoMatrix>(in, PanSettings{0.8}).samples, in.samples);
}

TEST(Stereo, RefusesImpossibleSettings) {
  const AudioFormat format{kRate, 2};
  expect_error(ErrorKind::kUsage, "delay: feedback is 1, it must be from 0 to 0.95",
               [&] { Echo({.feedback = 1}, format); });
  expect_error(ErrorKind::kUsage, "delay: time_s is 0", [&] { Echo({.time_s = 0}, format); });
  expect_error(ErrorKind::kUsage, "width: width is -1", [&] { StereoMatrix(WidthSettings{-1}, format); });
  expect_error(ErrorKind::kUsage, "pan: pan is 2", [&] { StereoMatrix(PanSettings{2}, format); });
  expect_error(ErrorKind::kUsage, "gain: gain_db is inf", [&] { StereoMatrix(GainSettings{INFINITY}, format); });
}

}  // namespace
}  // namespace instructme
