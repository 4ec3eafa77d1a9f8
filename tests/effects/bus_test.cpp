#include "instructme/effects/bus.h"

#include <gtest/gtest.h>

#include "effects_test_support.h"

namespace instructme {
namespace {

std::vector<AudioBuffer> stems_of(int count, double seconds, int channels = 2, int rate = kRate) {
  std::vector<AudioBuffer> stems;
  for (int s = 0; s < count; ++s) {
    AudioBuffer stem = noise(channels, seconds, 0.15, static_cast<uint64_t>(s) + 1, rate);
    for (int64_t f = 0; f < stem.frames(); ++f) {
      const double t = static_cast<double>(f) / rate;
      const double tone =
          0.3 * std::exp(-6 * std::fmod(t, 0.2 + 0.1 * s)) * std::sin(2 * std::numbers::pi * 150 * (s + 1) * t);
      for (int c = 0; c < channels; ++c)
        stem.samples[static_cast<size_t>(f * channels + c)] += static_cast<float>(tone);
    }
    stems.push_back(std::move(stem));
  }
  return stems;
}

BusSettings full_bus() {
  BusSettings bus;
  bus.equaliser = EqualiserSettings{{{BandType::kLowShelf, 120, 2, 0.7}}};
  bus.compressor = CompressorSettings{.threshold_db = -20, .detector_s = 0.01};
  bus.tape = TapeSettings{.drive_db = 6};
  bus.band_limits = BandLimitSettings{80, 6000};
  bus.codec = CodecSettings{CodecFormat::kVorbis, 0.1};
  bus.limiter = LimiterSettings{.ceiling_db = -6};
  return bus;
}

AudioBuffer sum_of(const std::vector<AudioBuffer>& stems) {
  AudioBuffer mix = stems.front();
  for (size_t i = 0; i < mix.samples.size(); ++i) {
    double sum = 0;
    for (const AudioBuffer& stem : stems) sum += stem.samples[i];
    mix.samples[i] = static_cast<float>(sum);
  }
  return mix;
}

TEST(Bus, StemsAddUpToTheMix) {
  for (const int channels : {1, 2})
    for (const CodecFormat format : {CodecFormat::kVorbis, CodecFormat::kOpus, CodecFormat::kMp3}) {
      BusSettings bus = full_bus();
      bus.codec->format = format;
      const BusResult result = process_bus(stems_of(4, 2, channels), bus);
      ASSERT_EQ(result.stems.size(), 4u);
      EXPECT_LT(largest_difference(result.mix.samples, sum_of(result.stems).samples), 1e-5);
      EXPECT_EQ(result.mix.frames(), 2 * kRate);
    }
}

// One by one: what comes out for the mix is what the processor alone does to the mix.
TEST(Bus, TheMixIsWhatTheBusMakesOfTheSum) {
  const std::vector<AudioBuffer> stems = stems_of(3, 1.5);
  const AudioBuffer mix = sum_of(stems);
  BusSettings only;
  only.compressor = full_bus().compressor;
  EXPECT_LT(
      largest_difference(process_bus(stems, only).mix.samples, processed<Compressor>(mix, *only.compressor).samples),
      1e-6);
  only = {};
  only.limiter = full_bus().limiter;
  EXPECT_LT(largest_difference(process_bus(stems, only).mix.samples, processed<Limiter>(mix, *only.limiter).samples),
            1e-6);
  only = {};
  only.equaliser = full_bus().equaliser;
  EXPECT_LT(
      largest_difference(process_bus(stems, only).mix.samples, processed<Equaliser>(mix, *only.equaliser).samples),
      1e-6);
  only = {};
  only.codec = full_bus().codec;
  EXPECT_LT(largest_difference(process_bus(stems, only).mix.samples, through_codec(mix, *only.codec).samples), 1e-6);
  EXPECT_EQ(process_bus(stems, {}).mix.samples, mix.samples);
}

TEST(Bus, TapeSaturatesLosesTrebleAndKeepsTime) {
  std::vector<AudioBuffer> stems{from_mono(sine(400, kRate, 1, 0.5), kRate),
                                 from_mono(sine(10000, kRate, 1, 0.01), kRate)};
  BusSettings bus;
  bus.tape = TapeSettings{.drive_db = 12, .loss_hz = 6000, .loss_db = -10, .wow = {.wow_cents = 0, .flutter_cents = 0}};
  const BusResult result = process_bus(stems, bus);
  const double tone = amplitude_at(result.mix.samples, 400);
  EXPECT_GT(to_db(amplitude_at(result.mix.samples, 1200) / tone), -30) << "third harmonic";
  EXPECT_LT(to_db(amplitude_at(result.mix.samples, 10000) / 0.01), -5);
  const auto ratio = component(result.mix.samples, 400, 6000, 18000) / component(stems[0].samples, 400, 6000, 18000);
  EXPECT_NEAR(std::arg(ratio), 0, 0.05);
}

TEST(Bus, TheLimiterHoldsAfterEverythingElse) {
  for (int rate : {8000, 24000, 48000}) {
    std::vector<AudioBuffer> stems = stems_of(5, 1, 2, rate);
    for (AudioBuffer& stem : stems)
      for (float& x : stem.samples) x *= 4;
    EXPECT_LE(peak(process_bus(stems, full_bus()).mix.samples), static_cast<float>(from_db(-6)));
  }
}

TEST(Bus, SilentStemsStaySilentAndSoDoSilentSongs) {
  std::vector<AudioBuffer> stems = stems_of(3, 1);
  std::fill(stems[1].samples.begin(), stems[1].samples.end(), 0.0f);
  // A pause in all stems, into which the codec may ring.
  for (AudioBuffer& stem : stems) std::fill(stem.samples.begin() + kRate, stem.samples.begin() + 3 * kRate / 2, 0.0f);
  const BusResult result = process_bus(stems, full_bus());
  EXPECT_EQ(peak(result.stems[1].samples), 0.0f);
  EXPECT_GT(peak(result.stems[0].samples), 0.1f);
  for (AudioBuffer& stem : stems) std::fill(stem.samples.begin(), stem.samples.end(), 0.0f);
  const BusResult silence = process_bus(stems, full_bus());
  for (const AudioBuffer& stem : silence.stems) EXPECT_EQ(peak(stem.samples), 0.0f);
  EXPECT_EQ(peak(silence.mix.samples), 0.0f);
}

TEST(Bus, TheCodecsErrorGoesToTheStemsThatSound) {
  // Two stems that take turns: each gets what the codec did while it sounded.
  std::vector<AudioBuffer> stems = stems_of(2, 2, 1);
  std::fill(stems[0].samples.begin() + kRate, stems[0].samples.end(), 0.0f);
  std::fill(stems[1].samples.begin(), stems[1].samples.begin() + kRate, 0.0f);
  BusSettings bus;
  bus.codec = CodecSettings{CodecFormat::kVorbis, 0.0};
  const BusResult result = process_bus(stems, bus);
  const size_t edge = kRate / 25;  // the fade between two frames of 20 ms
  EXPECT_EQ(energy({result.stems[0].samples.begin() + kRate + edge, result.stems[0].samples.end()}), 0.0);
  EXPECT_EQ(energy({result.stems[1].samples.begin(), result.stems[1].samples.begin() + kRate - edge}), 0.0);
  EXPECT_GT(largest_difference(result.stems[0].samples, stems[0].samples), 1e-3);
}

TEST(Bus, AnotherStemCanFollowIt) {
  const std::vector<AudioBuffer> stems = stems_of(3, 1);
  BusSettings bus = full_bus();
  bus.codec.reset();
  const BusResult result = process_bus(stems, bus);
  EXPECT_EQ(result.gains.compressor.size(), static_cast<size_t>(kRate));
  EXPECT_EQ(result.gains.tape.size(), static_cast<size_t>(2 * kRate));
  for (size_t s = 0; s < stems.size(); ++s) {
    AudioBuffer again = stems[s];
    follow_bus(again, bus, result.gains);
    EXPECT_EQ(again.samples, result.stems[s].samples);
  }
  AudioBuffer longer = noise(2, 1.5, 0.1);
  expect_error(ErrorKind::kInternal, "another bus or length", [&] { follow_bus(longer, bus, result.gains); });
}

TEST(Bus, SameInputSameBytes) {
  const BusResult a = process_bus(stems_of(3, 1), full_bus()), b = process_bus(stems_of(3, 1), full_bus());
  EXPECT_EQ(a.mix.samples, b.mix.samples);
  for (size_t s = 0; s < 3; ++s) EXPECT_EQ(a.stems[s].samples, b.stems[s].samples);
}

TEST(Bus, GoesToJsonAndBackStrictly) {
  const nlohmann::json json = to_json(full_bus());
  EXPECT_EQ(to_json(bus_from_json(nlohmann::json::parse(json.dump()), "x")), json);
  EXPECT_EQ(to_json(bus_from_json(nlohmann::json::object(), "x")), nlohmann::json::object());
  const BusSettings one = bus_from_json(nlohmann::json::parse(R"({"limiter": {}})"), "x");
  EXPECT_TRUE(one.limiter.has_value());
  EXPECT_FALSE(one.compressor.has_value());
  EXPECT_EQ(describe(full_bus()), "equaliser compressor tape band_limits codec limiter");
  const auto refuse = [](const std::string& part, const char* text) {
    expect_error(ErrorKind::kModel, part, [&] { bus_from_json(nlohmann::json::parse(text), "bus.json"); });
  };
  refuse("bus.json: unknown key 'limitter' (did you mean 'limiter'", R"({"limitter": {}})");
  refuse("bus.json: tape: wow: unknown key 'hz'", R"({"tape": {"wow": {"hz": 1}}})");
  refuse("bus.json: tape: drive_db is 90", R"({"tape": {"drive_db": 90}})");
  refuse("format is 'aac', it must be one of vorbis opus mp3", R"({"codec": {"format": "aac"}})");
  refuse("low_hz is 900, it must be below high_hz, which is 600",
         R"({"band_limits": {"low_hz": 900, "high_hz": 600}})");
}

TEST(Bus, RefusesBadStems) {
  expect_error(ErrorKind::kInternal, "at least one stem", [] { process_bus({}, {}); });
  expect_error(ErrorKind::kInternal, "equal in rate", [] {
    process_bus({noise(1, 0.1, 0.1), noise(1, 0.2, 0.1)}, {});
  });
  AudioBuffer bad = noise(1, 0.1, 0.1);
  bad.samples[3] = INFINITY;
  expect_error(ErrorKind::kInput, "finite", [&] { process_bus({bad}, {}); });
  BusSettings bus;
  bus.limiter = LimiterSettings{.ceiling_db = 3};
  expect_error(ErrorKind::kUsage, "limiter: ceiling_db is 3", [&] { process_bus({noise(1, 0.1, 0.1)}, bus); });
}

}  // namespace
}  // namespace instructme
