#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace instructme {

/// The median, the upper of two in the middle. `values` are not empty; their order changes.
inline double upper_median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace instructme
