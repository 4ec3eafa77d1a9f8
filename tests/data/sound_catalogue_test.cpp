#include "instructme/data/sound_catalogue.h"

#include <set>

#include "expect_error.h"

namespace instructme {
namespace {

SoundCatalogue parse(const std::string& source) {
  return SoundCatalogue::parse("{\"sources\": [" + source + "]}", "test", Lexicon::builtin());
}

TEST(SoundCatalogue, HasFiveSourcesOrMoreOfTheInstrumentsOfABand) {
  for (const char* name : {"drum kit", "electric drum kit", "bass", "piano", "acoustic guitar", "electric guitar",
                           "string sections", "organ", "synth lead", "synth pad", "synth bass"}) {
    const InstrumentEntry* entry = Lexicon::builtin().find_instrument(name);
    ASSERT_NE(entry, nullptr);
    size_t sources = 0;
    for (const SoundSource& source : SoundCatalogue::builtin().sources()) sources += source.plays(*entry);
    EXPECT_GE(sources, 5u) << name;
  }
}

TEST(SoundCatalogue, EverySourceHasALicenceAndAPlaceToGetIt) {
  for (const SoundSource& source : SoundCatalogue::builtin().sources()) {
    EXPECT_FALSE(source.licence.empty()) << source.name;
    EXPECT_EQ(!source.package.empty() + !source.get.empty(), source.kind == SoundSource::Kind::kVoice ? 0 : 1)
        << source.name;
    if (source.kind == SoundSource::Kind::kPlugin) {
      EXPECT_FALSE(source.presets.empty()) << source.name;
    }
  }
}

TEST(SoundCatalogue, ReadsASource) {
  const SoundCatalogue catalogue = parse(
      R"({"kind": "lv2", "name": "X", "package": "x", "licence": "MIT", "bundle": "x.lv2", "plugin": "urn:x",
          "seconds_per_minute": 1.5, "presets": [{"instrument": "organ", "name": "Loud", "controls": {"gain": 1},
          "midi": [[192, 3, 0]], "transpose": -12}]})");
  const SoundSource* source = catalogue.find(SoundSource::Kind::kPlugin, "X");
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->instruments, std::vector<std::string>{"organ"});
  EXPECT_EQ(source->presets[0].midi[0], (std::array<int, 3>{192, 3, 0}));
  EXPECT_EQ(source->presets[0].transpose, -12);
  EXPECT_EQ(catalogue.find(SoundSource::Kind::kKit, "X"), nullptr);
}

TEST(SoundCatalogue, RefusesMistakes) {
  expect_error(ErrorKind::kModel, "JSON", [] { SoundCatalogue::parse("{", "test", Lexicon::builtin()); });
  expect_error(ErrorKind::kModel, "fluffophone", [] {
    parse(R"({"kind": "kit", "name": "X", "package": "x", "licence": "MIT", "instruments": ["fluffophone"]})");
  });
  expect_error(ErrorKind::kModel, "soundfont", [] {
    parse(R"({"kind": "soundfnt", "name": "X", "package": "x", "licence": "MIT", "general_midi": true})");
  });
  expect_error(ErrorKind::kModel, "X", [] {
    parse(R"({"kind": "soundfont", "name": "X", "package": "x", "licence": "MIT", "general_midi": true},
             {"kind": "soundfont", "name": "X", "package": "y", "licence": "MIT", "general_midi": true})");
  });
  expect_error(ErrorKind::kModel, "instruments",
               [] { parse(R"({"kind": "soundfont", "name": "X", "package": "x", "licence": "MIT"})"); });
  expect_error(ErrorKind::kModel, "package",
               [] { parse(R"({"kind": "soundfont", "name": "X", "licence": "MIT", "general_midi": true})"); });
  expect_error(ErrorKind::kModel, "colour", [] {
    parse(
        R"({"kind": "kit", "name": "X", "package": "x", "licence": "MIT", "instruments": ["drum kit"], "colour": 1})");
  });
}

}  // namespace
}  // namespace instructme
