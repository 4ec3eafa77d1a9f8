#include "instructme/effects/reverb.h"

#include <gtest/gtest.h>

#include "effects_test_support.h"
#include "instructme/effects/equaliser.h"

namespace instructme {
namespace {

constexpr double kOff = -100;

// Time to -60 dB from the slope of Schroeder's backward integral between -5 and -30 dB, in an octave around `hz`.
double decay_s(AudioBuffer tail, double hz) {
  const auto bands = band_limits(hz / std::numbers::sqrt2, hz * std::numbers::sqrt2);
  tail = processed<Equaliser>(from_mono(extract_channel(tail, 0), tail.sample_rate), EqualiserSettings{bands});
  const double whole = energy(tail.samples);
  std::vector<double> left(tail.samples.size());
  double sum = 0;
  for (size_t i = tail.samples.size(); i-- > 0;)
    left[i] = sum += static_cast<double>(tail.samples[i]) * tail.samples[i];
  const auto when = [&](double db) {
    size_t i = 0;
    while (i + 1 < left.size() && left[i] > whole * std::pow(10.0, db / 10)) ++i;
    return static_cast<double>(i) / tail.sample_rate;
  };
  return 60 / 25.0 * (when(-30) - when(-5));
}

TEST(RoomReverb, DiesAwayInTheTimeAskedFor) {
  for (const int rate : {8000, 24000, 48000})
    for (const double wanted : {0.3, 0.8, 2.5})
      for (const double size : {0.5, 1.0}) {
        const RoomSettings s{.decay_s = wanted, .size = size, .damping_hz = 96000, .wet_db = 0, .dry_db = kOff};
        const AudioBuffer tail = processed<RoomReverb>(impulse(2, 2 * wanted, rate), s);
        EXPECT_NEAR(decay_s(tail, std::max(300, rate / 32)), wanted, 0.2 * wanted) << rate << " Hz, size " << size;
      }
}

TEST(RoomReverb, AtTheDampingFrequencyItTakesHalfTheTime) {
  const RoomSettings s{.decay_s = 2, .damping_hz = 3000, .wet_db = 0, .dry_db = kOff};
  const AudioBuffer tail = processed<RoomReverb>(impulse(1, 4), s);
  EXPECT_NEAR(decay_s(tail, 200), 2, 0.4);
  EXPECT_NEAR(decay_s(tail, 3000), 1, 0.2);
}

TEST(PlateReverb, DiesAwayInTheTimeAskedFor) {
  for (const int rate : {24000, 48000})
    for (const double wanted : {1.0, 2.0, 4.0}) {
      const PlateSettings s{.decay_s = wanted,
                            .size = std::min(1.0, wanted / 2),
                            .bandwidth_hz = 96000,
                            .damping_hz = 96000,
                            .wet_db = 0,
                            .dry_db = kOff};
      const AudioBuffer tail = processed<PlateReverb>(impulse(2, 2 * wanted, rate), s);
      EXPECT_NEAR(decay_s(tail, 500), wanted, 0.2 * wanted) << rate;
    }
  const PlateSettings damped{.decay_s = 3, .damping_hz = 2500, .wet_db = 0, .dry_db = kOff};
  const AudioBuffer tail = processed<PlateReverb>(impulse(2, 5), damped);
  EXPECT_NEAR(decay_s(tail, 200), 3, 0.6);
  EXPECT_NEAR(decay_s(tail, 2500), 1.5, 0.35);
}

AudioBuffer bass_noise(int channels, double seconds) {
  return processed<Equaliser>(noise(channels, seconds, 0.3), EqualiserSettings{band_limits(20, 1500)});
}

// wet_db is the level of the reverberation of a noise beside its dry sound, whatever decay and size are.
TEST(Reverb, HasTheLevelAskedFor) {
  const auto room_db = [](double decay, double size, int channels) {
    const RoomSettings s{.decay_s = decay, .size = size, .damping_hz = 96000, .wet_db = -10, .dry_db = kOff};
    const AudioBuffer in = bass_noise(channels, 5 * decay + 4);
    const AudioBuffer out = processed<RoomReverb>(in, s);
    return 10 * std::log10(energy(out.samples, out.samples.size() / 2) / energy(in.samples, in.samples.size() / 2));
  };
  for (const double decay : {0.2, 1.0, 3.0})
    for (const double size : {0.5, 1.5})
      for (const int channels : {1, 2}) EXPECT_NEAR(room_db(decay, size, channels), -10, 2) << decay << " " << size;
  for (const double decay : {1.0, 3.0}) {
    const PlateSettings s{.decay_s = decay, .bandwidth_hz = 96000, .damping_hz = 96000, .wet_db = -10, .dry_db = kOff};
    const AudioBuffer in = bass_noise(1, 5 * decay);
    const AudioBuffer out = processed<PlateReverb>(in, s);
    const double db =
        10 * std::log10(energy(out.samples, out.samples.size() / 2) / energy(in.samples, in.samples.size() / 2));
    EXPECT_NEAR(db, -10, 3) << decay;
  }
}

TEST(Reverb, DrySoundStaysAndTheRestComesAfterThePreDelay) {
  const auto first_after = [](const AudioBuffer& out) {
    size_t i = 1;
    while (i < out.samples.size() && std::abs(out.samples[i]) < 1e-6f) ++i;
    return static_cast<double>(i) / out.sample_rate;
  };
  const AudioBuffer room = processed<RoomReverb>(impulse(1, 0.5), RoomSettings{.pre_delay_s = 0.05});
  const AudioBuffer plate = processed<PlateReverb>(impulse(1, 0.5), PlateSettings{.pre_delay_s = 0.05});
  EXPECT_EQ(room.samples[0], 1.0f);
  EXPECT_EQ(plate.samples[0], 1.0f);
  EXPECT_GE(first_after(room), 0.05 + 0.012) << "not before the shortest line";
  EXPECT_LT(first_after(room), 0.05 + 0.03);
  EXPECT_GE(first_after(plate), 0.05);
  EXPECT_LT(first_after(plate), 0.05 + 0.05);
}

TEST(Reverb, LeftAndRightAreUnlike) {
  const auto correlation = [](const AudioBuffer& tail) {
    const auto l = extract_channel(tail, 0), r = extract_channel(tail, 1);
    double sum = 0;
    for (size_t i = 1; i < l.size(); ++i) sum += static_cast<double>(l[i]) * r[i];
    return std::abs(sum) / std::sqrt(energy(l, 1) * energy(r, 1));
  };
  EXPECT_LT(correlation(processed<RoomReverb>(impulse(2, 1), RoomSettings{.decay_s = 1, .dry_db = kOff})), 0.3);
  EXPECT_LT(correlation(processed<PlateReverb>(impulse(2, 1), PlateSettings{.decay_s = 1, .dry_db = kOff})), 0.3);
}

TEST(Reverb, RefusesImpossibleSettings) {
  const AudioFormat format{kRate, 2};
  expect_error(ErrorKind::kUsage, "room: decay_s is 0", [&] { RoomReverb({.decay_s = 0}, format); });
  expect_error(ErrorKind::kUsage, "room: pre_delay_s is -1", [&] { RoomReverb({.pre_delay_s = -1}, format); });
  expect_error(ErrorKind::kUsage, "plate: size is 9", [&] { PlateReverb({.size = 9}, format); });
}

}  // namespace
}  // namespace instructme
