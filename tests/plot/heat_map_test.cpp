#include "instructme/plot/heat_map.h"

#include <gtest/gtest.h>

#include <cmath>

#include "expect_error.h"

namespace instructme {
namespace {

double brightness(Colour c) { return 0.2126 * c.r + 0.7152 * c.g + 0.0722 * c.b; }

HeatMap quarters() {
  HeatMap map;
  map.rows = 2;
  map.columns = 2;
  map.values = {0, 1, 2, 3};  // row 0: 0 1, row 1: 2 3
  return map;
}

TEST(ColourMap, GetsSteadilyBrighter) {
  for (const ColourMap map : {ColourMap::kViridis, ColourMap::kMagma}) {
    double last = -1;
    for (int i = 0; i <= 100; ++i) {
      const double now = brightness(map_colour(map, i / 100.0));
      EXPECT_GE(now, last - 0.5) << i;
      last = now;
    }
    EXPECT_GT(last, 200);
    EXPECT_EQ(map_colour(map, -3), map_colour(map, 0));
    EXPECT_EQ(map_colour(map, 7), map_colour(map, 1));
  }
  EXPECT_EQ(map_colour(ColourMap::kViridis, 0), (Colour{0x44, 0x01, 0x54}));
  EXPECT_EQ(map_colour(ColourMap::kMagma, std::nan("")), (Colour{150, 150, 150}));
}

TEST(HeatMap, PutsRowZeroAtTheBottomOrOnTop) {
  HeatMap map = quarters();
  const Image up = map.render(400, 200);
  const Colour first = map_colour(map.colours, 0), last = map_colour(map.colours, 1);
  EXPECT_EQ(up.at(100, 150), first);
  EXPECT_EQ(up.at(300, 50), last);
  EXPECT_EQ(up.at(100, 50), map_colour(map.colours, 2.0 / 3));
  map.first_row_on_top = true;
  const Image down = map.render(400, 200);
  EXPECT_EQ(down.at(100, 50), first);
  EXPECT_EQ(down.at(300, 150), last);
}

TEST(HeatMap, AGivenRangeFixesTheColours) {
  HeatMap map = quarters();
  map.low = 0;
  map.high = 30;
  EXPECT_EQ(map.render(400, 200).at(300, 50), map_colour(map.colours, 0.1));
}

TEST(HeatMap, ManyCellsUnderOnePixelAreAveraged) {
  HeatMap map;
  map.rows = 1;
  map.columns = 100000;
  for (int i = 0; i < map.columns; ++i) map.values.push_back(i % 2 == 0 ? 0.0f : 1.0f);
  EXPECT_NEAR(brightness(map.render(400, 200).at(200, 100)), brightness(map_colour(map.colours, 0.5)), 12);
}

TEST(HeatMap, LinesOfOneCellStayWhereTheGreatestCellIsShown) {
  HeatMap map;
  map.rows = 1;
  map.columns = 1000;
  map.greatest = true;
  for (int i = 0; i < map.columns; ++i) map.values.push_back(i % 2 == 0 ? 0.0f : 1.0f);
  EXPECT_EQ(map.render(400, 200).at(200, 100), map_colour(map.colours, 1));
  map.values.assign(1000, std::nanf(""));
  EXPECT_EQ(map.render(400, 200).at(200, 100), (Colour{150, 150, 150}));
}

TEST(HeatMap, NamesTakeThePlaceOfNumbersOnItsAxis) {
  HeatMap map = quarters();
  const Image numbers = map.render(400, 200);
  map.y_marks = {{1.5, "a name of many letters"}};
  const Image names = map.render(400, 200);
  EXPECT_EQ(numbers.at(100, 150), map_colour(map.colours, 0));
  EXPECT_EQ(names.at(100, 150), kWhite);  // the name needs the room, but not this low
  int ink = 0;
  for (int y = 40; y < 60; ++y)
    for (int x = 10; x < 130; ++x) ink += !(names.at(x, y) == kWhite);
  EXPECT_GT(ink, 0);
}

TEST(HeatMap, DrawsConstantAndNonFiniteValues) {
  HeatMap map = quarters();
  map.values = {1, 1, 1, 1};
  map.render(300, 150);
  const float nan = std::nanf("");
  map.values = {nan, nan, nan, nan};
  EXPECT_EQ(map.render(400, 200).at(100, 100), (Colour{150, 150, 150}));
  map.values = {-INFINITY, 0, 1, INFINITY};
  const Image image = map.render(400, 200);
  EXPECT_EQ(image.at(100, 150), map_colour(map.colours, 0));
  EXPECT_EQ(image.at(300, 50), map_colour(map.colours, 1));
}

TEST(Panels, ShareTheirRangeWhenAsked) {
  HeatMap quiet = quarters(), loud = quarters();
  for (float& value : loud.values) value *= 10;
  quiet.title = "before";
  loud.title = "after";
  const Image apart = render_panels({quiet, loud}, 400, 200);
  const Image shared = render_panels({quiet, loud}, 400, 200, true);
  EXPECT_EQ(apart.height, 400);
  EXPECT_EQ(apart.at(300, 60), apart.at(300, 260));
  EXPECT_EQ(shared.at(300, 60), map_colour(quiet.colours, 0.1));
  EXPECT_EQ(shared.at(300, 260), map_colour(loud.colours, 1));
}

TEST(Panels, AlignTheirFrames) {
  HeatMap narrow = quarters(), wide = quarters();
  wide.y_label = "frequency in Hz";
  wide.y_low = 0;
  wide.y_high = 1234;
  const Image image = render_panels({narrow, wide}, 400, 200);
  const auto left_edge = [&](int y) {
    const Colour frame{40, 40, 40};
    int x = 0;
    while (x < 399 && !(image.at(x, y) == frame && image.at(x, y + 1) == frame && image.at(x, y + 25) == frame)) ++x;
    return x;
  };
  EXPECT_EQ(left_edge(40), left_edge(240));
}

TEST(HeatMap, RefusesWrongSizes) {
  HeatMap map = quarters();
  map.values.pop_back();
  expect_error(ErrorKind::kInternal, "3 values for 2 rows", [&] { map.render(); });
  expect_error(ErrorKind::kInternal, "200 by 100", [] { quarters().render(100, 50); });
  expect_error(ErrorKind::kInternal, "no heat map", [] { render_panels({}); });
}

}  // namespace
}  // namespace instructme
