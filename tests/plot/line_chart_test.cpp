#include "instructme/plot/line_chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "expect_error.h"

namespace instructme {
namespace {

constexpr Colour kFirst{0, 114, 178};
constexpr Colour kSecond{213, 94, 0};

struct Found {
  int count = 0;
  double mean_y = 0;
};

/// Pixels of exactly this colour with left <= x < right.
Found find(const Image& image, Colour colour, int left, int right) {
  Found found;
  for (int y = 0; y < image.height; ++y)
    for (int x = left; x < right; ++x)
      if (image.at(x, y) == colour) {
        ++found.count;
        found.mean_y += y;
      }
  if (found.count > 0) found.mean_y /= found.count;
  return found;
}

TEST(LineChart, RisingDataRisesAndSeriesHaveTheirColours) {
  LineChart chart;
  chart.series("", {0, 1, 2}, {0, 1, 2}).series("", {0, 1, 2}, {2, 1.5, 1});
  const Image image = chart.render(600, 400);
  const Found left = find(image, kFirst, 60, 200), right = find(image, kFirst, 400, 560);
  ASSERT_GT(left.count, 20);
  ASSERT_GT(right.count, 20);
  EXPECT_GT(left.mean_y, right.mean_y + 100) << "y grows downwards, so the left end must lie lower";
  EXPECT_LT(find(image, kSecond, 60, 200).mean_y, find(image, kSecond, 400, 560).mean_y);
}

TEST(LineChart, ALogarithmicAxisMakesAnExponentialStraight) {
  std::vector<double> x, y;
  for (int i = 0; i <= 100; ++i) {
    x.push_back(i);
    y.push_back(std::exp(-0.1 * i));
  }
  LineChart chart;
  chart.log_y = true;
  chart.series("", x, y);
  const Image image = chart.render(600, 400);
  const double a = find(image, kFirst, 100, 110).mean_y, b = find(image, kFirst, 300, 310).mean_y,
               c = find(image, kFirst, 500, 510).mean_y;
  EXPECT_NEAR(b, (a + c) / 2, 1.5);
  EXPECT_GT(c - a, 150);
}

TEST(LineChart, NamesMakeALegendOnTheRight) {
  LineChart plain, named;
  plain.series("", {0, 1}, {1, 1});
  named.series("validation", {0, 1}, {1, 1});
  EXPECT_EQ(find(plain.render(), kFirst, 895, 900).count, 0);
  const int swatches = find(named.render(), kFirst, 790, 900).count;
  EXPECT_GT(swatches, 30);
}

TEST(LineChart, PointsThatCannotBeDrawnBreakTheLine) {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  LineChart chart;
  chart.series("", {0, 1, 2, 3, 4}, {1, 1, nan, 1, 1}).series("", {0, 1, 2}, {inf, -inf, nan});
  const Image image = chart.render(600, 400);
  EXPECT_GT(find(image, kFirst, 80, 150).count, 50);
  EXPECT_EQ(find(image, kFirst, 250, 350).count, 0);
  EXPECT_GT(find(image, kFirst, 480, 560).count, 50);
  LineChart negative;
  negative.log_y = true;
  negative.series("", {0, 1, 2}, {-1, 0, -5});
  EXPECT_EQ(find(negative.render(), kFirst, 0, 900).count, 0);
}

TEST(LineChart, DrawsTheDegenerateCases) {
  EXPECT_EQ(LineChart().render(300, 200).width, 300);
  LineChart single;
  single.series("one", {5}, {7});
  EXPECT_GT(find(single.render(), kFirst, 50, 600).count, 10) << "a single point is a dot";
  LineChart huge;
  huge.series("", {0, 1}, {1e300, -1e300}).series("", {1e9, 1e9 + 1e-9}, {1e-300, 2e-300});
  EXPECT_EQ(huge.render(200, 120).height, 120);
  LineChart close;
  close.log_y = true;
  close.series("", {0, 1}, {1.01, 1.02});
  EXPECT_GT(find(close.render(), kFirst, 0, 900).count, 50);
}

TEST(LineChart, FixedEndsCutTheLineAtTheFrame) {
  LineChart chart;
  chart.y_low = 0;
  chart.y_high = 1;
  chart.series("", {0, 1, 2}, {0.5, 100, 0.5});
  const Image image = chart.render(600, 400);
  for (int x = 0; x < 600; ++x) EXPECT_NE(image.at(x, 5), kFirst);
}

TEST(LineChart, RefusesUnequalLengthsAndTinyImages) {
  expect_error(ErrorKind::kInternal, "2 x and 1 y", [] { LineChart().series("a", {1, 2}, {1}); });
  expect_error(ErrorKind::kInternal, "200 by 120", [] { LineChart().render(100, 100); });
}

}  // namespace
}  // namespace instructme
