#include "instructme/plot/heat_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "axis.h"
#include "instructme/base/error.h"

namespace instructme {
namespace {

constexpr Colour kInk{40, 40, 40};
constexpr Colour kNoValue{150, 150, 150};
constexpr int kGap = 6;
constexpr int kBarWidth = 12;

constexpr std::array<Colour, 10> kViridisColours = {{{0x44, 0x01, 0x54},
                                                     {0x48, 0x28, 0x78},
                                                     {0x3E, 0x49, 0x89},
                                                     {0x31, 0x68, 0x8E},
                                                     {0x26, 0x82, 0x8E},
                                                     {0x1F, 0x9E, 0x89},
                                                     {0x35, 0xB7, 0x79},
                                                     {0x6D, 0xCD, 0x59},
                                                     {0xB4, 0xDE, 0x2C},
                                                     {0xFD, 0xE7, 0x25}}};
constexpr std::array<Colour, 10> kMagmaColours = {{{0x00, 0x00, 0x04},
                                                   {0x18, 0x0F, 0x3E},
                                                   {0x45, 0x10, 0x77},
                                                   {0x72, 0x1F, 0x81},
                                                   {0x9F, 0x2F, 0x7F},
                                                   {0xCD, 0x40, 0x71},
                                                   {0xF1, 0x60, 0x5D},
                                                   {0xFD, 0x95, 0x67},
                                                   {0xFE, 0xC9, 0x8D},
                                                   {0xFC, 0xFD, 0xBF}}};

struct ValueRange {
  double low, high;
};

void check(const HeatMap& map) {
  ensure(map.rows > 0 && map.columns > 0 &&
             map.values.size() == static_cast<size_t>(map.rows) * static_cast<size_t>(map.columns),
         "the heat map '" + map.title + "' has " + std::to_string(map.values.size()) + " values for " +
             std::to_string(map.rows) + " rows and " + std::to_string(map.columns) + " columns");
}

ValueRange finite_range(const HeatMap& map) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const float value : map.values)
    if (std::isfinite(value)) {
      low = std::min<double>(low, value);
      high = std::max<double>(high, value);
    }
  return {low, high};
}

/// The cells [first, last) under a pixel, at least one.
struct CellSpan {
  int first, last;
};

std::vector<CellSpan> cells_of_pixels(int pixels, int cells) {
  std::vector<CellSpan> spans(static_cast<size_t>(pixels));
  for (int p = 0; p < pixels; ++p) {
    const int first = static_cast<int>(static_cast<int64_t>(p) * cells / pixels);
    const int last = static_cast<int>(static_cast<int64_t>(p + 1) * cells / pixels);
    spans[static_cast<size_t>(p)] = {first, std::max(last, first + 1)};
  }
  return spans;
}

/// What the cells under a pixel are together; NaN when one of them is.
double value_of(const HeatMap& map, const CellSpan& rows, const CellSpan& columns) {
  double sum = 0, most = -std::numeric_limits<double>::infinity();
  for (int row = rows.first; row < rows.last; ++row)
    for (int column = columns.first; column < columns.last; ++column) {
      const double value =
          map.values[static_cast<size_t>(row) * static_cast<size_t>(map.columns) + static_cast<size_t>(column)];
      sum += value;
      most = std::max(most, value);
    }
  if (map.greatest && !std::isnan(sum)) return most;
  return sum / ((rows.last - rows.first) * (columns.last - columns.first));
}

int widest(const Axis& axis) {
  int width = 0;
  for (const Tick& tick : axis.ticks) width = std::max(width, text_width(tick.label));
  return width;
}

/// Everything about one panel that is known before the margins are.
struct Panel {
  const HeatMap* map;
  Axis y_axis, bar_axis;
  int top, plot_height;
  int left_margin, right_margin;
};

Panel lay_out(const HeatMap& map, const ValueRange& range, int height) {
  Panel panel{};
  panel.map = &map;
  const int line = text_height();
  panel.top = kGap + (map.title.empty() ? 0 : line + kGap);
  const int below = kGap + line + (map.x_label.empty() ? 0 : line + kGap) + kGap;
  panel.plot_height = std::max(1, height - panel.top - below);
  const int most = std::max(2, panel.plot_height / (4 * line));
  panel.y_axis = make_axis(map.y_low.value_or(0), map.y_high.value_or(map.rows), false, most);
  if (!map.y_marks.empty()) panel.y_axis.ticks.clear();
  for (const HeatMap::Mark& mark : map.y_marks) panel.y_axis.ticks.push_back({mark.value, mark.label});
  panel.bar_axis = make_axis(map.low.value_or(range.low), map.high.value_or(range.high), false, most);
  panel.left_margin = kGap + (map.y_label.empty() ? 0 : line + 2 + kGap) + widest(panel.y_axis) + kGap;
  panel.right_margin = 2 * kGap + kBarWidth + kGap + widest(panel.bar_axis) + kGap;
  return panel;
}

void draw_matrix(Image& image, const Panel& panel, int left, int plot_width) {
  const HeatMap& map = *panel.map;
  const auto columns = cells_of_pixels(plot_width, map.columns);
  const auto rows = cells_of_pixels(panel.plot_height, map.rows);
  for (int y = 0; y < panel.plot_height; ++y) {
    const CellSpan& row = rows[static_cast<size_t>(map.first_row_on_top ? y : panel.plot_height - 1 - y)];
    for (int x = 0; x < plot_width; ++x) {
      const double value = value_of(map, row, columns[static_cast<size_t>(x)]);
      image.set(left + x, panel.top + y, map_colour(map.colours, panel.bar_axis.position(value)));
    }
  }
}

Image draw(const Panel& panel, int width, int height, int left, int right_margin) {
  const HeatMap& map = *panel.map;
  const int line = text_height();
  const int plot_width = std::max(1, width - left - right_margin);
  const int bottom = panel.top + panel.plot_height;
  Image image(width, height);
  draw_matrix(image, panel, left, plot_width);
  draw_rectangle(image, left - 1, panel.top - 1, plot_width + 2, panel.plot_height + 2, kInk);

  const auto pixel_of = [&](double position, bool from_top) {
    const int offset = static_cast<int>(std::lround(position * (panel.plot_height - 1)));
    return from_top ? panel.top + offset : bottom - 1 - offset;
  };
  for (const Tick& tick : panel.y_axis.ticks) {
    const int y = pixel_of(panel.y_axis.position(tick.value), map.first_row_on_top);
    fill_rectangle(image, left - 4, y, 3, 1, kInk);
    draw_text(image, left - kGap - text_width(tick.label), y - line / 2, tick.label, kInk);
  }
  const Axis x_axis =
      make_axis(map.x_low.value_or(0), map.x_high.value_or(map.columns), false, std::max(2, plot_width / (11 * line)));
  for (const Tick& tick : x_axis.ticks) {
    const int x = left + static_cast<int>(std::lround(x_axis.position(tick.value) * (plot_width - 1)));
    fill_rectangle(image, x, bottom + 1, 1, 3, kInk);
    draw_text(image, x - text_width(tick.label) / 2, bottom + kGap, tick.label, kInk);
  }

  const int bar = left + plot_width + 2 * kGap;
  for (int y = 0; y < panel.plot_height; ++y)
    fill_rectangle(image, bar, bottom - 1 - y, kBarWidth, 1,
                   map_colour(map.colours, y / std::max(1.0, panel.plot_height - 1.0)));
  draw_rectangle(image, bar - 1, panel.top - 1, kBarWidth + 2, panel.plot_height + 2, kInk);
  for (const Tick& tick : panel.bar_axis.ticks)
    draw_text(image, bar + kBarWidth + kGap, pixel_of(panel.bar_axis.position(tick.value), false) - line / 2,
              tick.label, kInk);

  draw_text(image, left, kGap, map.title, kBlack);
  draw_text(image, left + (plot_width - text_width(map.x_label)) / 2, bottom + 2 * kGap + line, map.x_label, kInk);
  draw_text(image, kGap, panel.top + (panel.plot_height + text_width(map.y_label)) / 2, map.y_label, kInk, 1,
            TextDirection::kUp);
  return image;
}

}  // namespace

Colour map_colour(ColourMap map, double position) {
  if (std::isnan(position)) return kNoValue;
  const auto& stops = map == ColourMap::kViridis ? kViridisColours : kMagmaColours;
  const double at = std::clamp(position, 0.0, 1.0) * static_cast<double>(stops.size() - 1);
  const size_t index = std::min(static_cast<size_t>(at), stops.size() - 2);
  const double share = at - static_cast<double>(index);
  const Colour &a = stops[index], &b = stops[index + 1];
  const auto mix = [share](uint8_t from, uint8_t to) {
    return static_cast<uint8_t>(std::lround(from + share * (to - from)));
  };
  return {mix(a.r, b.r), mix(a.g, b.g), mix(a.b, b.b)};
}

Image HeatMap::render(int width, int height) const { return render_panels({*this}, width, height); }

Image render_panels(const std::vector<HeatMap>& panels, int width, int panel_height, bool share_range) {
  ensure(!panels.empty(), "there is no heat map to draw");
  ensure(width >= 200 && panel_height >= 100, "a heat map needs at least 200 by 100 pixels, " + std::to_string(width) +
                                                  " by " + std::to_string(panel_height) + " were given");
  std::vector<ValueRange> ranges;
  for (const HeatMap& map : panels) {
    check(map);
    ranges.push_back(finite_range(map));
  }
  if (share_range) {
    ValueRange all = ranges.front();
    for (const ValueRange& range : ranges) all = {std::min(all.low, range.low), std::max(all.high, range.high)};
    std::fill(ranges.begin(), ranges.end(), all);
  }
  std::vector<Panel> laid_out;
  int left = 0, right = 0;
  for (size_t i = 0; i < panels.size(); ++i) {
    laid_out.push_back(lay_out(panels[i], ranges[i], panel_height));
    left = std::max(left, laid_out.back().left_margin);
    right = std::max(right, laid_out.back().right_margin);
  }
  std::vector<Image> images;
  for (const Panel& panel : laid_out) images.push_back(draw(panel, width, panel_height, left, right));
  return stack_vertically(images);
}

}  // namespace instructme
