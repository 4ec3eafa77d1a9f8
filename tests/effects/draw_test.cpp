#include "instructme/effects/draw.h"

#include <gtest/gtest.h>

#include <map>

#include "effects_test_support.h"
#include "instructme/audio/loudness.h"

namespace instructme {
namespace {

TEST(DrawChain, SameSeedSameChainAndBytes) {
  for (const std::string& family : effect_families()) {
    Rng a(5), b(5), c(6);
    const EffectChain first = draw_chain(a, family), second = draw_chain(b, family);
    EXPECT_EQ(to_json(first), to_json(second));
    AudioBuffer x = noise(2, 0.5, 0.2), y = x;
    apply_chain_at_level(first, x);
    apply_chain_at_level(second, y);
    EXPECT_EQ(x.samples, y.samples);
    EXPECT_NE(to_json(draw_chain(c, family, 2)), to_json(draw_chain(b, family, 2)));
  }
}

TEST(DrawChain, WhatIsDrawnIsValidAndUsableAtEveryRate) {
  for (const std::string& family : effect_families())
    for (uint64_t seed = 0; seed < 40; ++seed) {
      Rng rng(seed);
      const EffectChain chain = draw_chain(rng, family, 0.5 * static_cast<double>(seed % 5));
      EXPECT_NO_THROW(chain_from_json(to_json(chain), "drawn"));
      const int rate = seed % 3 == 0 ? 8000 : seed % 3 == 1 ? 24000 : 48000;
      AudioBuffer sound = noise(seed % 2 == 0 ? 1 : 2, 0.6, 0.2, seed, rate);
      apply_chain_at_level(chain, sound);
      EXPECT_NEAR(active_rms(sound), 0.1, 1e-3) << family << ": " << describe(chain);
      for (const float x : sound.samples) ASSERT_TRUE(std::isfinite(x)) << describe(chain);
    }
}

std::map<size_t, int> counts(const std::string& family, double intensity) {
  std::map<size_t, int> result;
  for (uint64_t seed = 0; seed < 400; ++seed) {
    Rng rng(seed);
    for (const EffectSettings& effect : draw_chain(rng, family, intensity).effects) ++result[effect.index()];
  }
  return result;
}

TEST(DrawChain, FamiliesDifferAsTheirInstrumentsDo) {
  const size_t amplifier = EffectSettings(AmplifierSettings{}).index(), room = EffectSettings(RoomSettings{}).index(),
               compressor = EffectSettings(CompressorSettings{}).index();
  EXPECT_GT(counts("electric guitar", 1)[amplifier], 180);
  EXPECT_GT(counts("distorted guitar", 1)[amplifier], 250);
  EXPECT_LT(counts("strings", 1)[amplifier], 20);
  EXPECT_LT(counts("bass", 1)[room], counts("strings", 1)[room] / 2);
  EXPECT_GT(counts("bass", 1)[compressor], counts("strings", 1)[compressor] * 2);
}

TEST(DrawChain, IntensityIsHowMuchIsDone) {
  const auto total = [](double intensity) {
    int sum = 0;
    for (const auto& [effect, count] : counts("keys", intensity)) sum += count;
    return sum / 400.0;
  };
  EXPECT_EQ(total(0), 0.0);
  EXPECT_LT(total(0.5), total(1));
  EXPECT_LT(total(1), total(2));
  EXPECT_GT(total(1), 2);
  EXPECT_LT(total(1), 4);
}

TEST(DrawBus, IsValidRepeatsAndUsesEveryPart) {
  std::map<std::string, int> used;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Rng a(seed), b(seed);
    const BusSettings bus = draw_bus(a);
    const nlohmann::json json = to_json(bus);
    EXPECT_EQ(json, to_json(draw_bus(b)));
    EXPECT_EQ(to_json(bus_from_json(json, "drawn")), json);
    for (const auto& item : json.items()) ++used[item.key()];
  }
  EXPECT_EQ(used.size(), 6u);
  EXPECT_GT(used["limiter"], used["codec"]);
  Rng rng(1);
  EXPECT_EQ(to_json(draw_bus(rng, 0)), nlohmann::json::object());
}

TEST(DrawBus, DrawnBusesKeepTheSum) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    Rng rng(seed);
    const BusSettings bus = draw_bus(rng, 2);
    const BusResult result = process_bus({noise(2, 0.5, 0.3, 1), noise(2, 0.5, 0.3, 2)}, bus);
    double worst = 0;
    for (size_t i = 0; i < result.mix.samples.size(); ++i)
      worst = std::max<double>(
          worst, std::abs(result.mix.samples[i] - result.stems[0].samples[i] - result.stems[1].samples[i]));
    EXPECT_LT(worst, 1e-5) << describe(bus);
    EXPECT_GT(peak(result.mix.samples), 0.01f);
  }
}

TEST(Draw, RefusesUnknownFamiliesAndIntensities) {
  Rng rng(1);
  expect_error(ErrorKind::kUsage, "'drumms' (did you mean 'drums'", [&] { draw_chain(rng, "drumms"); });
  expect_error(ErrorKind::kUsage, "from 0 to 2, found 3", [&] { draw_chain(rng, "drums", 3); });
  expect_error(ErrorKind::kUsage, "found -1", [&] { draw_bus(rng, -1); });
}

}  // namespace
}  // namespace instructme
