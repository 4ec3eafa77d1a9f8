#include "instructme/eval/ears_evaluation.h"

#include <torch/torch.h>

#include "expect_error.h"

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

}  // namespace
}  // namespace instructme
