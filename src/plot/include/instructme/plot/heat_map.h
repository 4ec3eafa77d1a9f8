#pragma once

#include <optional>
#include <string>
#include <vector>

#include "instructme/plot/image.h"

namespace instructme {

/// Perceptually uniform colour maps of matplotlib (van der Walt and Smith, 2015), approximated by
/// linear interpolation between ten of their colours.
enum class ColourMap { kViridis, kMagma };

/// Colour of a position in [0, 1] (clamped); grey for NaN.
Colour map_colour(ColourMap map, double position);

/// A matrix as colours: spectrograms, chroma, attention. Row 0 is at the bottom unless
/// `first_row_on_top`. Cells smaller than a pixel are averaged, or the greatest is shown; NaN cells are grey.
struct HeatMap {
  /// A name on an axis.
  struct Mark {
    double value = 0;
    std::string label;
  };
  std::string title, x_label, y_label;
  int rows = 0;
  int columns = 0;
  std::vector<float> values;  ///< [rows * columns], row by row
  bool first_row_on_top = false;
  bool greatest = false;  ///< of cells under one pixel, for lines of one cell
  ColourMap colours = ColourMap::kMagma;
  std::optional<double> low, high;  ///< values of the first and last colour; the finite extremes when absent
  std::optional<double> x_low, x_high, y_low,
      y_high;                 ///< what the matrix's edges mean; 0, columns, 0, rows when absent
  std::vector<Mark> y_marks;  ///< of the y axis, within its edges; round numbers when empty

  /// With axes and a colour bar. Throws kInternal below 200 by 100 pixels or when `values` does not
  /// have rows * columns > 0 elements.
  Image render(int width = 900, int height = 300) const;
};

/// Several panels under each other with aligned axes. With `share_range` all panels without a `low`
/// and `high` of their own use the extremes over all panels, so that colours can be compared.
Image render_panels(const std::vector<HeatMap>& panels, int width = 900, int panel_height = 260,
                    bool share_range = false);

}  // namespace instructme
