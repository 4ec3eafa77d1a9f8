#include "instructme/audio/spectrogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "expect_error.h"

namespace instructme {
namespace {

TEST(Spectrogram, ShowsASineAtItsFrequencyAndLevel) {
  std::vector<float> x(24000);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(0.1 * std::sin(2 * std::numbers::pi * 3000 * static_cast<double>(i) / 24000));
  const Spectrogram s = spectrogram(x, 1024, 256);
  ASSERT_EQ(s.rows, 513);
  ASSERT_EQ(s.columns, 24000 / 256 + 1);
  const auto at = [&](int row, int column) { return s.levels_db[static_cast<size_t>(row * s.columns + column)]; };
  EXPECT_NEAR(at(128, 40), -20, 0.01);     // 3000 / (24000 / 1024)
  EXPECT_NEAR(at(127, 40), -26.02, 0.01);  // the window's side: half
  EXPECT_LT(at(140, 40), -100);
}

TEST(Spectrogram, SilenceIsAtTheFloor) {
  const Spectrogram s = spectrogram(std::vector<float>(500), 256, 100, -90);
  EXPECT_EQ(s.columns, 6);
  for (const float level : s.levels_db) EXPECT_EQ(level, -90);
  expect_error(ErrorKind::kInternal, "power of two", [] { spectrogram({}, 1000); });
}

}  // namespace
}  // namespace instructme
