#pragma once

#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// The beats of a score as a map between seconds and beats counted from the first; the end of the piece is the last
/// point. Outside, time goes on at the speed of the nearest beat.
class TimeGrid {
 public:
  explicit TimeGrid(const Score& score);
  explicit TimeGrid(std::vector<double> times) : times_(std::move(times)) {}

  double beat_of(double time_s) const;
  double time_of(double beat) const;
  const std::vector<double>& times() const { return times_; }
  size_t beats() const { return times_.size() - 1; }

 private:
  std::vector<double> times_;  // ascending, at least two
};

/// Where the bars of a score begin, in seconds, and behind them the end of the piece.
std::vector<double> bar_lines(const Score& score);

}  // namespace instructme
