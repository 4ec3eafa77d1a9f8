#include "instructme/ears/mono_to_hear.h"

#include <cmath>

#include "expect_error.h"

namespace instructme {
namespace {

/// A sine with 100 periods.
std::vector<float> hundred_waves(double amplitude) {
  std::vector<float> wave;
  for (int i = 0; i < 4800; ++i) wave.push_back(static_cast<float>(amplitude * std::sin(2 * M_PI * i / 48)));
  return wave;
}

TEST(MonoToHear, TheSoundingPartIsTakenInBlocks) {
  std::vector<float> wave(1000, 0.0f);
  EXPECT_EQ(sounding_part(wave, 100), (std::pair<int64_t, int64_t>{0, 0}));
  wave[250] = wave[730] = 0.5f;
  EXPECT_EQ(sounding_part(wave, 100), (std::pair<int64_t, int64_t>{200, 800}));
  wave[999] = 0.5f;
  EXPECT_EQ(sounding_part(wave, 300), (std::pair<int64_t, int64_t>{0, 1000}));
  EXPECT_EQ(sounding_part({}, 300), (std::pair<int64_t, int64_t>{0, 0}));
}

TEST(MonoToHear, IsTheMeanUnlessChannelsCancelEachOther) {
  const auto loud = hundred_waves(0.5), quiet = hundred_waves(0.1), opposite = hundred_waves(-0.45);
  const AudioBuffer alike = from_planar({loud, quiet}, 24000);
  EXPECT_EQ(mono_to_hear(alike), mix_to_mono(alike));
  EXPECT_EQ(mono_to_hear(from_planar({opposite, loud}, 24000)), loud);
  EXPECT_EQ(mono_to_hear(from_mono(quiet, 24000)), quiet);
  EXPECT_EQ(mono_to_hear({24000, 2, std::vector<float>(8, 0.0f)}), std::vector<float>(4, 0.0f));
  // One of eight loudspeakers is 9 dB below itself in the mean of them all.
  std::vector<std::vector<float>> eight(8, std::vector<float>(loud.size(), 0.0f));
  eight[5] = loud;
  const AudioBuffer lonely = from_planar(eight, 24000);
  EXPECT_EQ(mono_to_hear(lonely), mix_to_mono(lonely));
  expect_error(ErrorKind::kInternal, "without channels", [] { mono_to_hear({24000, 0, {}}); });
}

TEST(ChannelBalance, IsOfAllPiecesTogether) {
  const auto loud = hundred_waves(0.5), opposite = hundred_waves(-0.5), quiet = hundred_waves(0.01);
  ChannelBalance balance;
  EXPECT_FALSE(balance.channel_to_hear());
  balance.add(from_planar({quiet, loud}, 24000));
  EXPECT_FALSE(balance.channel_to_hear());
  for (int i = 0; i < 100; ++i) balance.add(from_planar({loud, opposite}, 24000));
  EXPECT_EQ(balance.channel_to_hear(), 1);
}

TEST(Silence, EndsAt80DecibelsBelowFullScale) {
  const double at_80_db = 1e-4 * std::sqrt(2.0);
  EXPECT_TRUE(is_silence({}));
  EXPECT_TRUE(is_silence(std::vector<float>(100, 0.0f)));
  EXPECT_TRUE(is_silence(hundred_waves(0.95 * at_80_db)));
  EXPECT_FALSE(is_silence(hundred_waves(1.05 * at_80_db)));
}

}  // namespace
}  // namespace instructme
