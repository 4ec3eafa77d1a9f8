#include "instructme/audio/resample.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "signals.h"

namespace instructme {
namespace {

TEST(Resample, LengthIsExactlyTheRoundedRatio) {
  for (const auto& [from, to] : {std::pair{44100.0, 24000.0},
                                 {24000.0, 44100.0},
                                 {48000.0, 16000.0},
                                 {8000.0, 192000.0},
                                 {192000.0, 8000.0},
                                 {44100.0, 44056.7},
                                 {22050.0, 24000.0}})
    for (const size_t n : {0u, 1u, 2u, 3u, 17u, 1000u, 44101u}) {
      const std::vector<float> in(n, 0.25f);
      EXPECT_EQ(static_cast<long long>(resample(in, from, to).size()), std::llround(static_cast<double>(n) * to / from))
          << n << " from " << from << " to " << to;
    }
}

TEST(Resample, LengthsThatEndOnAHalfGetTheirLastSample) {
  const std::vector<float> in(1000, 0.5f);
  const auto out = resample(in, 24000, 44100);  // 1837.5
  ASSERT_EQ(out.size(), 1838u);
  EXPECT_NE(out.back(), 0.0f);
}

TEST(Resample, ASineStaysTheSameSine) {
  for (const auto& [from, to] :
       {std::pair{44100, 24000}, {48000, 24000}, {24000, 44100}, {24000, 48000}, {16000, 24000}})
    for (const double hz : {50.0, 440.0, 3000.0, 0.45 * std::min(from, to)}) {
      const auto out = resample(sine(hz, from, 1.0, 0.8), from, to);
      const auto wanted = sine(hz, to, 1.0, 0.8);
      ASSERT_EQ(out.size(), wanted.size());
      double worst = 0;
      for (size_t i = out.size() / 4; i < 3 * out.size() / 4; ++i)
        worst = std::max<double>(worst, std::abs(out[i] - wanted[i]));
      // Sample by sample, so amplitude, frequency and time are all kept.
      EXPECT_LT(worst, 2e-5) << hz << " Hz from " << from << " to " << to;
    }
}

TEST(Resample, WhatCannotBeRepresentedDisappears) {
  for (const double hz : {12500.0, 15000.0, 20000.0, 23000.0}) {
    const auto out = resample(sine(hz, 48000, 1.0), 48000, 24000);
    const std::span<const float> middle(out.data() + 6000, 12000);
    EXPECT_LT(rms_db(middle), -100) << hz;
  }
  // Going up must not add images of the tone.
  const auto up = resample(sine(9000, 24000, 1.0), 24000, 48000);
  EXPECT_LT(std::abs(component(up, 15000, 48000)), 1e-5);
  EXPECT_NEAR(std::abs(component(up, 9000, 48000)), 1.0, 1e-4);
}

TEST(Resample, KeepsTheEndsOfConstantSound) {
  const std::vector<float> in(4410, 0.5f);
  const auto out = resample(in, 44100, 24000);
  EXPECT_NEAR(out[out.size() / 2], 0.5, 1e-5);
  EXPECT_NEAR(out.front(), 0.5, 0.3) << "the signal is zero outside, so the ends ring";
  EXPECT_NE(out.back(), 0.0f);
}

TEST(Resample, ThereAndBackIsTheSameBelowTheBand) {
  std::vector<float> in(24000);
  for (const double hz : {100.0, 777.0, 5000.0, 9000.0}) {
    const auto tone = sine(hz, 24000, 1.0, 0.2);
    for (size_t i = 0; i < in.size(); ++i) in[i] += tone[i];
  }
  const auto back = resample(resample(in, 24000, 44100), 44100, 24000);
  ASSERT_EQ(back.size(), in.size());
  EXPECT_GT(snr_db({in.data() + 2000, 20000}, {back.data() + 2000, 20000}), 100);
}

TEST(Resample, ChannelsDoNotMix) {
  const auto left = sine(300, 44100, 0.5), right = sine(2000, 44100, 0.5, 0.1);
  const AudioBuffer out = resample(from_planar({left, right}, 44100), 24000);
  EXPECT_EQ(out.sample_rate, 24000);
  EXPECT_EQ(out.channels, 2);
  const auto alone = resample(left, 44100, 24000);
  const auto mixed = extract_channel(out, 0);
  ASSERT_EQ(alone.size(), mixed.size());
  for (size_t i = 0; i < alone.size(); ++i) ASSERT_NEAR(alone[i], mixed[i], 1e-6);
}

TEST(Resample, EqualRatesCopyAndBadOnesAreRefused) {
  const auto tone = sine(300, 8000, 0.1);
  EXPECT_EQ(resample(tone, 8000, 8000), tone);
  expect_error(ErrorKind::kInternal, "above 0 Hz", [&] { resample(tone, 0, 8000); });
  expect_error(ErrorKind::kInternal, "above 0 Hz", [&] { resample(tone, 8000, -1); });
  expect_error(ErrorKind::kInternal, "above 0 Hz", [&] { resample(tone, std::nan(""), 8000); });
  expect_error(ErrorKind::kInternal, "without channels", [&] { resample(AudioBuffer(), 8000); });
}

}  // namespace
}  // namespace instructme
