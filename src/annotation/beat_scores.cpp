#include "instructme/annotation/beat_scores.h"

#include "event_matching.h"

namespace instructme {

std::vector<double> beat_times(const std::vector<Beat>& beats) {
  std::vector<double> times;
  for (const Beat& beat : beats) times.push_back(beat.time_s);
  return times;
}

std::vector<double> downbeat_times(const std::vector<Beat>& beats) {
  std::vector<double> times;
  for (const Beat& beat : beats)
    if (beat.position == 0) times.push_back(beat.time_s);
  return times;
}

FScore score_beats(const std::vector<double>& truth, const std::vector<double>& found, double window_s,
                   double first_s) {
  const auto late = [first_s](std::vector<double> times) {
    std::erase_if(times, [first_s](double time) { return time < first_s; });
    return times;
  };
  const std::vector<double> a = late(truth), b = late(found);
  return {match_events(a, b, window_s), a.size(), b.size()};
}

}  // namespace instructme
