#include "instructme/plot/bar_chart.h"

#include <gtest/gtest.h>

#include <limits>

#include "expect_error.h"

namespace instructme {
namespace {

constexpr Colour kBar{0, 114, 178};

/// Lengths of the bars, from the top.
std::vector<int> lengths(const Image& image) {
  std::vector<int> found;
  bool before = false;
  for (int y = 0; y < image.height; ++y) {
    int count = 0;
    for (int x = 0; x < image.width; ++x) count += image.at(x, y) == kBar ? 1 : 0;
    if (count > 0 && !before) found.push_back(count);
    before = count > 0;
  }
  return found;
}

TEST(BarChart, BarsAreAsLongAsTheirValues) {
  BarChart chart;
  chart.title = "instruments";
  chart.value_label = "hours";
  chart.bars = {{"piano", 40, ""}, {"bass", 20, "half"}, {"nothing", 0, ""}, {"violin", 10, ""}};
  const auto found = lengths(chart.render(800));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_NEAR(found[1], found[0] / 2.0, 1);
  EXPECT_NEAR(found[2], found[0] / 4.0, 1);
  EXPECT_GT(found[0], 300);
}

TEST(BarChart, TakesWhatIsEmptyOrOdd) {
  BarChart chart;
  EXPECT_TRUE(lengths(chart.render()).empty());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  chart.bars = {{"no number", nan, ""}, {"below", -3, ""}, {std::string(500, 'x'), 1, std::string(500, 'y')}};
  EXPECT_EQ(lengths(chart.render(200)).size(), 1u);
  expect_error(ErrorKind::kInternal, "200 pixels", [&] { chart.render(100); });
  chart.bars.resize(1001);
  expect_error(ErrorKind::kInternal, "1000 bars", [&] { chart.render(); });
}

}  // namespace
}  // namespace instructme
