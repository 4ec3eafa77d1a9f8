#pragma once

#include <string>
#include <vector>

namespace instructme {

struct Tick {
  double value;
  std::string label;
};

/// A straight or logarithmic scale with round numbers marked on it.
struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;
  std::vector<Tick> ticks;  ///< within [low, high], rising

  /// Where a value lies: 0 at `low`, 1 at `high`.
  double position(double value) const;
};

/// An axis from `low` to `high` with at most about `most_ticks` marks at multiples of 1, 2 or 5 times a
/// power of ten. Ends that are equal or not finite are moved so that the axis has a length; a
/// logarithmic axis with `low` <= 0 becomes straight.
Axis make_axis(double low, double high, bool logarithmic, int most_ticks);

}  // namespace instructme
