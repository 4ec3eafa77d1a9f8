#include "instructme/data/palette.h"

#include <algorithm>
#include <map>

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/synth/sound_font.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

TEST(Palette, CoversTheRolesOfABandWithAGeneralMidiFont) {
  SKIP_WITHOUT_SMALL_FONT();
  const auto palette = small_palette();
  EXPECT_EQ(palette->sources(), std::vector<std::string>{"TimGM6mb.sf2"});
  for (const char* name : {"drum kit", "bass", "piano", "acoustic guitar", "violin", "organ", "flute"})
    EXPECT_TRUE(palette->has(name)) << name;
  EXPECT_FALSE(palette->has("kazoo"));
  for (Role role : {Role::kDrums, Role::kBass, Role::kChords, Role::kArpeggio, Role::kMelody, Role::kCounterMelody})
    EXPECT_FALSE(palette->instruments_of(role).empty()) << role_name(role);
}

TEST(Palette, DrumPartsGetKitsAndOnlyTheyDo) {
  SKIP_WITHOUT_SMALL_FONT();
  const auto palette = small_palette();
  Rng rng(1);
  for (int i = 0; i < 300; ++i)
    for (Role role : {Role::kDrums, Role::kBass, Role::kChords, Role::kArpeggio, Role::kMelody}) {
      const PaletteSound& sound = palette->draw_sound(palette->draw_instrument(role, {}, rng), rng);
      EXPECT_EQ(sound.bank == kDrumBank, role == Role::kDrums) << sound.instrument;
      EXPECT_EQ(sound.source, "TimGM6mb.sf2");
    }
  const PaletteSound* percussion = palette->draw_percussion(rng);
  ASSERT_NE(percussion, nullptr);
  EXPECT_EQ(percussion->bank, kDrumBank);
}

TEST(Palette, DrawsByTheLexiconsFrequenciesAndAvoids) {
  SKIP_WITHOUT_SMALL_FONT();
  const auto palette = small_palette();
  Rng rng(2);
  std::map<std::string, int> counts;
  const int n = 4000;
  for (int i = 0; i < n; ++i) ++counts[palette->draw_instrument(Role::kBass, {}, rng)];
  double total = 0;
  for (const std::string& name : palette->instruments_of(Role::kBass))
    total += Lexicon::builtin().find_instrument(name)->frequency;
  const double expected = n * Lexicon::builtin().find_instrument("bass")->frequency / total;
  EXPECT_NEAR(counts["bass"], expected, 5 * std::sqrt(expected));
  for (int i = 0; i < 100; ++i) EXPECT_NE(palette->draw_instrument(Role::kBass, {"bass"}, rng), "bass");
  // When all are to be avoided, something is drawn all the same.
  const auto all = palette->instruments_of(Role::kBass);
  EXPECT_FALSE(palette->draw_instrument(Role::kBass, {all.begin(), all.end()}, rng).empty());
}

TEST(Palette, ATableBesideTheFontTakesPrecedence) {
  SKIP_WITHOUT_SMALL_FONT();
  TempDir folder;
  fs::copy_file(small_font(), folder.path() / "Mine.sf2");
  write_file_atomically(folder.path() / "SOUNDS.tsv",
                        "file\tbank\tprogram\tpreset_name\tinstrument\tlicence\n"
                        "Mine.sf2\t0\t0\tx\tacoustic guitar (steel)\tCC0-1.0\n"
                        "Mine.sf2\t0\t1\tx\tbaritone saxophone\tCC0-1.0\n"
                        "Mine.sf2\t0\t2\tx\telectric guitar clean\tCC0-1.0\n"
                        "Mine.sf2\t0\t4\tx\telectric guitar distorted\tCC0-1.0\n"
                        "Mine.sf2\t0\t5\tx\telectric upright bass\tCC0-1.0\n");
  const Palette palette =
      Palette::scan({.fonts = {folder.path()}, .held_out_fonts = {}, .held_out = false}, Lexicon::builtin());
  std::map<int, const PaletteSound*> by_program;
  for (const PaletteSound& sound : palette.sounds())
    if (sound.bank == 0) by_program[sound.program] = &sound;
  EXPECT_EQ(by_program.at(0)->instrument, "acoustic guitar");
  EXPECT_EQ(by_program.at(0)->licence, "CC0-1.0");
  EXPECT_EQ(by_program.at(1)->instrument, "saxophone");
  EXPECT_EQ(by_program.at(2)->instrument, "electric guitar");
  EXPECT_EQ(by_program.at(3)->instrument, "piano");
  EXPECT_EQ(by_program.at(4)->instrument, "distorted guitar");
  EXPECT_EQ(by_program.at(5)->instrument, "double bass");
  EXPECT_EQ(by_program.at(3)->licence, "");
  write_file_atomically(folder.path() / "SOUNDS.tsv",
                        "\xEF\xBB\xBF"
                        "file\tbank\tprogram\tinstrument\tlicence\r\nMine.sf2\t0\t0\tviolin\tCC0-1.0\r\n");
  const Palette from_windows =
      Palette::scan({.fonts = {folder.path()}, .held_out_fonts = {}, .held_out = false}, Lexicon::builtin());
  const auto first = std::find_if(from_windows.sounds().begin(), from_windows.sounds().end(),
                                  [](const PaletteSound& sound) { return sound.bank == 0 && sound.program == 0; });
  ASSERT_NE(first, from_windows.sounds().end());
  EXPECT_EQ(first->instrument, "violin");
  EXPECT_EQ(first->licence, "CC0-1.0");
  write_file_atomically(folder.path() / "SOUNDS.tsv",
                        "file\tbank\tprogram\tinstrument\tlicence\nMine.sf2\t0\t0\tviolinn\tCC0-1.0\n");
  for (const char* part : {"Line 2 of", "no instrument called 'violinn' (did you mean 'violin'"})
    expect_error(ErrorKind::kInput, part, [&] {
      Palette::scan({.fonts = {folder.path()}, .held_out_fonts = {}, .held_out = false}, Lexicon::builtin());
    });
  write_file_atomically(folder.path() / "SOUNDS.tsv", "file\tbank\n");
  expect_error(ErrorKind::kInput, "program", [&] {
    Palette::scan({.fonts = {folder.path()}, .held_out_fonts = {}, .held_out = false}, Lexicon::builtin());
  });
}

TEST(Palette, SplitsByFontFile) {
  SKIP_WITHOUT_SMALL_FONT();
  TempDir folder;
  for (const char* name : {"A.sf2", "B.sf2", "C.sf2"}) fs::create_symlink(small_font(), folder.path() / name);
  // Links to one file are one font.
  PaletteOptions options;
  options.fonts = {folder.path(), small_font()};
  EXPECT_EQ(Palette::scan(options, Lexicon::builtin()).sources(), std::vector<std::string>{"TimGM6mb.sf2"});
  for (const char* name : {"A.sf2", "B.sf2", "C.sf2"}) {
    fs::remove(folder.path() / name);
    fs::copy_file(small_font(), folder.path() / name);
  }
  options.fonts = {folder.path()};
  options.held_out_fonts = {"B.sf2"};
  EXPECT_EQ(Palette::scan(options, Lexicon::builtin()).sources(), (std::vector<std::string>{"A.sf2", "C.sf2"}));
  options.held_out = true;
  EXPECT_EQ(Palette::scan(options, Lexicon::builtin()).sources(), std::vector<std::string>{"B.sf2"});
  options.held_out_fonts = {"D.sf2"};
  expect_error(ErrorKind::kUsage, "D.sf2", [&] { Palette::scan(options, Lexicon::builtin()); });
  options.held_out_fonts = {};
  expect_error(ErrorKind::kUsage, "held-out", [&] { Palette::scan(options, Lexicon::builtin()); });
  options.fonts = {folder.path() / "none"};
  expect_error(ErrorKind::kMissing, "apt install", [&] { Palette::scan(options, Lexicon::builtin()); });
}

TEST(Palette, RoleNamesRoundTrip) {
  for (Role role : {Role::kDrums, Role::kBass, Role::kChords, Role::kArpeggio, Role::kMelody, Role::kCounterMelody})
    EXPECT_EQ(parse_role(role_name(role)), role);
  expect_error(ErrorKind::kInput, "melody", [] { parse_role("melodie"); });
}

}  // namespace
}  // namespace instructme
