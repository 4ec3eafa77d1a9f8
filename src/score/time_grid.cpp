#include "time_grid.h"

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"

namespace instructme {

TimeGrid::TimeGrid(const Score& score) {
  for (const Beat& beat : score.beats) times_.push_back(beat.time_s);
  ensure(!times_.empty() && times_.back() < score.duration_s, "a score needs beats, and an end behind the last");
  times_.push_back(score.duration_s);
}

double TimeGrid::beat_of(double time_s) const {
  const auto after = std::upper_bound(times_.begin() + 1, times_.end() - 1, time_s);
  const auto i = static_cast<size_t>(after - times_.begin()) - 1;
  return static_cast<double>(i) + (time_s - times_[i]) / (times_[i + 1] - times_[i]);
}

double TimeGrid::time_of(double beat) const {
  const auto last = static_cast<double>(times_.size() - 2);
  const auto i = static_cast<size_t>(std::clamp(std::floor(beat), 0.0, last));
  return times_[i] + (beat - static_cast<double>(i)) * (times_[i + 1] - times_[i]);
}

std::vector<double> bar_lines(const Score& score) {
  std::vector<double> lines;
  int bar = -1;
  for (const Beat& beat : score.beats)
    if (beat.bar != bar) {
      lines.push_back(beat.time_s);
      bar = beat.bar;
    }
  lines.push_back(score.duration_s);
  return lines;
}

}  // namespace instructme
