#include "event_matching.h"

#include <cmath>

namespace instructme {

size_t match_events(const std::vector<double>& truth, const std::vector<double>& other, double window) {
  constexpr double kRounding = 1e-9;
  size_t pairs = 0;
  for (size_t i = 0, j = 0; i < truth.size() && j < other.size();) {
    const double difference = other[j] - truth[i];
    if (std::abs(difference) <= window + kRounding) {
      ++pairs, ++i, ++j;
    } else if (difference < 0) {
      ++j;
    } else {
      ++i;
    }
  }
  return pairs;
}

}  // namespace instructme
