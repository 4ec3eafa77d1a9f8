#include "instructme/data/effect_catalogue.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "expect_error.h"
#include "instructme/audio/audio_buffer.h"
#include "instructme/data/sound_catalogue.h"
#include "instructme/plugins/plugin_effect.h"

namespace instructme {
namespace {

EffectCatalogue parse(const std::string& controls, const std::string& more = "") {
  return EffectCatalogue::parse(R"({"effects": [{"name": "X", "kind": "chorus", "package": "x", "licence": "MIT",
                                    "bundle": "x.lv2", "plugin": "urn:x", "controls": {)" +
                                    controls + "}" + more + "}]}",
                                "test");
}

TEST(EffectCatalogue, EveryEffectHasItsOwnNameAndALicenceAndAPackage) {
  std::set<std::string> names, kinds;
  for (const SoundSource& source : SoundCatalogue::builtin().sources()) names.insert(source.name);
  for (const EffectSource& effect : EffectCatalogue::builtin().effects()) {
    EXPECT_TRUE(names.insert(effect.name).second) << effect.name;
    EXPECT_FALSE(effect.licence.empty() || effect.package.empty()) << effect.name;
    EXPECT_FALSE(effect.controls.empty()) << effect.name;
    kinds.insert(effect.kind);
  }
  EXPECT_EQ(kinds.size(), effect_kinds().size());
}

TEST(EffectCatalogue, DrawsControlsFromTheirRanges) {
  const EffectCatalogue catalogue = parse(R"("gain": 2, "mix": [0.2, 0.4], "hz": [100, 1600, "octaves"],
                                             "voices": [1, 4, "whole"])",
                                          R"(, "families": ["bass", "guitar"])");
  const EffectSource& effect = catalogue.effects().at(0);
  EXPECT_TRUE(effect.suits("bass"));
  EXPECT_FALSE(effect.suits("drums"));
  Rng rng(1), again(1);
  std::set<double> voices;
  int low_octaves = 0;
  for (int i = 0; i < 200; ++i) {
    const PluginSettings settings = effect.draw("/b", rng);
    EXPECT_EQ(settings.bundle, "/b");
    EXPECT_EQ(settings.plugin, "urn:x");
    EXPECT_EQ(settings.controls.at("gain"), 2);
    EXPECT_GE(settings.controls.at("mix"), 0.2);
    EXPECT_LT(settings.controls.at("mix"), 0.4);
    EXPECT_GE(settings.controls.at("hz"), 100);
    EXPECT_LT(settings.controls.at("hz"), 1600);
    low_octaves += settings.controls.at("hz") < 400;
    voices.insert(settings.controls.at("voices"));
    EXPECT_EQ(effect.draw("/b", again).controls, settings.controls);
  }
  EXPECT_EQ(voices, (std::set<double>{1, 2, 3, 4}));
  EXPECT_NEAR(low_octaves, 100, 30);  // two octaves of four; three standard deviations are 21
}

TEST(EffectCatalogue, RefusesMistakes) {
  expect_error(ErrorKind::kModel, "JSON", [] { EffectCatalogue::parse("{", "test"); });
  for (const char* range : {R"("mix": [0.4, 0.2])", R"("mix": [0, 9, "octaves"])", R"("mix": [1, 2, "even"])",
                            R"("mix": "much")", R"("mix": [1])"})
    expect_error(ErrorKind::kModel, "'mix'", [&] { parse(range); });
  expect_error(ErrorKind::kModel, "strings", [] { parse("", R"(, "families": ["string"])"); });
  expect_error(ErrorKind::kModel, "colour", [] { parse("", R"(, "colour": 1)"); });
  expect_error(ErrorKind::kModel, "chorus", [] {
    EffectCatalogue::parse(R"({"effects": [{"name": "X", "kind": "chrous", "package": "x", "licence": "MIT",
                               "bundle": "x.lv2", "plugin": "urn:x", "controls": {}}]})",
                           "test");
  });
}

// Half a second of a decaying chord, then silence.
AudioBuffer plucked() {
  AudioBuffer buffer{24000, 1, std::vector<float>(24000)};
  for (size_t i = 0; i < 12000; ++i) {
    const double t = static_cast<double>(i) / 24000;
    for (const double hz : {110.0, 277.2, 659.3, 2637.0})
      buffer.samples[i] += static_cast<float>(0.1 * std::exp(-8 * t) * std::sin(2 * M_PI * hz * t));
  }
  return buffer;
}

TEST(EffectCatalogue, InstalledEffectsWorkAndDoTheSameTwice) {
  if (find_plugin_host().empty()) GTEST_SKIP() << "built without lilv";
  const PluginEffect through;
  Rng rng(7);
  int installed = 0;
  for (const EffectSource& effect : EffectCatalogue::builtin().effects()) {
    const auto bundle = find_plugin_bundle(effect.bundle);
    if (bundle.empty()) continue;
    ++installed;
    const PluginSettings settings = effect.draw(bundle, rng);
    AudioBuffer first = plucked(), second = plucked();
    through.apply(settings, first);  // throws when the sound is not finite, silent or too loud
    through.apply(settings, second);
    EXPECT_EQ(first.samples, second.samples) << effect.name;
    EXPECT_NE(first.samples, plucked().samples) << effect.name;
  }
  if (installed == 0) GTEST_SKIP() << "needs LV2 effects (apt install mda-lv2)";
}

}  // namespace
}  // namespace instructme
