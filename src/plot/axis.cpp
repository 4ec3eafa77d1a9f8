#include "axis.h"

#include <algorithm>
#include <cmath>

#include "instructme/base/strings.h"

namespace instructme {
namespace {

/// The smallest of 1, 2, 5 times a power of ten that is not below `step`.
double round_step(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= step * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

std::string label_of(double value, double step, double largest) {
  if (largest >= 1e9 || step < 1e-5) return format("%.4g", value);
  const char* unit = "";
  if (largest >= 1e6) {
    value /= 1e6;
    step /= 1e6;
    unit = "M";
  } else if (largest >= 1e4) {
    value /= 1e3;
    step /= 1e3;
    unit = "k";
  }
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  std::string text = format("%.*f", decimals, value);
  if (value == 0) return text;
  return text + unit;
}

std::string power_label(double value) {
  return value >= 1e-3 && value < 1e4 ? format("%.4g", value) : format("%.0e", value);
}

void add_straight_ticks(Axis& axis, int most) {
  const double step = round_step((axis.high - axis.low) / std::max(1, most));
  const double largest = std::max(std::abs(axis.low), std::abs(axis.high));
  const double slack = 1e-9 * (axis.high - axis.low);
  for (double k = std::ceil((axis.low - slack) / step); k * step <= axis.high + slack; k += 1) {
    const double value = k == 0 ? 0.0 : k * step;  // not -0
    axis.ticks.push_back({value, label_of(value, step, largest)});
    if (axis.ticks.size() > 100) break;
  }
}

void add_powers(Axis& axis, int most) {
  const int first = static_cast<int>(std::floor(std::log10(axis.low) - 1e-9));
  const int last = static_cast<int>(std::ceil(std::log10(axis.high) + 1e-9));
  const int decades = last - first;
  const int stride = std::max(1, (decades + most - 1) / std::max(1, most));
  // Between few decades 2 and 5 are marked as well.
  const bool dense = 3 * decades <= most + 3;
  for (int exponent = first; exponent <= last; exponent += stride)
    for (const double factor : {1.0, 2.0, 5.0}) {
      if (factor > 1 && !dense) continue;
      const double value = factor * std::pow(10.0, exponent);
      if (value < axis.low * (1 - 1e-9) || value > axis.high * (1 + 1e-9)) continue;
      axis.ticks.push_back({value, power_label(value)});
    }
}

}  // namespace

double Axis::position(double value) const {
  if (logarithmic) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

Axis make_axis(double low, double high, bool logarithmic, int most_ticks) {
  if (!std::isfinite(low) || !std::isfinite(high)) {
    low = logarithmic ? 0.1 : 0;
    high = 1;
  }
  if (low > high) std::swap(low, high);
  Axis axis;
  axis.logarithmic = logarithmic && low > 0;
  if (high - low <= 1e-12 * std::max(std::abs(low), std::abs(high)) || high == low) {
    if (axis.logarithmic) {
      low /= 2;
      high *= 2;
    } else {
      const double room = low == 0 ? 1 : 0.1 * std::abs(low);
      low -= room;
      high += room;
    }
  }
  axis.low = low;
  axis.high = high;
  if (axis.logarithmic) add_powers(axis, most_ticks);
  // A logarithmic axis within one step of 1, 2, 5 gets evenly spaced marks instead of none.
  if (axis.ticks.size() < 2) {
    axis.ticks.clear();
    add_straight_ticks(axis, most_ticks);
  }
  return axis;
}

}  // namespace instructme
