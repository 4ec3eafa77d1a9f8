#pragma once

#include <optional>
#include <string>
#include <vector>

#include "instructme/plot/image.h"

namespace instructme {

/// Lines over one pair of axes, for losses and learning rates over steps.
///
///   LineChart chart;
///   chart.title = "loss";
///   chart.log_y = true;
///   chart.series("training", steps, losses);
///   write_png("loss.png", chart.render(900, 540));
///
/// Points that are not finite (and, with `log_y`, not positive) break the line and do not count for the
/// range. Colours are given in the order of the series (Okabe and Ito's palette, which people with
/// colour blindness can tell apart), repeated after 8. The legend appears when a series has a name.
struct LineChart {
  struct Series {
    std::string name;
    std::vector<double> x, y;  ///< of equal length; x in any order
  };

  std::string title, x_label, y_label;
  bool log_y = false;
  std::optional<double> y_low, y_high;  ///< fixed ends of the y axis; from the data when absent
  std::vector<Series> lines;

  /// Adds a line. Throws kInternal when x and y differ in length.
  LineChart& series(std::string name, std::vector<double> x, std::vector<double> y);

  /// Throws kInternal below 200 by 120 pixels.
  Image render(int width = 900, int height = 540) const;
};

}  // namespace instructme
