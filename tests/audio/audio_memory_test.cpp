#include "instructme/audio/audio_memory.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expect_error.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"

namespace instructme {
namespace {

AudioBuffer noise(int64_t frames) {
  AudioBuffer buffer{24000, 1, {}};
  Rng rng(1);
  for (int64_t i = 0; i < frames; ++i) buffer.samples.push_back(static_cast<float>(rng.uniform(-1, 1)));
  return buffer;
}

TEST(AudioMemory, ComesBackToWithinHalfAStep) {
  const AudioBuffer sound = noise(100000);
  for (const int bits : {16, 24}) {
    const std::string bytes = encode_flac(sound, bits);
    const AudioBuffer back = decode_flac(bytes, "x");
    ASSERT_EQ(back.frames(), sound.frames());
    EXPECT_EQ(back.sample_rate, 24000);
    double worst = 0;
    for (size_t i = 0; i < sound.samples.size(); ++i)
      worst = std::max<double>(worst, std::abs(back.samples[i] - sound.samples[i]));
    // Half a step; a whole one just below +1, which has no code.
    EXPECT_LE(worst, std::ldexp(1.0, 1 - bits));
    EXPECT_GT(worst, std::ldexp(0.3, 1 - bits));
    EXPECT_EQ(encode_flac(sound, bits), bytes);
  }
}

TEST(AudioMemory, HasTheBytesOfTheFile) {
  const TempDir folder;
  const AudioBuffer sound = noise(70000);
  write_audio(folder.path() / "x.flac", sound, {.encoding = AudioEncoding::kPcm16});
  EXPECT_EQ(read_text_file(folder.path() / "x.flac"), encode_flac(sound, 16));
}

TEST(AudioMemory, RefusesDamage) {
  const std::string bytes = encode_flac(noise(50000));
  expect_error(ErrorKind::kInput, "sample 7", [] { decode_flac("RIFF and so on", "sample 7"); });
  expect_error(ErrorKind::kInput, "sample 7", [] { decode_flac("", "sample 7"); });
  expect_error(ErrorKind::kInput, "sample 7", [&] { decode_flac(bytes.substr(0, bytes.size() / 2), "sample 7"); });
  AudioBuffer bad = noise(10);
  bad.samples[3] = std::numeric_limits<float>::quiet_NaN();
  expect_error(ErrorKind::kInternal, "NaN", [&] { encode_flac(bad); });
}

}  // namespace
}  // namespace instructme
