#pragma once

#include <cstddef>
#include <vector>

namespace instructme {

/// The most pairs (one of each, every event in one pair at most) that are at most `window` apart. Both sorted.
/// For equal windows on a line, taking the earliest partner never loses a pair.
size_t match_events(const std::vector<double>& truth, const std::vector<double>& other, double window);

}  // namespace instructme
