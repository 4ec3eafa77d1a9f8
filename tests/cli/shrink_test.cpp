#include <gmock/gmock.h>

#include <algorithm>

#include "instructme/base/error.h"
#include "instructme/data/sound_files.h"
#include "instructme/synth/recorded_notes.h"
#include "program.h"
#include "sine.h"
#include "test_kit.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

class Shrink : public testing::Test {
 protected:
  fs::path path(const std::string& name) const { return folder_.path() / name; }

  /// A SoundFont of one note in a folder that is made.
  void write_font(const std::string& name) const {
    make_folder(path(name).parent_path());
    write_file_atomically(path(name), make_sound_font({{69, 24000, sine(440, 24000, 0.2, 0.5)}}, {"tone", 0}));
  }

  Outcome shrink(Arguments sounds) const {
    sounds.insert(sounds.begin(), {"data", "shrink", "-o", path("out").string()});
    return run_program(sounds);
  }

  std::vector<std::string> copies() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(path("out"))) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  TempDir folder_;
};

TEST_F(Shrink, WhatLinksLeadToIsCopiedOnceUnderItsOwnName) {
  write_font("store/Far.sf2");
  write_font("sounds/Real.sf2");
  write_test_kit(path("sounds/Kit"), {{"Kick", {60}}});
  fs::create_symlink("Real.sf2", path("sounds/default.sf2"));
  fs::create_symlink("../store/Far.sf2", path("sounds/Near.sf2"));
  fs::create_symlink("default.sf2", path("sounds/again.sf2"));
  fs::create_symlink("Kit", path("sounds/default"));
  const Outcome outcome =
      shrink({path("sounds").string(), path("sounds/default.sf2").string(), path("sounds/default").string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(copies(), testing::ElementsAre("Far.sf2", "Kit", "Real.sf2"));
  EXPECT_EQ(lines_of(outcome.out).size(), 3u) << outcome.out;
  for (const std::string& name : copies()) EXPECT_FALSE(fs::is_symlink(path("out") / name)) << name;
}

TEST_F(Shrink, WhatTheTableSaysOfAFontGoesAlong) {
  for (const char* name : {"sounds/A.sf2", "sounds/B.sf2", "sounds/C.sf2", "others/D.sf2"}) write_font(name);
  const std::string heading = "file\tbank\tprogram\tpreset_name\tinstrument\tlicence\n";
  write_file_atomically(path("sounds/SOUNDS.tsv"), heading +
                                                       "A.sf2\t0\t0\tx\tviolin\tCC0\nA.sf2\t0\t1\tx\tcello\tCC0\n"
                                                       "B.sf2\t0\t0\tx\tflute\tCC BY\n");
  write_file_atomically(path("others/SOUNDS.tsv"), heading + "D.sf2\t8\t3\tx\tharp\tGPL\n");
  const auto instruments = [&] {
    std::vector<std::string> rows;
    for (const auto& [preset, entry] : read_sound_table(path("out/SOUNDS.tsv")))
      rows.push_back(std::get<0>(preset) + " " + entry.instrument + " " + entry.licence);
    return rows;
  };
  EXPECT_EQ(shrink({path("sounds/C.sf2").string()}).exit_code, 0);
  EXPECT_THAT(copies(), testing::ElementsAre("C.sf2")) << "of which no table says anything";
  EXPECT_EQ(shrink({path("sounds/A.sf2").string(), path("others").string()}).exit_code, 0);
  EXPECT_THAT(instruments(), testing::ElementsAre("A.sf2 violin CC0", "A.sf2 cello CC0", "D.sf2 harp GPL"));
  EXPECT_EQ(shrink({path("sounds/B.sf2").string(), path("sounds/SOUNDS.tsv").string()}).exit_code, 0);
  EXPECT_THAT(instruments(),
              testing::ElementsAre("A.sf2 violin CC0", "A.sf2 cello CC0", "B.sf2 flute CC BY", "D.sf2 harp GPL"));
}

TEST_F(Shrink, RefusesWhatHoldsNoSounds) {
  make_folder(path("sounds"));
  const Outcome empty = shrink({path("sounds").string()});
  EXPECT_EQ(empty.exit_code, exit_code(ErrorKind::kInput));
  EXPECT_THAT(empty.err, testing::HasSubstr("neither SoundFonts nor drum kits"));
  write_file_atomically(path("sounds/SOUNDS.tsv"), "");
  const Outcome table = shrink({path("sounds/SOUNDS.tsv").string()});
  EXPECT_EQ(table.exit_code, exit_code(ErrorKind::kUsage));
  EXPECT_THAT(table.err, testing::HasSubstr("goes along with SoundFonts"));
  EXPECT_FALSE(fs::exists(path("out")));
}

}  // namespace
}  // namespace instructme
