#include "instructme/ears/beat_tracker.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "instructme/base/error.h"
#include "instructme/ears/beat_net.h"

namespace instructme {
namespace {

constexpr double kTiny = 1e-6;
constexpr double kLowest = -std::numeric_limits<double>::infinity();
// Bars of so many beats, and how usual they are.
struct Metre {
  int beats;
  double share;
};
constexpr std::array<Metre, 6> kMetres{{{4, 0.8}, {3, 0.13}, {2, 0.03}, {6, 0.02}, {5, 0.01}, {7, 0.01}}};

double log_of(double p) { return std::log(std::clamp(p, kTiny, 1.0 - kTiny)); }

/// Scores of the places in a beat of one length. Turning the ring by one moves every state on by one place.
class Ring {
 public:
  explicit Ring(size_t length) : cells_(length, 0.0) {}
  size_t length() const { return cells_.size(); }
  double& at(size_t place) {
    const size_t cell = first_ + place;
    return cells_[cell < cells_.size() ? cell : cell - cells_.size()];
  }
  void turn() { first_ = (first_ == 0 ? cells_.size() : first_) - 1; }
  /// Adds `on` to the places in which the beat is active, `off` to the others; returns the highest score.
  double add(double on, double off, size_t active) {
    active = std::min(active, length());
    begun_.clear();
    for (size_t place = 0; place < active; ++place) begun_.push_back(at(place) + on);
    for (double& cell : cells_) cell += off;
    for (size_t place = 0; place < active; ++place) at(place) = begun_[place];
    return *std::max_element(cells_.begin(), cells_.end());
  }
  void subtract(double value) {
    for (double& cell : cells_) cell -= value;
  }

 private:
  std::vector<double> cells_, begun_;
  size_t first_ = 0;  // the cell of place 0
};

/// How likely a beat of one length is followed by one of another: logarithms, [from * lengths + to].
std::vector<double> change_scores(size_t lengths, size_t shortest, double steadiness) {
  std::vector<double> change(lengths * lengths);
  for (size_t from = 0; from < lengths; ++from) {
    double sum = 0;
    const auto at = [&](size_t to) {
      const double apart = std::abs(static_cast<double>(to) - static_cast<double>(from));
      // A pulse whose period is no whole number of frames has beats of two lengths, which is no change of tempo.
      const double moved = apart <= 1 ? 0.25 * apart : apart - 0.75;
      return std::exp(-steadiness * moved / static_cast<double>(from + shortest));
    };
    for (size_t to = 0; to < lengths; ++to) sum += at(to);
    for (size_t to = 0; to < lengths; ++to) change[from * lengths + to] = std::log(at(to) / sum + 1e-300);
  }
  return change;
}

/// One frame later: states move on by one place, and behind the last place a beat begins, of any length. From which
/// length it comes is left in came_from[length].
void move_on(std::vector<Ring>& rings, const std::vector<double>& change, uint8_t* came_from) {
  const size_t lengths = rings.size();
  std::vector<double> ends;
  for (Ring& ring : rings) {
    ends.push_back(ring.at(ring.length() - 1));
    ring.turn();
  }
  for (size_t to = 0; to < lengths; ++to) {
    size_t best = 0;
    double most = kLowest;
    for (size_t from = 0; from < lengths; ++from) {
      const double value = ends[from] + change[from * lengths + to];
      if (value > most) most = value, best = from;
    }
    came_from[to] = static_cast<uint8_t>(best);
    rings[to].at(0) = most;
  }
}

/// Frames at which beats begin, by Viterbi's algorithm. A state is a length of the beat in frames and a place in it.
/// Within a beat the only way is on, so what is kept of each step is only from which length a new beat came.
std::vector<int64_t> beat_frames(const std::vector<float>& activation, const BeatTrackerOptions& o) {
  const auto frames = static_cast<int64_t>(activation.size());
  const auto shortest = static_cast<size_t>(std::floor(60.0 * kBeatRate / o.fastest_bpm));
  const auto longest = static_cast<size_t>(std::ceil(60.0 * kBeatRate / o.slowest_bpm));
  const size_t lengths = longest - shortest + 1;
  const std::vector<double> change = change_scores(lengths, shortest, o.steadiness);
  std::vector<Ring> rings;
  for (size_t l = 0; l < lengths; ++l) rings.emplace_back(l + shortest);
  const double rest = std::log(1.0 / o.beat_share - 1.0);
  std::vector<uint8_t> came_from(static_cast<size_t>(frames) * lengths);
  for (size_t t = 0; t < activation.size(); ++t) {
    if (t > 0) move_on(rings, change, came_from.data() + t * lengths);
    const double on = log_of(activation[t]);
    const double off = std::log(std::max(kTiny, 1.0 - static_cast<double>(activation[t]))) - rest;
    double highest = kLowest;
    for (Ring& ring : rings) highest = std::max(highest, ring.add(on, off, static_cast<size_t>(o.beat_frames)));
    for (Ring& ring : rings) ring.subtract(highest);
  }
  size_t best = 0, place = 0;
  double most = kLowest;
  for (size_t l = 0; l < lengths; ++l)
    for (size_t p = 0; p < rings[l].length(); ++p)
      if (rings[l].at(p) > most) most = rings[l].at(p), best = l, place = p;
  std::vector<int64_t> found;
  for (int64_t t = frames - 1 - static_cast<int64_t>(place); t >= 0;) {
    found.push_back(t);
    if (t == 0) break;
    best = came_from[static_cast<size_t>(t) * lengths + best];
    t -= static_cast<int64_t>(rings[best].length());
  }
  std::reverse(found.begin(), found.end());
  return found;
}

/// The place near `frame` where the activation is greatest, between frames by a parabola.
double peak_near(const std::vector<float>& activation, int64_t frame, int64_t reach) {
  const auto last = static_cast<int64_t>(activation.size()) - 1;
  int64_t best = frame;
  for (int64_t t = std::max<int64_t>(0, frame - reach); t <= std::min(last, frame + reach); ++t)
    if (activation[static_cast<size_t>(t)] > activation[static_cast<size_t>(best)]) best = t;
  if (best == 0 || best == last) return static_cast<double>(best);
  const double a = activation[static_cast<size_t>(best - 1)], b = activation[static_cast<size_t>(best)],
               c = activation[static_cast<size_t>(best + 1)];
  const double bend = a - 2 * b + c;
  return static_cast<double>(best) + (bend < -1e-9 ? std::clamp(0.5 * (a - c) / bend, -0.5, 0.5) : 0.0);
}

float greatest_near(const std::vector<float>& activation, double frame, int64_t reach) {
  float most = 0;
  const auto middle = static_cast<int64_t>(std::llround(frame));
  for (int64_t t = middle - reach; t <= middle + reach; ++t)
    if (t >= 0 && t < static_cast<int64_t>(activation.size()))
      most = std::max(most, activation[static_cast<size_t>(t)]);
  return most;
}

/// The step in which half of the time has passed when the shortest come first. Counted by steps, the fast part of a
/// piece would weigh more than it lasts.
double median_by_time(std::vector<double> steps) {
  std::sort(steps.begin(), steps.end());
  const double half = 0.5 * std::accumulate(steps.begin(), steps.end(), 0.0);
  double passed = 0;
  for (const double step : steps)
    if ((passed += step) >= half) return step;
  return steps.back();
}

/// Beats per minute at two or more places: by the mean of the steps that are near their median, which alone is a whole
/// number of frames.
double usual_tempo(const std::vector<double>& places) {
  std::vector<double> steps;
  for (size_t k = 1; k < places.size(); ++k) steps.push_back(places[k] - places[k - 1]);
  const double median = median_by_time(steps);
  constexpr double kNear = 0.1;
  double sum = 0, count = 0;
  for (const double step : steps)
    if (std::abs(step - median) <= kNear * median) sum += step, ++count;
  return 60.0 * kBeatRate * count / sum;
}

struct Place {
  int metre = 0, position = 0;
};

/// The likeliest metre and position of every beat, by Viterbi's algorithm.
std::vector<Place> bar_places(const std::vector<double>& downbeat, double metre_change) {
  std::vector<Place> states;
  std::vector<double> prior;
  for (const Metre& metre : kMetres)
    for (int p = 0; p < metre.beats; ++p) {
      states.push_back({metre.beats, p});
      prior.push_back(std::log(metre.share / metre.beats));
    }
  std::map<int, double> share;
  for (const Metre& metre : kMetres) share[metre.beats] = metre.share;
  const size_t count = states.size();
  std::vector<double> score(count), next(count);
  std::vector<size_t> from(count * downbeat.size());
  for (size_t k = 0; k < downbeat.size(); ++k) {
    for (size_t s = 0; s < count; ++s) {
      double before = prior[s];
      if (k > 0) {
        before = -std::numeric_limits<double>::infinity();
        for (size_t r = 0; r < count; ++r) {
          double way = 0;
          if (states[s].position > 0) {
            if (states[r].metre != states[s].metre || states[r].position + 1 != states[s].position) continue;
          } else {
            if (states[r].position + 1 != states[r].metre) continue;
            way = std::log(states[r].metre == states[s].metre ? 1.0 - metre_change
                                                              : metre_change * share[states[s].metre]);
          }
          if (score[r] + way > before) before = score[r] + way, from[k * count + s] = r;
        }
      }
      next[s] = before + log_of(states[s].position == 0 ? downbeat[k] : 1.0 - downbeat[k]);
    }
    std::swap(score, next);
  }
  std::vector<Place> places(downbeat.size());
  auto state = static_cast<size_t>(std::max_element(score.begin(), score.end()) - score.begin());
  for (size_t k = downbeat.size(); k-- > 0;) {
    places[k] = states[state];
    state = from[k * count + state];
  }
  return places;
}

}  // namespace

BeatTrack track_beats(const at::Tensor& activations, const BeatTrackerOptions& options) {
  ensure(activations.dim() == 2 && activations.size(1) == 2, "beats are tracked in activations (T, 2)");
  const at::Tensor values = activations.to(at::kCPU, at::kFloat).t().contiguous();
  const auto row = [&](int64_t i) {
    const float* const data = values[i].data_ptr<float>();
    return std::vector<float>(data, data + values.size(1));
  };
  const std::vector<float> beat = row(0), down = row(1);
  BeatTrack track;
  if (beat.empty() || *std::max_element(beat.begin(), beat.end()) < options.threshold) return track;
  constexpr int64_t kReach = 2;  // frames that a beat may be off the grid of the chain
  std::vector<double> places;
  for (const int64_t frame : beat_frames(beat, options)) places.push_back(peak_near(beat, frame, kReach));
  // The chain goes on through silence before and after the music.
  const auto heard = [&](double place) { return greatest_near(beat, place, kReach) >= options.threshold; };
  while (!places.empty() && !heard(places.back())) places.pop_back();
  while (!places.empty() && !heard(places.front())) places.erase(places.begin());
  if (places.size() < 2) return track;  // one beat is no pulse
  std::vector<double> downbeat;
  for (const double place : places) {
    downbeat.push_back(greatest_near(down, place, kReach));
    track.confidence += greatest_near(beat, place, kReach);
  }
  track.confidence /= static_cast<double>(places.size());
  const std::vector<Place> in_bar = bar_places(downbeat, options.metre_change);
  std::map<int, int> bars;  // how many there are of so many beats
  int bar = 0;
  for (size_t k = 0; k < places.size(); ++k) {
    if (k > 0 && in_bar[k].position == 0) ++bar;
    track.beats.push_back({(places[k] + 0.5) / kBeatRate, bar, in_bar[k].position});
    if (in_bar[k].position == 0) ++bars[in_bar[k].metre];
  }
  if (bars.empty()) bars[in_bar.front().metre] = 1;  // there is but an upbeat
  track.beats_per_bar =
      std::max_element(bars.begin(), bars.end(), [](auto& a, auto& b) { return a.second < b.second; })->first;
  track.tempo_bpm = usual_tempo(places);
  return track;
}

}  // namespace instructme
