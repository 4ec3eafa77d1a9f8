#pragma once

#include <string>
#include <vector>

#include "instructme/plot/image.h"

namespace instructme {

/// Lying bars with their names on the left and their values behind them, one under the other in the order given.
/// Values that are negative or not finite are drawn as 0.
struct BarChart {
  struct Bar {
    std::string label;
    double value = 0;
    std::string note;  ///< what stands behind the bar; the value when empty
  };
  std::string title, value_label;
  std::vector<Bar> bars;

  /// As high as the bars need. Throws kInternal below 200 pixels or with more than 1000 bars.
  Image render(int width = 900) const;
};

}  // namespace instructme
