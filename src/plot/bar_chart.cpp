#include "instructme/plot/bar_chart.h"

#include <algorithm>
#include <cmath>

#include "axis.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr Colour kBar{0, 114, 178};
constexpr Colour kGrid{228, 228, 228};
constexpr Colour kInk{40, 40, 40};
constexpr int kGap = 6;
constexpr int kBarHeight = 11;
constexpr int kRowHeight = kBarHeight + 4;

double drawn(double value) { return std::isfinite(value) && value > 0 ? value : 0; }

}  // namespace

Image BarChart::render(int width) const {
  ensure(width >= 200, format("a bar chart needs at least 200 pixels, %d were given", width));
  ensure(bars.size() <= 1000, "a bar chart has at most 1000 bars");
  const int line = text_height();
  const int top = 2 * kGap + (title.empty() ? 0 : text_height(2) + kGap);
  const int plot_height = std::max(kRowHeight, static_cast<int>(bars.size()) * kRowHeight) + kGap;
  const int below = kGap + line + (value_label.empty() ? 0 : line + kGap) + 2 * kGap;
  double highest = 0;
  int names = 0, notes = 0;
  std::vector<std::string> behind;
  for (const Bar& bar : bars) {
    highest = std::max(highest, drawn(bar.value));
    behind.push_back(bar.note.empty() ? format("%.4g", bar.value) : bar.note);
    names = std::max(names, text_width(bar.label));
    notes = std::max(notes, text_width(behind.back()));
  }
  const int left = kGap + std::min(names, width / 3) + kGap, right = kGap + std::min(notes, width / 4) + kGap;
  const int plot_width = std::max(1, width - left - right);
  const Axis axis = make_axis(0, highest > 0 ? highest : 1, false, std::max(2, plot_width / (11 * line)));

  Image image(width, top + plot_height + below);
  const int bottom = top + plot_height;
  const auto place = [&](double value) {
    return static_cast<int>(std::lround(axis.position(value) * (plot_width - 1)));
  };
  for (const Tick& tick : axis.ticks) {
    const int x = left + place(tick.value);
    fill_rectangle(image, x, top, 1, plot_height, kGrid);
    draw_text(image, x - text_width(tick.label) / 2, bottom + kGap, tick.label, kInk);
  }
  for (size_t i = 0; i < bars.size(); ++i) {
    const int y = top + kGap / 2 + static_cast<int>(i) * kRowHeight, text_y = y + (kBarHeight - line) / 2;
    const int length = drawn(bars[i].value) > 0 ? std::max(1, place(bars[i].value)) : 0;
    fill_rectangle(image, left, y, length, kBarHeight, kBar);
    draw_text(image, left - kGap - std::min(names, text_width(bars[i].label)), text_y, bars[i].label, kInk);
    draw_text(image, left + length + kGap, text_y, behind[i], kInk);
  }
  if (bars.empty()) draw_text(image, left + kGap, top + kGap, "no data", kInk);
  fill_rectangle(image, left - 1, top, 1, plot_height, kInk);
  draw_text(image, kGap, kGap + kGap / 2, title, kBlack, 2);
  draw_text(image, left + (plot_width - text_width(value_label)) / 2, bottom + 2 * kGap + line, value_label, kInk);
  return image;
}

}  // namespace instructme
