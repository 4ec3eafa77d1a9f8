#include "instructme/eval/ears_evaluation.h"

#include <torch/torch.h>

#include "expect_error.h"

namespace instructme {
namespace {

TEST(EarsEvaluation, KeysAreScoredAsInMirex) {
  const Key c_major{0, Mode::kMajor}, a_minor{9, Mode::kMinor};
  EXPECT_EQ(key_score(c_major, c_major), 1.0);
  EXPECT_EQ(key_score(c_major, {7, Mode::kMajor}), 0.5);
  EXPECT_EQ(key_score(c_major, {5, Mode::kMajor}), 0.0);
  EXPECT_EQ(key_score(c_major, a_minor), 0.3);
  EXPECT_EQ(key_score(a_minor, c_major), 0.3);
  EXPECT_EQ(key_score(c_major, {0, Mode::kMinor}), 0.2);
  EXPECT_EQ(key_score(c_major, {4, Mode::kMinor}), 0.0);
  EXPECT_EQ(key_score({2, Mode::kDorian}, {2, Mode::kMinor}), 1.0);
}

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

}  // namespace
}  // namespace instructme
