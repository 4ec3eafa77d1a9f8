#include "instructme/score/groove_library.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "expect_error.h"
#include "instructme/score/mma_arranger.h"

namespace instructme {
namespace {

TEST(GrooveLibrary, BuiltinIsLargeAndClean) {
  const GrooveLibrary& library = GrooveLibrary::builtin();
  EXPECT_GT(library.grooves().size(), 1000u);
  EXPECT_GE(library.genres().size(), 12u);
  std::set<int> metres;
  for (const GrooveInfo& groove : library.grooves()) {
    metres.insert(groove.beats_per_bar);
    EXPECT_FALSE(groove.fill);
    EXPECT_TRUE(groove.drums || groove.melodic_tracks > 0) << groove.mma_name();
    EXPECT_EQ(groove.genre, genre_of_style(groove.file));
    for (const char* part : {"Intro", "End", "Metronome", "Fill"})
      EXPECT_EQ(groove.name.find(part), std::string::npos) << groove.mma_name();
    EXPECT_GE(groove.swing, 0);
    EXPECT_LE(groove.swing, 1);
  }
  for (const int beats : {3, 4, 6}) EXPECT_TRUE(metres.count(beats)) << beats;
  for (const GrooveInfo& fill : library.fills()) EXPECT_EQ(fill.bars, 1);
}

TEST(GrooveLibrary, SwingIsSeenInThePatterns) {
  const GrooveLibrary& library = GrooveLibrary::builtin();
  EXPECT_GT(library.find("stdlib/swing:Swing").swing, 0.5);
  EXPECT_LT(library.find("stdlib/bossanova:BossaNova").swing, 0.2);
}

TEST(GrooveLibrary, JsonRoundTrip) {
  const GrooveLibrary& library = GrooveLibrary::builtin();
  const std::string text = library.json();
  const GrooveLibrary again = GrooveLibrary::parse(text, "text");
  EXPECT_EQ(again.json(), text);
  EXPECT_EQ(again.grooves().size(), library.grooves().size());
  EXPECT_EQ(again.fills().size(), library.fills().size());
  expect_error(ErrorKind::kModel, "bad.json", [] { GrooveLibrary::parse("{", "bad.json"); });
  expect_error(ErrorKind::kModel, "columns", [] { GrooveLibrary::parse("{\"columns\": \"x\"}", "bad.json"); });
}

TEST(GrooveLibrary, SplitKeepsStyleFilesApart) {
  const GrooveLibrary& library = GrooveLibrary::builtin();
  const auto train = library.split(GrooveSplit::kTrain), held_out = library.split(GrooveSplit::kHeldOut);
  EXPECT_EQ(train.grooves().size() + held_out.grooves().size(), library.grooves().size());
  const auto files = train.files();
  const std::set<std::string> train_files(files.begin(), files.end());
  for (const std::string& file : held_out.files()) EXPECT_FALSE(train_files.count(file)) << file;
  const double share = static_cast<double>(held_out.files().size()) / static_cast<double>(library.files().size());
  EXPECT_GT(share, 0.06);
  EXPECT_LT(share, 0.16);
  EXPECT_EQ(train.genres(), library.genres());
  EXPECT_GE(held_out.genres().size(), 6u);
  EXPECT_EQ(library.split(GrooveSplit::kHeldOut).files(), held_out.files());
}

TEST(GrooveLibrary, UnknownGrooveNamesTheNearest) {
  expect_error(ErrorKind::kInput, "stdlib/swing:Swing", [] { GrooveLibrary::builtin().find("stdlib/swing:Swin"); });
}

TEST(GrooveLibrary, GenresOfStyles) {
  const std::pair<const char*, const char*> cases[] = {{"stdlib/bossanova", "latin"},
                                                       {"stdlib/metronome68", ""},
                                                       {"casio/popwaltz", "pop"},
                                                       {"stdlib/countrywaltz", "country"},
                                                       {"yamaha/jazzbossa", "latin"},
                                                       {"stdlib/rb-ballad", "r&b"},
                                                       {"zoom/intro", ""},
                                                       {"zoom/thr", "metal"},
                                                       {"stdlib/waltz", "waltz"},
                                                       {"stdlib/son", "latin"},
                                                       {"zoom/rock34", "rock"},
                                                       {"kara/kwestballad", "ballad"}};
  for (const auto& [file, genre] : cases) EXPECT_EQ(genre_of_style(file), genre) << file;
}

TEST(GrooveScan, NeedsAFolderWithStyles) {
  if (!mma_available()) GTEST_SKIP() << "mma is not installed";
  expect_error(ErrorKind::kInput, "/nonexistent", [] { scan_grooves("/nonexistent"); });
}

}  // namespace
}  // namespace instructme
