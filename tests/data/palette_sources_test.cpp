#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "data_test_support.h"
#include "expect_error.h"
#include "fake_host.h"
#include "instructme/data/palette_report.h"
#include "instructme/data/sound_files.h"
#include "instructme/effects/draw.h"
#include "instructme/synth/sound_font.h"
#include "test_kit.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

const std::vector<TestDrum>& full_kit() {
  static const std::vector<TestDrum> drums{
      {"Kick", {60}}, {"Snare", {200}}, {"Closed HH", {4000}}, {"Open HH", {3000}}};
  return drums;
}

bool can_read_kits() {
  TempDir folder;
  write_test_kit(folder.path(), full_kit());
  try {
    read_drum_kit(folder.path());
    return true;
  } catch (const Error&) {
    return false;
  }
}
#define SKIP_WITHOUT_KITS() \
  if (!can_read_kits()) GTEST_SKIP() << "built without pugixml"

/// Plugins and effects of the catalogues, but bundles that only look installed.
class FakeBundles {
 public:
  FakeBundles() {
    for (const SoundSource& source : SoundCatalogue::builtin().sources())
      if (source.kind == SoundSource::Kind::kPlugin) add(source.bundle);
    for (const EffectSource& effect : EffectCatalogue::builtin().effects()) add(effect.bundle);
    setenv("LV2_PATH", folder_.path().c_str(), 1);
  }
  ~FakeBundles() { unsetenv("LV2_PATH"); }

 private:
  void add(const std::string& bundle) {
    make_folder(folder_.path() / bundle);
    write_file_atomically(folder_.path() / bundle / "manifest.ttl", "");
  }
  TempDir folder_;
};

TEST(PaletteSources, KitsPlayDrumPartsAndAreSplitByTheirFolders) {
  SKIP_WITHOUT_KITS();
  TempDir folder;
  write_test_kit(folder.path() / "Loud Kit", full_kit());
  write_test_kit(folder.path() / "TR-909", full_kit());
  write_test_kit(folder.path() / "Hands", {{"Bongo Hi", {300}}, {"Cowbell", {800}}});
  PaletteOptions options;
  options.kits = {folder.path()};
  const Palette palette = Palette::scan(options, Lexicon::builtin());
  EXPECT_EQ(palette.sources(), (std::vector<std::string>{"Hands", "Loud Kit", "TR-909"}));
  EXPECT_EQ(palette.instruments_of(Role::kDrums), (std::vector<std::string>{"drum kit", "electric drum kit"}));
  Rng rng(1);
  EXPECT_EQ(palette.draw_sound("drum kit", rng).source, "Loud Kit");
  EXPECT_EQ(palette.draw_sound("electric drum kit", rng).source, "TR-909");
  ASSERT_NE(palette.draw_percussion(rng), nullptr);
  EXPECT_EQ(palette.draw_percussion(rng)->source, "Hands");
  EXPECT_EQ(palette.draw_sound("drum kit", rng).licence, "CC0");
  options.held_out_fonts = {"Loud Kit"};
  EXPECT_FALSE(Palette::scan(options, Lexicon::builtin()).has("drum kit"));
  options.held_out = true;
  EXPECT_EQ(Palette::scan(options, Lexicon::builtin()).sources(), std::vector<std::string>{"Loud Kit"});
  options.kits = {folder.path() / "Loud Kit"};  // a kit by itself
  EXPECT_EQ(Palette::scan(options, Lexicon::builtin()).sources(), std::vector<std::string>{"Loud Kit"});
  options.kits = {folder.path() / "none"};
  expect_error(ErrorKind::kMissing, "hydrogen-drumkits", [&] { Palette::scan(options, Lexicon::builtin()); });
}

TEST(PaletteSources, PluginsThatAreInstalledHaveTheCataloguesPresets) {
  const FakeBundles bundles;
  PaletteOptions options;
  options.plugins = true;
  const Palette palette = Palette::scan(options, Lexicon::builtin());
  EXPECT_TRUE(palette.has("organ"));
  for (const PaletteSound& sound : palette.sounds()) {
    EXPECT_TRUE(std::holds_alternative<PluginSound>(sound.sound));
    EXPECT_NE(sound.bank, kDrumBank);
    EXPECT_FALSE(sound.licence.empty());
  }
  options.held_out_fonts = {"setBfree"};
  const auto sources = Palette::scan(options, Lexicon::builtin()).sources();
  EXPECT_EQ(std::count(sources.begin(), sources.end(), "setBfree"), 0);
  EXPECT_EQ(sources.size() + 1, palette.sources().size());
}

TEST(PaletteSources, VoicesSingWithAndWithoutWords) {
  PaletteOptions options;
  options.voices = true;
  const Palette palette = Palette::scan(options, Lexicon::builtin());
  ASSERT_EQ(palette.sources().size(), voice_types().size());
  EXPECT_EQ(palette.instruments_of(Role::kMelody), std::vector<std::string>{"vocals"});
  EXPECT_EQ(palette.sounds().size(), 2 * voice_types().size());
  std::set<std::string> voices, types;
  for (const PaletteSound& sound : palette.sounds()) voices.insert(std::get<VoiceSound>(sound.sound).voice);
  for (const VoiceType& type : voice_types()) types.insert(type.name);
  EXPECT_EQ(voices, types);
  options.held_out_fonts = {"child"};
  options.held_out = true;
  EXPECT_EQ(Palette::scan(options, Lexicon::builtin()).sources(), std::vector<std::string>{"child"});
}

TEST(PaletteSources, EffectsThatAreInstalledAreDrawnForTheStemsTheySuit) {
  const FakeBundles bundles;
  PaletteOptions options;
  EXPECT_TRUE(small_palette()->effects().empty());
  options.plugins = true;
  const Palette palette = Palette::scan(options, Lexicon::builtin());
  EXPECT_EQ(palette.effects().size(), EffectCatalogue::builtin().effects().size());
  EXPECT_EQ(palette.sources().back(), palette.effects().back().source->name);
  std::set<std::string> kinds;
  for (const std::string& family : effect_families()) {
    Rng rng(1), again(1);
    for (int i = 0; i < 100; ++i) {
      const PaletteEffect* effect = palette.draw_effect(family, rng);
      ASSERT_NE(effect, nullptr);
      EXPECT_TRUE(effect->source->suits(family));
      EXPECT_EQ(palette.draw_effect(family, again), effect);
      kinds.insert(effect->source->kind);
    }
  }
  EXPECT_EQ(kinds.size(), effect_kinds().size());
  options.held_out_fonts = {"Calf Reverb"};
  EXPECT_EQ(Palette::scan(options, Lexicon::builtin()).effects().size() + 1, palette.effects().size());
  options.held_out_fonts.push_back("setBfree");
  options.held_out = true;
  const Palette held_out = Palette::scan(options, Lexicon::builtin());
  ASSERT_EQ(held_out.effects().size(), 1u);
  EXPECT_EQ(held_out.effects()[0].source->name, "Calf Reverb");
}

TEST(PaletteSources, KnownFontsHaveTheirLicence) {
  SKIP_WITHOUT_SMALL_FONT();
  EXPECT_EQ(small_palette()->sounds().front().licence, "GPL-2");
  EXPECT_EQ(small_palette()->sounds().front().package, "timgm6mb-soundfont");
}

TEST(SoundFiles, AreListedOnceWhateverLinksLeadToThem) {
  TempDir folder;
  const fs::path sounds = folder.path() / "sounds", store = fs::canonical(folder.path()) / "store";
  for (const char* kit : {"Kit", "Other"}) {
    make_folder(store / kit);
    write_file_atomically(store / kit / "drumkit.xml", "");
  }
  for (const char* font : {"a.SF3", "b.sf2", "notes.txt"}) write_file_atomically(store / font, "");
  make_folder(sounds / "folder.sf2");
  for (const char* name : {"Kit", "Other", "a.SF3", "b.sf2", "notes.txt"})
    fs::create_symlink(store / name, sounds / name);
  fs::create_symlink("b.sf2", sounds / "default.sf2");
  fs::create_symlink("Kit", sounds / "default");
  fs::create_symlink("nowhere", sounds / "broken.sf2");
  fs::create_symlink("loop.sf2", sounds / "loop.sf2");
  EXPECT_THAT(sound_fonts_in(sounds), testing::ElementsAre(store / "a.SF3", store / "b.sf2"));
  EXPECT_THAT(drum_kits_in(sounds), testing::ElementsAre(store / "Kit", store / "Other"));
  EXPECT_TRUE(is_drum_kit(sounds / "default"));
  EXPECT_FALSE(is_drum_kit(sounds));
}

TEST(SoundFiles, TablesAreReadAsTheyAreWrittenAndFromWindows) {
  TempDir folder;
  const fs::path path = folder.path() / kSoundTable;
  EXPECT_TRUE(read_sound_table(path).empty());
  write_file_atomically(path,
                        "\xEF\xBB\xBF"
                        "program\tfile\tbank\tlicence\tinstrument\r\n5\tMine.sf2\t8\tCC0\tviolin\r\n\r\n");
  const SoundTable table = read_sound_table(path);
  ASSERT_EQ(table.size(), 1u);
  const auto& [preset, entry] = *table.begin();
  EXPECT_EQ(preset, std::make_tuple("Mine.sf2", 8, 5));
  EXPECT_EQ(entry.instrument, "violin");
  EXPECT_EQ(entry.licence, "CC0");
  EXPECT_EQ(entry.line, 2u);
  write_file_atomically(path, sound_table_text(table));
  EXPECT_EQ(sound_table_text(read_sound_table(path)), sound_table_text(table));
  EXPECT_EQ(read_sound_table(path).begin()->second.instrument, "violin");
}

TEST(PaletteReport, SaysWhatIsThereAndHowToGetMore) {
  SKIP_WITHOUT_SMALL_FONT();
  PaletteOptions options;
  options.fonts = {small_font()};
  const auto report = report_palette(options, Lexicon::builtin(), 2);
  ASSERT_EQ(report.size(), Lexicon::builtin().instruments().size());
  const auto organ = std::find_if(report.begin(), report.end(), [](const auto& r) { return r.instrument == "organ"; });
  ASSERT_NE(organ, report.end());
  ASSERT_EQ(organ->installed.size(), 1u);
  EXPECT_EQ(organ->installed[0].name, "TimGM6mb.sf2");
  EXPECT_GE(organ->installed[0].presets, 5u);
  EXPECT_THAT(organ->install, testing::HasSubstr("setbfree"));
  EXPECT_THAT(organ->install, testing::Not(testing::HasSubstr("timgm6mb")));
  EXPECT_THAT(organ->warning, testing::HasSubstr("1 of the 2"));
  EXPECT_EQ(report_palette(options, Lexicon::builtin(), 1)[static_cast<size_t>(organ - report.begin())].warning, "");
  EXPECT_EQ(palette_report_json(report).at("instruments").size(), report.size());
}

TEST(PaletteReport, SaysWhichEffectsThereAreAndHowToGetMore) {
  TempDir nothing;
  setenv("LV2_PATH", nothing.path().c_str(), 1);
  const auto missing = report_effects();
  unsetenv("LV2_PATH");
  ASSERT_EQ(missing.size(), EffectCatalogue::builtin().effects().size());
  EXPECT_FALSE(missing[0].installed);
  EXPECT_THAT(install_line(missing), testing::StartsWith("apt install "));
  EXPECT_THAT(install_line(missing), testing::HasSubstr("mda-lv2"));
  const FakeBundles bundles;
  const auto installed = report_effects();
  EXPECT_TRUE(installed[0].installed);
  EXPECT_EQ(install_line(installed), "");
  EXPECT_EQ(palette_report_json({}, installed).at("effects").size(), installed.size());
}

TEST(PaletteReport, NothingInstalledIsNoError) {
  for (const InstrumentReport& report : report_palette({}, Lexicon::builtin())) {
    EXPECT_TRUE(report.installed.empty());
    EXPECT_FALSE(report.warning.empty());
  }
}

TEST(SongRendererWithPlugins, AnotherSoundIsDrawnForAPluginThatFails) {
  SKIP_WITHOUT_SMALL_FONT();
  const FakeBundles bundles;
  PaletteOptions options;
  options.fonts = {small_font()};
  options.plugins = true;
  const auto palette = std::make_shared<const Palette>(Palette::scan(options, Lexicon::builtin()));
  RenderOptions render;
  render.plugin_host.program = "/bin/false";
  SongRenderer renderer(render, compose_test_song, palette, Lexicon::builtin());
  const RenderedSong song = renderer.render(2);
  for (const ArrangementInfo& arrangement : song.info.arrangements)
    for (const VersionInfo& version : arrangement.versions) {
      EXPECT_EQ(version.stems.size(), 5u);
      for (const StemInfo& stem : version.stems) {
        EXPECT_EQ(stem.source, "TimGM6mb.sf2");
        EXPECT_EQ(stem.effect_source, "");
      }
    }
  EXPECT_FALSE(renderer.plugin_failures().empty());
  EXPECT_EQ(renderer.render(2).audio, song.audio);
}

TEST(SongRendererWithPlugins, StemsNameTheirEffectAndItsLicence) {
  SKIP_WITHOUT_SMALL_FONT();
  const FakeBundles bundles;
  // Effects change nothing; instruments fail, as they have no input.
  const FakeHost host("test -f \"$(dirname \"$1\")/input.f32\" && cp \"$(dirname \"$1\")/input.f32\" \"$2\"");
  PaletteOptions options;
  options.fonts = {small_font()};
  options.plugins = true;
  const auto palette = std::make_shared<const Palette>(Palette::scan(options, Lexicon::builtin()));
  RenderOptions render;
  render.plugin_host.program = host.path();
  render.plugin_effect_probability = 1;
  const RenderedSong song = SongRenderer(render, compose_test_song, palette, Lexicon::builtin()).render(2);
  TempDir folder;
  write_song(folder.path() / "song", song);
  for (const ArrangementInfo& arrangement : read_song_info(folder.path() / "song").arrangements)
    for (const VersionInfo& version : arrangement.versions)
      for (const StemInfo& stem : version.stems) {
        const auto& known = EffectCatalogue::builtin().effects();
        const auto effect =
            std::find_if(known.begin(), known.end(), [&](const auto& e) { return e.name == stem.effect_source; });
        ASSERT_NE(effect, known.end()) << stem.effect_source;
        EXPECT_EQ(stem.effect_licence, effect->licence);
        EXPECT_THAT(stem.effects, testing::StartsWith(effect->kind + "(" + effect->name + ")"));
      }
  render.plugin_effect_probability = 1.5;
  expect_error(ErrorKind::kUsage, "probabilities",
               [&] { SongRenderer(render, compose_test_song, palette, Lexicon::builtin()); });
}

TEST(SongRendererWithKits, KitsPlayAndAreNamed) {
  SKIP_WITHOUT_SMALL_FONT();
  SKIP_WITHOUT_KITS();
  TempDir folder;
  write_test_kit(folder.path() / "Loud Kit", full_kit());
  PaletteOptions options;
  options.fonts = {small_font()};
  options.kits = {folder.path()};
  const auto palette = std::make_shared<const Palette>(Palette::scan(options, Lexicon::builtin()));
  SongRenderer renderer({}, compose_test_song, palette, Lexicon::builtin());
  int played = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const RenderedSong song = renderer.render(seed);
    for (const ArrangementInfo& arrangement : song.info.arrangements)
      for (const VersionInfo& version : arrangement.versions)
        for (const StemInfo& stem : version.stems)
          if (stem.source == "Loud Kit") {
            ++played;
            EXPECT_EQ(stem.instrument, "drum kit");
            EXPECT_EQ(stem.bank, kDrumBank);
            EXPECT_EQ(stem.preset, "Test kit");
          }
    if (seed == 0) {
      EXPECT_EQ(renderer.render(0).audio, song.audio);
    }
  }
  EXPECT_GT(played, 0);
}

}  // namespace
}  // namespace instructme
