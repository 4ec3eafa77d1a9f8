#include "instructme/eval/ears_evaluation.h"

#include <torch/torch.h>

#include <algorithm>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/ears/key_net.h"
#include "tiny_ears.h"
#include "tiny_song.h"

namespace instructme {
namespace {

TEST(EarsEvaluation, TheTableHasAColumnForEachSet) {
  EarsReport report;
  report.rows = {{"chords", "a", 0.5}, {"beats", "a", 0.25}, {"chords", "b", 0.75}};
  report.instruments = {{"piano", "b", 0.4, 0.9, 0.8, 7}};
  const std::string text = report.markdown();
  EXPECT_NE(text.find("| | a | b |\n"), std::string::npos);
  EXPECT_NE(text.find("| chords | 0.500 | 0.750 |\n"), std::string::npos);
  EXPECT_NE(text.find("| beats | 0.250 | |\n"), std::string::npos);
  EXPECT_NE(text.find("| piano | 0.40 | b | 7 | 0.900 | 0.80 |"), std::string::npos);
}

TEST(EarsEvaluation, AModelWithoutEarsIsRefused) {
  expect_error(ErrorKind::kMissing, "chords.json", [] { evaluate_ears("/nowhere", {}); });
}

TEST(EarsEvaluation, WhatTheModelCannotHearHasNoRow) {
  const TempDir model, songs;
  torch::manual_seed(1);
  save_tiny_ears(model.path() / "ears");
  write_tiny_song(songs.path() / "a");
  for (const bool keys : {false, true}) {
    if (keys) save_key_net(KeyNet(KeyNetOptions{}), model.path() / "ears", 0);
    const EarsReport report = evaluate_ears(model.path(), {songs.path()});
    const auto has = [&](const std::string& what) {
      return std::any_of(report.rows.begin(), report.rows.end(), [&](auto& row) { return row.what == what; });
    };
    EXPECT_TRUE(has("beats, F-measure"));
    EXPECT_EQ(has("key, MIREX weighted"), keys);
    EXPECT_FALSE(has("instruments, mean ROC-AUC"));
  }
}

}  // namespace
}  // namespace instructme
