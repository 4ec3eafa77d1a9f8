#include "instructme/plot/line_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "axis.h"
#include "instructme/base/error.h"

namespace instructme {
namespace {

constexpr std::array<Colour, 8> kPalette = {{{0, 114, 178},
                                             {213, 94, 0},
                                             {0, 158, 115},
                                             {204, 121, 167},
                                             {86, 180, 233},
                                             {230, 159, 0},
                                             {120, 94, 240},
                                             {90, 90, 90}}};
constexpr Colour kGrid{228, 228, 228};
constexpr Colour kInk{40, 40, 40};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

bool drawable(double x, double y, bool log_y) { return std::isfinite(x) && std::isfinite(y) && (!log_y || y > 0); }

/// Leaves a little room above and below the data.
void widen(Range& range, bool logarithmic) {
  if (!(range.low < range.high)) return;
  if (logarithmic) {
    const double factor = std::pow(range.high / range.low, 0.04);
    range.low /= factor;
    range.high *= factor;
  } else {
    const double room = 0.04 * (range.high - range.low);
    range.low -= room;
    range.high += room;
  }
}

std::string shortened(const std::string& text, int width, int scale) {
  if (text_width(text, scale) <= width) return text;
  std::string out = text;
  while (!out.empty() && text_width(out + "..", scale) > width) {
    // Never cut inside a UTF-8 character.
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    if (!out.empty()) out.pop_back();
  }
  return out + "..";
}

struct Frame {
  int left, top, width, height;
  int right() const { return left + width; }
  int bottom() const { return top + height; }
};

/// Draws one series clipped to the frame; the fixed ends of the y axis may cut it.
void draw_series(Image& image, const Frame& frame, const LineChart::Series& line, const Axis& x_axis,
                 const Axis& y_axis, bool log_y, Colour colour) {
  Image canvas = image;
  const auto place_x = [&](double x) { return frame.left + x_axis.position(x) * (frame.width - 1); };
  const auto place_y = [&](double y) { return frame.bottom() - 1 - y_axis.position(y) * (frame.height - 1); };
  const auto visible = [&](size_t i) { return i < line.x.size() && drawable(line.x[i], line.y[i], log_y); };
  for (size_t i = 0; i < line.x.size(); ++i) {
    if (!visible(i)) continue;
    const double x = place_x(line.x[i]), y = place_y(line.y[i]);
    if (visible(i + 1))
      draw_line(canvas, x, y, place_x(line.x[i + 1]), place_y(line.y[i + 1]), colour, 1.8);
    else if (i == 0 || !visible(i - 1))
      draw_disc(canvas, x, y, 2.5, colour);  // a single point would be no line
  }
  for (int row = frame.top; row < frame.bottom(); ++row)
    for (int column = frame.left; column < frame.right(); ++column) image.set(column, row, canvas.at(column, row));
}

}  // namespace

LineChart& LineChart::series(std::string name, std::vector<double> x, std::vector<double> y) {
  ensure(x.size() == y.size(), "the series '" + name + "' has " + std::to_string(x.size()) + " x and " +
                                   std::to_string(y.size()) + " y values; as many were wanted");
  lines.push_back({std::move(name), std::move(x), std::move(y)});
  return *this;
}

Image LineChart::render(int width, int height) const {
  ensure(width >= 200 && height >= 120, "a line chart needs at least 200 by 120 pixels, " + std::to_string(width) +
                                            " by " + std::to_string(height) + " were given");
  const int scale = std::min(width, height) >= 900 ? 2 : 1;
  const int line_height = text_height(scale);
  const int gap = 6 * scale;

  Range xs, ys;
  for (const Series& line : lines) {
    ensure(line.x.size() == line.y.size(), "the series '" + line.name + "' has x and y of different lengths");
    for (size_t i = 0; i < line.x.size(); ++i)
      if (drawable(line.x[i], line.y[i], log_y)) {
        xs.include(line.x[i]);
        ys.include(line.y[i]);
      }
  }
  const bool empty = xs.low > xs.high;
  widen(ys, log_y);
  if (y_low) ys.low = *y_low;
  if (y_high) ys.high = *y_high;

  const bool has_legend = std::any_of(lines.begin(), lines.end(), [](const Series& s) { return !s.name.empty(); });
  const int swatch = 18 * scale;
  int name_width = 0;
  if (has_legend)
    for (const Series& line : lines) name_width = std::max(name_width, text_width(line.name, scale));
  name_width = std::min(name_width, width / 4);

  const int title_scale = scale + 1;
  Frame frame{};
  frame.top = 2 * gap + (title.empty() ? 0 : text_height(title_scale) + gap);
  const int below = gap + line_height + (x_label.empty() ? 0 : line_height + gap) + gap;
  frame.height = std::max(1, height - frame.top - below);
  const Axis y_axis = make_axis(ys.low, ys.high, log_y, std::max(2, frame.height / (line_height * 5)));
  int label_width = 0;
  for (const Tick& tick : y_axis.ticks) label_width = std::max(label_width, text_width(tick.label, scale));
  frame.left = gap + (y_label.empty() ? 0 : line_height + 2 * scale + gap) + label_width + gap;
  const int right_margin = has_legend ? gap + swatch + gap + name_width + 2 * gap : 3 * gap;
  frame.width = std::max(1, width - frame.left - right_margin);
  const Axis x_axis = make_axis(xs.low, xs.high, false, std::max(2, frame.width / (11 * line_height)));

  Image image(width, height);
  for (const Tick& tick : y_axis.ticks) {
    const int y = frame.bottom() - 1 - static_cast<int>(std::lround(y_axis.position(tick.value) * (frame.height - 1)));
    fill_rectangle(image, frame.left, y, frame.width, 1, kGrid);
    draw_text(image, frame.left - gap - text_width(tick.label, scale), y - line_height / 2, tick.label, kInk, scale);
  }
  for (const Tick& tick : x_axis.ticks) {
    const int x = frame.left + static_cast<int>(std::lround(x_axis.position(tick.value) * (frame.width - 1)));
    fill_rectangle(image, x, frame.top, 1, frame.height, kGrid);
    const int label = text_width(tick.label, scale);
    draw_text(image, std::min(x - label / 2, width - label - 1), frame.bottom() + gap, tick.label, kInk, scale);
  }
  for (size_t i = 0; i < lines.size(); ++i)
    draw_series(image, frame, lines[i], x_axis, y_axis, log_y, kPalette[i % kPalette.size()]);
  draw_rectangle(image, frame.left, frame.top, frame.width, frame.height, kInk);
  if (empty) {
    const std::string note = "no data";
    draw_text(image, frame.left + (frame.width - text_width(note, scale)) / 2, frame.top + frame.height / 2, note, kInk,
              scale);
  }
  if (has_legend)
    for (size_t i = 0; i < lines.size(); ++i) {
      const int y = frame.top + static_cast<int>(i) * (line_height + gap);
      if (y + line_height > frame.bottom()) break;
      const int x = frame.right() + gap;
      fill_rectangle(image, x, y + line_height / 2 - scale, swatch, 2 * scale + 1, kPalette[i % kPalette.size()]);
      draw_text(image, x + swatch + gap, y, shortened(lines[i].name, name_width, scale), kInk, scale);
    }
  const std::string heading = shortened(title, width - 2 * gap, title_scale);
  draw_text(image, std::max(gap, (width - text_width(heading, title_scale)) / 2), gap + gap / 2, heading, kBlack,
            title_scale);
  draw_text(image, frame.left + (frame.width - text_width(x_label, scale)) / 2, frame.bottom() + 2 * gap + line_height,
            x_label, kInk, scale);
  draw_text(image, gap, frame.top + (frame.height + text_width(y_label, scale)) / 2, y_label, kInk, scale,
            TextDirection::kUp);
  return image;
}

}  // namespace instructme
