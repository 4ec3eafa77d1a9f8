#include "instructme/effects/effect_chain.h"

#include <gtest/gtest.h>

#include "effects_test_support.h"
#include "instructme/audio/loudness.h"

namespace instructme {
namespace {

// Every effect once, with settings that are not the defaults.
std::vector<EffectSettings> every_effect() {
  return {GainSettings{-3},
          EqualiserSettings{{{BandType::kPeak, 900, 5, 1.2}, {BandType::kHighPass, 60, 0, 0.7}}},
          CompressorSettings{.threshold_db = -25, .ratio = 5, .detector_s = 0.01, .makeup_db = 3},
          LimiterSettings{.ceiling_db = -8},
          SaturationSettings{SaturationCurve::kTube, 15, 0.4, 0.8, 4},
          AmplifierSettings{.drive_db = 30, .bass_db = 2},
          ChorusSettings{.voices = 3, .phase = 0.3},
          DetuneSettings{-11},
          WowSettings{.wow_cents = 9, .phase = 0.6},
          EchoSettings{.time_s = 0.07, .ping_pong = true},
          RoomSettings{.decay_s = 0.9, .wet_db = -9},
          PlateSettings{.decay_s = 1.7, .wet_db = -9},
          WidthSettings{1.6},
          PanSettings{-0.4}};
}

TEST(EveryEffect, BlocksGiveTheSameBitsAsTheWhole) {
  for (const EffectSettings& effect : every_effect())
    for (const int channels : {1, 2}) {
      const AudioBuffer in = noise(channels, 0.4, 0.5, 21);
      std::vector<float> whole = in.samples, parts = in.samples;
      make_processor(effect, format_of(in))->process(whole);
      const auto processor = make_processor(effect, format_of(in));
      const size_t sizes[] = {1, 7, 64, 1000, 129, 0, 3};
      for (size_t at = 0, k = 0; at < parts.size(); ++k) {
        const size_t size = std::min(sizes[k % 7] * static_cast<size_t>(channels), parts.size() - at);
        processor->process(std::span(parts).subspan(at, size));
        at += size;
      }
      EXPECT_EQ(parts, whole) << describe({{effect}}) << ", " << channels << " channels";
    }
}

TEST(EveryEffect, SilenceStaysSilenceAndTailsEndWithoutTinyNumbers) {
  for (const EffectSettings& effect : every_effect())
    for (const int channels : {1, 2}) {
      AudioBuffer silence{kRate, channels, std::vector<float>(static_cast<size_t>(kRate * channels))};
      apply_chain({{effect}}, silence);
      EXPECT_EQ(peak(silence.samples), 0.0f) << describe({{effect}});
      AudioBuffer tail = noise(channels, 0.2, 0.5);
      tail.samples.resize(static_cast<size_t>(30 * kRate * channels));
      apply_chain({{effect}}, tail);
      for (const float x : tail.samples)
        ASSERT_TRUE(x == 0 || std::isnormal(x)) << x << " from " << describe({{effect}});
      EXPECT_LT(std::abs(tail.samples.back()), 1e-6f);
    }
}

TEST(EveryEffect, WorksAtEveryRateAndStaysBounded) {
  for (const EffectSettings& effect : every_effect())
    for (const int rate : {8000, 11025, 44100, 192000})
      for (const int channels : {1, 2}) {
        AudioBuffer sound = noise(channels, 0.3, 0.3, 5, rate);
        const size_t size = sound.samples.size();
        apply_chain({{effect}}, sound);
        EXPECT_EQ(sound.samples.size(), size);
        EXPECT_GT(peak(sound.samples), 0.01f) << describe({{effect}});
        EXPECT_LT(peak(sound.samples), 3.0f) << describe({{effect}}) << " at " << rate;
        for (const float x : sound.samples) ASSERT_TRUE(std::isfinite(x));
      }
}

// The first sound of the output is where that of the input is; what wanders may be off by as much as it wanders.
TEST(EveryEffect, DoesNotShiftTheSound) {
  for (const EffectSettings& effect : every_effect()) {
    AudioBuffer in{kRate, 2, std::vector<float>(2 * kRate)};
    const AudioBuffer burst = noise(2, 0.1, 0.5, 8);
    std::copy(burst.samples.begin(), burst.samples.end(), in.samples.begin() + kRate);
    AudioBuffer out = in;
    apply_chain({{effect}}, out);
    double best = 0;
    int64_t lag_of_best = 0;
    for (int64_t lag = -1000; lag <= 1000; ++lag) {
      double sum = 0;
      for (int64_t f = 12000; f < 14400; ++f)
        sum += static_cast<double>(in.samples[static_cast<size_t>(2 * f)]) *
               out.samples[static_cast<size_t>(2 * (f + lag))];
      if (sum > best) best = sum, lag_of_best = lag;
    }
    const bool wanders = std::holds_alternative<DetuneSettings>(effect) || std::holds_alternative<WowSettings>(effect);
    EXPECT_LE(std::abs(lag_of_best), wanders ? 0.011 * kRate : 2) << describe({{effect}});
  }
}

TEST(EffectChain, LinearEffectsOfStemsAddUpToThoseOfTheMix) {
  const EffectChain chain{{EqualiserSettings{{{BandType::kPeak, 900, 5, 1.2}, {BandType::kHighShelf, 3000, -4, 0.7}}},
                           ChorusSettings{.voices = 2, .phase = 0.2}, DetuneSettings{7}, WowSettings{},
                           EchoSettings{.time_s = 0.11, .ping_pong = true}, RoomSettings{.wet_db = -6},
                           PlateSettings{.wet_db = -6}, WidthSettings{1.4}, PanSettings{0.3}, GainSettings{-2}}};
  AudioBuffer mix = noise(2, 2, 0, 1), sum = mix;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    AudioBuffer stem = noise(2, 2, 0.25, seed);
    for (size_t i = 0; i < stem.samples.size(); ++i) mix.samples[i] += stem.samples[i];
    apply_chain(chain, stem);
    for (size_t i = 0; i < stem.samples.size(); ++i) sum.samples[i] += stem.samples[i];
  }
  apply_chain(chain, mix);
  EXPECT_LT(largest_difference(mix.samples, sum.samples), 1e-4);
}

TEST(EffectChain, LatenciesAddUpAndAreTakenOut) {
  const EffectChain chain{{LimiterSettings{.ceiling_db = 0, .look_ahead_s = 0.01}, DetuneSettings{0},
                           LimiterSettings{.ceiling_db = 0, .look_ahead_s = 0.02}}};
  const ChainProcessor processor(chain, {kRate, 1});
  EXPECT_GE(processor.latency(), 720 + 240);
  const AudioBuffer in = noise(1, 0.5, 0.3);
  AudioBuffer out = in;
  apply_chain(chain, out);
  EXPECT_LT(largest_difference(in.samples, out.samples), 1e-6);
  AudioBuffer empty{kRate, 2, {}};
  apply_chain({every_effect()}, empty);
  EXPECT_TRUE(empty.samples.empty());
}

TEST(EffectChain, AtALevelTheResultHasThatActiveLevel) {
  for (const double level : {0.05, 0.1}) {
    AudioBuffer sound = noise(2, 3, 0.003);
    std::fill(sound.samples.begin() + 2 * kRate, sound.samples.begin() + 4 * kRate, 0.0f);
    apply_chain_at_level({every_effect()}, sound, level);
    EXPECT_NEAR(active_rms(sound), level, 1e-3 * level);
  }
  AudioBuffer silence{kRate, 1, std::vector<float>(1000)};
  apply_chain_at_level({every_effect()}, silence);
  EXPECT_EQ(peak(silence.samples), 0.0f);
  // The working level makes a quiet stem be compressed like a loud one.
  AudioBuffer quiet = noise(1, 2, 0.001), loud = noise(1, 2, 1.0);
  apply_chain_at_level({{CompressorSettings{.threshold_db = -30}}}, quiet);
  apply_chain_at_level({{CompressorSettings{.threshold_db = -30}}}, loud);
  EXPECT_LT(largest_difference(quiet.samples, loud.samples), 1e-5);
}

TEST(ActiveRms, LeavesPausesOut) {
  AudioBuffer x = from_mono(sine(440, kRate, 4, 0.5), kRate);
  EXPECT_NEAR(active_rms(x), 0.5 / std::numbers::sqrt2, 1e-4);
  std::fill(x.samples.begin() + kRate, x.samples.begin() + 3 * kRate, 0.0f);
  EXPECT_NEAR(active_rms(x), 0.5 / std::numbers::sqrt2, 1e-4);
  EXPECT_EQ(active_rms({kRate, 2, {}}), 0.0);
}

TEST(EffectChain, GoesToJsonAndBack) {
  const EffectChain chain{every_effect()};
  const nlohmann::json json = to_json(chain);
  ASSERT_EQ(json["effects"].size(), chain.effects.size());
  EXPECT_EQ(json["effects"][1]["bands"][0]["type"], "peak");
  EXPECT_EQ(json["effects"][4]["curve"], "tube");
  const EffectChain again = chain_from_json(nlohmann::json::parse(json.dump()), "song");
  EXPECT_EQ(to_json(again), json);
  AudioBuffer a = noise(2, 0.3, 0.3), b = a;
  apply_chain(chain, a);
  apply_chain(again, b);
  EXPECT_EQ(a.samples, b.samples) << "no digit is lost";
  const EffectChain defaults = chain_from_json({{"effects", {{{"type", "compressor"}, {"ratio", 7}}}}}, "x");
  EXPECT_EQ(std::get<CompressorSettings>(defaults.effects.at(0)).ratio, 7);
  EXPECT_EQ(std::get<CompressorSettings>(defaults.effects.at(0)).knee_db, CompressorSettings().knee_db);
}

TEST(EffectChain, StrictAboutItsJson) {
  using nlohmann::json;
  const auto read = [](const char* effects) { chain_from_json({{"effects", json::parse(effects)}}, "song.json"); };
  const auto refuse = [&](const std::string& part, const char* effects) {
    expect_error(ErrorKind::kModel, part, [&] { read(effects); });
  };
  refuse("song.json: effect 1: there is no effect 'compresor' (did you mean 'compressor'", R"([{"type":"compresor"}])");
  refuse("effect 2: unknown key 'ration' (did you mean 'ratio'",
         R"([{"type":"gain"},{"type":"compressor","ration":2}])");
  refuse("effect 1: compressor: ratio is 0", R"([{"type":"compressor","ratio":0}])");
  refuse("key 'ratio' has an unsuitable value", R"([{"type":"compressor","ratio":"4"}])");
  refuse("key 'voices' has an unsuitable value", R"([{"type":"chorus","voices":2.5}])");
  refuse("key 'type' is missing", R"([{"ratio":2}])");
  refuse("type is 'peek', it must be one of", R"([{"type":"equaliser","bands":[{"type":"peek"}]}])");
  refuse("bands must be a list", R"([{"type":"equaliser","bands":{}}])");
  refuse("depth_s is 0.02", R"([{"type":"chorus","depth_s":0.02}])");
  refuse("effects must be a list", "{}");
  expect_error(ErrorKind::kModel, "unknown key 'efects'", [] { chain_from_json({{"efects", 1}}, "x"); });
}

TEST(EffectChain, RefusesBadSound) {
  AudioBuffer sound = noise(1, 0.1, 0.1);
  sound.samples[5] = NAN;
  expect_error(ErrorKind::kInput, "finite", [&] { apply_chain({}, sound); });
  AudioBuffer many{kRate, 6, std::vector<float>(600)};
  expect_error(ErrorKind::kUsage, "found 6; mix them down first", [&] { apply_chain({}, many); });
  expect_error(ErrorKind::kUsage, "working level", [&] { apply_chain_at_level({}, many, 0); });
  expect_error(ErrorKind::kInternal, "another rate", [] {
    const auto gain = make_processor(GainSettings{}, {kRate, 1});
    AudioBuffer other{48000, 1, {}};
    process_whole(*gain, other);
  });
}

TEST(EffectChain, SaysWhatItDoes) {
  EXPECT_EQ(describe(EffectChain{}), "");
  EXPECT_EQ(describe({{EqualiserSettings{}, RoomSettings{.decay_s = 0.42}, DetuneSettings{-8}}}),
            "equaliser room(0.4 s) detune(-8 cents)");
}

}  // namespace
}  // namespace instructme
