#include "instructme/effects/codec.h"

#include <gtest/gtest.h>

#include "effects_test_support.h"
#include "instructme/effects/equaliser.h"

namespace instructme {
namespace {

using enum CodecFormat;

// Notes with attacks, in the band that every codec keeps.
AudioBuffer music(int channels, double seconds, int rate) {
  AudioBuffer buffer = noise(channels, seconds, 0.1, 5, rate);
  for (int64_t f = 0; f < buffer.frames(); ++f) {
    const double t = static_cast<double>(f) / rate, note = std::fmod(t, 0.25);
    const double tone =
        0.4 * std::exp(-8 * note) * std::sin(2 * std::numbers::pi * (330 + 110 * std::floor(4 * t)) * t);
    for (int c = 0; c < channels; ++c)
      buffer.samples[static_cast<size_t>(f * channels + c)] += static_cast<float>(tone);
  }
  return processed<Equaliser>(buffer, EqualiserSettings{{{BandType::kLowPass, 2500, 0, 0.7}}});
}

// Of half a second that begins at `margin`, the largest lag that is asked for.
double correlation(const AudioBuffer& a, const AudioBuffer& b, int64_t lag, int64_t margin) {
  double sum = 0, energy_a = 1e-30, energy_b = 1e-30;
  for (int64_t f = margin; f < std::min<int64_t>(a.frames() - margin, margin + a.sample_rate / 2); ++f) {
    const double x = a.samples[static_cast<size_t>(f * a.channels)];
    const double y = b.samples[static_cast<size_t>((f + lag) * b.channels)];
    sum += x * y;
    energy_a += x * x;
    energy_b += y * y;
  }
  return sum / std::sqrt(energy_a * energy_b);
}

TEST(Codec, StaysAlignedAndColoursTheSound) {
  for (const CodecFormat format : {kVorbis, kOpus, kMp3})
    for (const int rate : {8000, 24000, 44100})
      for (const int channels : {1, 2}) {
        const AudioBuffer in = music(channels, 2, rate), out = through_codec(in, {format, 0.2});
        ASSERT_EQ(out.samples.size(), in.samples.size());
        EXPECT_EQ(out.sample_rate, rate);
        EXPECT_EQ(out.channels, channels);
        // MP3 is late by 1105 frames, Opus by 312 at 48 kHz, if nobody looks after it.
        constexpr int64_t kMost = 1200;
        int64_t best = 0;
        double highest = 0;
        for (int64_t lag = -kMost; lag <= kMost; ++lag)
          if (const double c = correlation(in, out, lag, kMost); c > highest) highest = c, best = lag;
        EXPECT_LE(std::abs(best), 1) << static_cast<int>(format) << " at " << rate;
        EXPECT_GT(correlation(in, out, 0, kMost), 0.85) << static_cast<int>(format) << " at " << rate;
        EXPECT_GT(largest_difference(in.samples, out.samples), 1e-3) << "a real codec loses something";
      }
}

TEST(Codec, LowerQualityIsWorse) {
  const AudioBuffer in = music(2, 2, kRate);
  for (const CodecFormat format : {kVorbis, kOpus, kMp3}) {
    const auto error = [&](double quality) {
      const AudioBuffer out = through_codec(in, {format, quality});
      std::vector<float> difference(in.samples.size());
      for (size_t i = 0; i < difference.size(); ++i) difference[i] = out.samples[i] - in.samples[i];
      return energy(difference) / energy(in.samples);
    };
    EXPECT_GT(error(0), 1.5 * error(0.9)) << static_cast<int>(format);
    EXPECT_LT(error(0.9), 0.05) << static_cast<int>(format);
  }
}

TEST(Codec, RatesOfAllKindsLengthsOfAllKinds) {
  for (const CodecFormat format : {kVorbis, kOpus, kMp3}) {
    for (const int rate : {8000, 22050, 32000, 96000, 192000}) {
      const AudioBuffer in = music(1, 0.5, rate), out = through_codec(in, {format, 0.3});
      ASSERT_EQ(out.samples.size(), in.samples.size());
      EXPECT_GT(correlation(in, out, 0, 0), 0.8) << static_cast<int>(format) << " at " << rate;
    }
    for (const double seconds : {0.0, 1.0 / kRate, 0.01}) {
      const AudioBuffer in = noise(2, seconds, 0.5);
      EXPECT_EQ(through_codec(in, {format, 0.3}).samples.size(), in.samples.size());
    }
  }
}

TEST(Codec, KeepsPeaksBeyondFullScaleAndSilence) {
  AudioBuffer loud = music(2, 1, kRate);
  for (float& x : loud.samples) x *= 8;
  const float before = peak(loud.samples);
  ASSERT_GT(before, 2.0f);
  for (const CodecFormat format : {kVorbis, kOpus, kMp3}) {
    EXPECT_NEAR(peak(through_codec(loud, {format, 0.8}).samples), before, 0.3 * before);
    const AudioBuffer silence{kRate, 2, std::vector<float>(9000)};
    EXPECT_EQ(through_codec(silence, {format, 0.1}).samples, silence.samples);
  }
}

TEST(Codec, SameSoundSameBytes) {
  const AudioBuffer in = music(2, 0.7, kRate);
  for (const CodecFormat format : {kVorbis, kOpus, kMp3})
    EXPECT_EQ(through_codec(in, {format, 0.2}).samples, through_codec(in, {format, 0.2}).samples);
}

TEST(Codec, RefusesImpossibleSettings) {
  expect_error(ErrorKind::kUsage, "codec: quality is 1.5", [] { through_codec(noise(1, 0.1, 0.1), {kOpus, 1.5}); });
  expect_error(ErrorKind::kInternal, "at least one channel", [] { through_codec({kRate, 0, {}}, {}); });
}

}  // namespace
}  // namespace instructme
