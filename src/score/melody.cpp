#include "instructme/score/melody.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "part_writer.h"

namespace instructme {
namespace {

struct Slot {
  double at = 0;      // beats from the start of the bar
  double length = 1;  // beats
};
using Rhythm = std::vector<Slot>;

double next_length(Rng& rng, double inside, double density, bool six) {
  const auto pick = [&](std::initializer_list<std::pair<double, double>> choices) {
    std::vector<double> weights;
    for (const auto& choice : choices) weights.push_back(choice.second);
    return (choices.begin() + static_cast<long>(rng.weighted(weights)))->first;
  };
  const double d = density;
  if (six) {
    if (inside > 0.25) return 0.5;
    return pick({{0.5, 12 * d * d}, {1, 20 + 40 * d}, {2, 30}, {3, 22 * (1 - d)}, {1.5, 4}});
  }
  if (inside < 0.1)
    return pick({{0.25, 14 * d * d},
                 {0.5, 10 + 40 * d},
                 {0.75, 7 * d},
                 {1, 34},
                 {1.5, 14},
                 {2, 16 * (1 - d)},
                 {3, 5 * (1 - d)}});
  if (std::abs(inside - 0.5) < 0.1) return pick({{0.25, 8 * d}, {0.5, 70}, {1, 16}, {1.5, 8}});
  return 0.25;
}

Rhythm make_rhythm(Rng& rng, double beats, double density, bool six) {
  Rhythm rhythm;
  double at = rng.chance(0.2) ? (six ? 1.0 : 0.5) : 0.0;
  while (at < beats - 0.01) {
    const double inside = at - std::floor(at);
    if (!six && inside < 0.1 && at + 1 <= beats && rng.chance(0.05 * density)) {
      for (int i = 0; i < 3; ++i) rhythm.push_back({at + i / 3.0, 1 / 3.0});
      at += 1;
      continue;
    }
    const double length = std::min(next_length(rng, inside, density, six), beats - at);
    if (!rng.chance(0.16 - 0.1 * density)) rhythm.push_back({at, length});
    at += length;
  }
  if (rhythm.empty()) rhythm.push_back({0, beats});
  return rhythm;
}

// The same motif with one note split, joined or left out.
Rhythm vary(Rng& rng, Rhythm rhythm) {
  const size_t i = rng.index(rhythm.size());
  const double draw = rng.uniform();
  if (draw < 0.4 && rhythm[i].length >= 1) {
    const double half = rhythm[i].length / 2;
    rhythm.insert(rhythm.begin() + static_cast<long>(i) + 1, {rhythm[i].at + half, half});
    rhythm[i].length = half;
  } else if (draw < 0.75 && i + 1 < rhythm.size()) {
    rhythm[i].length = rhythm[i + 1].at + rhythm[i + 1].length - rhythm[i].at;
    rhythm.erase(rhythm.begin() + static_cast<long>(i) + 1);
  } else if (rhythm.size() > 2 && i > 0) {
    rhythm.erase(rhythm.begin() + static_cast<long>(i));
  }
  return rhythm;
}

// The close of a phrase: up to the middle of the bar, a long note, then rest.
Rhythm close(Rng& rng, const Rhythm& motif, double beats) {
  Rhythm rhythm;
  const double stop = rng.chance(0.5) ? 0.0 : std::floor(beats / 2);
  for (const Slot& slot : motif)
    if (slot.at + slot.length <= stop + 0.01) rhythm.push_back(slot);
  const double rest = rng.chance(0.7) ? 1.0 : 0.5;
  rhythm.push_back({stop, std::max(0.5, beats - stop - rest)});
  return rhythm;
}

struct Picked {
  int pitch = 60;
  int root = 0;  // of the chord then, so that a repeat can follow the harmony
};

class Tune {
 public:
  Tune(Rng& rng, const Chart& chart, const PartOptions& options)
      : rng_(rng), chart_(chart), options_(options), scale_(scale_pitch_classes(chart.key)) {
    const double middle = (options.low + options.high) / 2.0;
    centre_ = middle + rng.uniform(-2, 2);
    previous_ = static_cast<int>(std::lround(centre_));
  }

  // Pitch for a note of `length` beats at `beat`; `target` is where the line wants to be, `pull` how strongly.
  int pick(double beat, double length, double target, double pull) {
    const ChartChord& chord = chart_.chord_at(beat);
    const double in_bar = std::fmod(beat, chart_.beats_per_bar);
    const bool on_beat = std::abs(in_bar - std::round(in_bar)) < 0.01;
    const int beat_index = static_cast<int>(std::lround(in_bar));
    const int strong_step = chart_.beats_per_bar == 4 ? 2 : 3;
    const bool strong = (on_beat && beat_index % strong_step == 0) || length >= 1;
    int best = previous_;
    double best_cost = 1e9;
    for (int pitch = options_.low; pitch <= options_.high; ++pitch) {
      const double cost = pull * std::abs(pitch - target) + leap_cost(pitch) + harmony_cost(pitch, chord, strong) +
                          rng_.uniform(0, 1.1);
      if (cost >= best_cost) continue;
      best_cost = cost;
      best = pitch;
    }
    last_leap_ = best - previous_;
    previous_ = best;
    return best;
  }
  double centre() const { return centre_; }

 private:
  double leap_cost(int pitch) const {
    constexpr std::array<double, 13> kCost = {0.9, 0, 0, 0.5, 0.6, 1.2, 2.6, 1.4, 2.4, 2.6, 4, 5, 2.6};
    const int leap = pitch - previous_;
    double cost = std::abs(leap) > 12 ? 9.0 : kCost[static_cast<size_t>(std::abs(leap))];
    // A leap wants to be answered by a step back.
    if (std::abs(last_leap_) >= 5 && leap * last_leap_ > 0) cost += std::abs(leap) > 2 ? 3.0 : 0.8;
    return cost;
  }
  double harmony_cost(int pitch, const ChartChord& chord, bool strong) const {
    const int pc = pitch % 12;
    const auto place = std::find(chord.tones.begin(), chord.tones.end(), pc) - chord.tones.begin();
    const bool tone = place < static_cast<long>(chord.tones.size());
    if (tone) return place < 3 ? 0.0 : place == 3 ? 0.4 : 1.2;
    bool clash = false;  // a scale tone that the chord has altered
    for (const int t : chord.tones)
      clash |= !contains(scale_, t) && ((t - pc + 12) % 12 == 1 || (pc - t + 12) % 12 == 1);
    const bool in_scale = contains(scale_, pc) && !clash;
    if (strong) return in_scale ? 5.0 : 9.0;
    const int step = std::abs(pitch - previous_);
    if (in_scale) return step <= 2 && step > 0 ? 0.3 : 2.2;
    return step == 1 ? 3.0 : 6.0;
  }

  Rng& rng_;
  const Chart& chart_;
  const PartOptions& options_;
  std::vector<int> scale_;
  double centre_ = 72;
  int previous_ = 72;
  int last_leap_ = 0;
};

// Height of the phrase at x in 0..1, in -1..1.
double contour(int shape, double x) {
  switch (shape) {
    case 0: return 2 * std::sin(std::numbers::pi * x) - 1;   // arch
    case 1: return 1 - 2 * x;                                // falling
    case 2: return 2 * x - 1;                                // rising
    case 3: return std::sin(2 * std::numbers::pi * x);       // wave
    default: return 1 - 2 * std::sin(std::numbers::pi * x);  // valley
  }
}

struct Motif {
  Rhythm rhythm;
  std::vector<Picked> pitches;  // of its last statement
};

}  // namespace

Part make_melody(Rng& rng, const Chart& chart, const PartOptions& options) {
  check_range(options, "melody");
  PartWriter writer(chart, options, Role::kMelody);
  Tune tune(rng, chart, options);
  const int beats = chart.beats_per_bar;
  const bool six = beats == 6;
  const double half_range = std::min(9.0, (options.high - options.low) / 2.0);
  const double articulation = rng.chance(0.2) ? rng.uniform(0.5, 0.7) : rng.uniform(0.86, 1.0);
  std::vector<Motif> motifs;
  for (int i = 0; i < 3; ++i) motifs.push_back({make_rhythm(rng, beats, options.density, six), {}});

  for (const ChartSection& section : chart.sections) {
    // A section sits a little higher or lower than the others; the chorus higher.
    const double lift = rng.uniform(-2, 2) + (section.name == "chorus" ? 2.5 : 0);
    const auto first_motif = static_cast<size_t>(rng.integer(0, 2));
    int bar = section.first_bar;
    const int section_end = section.first_bar + section.bars;
    while (bar < section_end) {
      const int length = std::min(section_end - bar, rng.chance(0.6) ? 4 : 2);
      const int shape = static_cast<int>(rng.integer(0, 4));
      const double amplitude = rng.uniform(0.35, 0.9) * half_range;
      for (int inside = 0; inside < length; ++inside) {
        Motif& motif = motifs[inside == 2 ? (first_motif + 1) % 3 : first_motif];
        const bool last = inside == length - 1;
        Rhythm rhythm = motif.rhythm;
        if (last && length > 1)
          rhythm = close(rng, motif.rhythm, beats);
        else if (rng.chance(0.3))
          rhythm = vary(rng, rhythm);
        std::vector<Picked> line;
        const bool repeat = !last && !motif.pitches.empty() && rng.chance(0.6);
        for (size_t i = 0; i < rhythm.size(); ++i) {
          const Slot& slot = rhythm[i];
          const double beat = (bar + inside) * static_cast<double>(beats) + slot.at;
          const double x = (inside + slot.at / beats) / length;
          const int root = chart.chord_at(beat).chord.root;
          double target = tune.centre() + lift + amplitude * contour(shape, x), pull = 0.3;
          if (repeat && i < motif.pitches.size()) {
            int shift = (root - motif.pitches[i].root + 12) % 12;
            if (shift > 6) shift -= 12;
            target = motif.pitches[i].pitch + shift;
            pull = 1.2;
          }
          const int pitch = tune.pick(beat, slot.length, target, pull);
          line.push_back({pitch, root});
          const bool downbeat = slot.at < 0.01;
          const bool on_beat = std::abs(slot.at - std::round(slot.at)) < 0.01;
          const double velocity = options.velocity +
                                  (downbeat  ? 7
                                   : on_beat ? 2
                                             : -3) +
                                  8 * std::sin(std::numbers::pi * x) - 4 + 3.5 * rng.normal();
          const double shift_s = writer.jitter(rng);
          if (slot.length >= 1 && rng.chance(0.035) && pitch - 1 >= options.low && slot.at > 0.01) {
            const double grace = std::min(0.07 / chart.beat_seconds(), 0.2);
            writer.add(beat - grace, grace, pitch - 1, velocity - 12, shift_s);
          }
          writer.add(beat, slot.length * articulation, pitch, velocity, shift_s);
        }
        if (!last) motif.pitches = line;
      }
      bar += length;
      if (rng.chance(0.12))
        motifs[static_cast<size_t>(rng.integer(0, 2))] = {make_rhythm(rng, beats, options.density, six), {}};
    }
  }
  return writer.finish();
}

Part make_counter_melody(Rng& rng, const Chart& chart, const Part& melody, const PartOptions& options) {
  check_range(options, "counter-melody");
  PartWriter writer(chart, options, Role::kCounterMelody);
  const double beat_s = chart.beat_seconds();
  Tune tune(rng, chart, options);
  const size_t kind = rng.weighted(std::array<double, 3>{38, 37, 25});
  if (kind == 0) {  // long guide tones: the third and seventh of each chord, by the nearest way
    int previous = static_cast<int>(tune.centre());
    for (const ChartSpan& span : chart_spans(chart)) {
      std::vector<int> guides;
      for (size_t i = 1; i < std::min<size_t>(4, span.chord->tones.size()); ++i)
        if (i != 2 || span.chord->tones.size() < 4) guides.push_back(span.chord->tones[i]);
      if (guides.empty()) guides = {span.chord->tones.front()};
      int best = -1;
      for (const int tone : guides) {
        const int pitch = nearest_pitch(tone, previous, options.low, options.high);
        if (best < 0 || std::abs(pitch - previous) < std::abs(best - previous)) best = pitch;
      }
      previous = best;
      double length = span.end_beat - span.start_beat;
      const double velocity = options.velocity + 4 * rng.normal();
      if (length >= 3 && rng.chance(0.35)) {
        // A neighbour leads over into the next chord.
        writer.add(span.start_beat, (length - 1) * 0.98, best, velocity, writer.jitter(rng));
        const int step = tune.pick(span.end_beat - 1, 0.5, best, 0.8);
        writer.add(span.end_beat - 1, 0.95, step, velocity - 5, writer.jitter(rng));
      } else {
        writer.add(span.start_beat, length * 0.98, best, velocity, writer.jitter(rng));
      }
    }
    return writer.finish();
  }
  if (kind == 1) {  // answers in the rests of the melody
    std::vector<std::pair<double, double>> gaps;
    double busy_until = 0;
    for (const Note& note : melody.notes) {
      if (note.onset_s - busy_until > 1.2 * beat_s) gaps.emplace_back(busy_until / beat_s, note.onset_s / beat_s);
      // Long notes leave room after their first beat.
      busy_until = std::max(busy_until, note.onset_s + std::min(note.duration_s, 1.0 * beat_s));
    }
    if (chart.duration_s() - busy_until > 1.2 * beat_s) gaps.emplace_back(busy_until / beat_s, chart.total_beats());
    for (const auto& [from, to] : gaps) {
      double beat = std::ceil(from * 2) / 2;
      const double end = std::min(to - 0.1, beat + 4);
      while (beat < end) {
        const double length = std::min(rng.chance(0.6) ? 0.5 : 1.0, end - beat);
        if (length < 0.3) break;
        const int pitch = tune.pick(beat, length, tune.centre() + rng.uniform(-4, 4), 0.25);
        if (!rng.chance(0.12))
          writer.add(beat, length * 0.92, pitch, options.velocity + 4 * rng.normal(), writer.jitter(rng));
        beat += std::max(0.5, length);
      }
    }
    return writer.finish();
  }
  const std::vector<int> scale = scale_pitch_classes(chart.key);
  for (const Note& note : melody.notes) {  // thirds or sixths under the melody
    if (note.duration_s < 0.12 || rng.chance(0.1)) continue;
    const ChartChord& chord = chart.chord_at((note.onset_s + 0.03) / beat_s);
    int best = -1;
    double best_cost = 1e9;
    for (int below = 3; below <= 9; ++below) {
      int pitch = note.pitch - below;
      while (pitch > options.high) pitch -= 12;
      while (pitch < options.low) pitch += 12;
      if (pitch > options.high) continue;
      const bool imperfect = below <= 4 || below >= 8;
      double cost = (imperfect ? 0 : 1.5) + rng.uniform(0, 0.4) + (below == 6 ? 2 : 0);
      if (!contains(chord.tones, pitch)) cost += contains(scale, pitch) ? 1.2 : 4;
      if (cost < best_cost) {
        best_cost = cost;
        best = pitch;
      }
    }
    if (best < 0) continue;
    // Times are taken as they sound: the melody has its swing already.
    writer.add_seconds(note.onset_s + std::abs(writer.jitter(rng)), note.duration_s, best, note.velocity - 10);
  }
  return writer.finish();
}

Part make_riff(Rng& rng, const Chart& chart, const PartOptions& options) {
  check_range(options, "riff");
  PartWriter writer(chart, options, Role::kMelody);
  const int beats = chart.beats_per_bar;
  const int cycle = rng.chance(0.6) ? 1 : 2;
  struct Figure {
    Slot slot;
    int step;  // semitones above the chord's root before snapping
  };
  std::vector<Figure> figure;
  constexpr std::array<int, 7> kSteps = {0, 3, 5, 7, 10, 12, -2};
  for (int bar = 0; bar < cycle; ++bar)
    for (const Slot& slot : make_rhythm(rng, beats, 0.35 + 0.6 * options.density, beats == 6)) {
      int step = kSteps[rng.weighted(std::array<double, 7>{30, 14, 14, 20, 10, 8, 4})];
      if (slot.at < 0.01 && bar == 0) step = 0;
      figure.push_back({{slot.at + bar * beats, slot.length}, step});
    }
  const double length = rng.uniform(0.45, 0.95);
  const double middle = (options.low + options.high) / 2.0;
  const int bars = static_cast<int>(chart.bars.size());
  for (int start = 0; start < bars; start += cycle)
    for (const Figure& item : figure) {
      const double beat = start * static_cast<double>(beats) + item.slot.at;
      if (beat >= chart.total_beats()) continue;
      const ChartChord& chord = chart.chord_at(beat);
      const int root = nearest_pitch(chord.chord.root, middle - 4, options.low, options.high);
      int pitch = root + item.step;
      // Snap to the chord, or to the scale for the colour notes.
      for (int away = 0; away < 3; ++away) {
        if (contains(chord.tones, pitch + away)) {
          pitch += away;
          break;
        }
        if (contains(chord.tones, pitch - away)) {
          pitch -= away;
          break;
        }
      }
      while (pitch > options.high) pitch -= 12;
      while (pitch < options.low) pitch += 12;
      const bool accent = std::abs(item.slot.at - std::round(item.slot.at)) < 0.01;
      writer.add(beat, item.slot.length * length, pitch, options.velocity + (accent ? 5 : -4) + 3 * rng.normal(),
                 writer.jitter(rng));
    }
  return writer.finish();
}

Part make_arpeggio(Rng& rng, const Chart& chart, const PartOptions& options) {
  check_range(options, "arpeggio");
  PartWriter writer(chart, options, Role::kArpeggio);
  const bool six = chart.beats_per_bar == 6;
  int per_beat = six ? 1 : rng.chance(0.65) ? 2 : rng.chance(0.5) ? 4 : 3;
  if (chart.tempo_bpm > 135 && per_beat > 2) per_beat = 2;
  if (six && chart.tempo_bpm < 150 && rng.chance(0.4)) per_beat = 2;
  const int pattern = static_cast<int>(rng.integer(0, 4));
  const int span = static_cast<int>(rng.integer(12, std::max(12, std::min(24, options.high - options.low))));
  std::vector<int> order;
  for (int i = 0; i < 8; ++i) order.push_back(static_cast<int>(rng.integer(0, 7)));
  const double ring = rng.chance(0.4) ? rng.uniform(1.5, 3.0) : rng.uniform(0.7, 1.0);
  const int base = options.low + static_cast<int>(rng.integer(0, std::max(0, options.high - options.low - span)));
  for (const ChartSpan& chord : chart_spans(chart)) {
    std::vector<int> ladder;
    for (int pitch = base; pitch <= std::min(base + span, options.high); ++pitch)
      if (contains(chord.chord->tones, pitch)) ladder.push_back(pitch);
    if (ladder.empty()) continue;
    const int n = static_cast<int>(ladder.size());
    const int steps = static_cast<int>(std::lround((chord.end_beat - chord.start_beat) * per_beat));
    for (int i = 0; i < steps; ++i) {
      int index = i % n;
      if (pattern == 1) index = n - 1 - i % n;
      if (pattern == 2 && n > 1) index = std::abs((i + n - 1) % (2 * n - 2) - (n - 1));
      if (pattern == 3) index = std::array<int, 4>{0, 2, 1, 2}[static_cast<size_t>(i % 4)] % n;
      if (pattern == 4) index = order[static_cast<size_t>(i % 8)] % n;
      const double beat = chord.start_beat + static_cast<double>(i) / per_beat;
      const double velocity = options.velocity + (i % per_beat == 0 ? 4 : -4) + 3 * rng.normal();
      writer.add(beat, ring / per_beat, ladder[static_cast<size_t>(index)], velocity, writer.jitter(rng));
    }
  }
  return writer.finish();
}

}  // namespace instructme
