#include "instructme/score/performance.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "instructme/base/error.h"
#include "instructme/base/statistics.h"
#include "instructme/base/strings.h"
#include "part_edits.h"
#include "time_grid.h"

namespace instructme {
namespace {

// Chances at intensity 1. None has a published figure; they are kept low enough that a plain song stays common.
constexpr double kDriftChance = 0.7, kRitardandoChance = 0.3, kSwingChance = 0.12, kDropoutChance = 0.2,
                 kBreakdownChance = 0.3, kStopChance = 0.12, kEntryChance = 0.2, kHalfTimeChance = 0.12,
                 kKeyChangeChance = 0.08;
constexpr double kMostDrift = 0.04;    // of the tempo, at intensity 1
constexpr double kTogether_s = 0.004;  // notes nearer than this are one movement of the hand

void check(const PerformanceOptions& options) {
  for (double value : {options.timing, options.tempo, options.swing, options.dropouts, options.breakdowns,
                       options.stops, options.entries, options.half_time, options.key_changes})
    if (!(value >= 0 && value <= 2))
      throw Error(ErrorKind::kUsage, format("The intensity of a performance is 0 to 2, not %g.", value));
}

bool happens(Rng& rng, double chance, double intensity) { return rng.chance(std::min(0.95, chance * intensity)); }

// A random number that remembers its last value: drift instead of white noise. Unit variance.
class Drift {
 public:
  Drift(Rng& rng, double memory) : rng_(rng), memory_(memory), value_(rng.normal()) {}
  double next() { return value_ = memory_ * value_ + std::sqrt(1 - memory_ * memory_) * rng_.normal(); }

 private:
  Rng& rng_;
  double memory_;
  double value_;
};

std::vector<double> draw_stretch(Rng& rng, const Score& score, double intensity) {
  const size_t beats = score.beats.size();
  const bool drifts = happens(rng, kDriftChance, intensity), slows = happens(rng, kRitardandoChance, intensity);
  if (!drifts && !slows) return {};
  std::vector<double> stretch(beats, 1.0);
  if (drifts) {
    const double strength = rng.uniform(0.3, 1) * kMostDrift / 2 * intensity;
    Drift drift(rng, 0.9);  // one step a bar
    double here = 0, before = 0;
    for (size_t i = 0; i < beats; ++i) {
      if (i == 0 || score.beats[i].bar != score.beats[i - 1].bar) {
        before = i == 0 ? 0 : here;
        here = std::clamp(strength * drift.next(), -kMostDrift * intensity, kMostDrift * intensity);
      }
      // Half way at once and the rest from the second beat on, so that the tempo bends rather than jumps.
      stretch[i] = std::exp(score.beats[i].position == 0 ? (before + here) / 2 : here);
    }
    double mean = 0;
    for (double s : stretch) mean += s / static_cast<double>(beats);
    for (double& s : stretch) s /= mean;
  }
  if (slows) {
    const auto length = std::min(static_cast<size_t>(score.beats_per_bar * rng.integer(1, 3)), beats);
    const double last = 1 + rng.uniform(0.15, 0.6) * std::min(1.0, intensity);
    for (size_t i = 0; i < length; ++i) {
      const double x = static_cast<double>(i + 1) / static_cast<double>(length);
      stretch[beats - length + i] *= 1 + (last - 1) * x * x;
    }
  }
  return stretch;
}

// A place for `count` bars that starts on an even bar, not in the first four bars and not in the last two.
BarRange draw_range(Rng& rng, int bars, int count) {
  const int room = bars - 2 - count - 4;
  if (room < 0) return {};
  return {4 + 2 * static_cast<int>(rng.integer(0, room / 2)), count};
}

class Player {
 public:
  Player(Score& score, const Performance& performance, const PerformanceOptions& options, const Rng& rng)
      : score_(score),
        performance_(performance),
        options_(options),
        rng_(rng),
        grid_(score),
        lines_(bar_lines(score)) {}

  void play() {
    double_or_half();
    silences();
    for (const BarRange& stop : performance_.stops) {
      for (Part& part : score_.parts) silence_part(part, time_of(stop.first), time_of(stop.first + stop.count));
      set_chord(score_.chords, time_of(stop.first), time_of(stop.first + stop.count), Chord::no_chord());
    }
    if (performance_.semitones != 0) change_key();
    swing();
    if (!performance_.stretch.empty()) bend_time();
    if (options_.timing > 0)
      for (size_t i = 0; i < score_.parts.size(); ++i) humanise(score_.parts[i], i);
  }

 private:
  int bars() const { return static_cast<int>(lines_.size()) - 1; }
  double time_of(int bar) const { return lines_[static_cast<size_t>(std::clamp(bar, 0, bars()))]; }

  bool plays(const Part& part, const BarRange& range) const {
    return std::any_of(part.notes.begin(), part.notes.end(), [&](const Note& note) {
      return note.onset_s >= time_of(range.first) && note.onset_s < time_of(range.first + range.count);
    });
  }

  // Silences a part where `active` says so, unless nothing would be left of it.
  void keep_bars(Part& part, const std::vector<bool>& active) const {
    Part cut = part;
    for (int bar = 0; bar < bars(); ++bar) {
      if (active[static_cast<size_t>(bar)]) continue;
      const int first = bar;
      while (bar + 1 < bars() && !active[static_cast<size_t>(bar + 1)]) ++bar;
      silence_part(cut, time_of(first), time_of(bar + 1));
    }
    if (!cut.notes.empty()) part = std::move(cut);
  }

  void silences() {
    const size_t parts = score_.parts.size();
    std::vector<std::vector<bool>> active(parts, std::vector<bool>(static_cast<size_t>(bars()), true));
    const auto mute = [&](size_t part, int first, int count) {
      for (int bar = std::max(0, first); bar < std::min(bars(), first + count); ++bar)
        active[part][static_cast<size_t>(bar)] = false;
    };
    Rng entry = rng_.fork("entries");
    if (parts > 2 && bars() >= 12 && happens(entry, kEntryChance, options_.entries)) {
      std::vector<size_t> order(parts);
      for (size_t i = 0; i < parts; ++i) order[i] = i;
      entry.shuffle(order);
      const int most = std::min(16, bars() / 3);
      const int step = entry.pick(std::vector<int>{1, 2, 2, 4});
      for (size_t i = 1; i < parts; ++i) mute(order[i], 0, std::min(most, step * static_cast<int>(i)));
    }
    Rng alone = rng_.fork("breakdowns");
    for (const BarRange& range : performance_.breakdowns) {
      std::vector<size_t> playing;
      for (size_t i = 0; i < parts; ++i)
        if (plays(score_.parts[i], range)) playing.push_back(i);
      alone.shuffle(playing);
      const size_t left = alone.chance(0.5) ? 1 : 2;
      for (size_t i = left; i < playing.size(); ++i) mute(playing[i], range.first, range.count);
    }
    const Rng dropouts = rng_.fork("dropouts");
    for (size_t i = 0; i < parts; ++i) {
      Rng part_rng = dropouts.fork(i);
      if (!happens(part_rng, kDropoutChance, options_.dropouts)) continue;
      for (int times = part_rng.chance(0.3) ? 2 : 1; times > 0; --times) {
        const BarRange range = draw_range(part_rng, bars(), part_rng.pick(std::vector<int>{1, 2, 4, 4, 8}));
        mute(i, range.first, range.count);
      }
    }
    // A bar that everybody happens to leave out would be silence under a chord.
    for (size_t bar = 0; bar < active.front().size(); ++bar)
      if (std::none_of(active.begin(), active.end(), [&](const std::vector<bool>& part) { return part[bar]; }))
        for (auto& part : active) part[bar] = true;
    for (size_t i = 0; i < parts; ++i) keep_bars(score_.parts[i], active[i]);
  }

  void double_or_half() {
    Rng rng = rng_.fork("half time");
    if (!happens(rng, kHalfTimeChance, options_.half_time)) return;
    const BarRange range = draw_range(rng, bars(), rng.pick(std::vector<int>{2, 4, 4, 8}));
    const bool half = score_.tempo_bpm > 120 || rng.chance(0.6);
    for (Part& part : score_.parts)
      if (part.drums) change_drum_speed(part, lines_, range.first, range.count, half);
  }

  void change_key() {
    const double from = time_of(performance_.key_change_bar);
    for (Part& part : score_.parts)
      if (!part.drums) transpose_from(part, from, performance_.semitones);
    set_chord(score_.chords, from, from, Chord::no_chord());  // a chord that goes on has a border there
    for (ChordSpan& span : score_.chords)
      if (span.start_s >= from - 1e-9 && !span.chord.none)
        span.chord.root = ((span.chord.root + performance_.semitones) % 12 + 12) % 12;
  }

  void swing() {
    Rng rng = rng_.fork("swing");
    if (score_.beats_per_bar == 6 || !happens(rng, kSwingChance, options_.swing)) return;
    // Where the eighths between the beats are now.
    std::vector<double> inside;
    for (const Part& part : score_.parts)
      for (const Note& note : part.notes) {
        const double beat = grid_.beat_of(note.onset_s), at = beat - std::floor(beat);
        if (at > 0.4 && at < 0.75) inside.push_back(at);
      }
    if (inside.size() < 16) return;
    const double now = upper_median(inside);
    const double wanted = now < 0.56 ? rng.uniform(0.55, 0.67) : rng.uniform(0.5, 0.55);
    const double first = rng.chance(0.4) ? 0 : grid_.beat_of(time_of(draw_range(rng, bars(), 2).first));
    for (Part& part : score_.parts)
      move_times(part, [&](double time) {
        const double beat = grid_.beat_of(time), whole = std::floor(beat), at = beat - whole;
        if (beat < first) return time;
        return grid_.time_of(whole + (at <= now ? at * wanted / now : wanted + (at - now) * (1 - wanted) / (1 - now)));
      });
  }

  void bend_time() {
    std::vector<double> times{grid_.times().front()};
    for (size_t i = 0; i < grid_.beats(); ++i)
      times.push_back(times.back() + performance_.stretch[i] * (grid_.times()[i + 1] - grid_.times()[i]));
    const TimeGrid bent(times);
    const auto moved = [&](double time) { return std::max(0.0, bent.time_of(grid_.beat_of(time))); };
    for (Part& part : score_.parts) move_times(part, moved);
    for (size_t i = 0; i < score_.beats.size(); ++i) score_.beats[i].time_s = times[i];
    for (ChordSpan& span : score_.chords) {
      span.start_s = span.start_s <= 0 ? 0 : moved(span.start_s);
      span.end_s = moved(span.end_s);
    }
    score_.duration_s = times.back();
    if (!score_.chords.empty()) score_.chords.back().end_s = score_.duration_s;
  }

  void humanise(Part& part, size_t index) const {
    Rng rng = rng_.fork("timing").fork(index);
    const double care = rng.uniform(0.3, 1.4) * options_.timing;
    const double lead_s = 0.006 * care * rng.normal();
    const double louder = 4 * care * rng.normal();
    const TimeGrid grid(score_);
    Drift hand(rng, 0.85), arm(rng, 0.9);  // one step a beat
    double hand_s = 0, arm_velocity = 0, last_beat = -1;
    for (size_t first = 0, last = 0; first < part.notes.size(); first = last) {
      const double onset = part.notes[first].onset_s;
      while (last < part.notes.size() && part.notes[last].onset_s - onset < kTogether_s) ++last;
      for (const double beat = std::floor(grid.beat_of(onset)); last_beat < beat; ++last_beat) {
        hand_s = 0.006 * care * hand.next();
        arm_velocity = 5 * care * arm.next();
      }
      const double shift = lead_s + hand_s + 0.002 * care * rng.normal(), accent = 3 * care * rng.normal();
      for (size_t i = first; i < last; ++i) {
        Note& note = part.notes[i];
        note.onset_s += shift;
        note.velocity = std::clamp(
            static_cast<int>(std::lround(note.velocity + louder + arm_velocity + accent + care * rng.normal())), 1,
            127);
      }
    }
    tidy_notes(part, score_.duration_s);
  }

  Score& score_;
  const Performance& performance_;
  const PerformanceOptions& options_;
  const Rng& rng_;
  const TimeGrid grid_;
  const std::vector<double> lines_;
};

}  // namespace

PerformanceOptions PerformanceOptions::of(double x) { return {x, x, x, x, x, x, x, x, x}; }

Performance draw_performance(const Rng& rng, const Score& score, const PerformanceOptions& options) {
  check(options);
  Performance performance;
  const int bars = static_cast<int>(bar_lines(score).size()) - 1;
  Rng tempo = rng.fork("tempo");
  performance.stretch = draw_stretch(tempo, score, options.tempo);
  Rng stop = rng.fork("stops");
  if (bars >= 12 && happens(stop, kStopChance, options.stops))
    performance.stops.push_back(draw_range(stop, bars, stop.chance(0.7) ? 1 : 2));
  Rng breakdown = rng.fork("breakdowns");
  for (int again = bars / 24; again >= 0; --again)
    if (bars >= 12 && happens(breakdown, kBreakdownChance, options.breakdowns))
      performance.breakdowns.push_back(draw_range(breakdown, bars, breakdown.pick(std::vector<int>{2, 4, 4, 8})));
  std::erase_if(performance.stops, [](const BarRange& range) { return range.count == 0; });
  std::erase_if(performance.breakdowns, [](const BarRange& range) { return range.count == 0; });
  Rng key = rng.fork("key change");
  if (bars >= 12 && happens(key, kKeyChangeChance, options.key_changes)) {
    performance.key_change_bar = draw_range(key, bars, 4).first;
    // Mostly up, by a whole tone or a semitone.
    if (performance.key_change_bar > 0)
      performance.semitones =
          std::array<int, 6>{2, 1, 3, -2, -1, -3}[key.weighted(std::array<double, 6>{40, 30, 12, 8, 6, 4})];
  }
  return performance;
}

void perform(Score& score, const Performance& performance, const PerformanceOptions& options, const Rng& rng) {
  check(options);
  ensure(performance.stretch.empty() || performance.stretch.size() == score.beats.size(),
         "a performance was drawn for another piece");
  if (score.parts.empty() || score.beats.empty()) return;
  Player(score, performance, options, rng).play();
}

}  // namespace instructme
