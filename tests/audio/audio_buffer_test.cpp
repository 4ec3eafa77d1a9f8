#include "instructme/audio/audio_buffer.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "signals.h"

namespace instructme {
namespace {

TEST(AudioBuffer, CountsFramesAndSeconds) {
  const AudioBuffer buffer{24000, 2, std::vector<float>(48000)};
  EXPECT_EQ(buffer.frames(), 24000);
  EXPECT_DOUBLE_EQ(buffer.seconds(), 1.0);
  EXPECT_EQ(AudioBuffer().frames(), 0);
  EXPECT_EQ(AudioBuffer().seconds(), 0.0);
}

TEST(AudioBuffer, ChannelsComeApartAndTogether) {
  const AudioBuffer buffer = noise(44100, 3, 100, 1.0);
  std::vector<std::vector<float>> planes;
  for (int c = 0; c < 3; ++c) planes.push_back(extract_channel(buffer, c));
  EXPECT_EQ(planes[2][7], buffer.samples[7 * 3 + 2]);
  const AudioBuffer again = from_planar(planes, 44100);
  EXPECT_EQ(again.samples, buffer.samples);
  EXPECT_EQ(again.channels, 3);
  EXPECT_EQ(from_mono(planes[0], 8000).samples, planes[0]);
  expect_error(ErrorKind::kInternal, "channel 3", [&] { extract_channel(buffer, 3); });
  expect_error(ErrorKind::kInternal, "channel -1", [&] { extract_channel(buffer, -1); });
  expect_error(ErrorKind::kInternal, "at least one", [] { from_planar({}, 8000); });
  expect_error(ErrorKind::kInternal, "equal lengths", [] { from_planar({{1}, {1, 2}}, 8000); });
}

TEST(AudioBuffer, MonoIsTheMean) {
  const AudioBuffer buffer{8000, 2, {1.0f, 0.0f, 0.5f, -0.5f, 0.25f, 0.75f}};
  EXPECT_EQ(mix_to_mono(buffer), (std::vector<float>{0.5f, 0.0f, 0.5f}));
  expect_error(ErrorKind::kInternal, "without channels", [] { mix_to_mono(AudioBuffer()); });
}

TEST(Level, OfASine) {
  const auto tone = sine(100, 8000, 1.0, 0.5);
  EXPECT_NEAR(peak(tone), 0.5, 1e-6);
  EXPECT_NEAR(rms_db(tone), 20 * std::log10(0.5) - 3.0103, 1e-3);
  EXPECT_EQ(peak({}), 0.0f);
  EXPECT_TRUE(std::isinf(rms_db({})) && rms_db({}) < 0);
  const std::vector<float> zeros(10);
  EXPECT_TRUE(std::isinf(rms_db(zeros)));
}

TEST(Level, SilenceHasAThreshold) {
  AudioBuffer buffer{8000, 1, std::vector<float>(100)};
  EXPECT_TRUE(is_silent(buffer));
  buffer.samples[50] = -0.9e-4f;
  EXPECT_TRUE(is_silent(buffer));
  buffer.samples[50] = -1.1e-4f;
  EXPECT_FALSE(is_silent(buffer));
  EXPECT_TRUE(is_silent(buffer, -60));
  EXPECT_TRUE(is_silent(AudioBuffer()));
}

}  // namespace
}  // namespace instructme
