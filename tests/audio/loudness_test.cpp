#include "instructme/audio/loudness.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "signals.h"

namespace instructme {
namespace {

double level(double db) { return std::pow(10.0, db / 20); }

/// EBU Tech 3341, test signals 1 and 2: a stereo sine of 1 kHz.
TEST(Loudness, EbuReferenceTones) {
  for (const int rate : {24000, 44100, 48000})
    for (const double db : {-23.0, -33.0}) {
      const auto tone = sine(1000, rate, 20.0, level(db));
      EXPECT_NEAR(loudness_lufs(from_planar({tone, tone}, rate)), db, 0.1) << rate;
      EXPECT_NEAR(loudness_lufs(tone, rate), db - 3.01, 0.1) << "one loudspeaker is 3 dB less";
    }
}

/// EBU Tech 3341, test signal 3: the quiet parts fall under the relative gate.
TEST(Loudness, QuietPartsAreGated) {
  std::vector<float> tone = sine(1000, 48000, 10.0, level(-36));
  const auto loud = sine(1000, 48000, 60.0, level(-23));
  const auto quiet = tone;
  tone.insert(tone.end(), loud.begin(), loud.end());
  tone.insert(tone.end(), quiet.begin(), quiet.end());
  EXPECT_NEAR(loudness_lufs(from_planar({tone, tone}, 48000)), -23.0, 0.1);
}

TEST(Loudness, IsRelativeToLevelAndFrequency) {
  const auto tone = sine(1000, 24000, 3.0, 0.1), louder = sine(1000, 24000, 3.0, 0.2);
  EXPECT_NEAR(loudness_lufs(louder, 24000) - loudness_lufs(tone, 24000), 6.02, 0.01);
  EXPECT_LT(loudness_lufs(sine(30, 24000, 3.0, 0.1), 24000), loudness_lufs(tone, 24000) - 3);
}

TEST(Loudness, SilenceIsMinusInfinity) {
  for (const size_t n : {0u, 1u, 1000u, 100000u}) {
    const double lufs = loudness_lufs(std::vector<float>(n), 24000);
    EXPECT_TRUE(std::isinf(lufs) && lufs < 0) << n;
  }
  EXPECT_TRUE(std::isinf(loudness_lufs(sine(1000, 24000, 2.0, level(-80)), 24000))) << "under the absolute gate";
}

TEST(Loudness, ShortSoundIsMeasuredWithoutGates) {
  const double full = loudness_lufs(sine(1000, 24000, 4.0, 0.3), 24000);
  for (const double seconds : {0.05, 0.1, 0.2, 0.39, 0.4, 0.41})
    EXPECT_NEAR(loudness_lufs(sine(1000, 24000, seconds, 0.3), 24000), full, 0.2) << seconds;
}

TEST(Loudness, RefusesImpossibleBuffers) {
  expect_error(ErrorKind::kInternal, "at least one channel", [] { loudness_lufs(AudioBuffer{8000, 0, {}}); });
  expect_error(ErrorKind::kInternal, "at least one channel", [] { loudness_lufs(std::vector<float>(5), 0); });
}

TEST(Normalise, ReachesTheTargetAndCanBeUndone) {
  const std::vector<float> original = noise(24000, 1, 48000, 0.01).samples;
  for (const double target : {-30.0, -16.0}) {
    std::vector<float> sound = original;
    const LoudnessGain gain = normalise(sound, 24000, target);
    EXPECT_NEAR(loudness_lufs(sound, 24000), target, 0.01);
    EXPECT_NEAR(gain.before_lufs, loudness_lufs(original, 24000), 1e-9);
    EXPECT_GT(gain.gain, 1.0f);
    gain.undo(sound);
    for (size_t i = 0; i < sound.size(); ++i) ASSERT_NEAR(sound[i], original[i], 2.4e-7 * std::abs(original[i]));
  }
}

TEST(Normalise, LeavesSilenceAlone) {
  std::vector<float> silence(24000);
  const LoudnessGain gain = normalise(silence, 24000, -16);
  EXPECT_EQ(gain.gain, 1.0f);
  EXPECT_EQ(peak(silence), 0.0f);
}

}  // namespace
}  // namespace instructme
