#include "instructme/score/accompaniment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "part_writer.h"

namespace instructme {
namespace {

// The tones to voice, at most `voices`: without the fifth first, then without the root.
std::vector<int> essential_tones(const ChartChord& chord, int voices) {
  std::vector<int> tones = chord.tones;
  const auto drop = [&](size_t index) {
    if (static_cast<int>(tones.size()) > voices && index < tones.size())
      tones.erase(tones.begin() + static_cast<long>(index));
  };
  if (chord.tones.size() > 3) drop(2);
  if (chord.tones.size() > 3) drop(0);
  while (static_cast<int>(tones.size()) > voices) tones.pop_back();
  return tones;
}

struct Hit {
  double at;
  double length;
  bool bass = false;  // left hand
};

enum class Comp { kBlock, kCharleston, kOffbeats, kPulse, kBroken, kRandom };

std::vector<Hit> comp_bar(Rng& rng, Comp style, int beats) {
  std::vector<Hit> hits;
  const bool six = beats == 6;
  const double half = six ? 3 : beats / 2.0;
  switch (style) {
    case Comp::kBlock:
      hits = {{0, half, true}, {0, half, false}};
      if (rng.chance(0.6)) hits.push_back({std::floor(half), beats - std::floor(half), false});
      break;
    case Comp::kCharleston:
      hits = {{0, 0.9, false}, {1.5, 0.6, false}};
      if (beats >= 4 && rng.chance(0.3)) hits.push_back({3.5, 0.5, false});
      break;
    case Comp::kOffbeats:
      for (int i = 0; i < beats; ++i) hits.push_back({i + (six ? 0.0 : 0.5), 0.35, false});
      break;
    case Comp::kPulse:
      hits.push_back({0, half, true});
      for (double at = 0; at < beats - 0.01; at += 1) hits.push_back({at, 0.8, false});
      break;
    case Comp::kBroken: hits.push_back({0, static_cast<double>(beats), true}); break;
    case Comp::kRandom: {
      const int count = static_cast<int>(rng.integer(1, 3));
      for (int i = 0; i < count; ++i) {
        const double at = static_cast<double>(rng.integer(0, 2 * beats - 1)) / 2;
        hits.push_back({at, rng.chance(0.6) ? 0.45 : 1.2, false});
      }
      break;
    }
  }
  return hits;
}

}  // namespace

std::vector<int> voice_lead(const std::vector<int>& previous, const ChartChord& chord, int voices, int low, int high) {
  std::vector<int> tones = essential_tones(chord, voices);
  std::sort(tones.begin(), tones.end());
  tones.erase(std::unique(tones.begin(), tones.end()), tones.end());
  const double middle = (low + high) / 2.0;
  std::vector<int> best;
  double best_cost = 1e9;
  for (int start = low; start <= high; ++start) {
    if (!contains(tones, start)) continue;
    std::vector<int> voicing = {start};
    for (int pitch = start + 1; pitch <= high && voicing.size() < tones.size(); ++pitch)
      if (contains(tones, pitch)) voicing.push_back(pitch);
    double cost = voicing.size() < tones.size() ? 200.0 : 0.0;
    for (size_t i = 0; i < voicing.size(); ++i) {
      cost += 0.15 * std::abs(voicing[i] - middle);
      if (previous.empty()) continue;
      cost += std::abs(voicing[i] - previous[std::min(i, previous.size() - 1)]);
    }
    if (cost < best_cost) {
      best_cost = cost;
      best = voicing;
    }
  }
  return best;
}

Part make_pad(Rng& rng, const Chart& chart, const PartOptions& options) {
  check_range(options, "pad");
  PartWriter writer(chart, options, Role::kChords);
  const int voices = static_cast<int>(rng.integer(3, 4));
  const bool swells = rng.chance(0.5);
  const bool octave_below = rng.chance(0.3);
  const bool retrigger = rng.chance(0.4);
  std::vector<int> previous;
  for (const ChartSpan& span : chart_spans(chart)) {
    if (!writer.active(span.start_beat)) continue;
    const std::vector<int> voicing = voice_lead(previous, *span.chord, voices, options.low, options.high);
    // The same chord written again over a bar line goes on sounding unless the player attacks every bar.
    const bool held = !retrigger && voicing == previous;
    previous = voicing;
    double end = span.end_beat;
    if (held) continue;
    if (!retrigger)
      while (end < chart.total_beats() && writer.active(end) &&
             voice_lead(voicing, chart.chord_at(end), voices, options.low, options.high) == voicing)
        end += 1;
    const double velocity = options.velocity + 3 * rng.normal();
    for (const int pitch : voicing)
      writer.add(span.start_beat, (end - span.start_beat) * 0.995, pitch, velocity + 2 * rng.normal(),
                 std::abs(writer.jitter(rng)));
    if (octave_below && voicing.size() > 0 && voicing.front() - 12 >= options.low)
      writer.add(span.start_beat, (end - span.start_beat) * 0.995, voicing.front() - 12, velocity - 8);
    if (swells) {
      const double length = end - span.start_beat;
      for (int i = 0; i < 6; ++i)
        writer.control(span.start_beat + length * i / 6.0, 11, 84 + (i < 3 ? 12 * i : 12 * (5 - i)));
    }
  }
  return writer.finish();
}

Part make_comping(Rng& rng, const Chart& chart, const PartOptions& options) {
  check_range(options, "comping part");
  PartWriter writer(chart, options, Role::kChords);
  const std::array<double, 6> weights = {30, chart.beats_per_bar == 6 ? 0.0 : 20, 10, 16, 18, 16};
  auto style = static_cast<Comp>(rng.weighted(weights));
  const int voices = static_cast<int>(rng.integer(3, 4));
  const int right_low = std::min(options.high - 12, std::max(options.low, 55));
  std::vector<int> previous;
  const int beats = chart.beats_per_bar;
  std::vector<Hit> cell = comp_bar(rng, style, beats);
  for (const ChartSection& section : chart.sections) {
    if (rng.chance(0.3)) style = static_cast<Comp>(rng.weighted(weights));
    for (int bar = section.first_bar; bar < section.first_bar + section.bars; ++bar) {
      if (bar == section.first_bar || style == Comp::kRandom || rng.chance(0.2)) cell = comp_bar(rng, style, beats);
      const double start = static_cast<double>(bar) * beats;
      std::vector<Hit> hits = cell;
      for (const ChartChord& chord : chart.bars[static_cast<size_t>(bar)])
        if (chord.beat > 0 && style != Comp::kRandom)
          hits.push_back({static_cast<double>(chord.beat), 1.0, style == Comp::kBlock});
      std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) { return a.at < b.at; });
      for (const Hit& hit : hits) {
        const double beat = start + hit.at;
        const ChartChord& chord = chart.chord_at(beat);
        const double hand = writer.jitter(rng);
        const double velocity = options.velocity + (hit.at < 0.01 ? 4 : -2) + 4 * rng.normal();
        if (hit.bass) {
          const int bass =
              nearest_pitch(chord.bass, options.low + 5, options.low, std::max(options.low + 11, right_low));
          writer.add(beat, hit.length, bass, velocity, hand);
          continue;
        }
        previous = voice_lead(previous, chord, voices, right_low, options.high);
        for (const int pitch : previous)
          writer.add(beat, hit.length, pitch, velocity - 2 + 2 * rng.normal(), hand + 0.002 * std::abs(rng.normal()));
      }
      if (style == Comp::kBroken) {
        const bool six = beats == 6;
        const int per_beat = six ? 1 : 2;
        for (int i = 0; i < beats * per_beat; ++i) {
          const double beat = start + static_cast<double>(i) / per_beat;
          previous = voice_lead(previous, chart.chord_at(beat), voices, right_low, options.high);
          if (previous.empty() || (i == 0 && rng.chance(0.5))) continue;
          const int n = static_cast<int>(previous.size());
          const int index = n > 1 ? std::abs((i + n - 1) % (2 * n - 2) - (n - 1)) : 0;
          writer.add(beat, 1.5 / per_beat, previous[static_cast<size_t>(index)],
                     options.velocity - 5 + 3 * rng.normal(), writer.jitter(rng));
        }
      }
    }
  }
  return writer.finish();
}

Part make_bass(Rng& rng, const Chart& chart, BassStyle style, const PartOptions& options) {
  check_range(options, "bass line");
  PartWriter writer(chart, options, Role::kBass);
  const int beats = chart.beats_per_bar;
  const std::vector<int> scale = scale_pitch_classes(chart.key);
  double anchor = options.low + 5;
  // A funk cell of sixteenths: (place in the bar, semitones above the root).
  std::vector<std::pair<double, int>> cell = {{0, 0}};
  for (int i = 2; i < beats * 4; ++i)
    if (rng.chance(i % 4 == 0 ? 0.45 : i % 2 == 0 ? 0.4 : 0.2))
      cell.emplace_back(i / 4.0, std::array<int, 4>{0, 12, 7, 10}[rng.weighted(std::array<double, 4>{50, 22, 16, 12})]);
  const auto spans = chart_spans(chart);
  for (size_t k = 0; k < spans.size(); ++k) {
    const ChartSpan& span = spans[k];
    const ChartChord& chord = *span.chord;
    const int length = static_cast<int>(std::lround(span.end_beat - span.start_beat));
    const int root = nearest_pitch(chord.bass, anchor, options.low, options.high);
    const int next_root =
        k + 1 < spans.size() ? nearest_pitch(spans[k + 1].chord->bass, root, options.low, options.high) : root;
    const int fifth_class = chord.tones.size() > 2 ? chord.tones[2] : chord.tones.back();
    const int fifth = nearest_pitch(fifth_class, root + 7, options.low, options.high);
    anchor = 0.7 * (options.low + 6) + 0.3 * root;
    const auto play = [&](double at, double note_length, int pitch, double accent) {
      while (pitch > options.high) pitch -= 12;
      while (pitch < options.low) pitch += 12;
      writer.add(span.start_beat + at, note_length, pitch, options.velocity + accent + 3 * rng.normal(),
                 writer.jitter(rng));
    };
    switch (style) {
      case BassStyle::kRoots: play(0, length * 0.95, root, 3); break;
      case BassStyle::kRootFifth: {
        const int step = beats == 3 ? 3 : beats == 6 ? 3 : 2;
        for (int at = 0; at < length; at += step)
          play(at, std::min(step, length - at) * 0.85, (at / step) % 2 ? fifth : root, at ? -2 : 4);
        break;
      }
      case BassStyle::kEighths: {
        const int per_beat = beats == 6 ? 1 : 2;
        for (int i = 0; i < length * per_beat; ++i) {
          const bool lead = i == length * per_beat - 1 && k + 1 < spans.size() && rng.chance(0.3);
          const int pitch = lead && next_root != root ? next_root + (next_root > root ? -1 : 1) : root;
          play(static_cast<double>(i) / per_beat, 0.9 / per_beat, pitch, i % per_beat ? -5 : 3);
        }
        break;
      }
      case BassStyle::kWalking: {
        int pitch = root;
        for (int at = 0; at < length; ++at) {
          if (at == 0) {
            pitch = root;
          } else if (at == length - 1 && k + 1 < spans.size()) {
            const int side = rng.chance(0.5) ? 1 : -1;
            pitch = rng.chance(0.75) ? next_root + side : fifth;
          } else {
            const int target = at % 2 ? pitch + (rng.chance(0.5) ? 3 : -3) : fifth;
            int found = pitch;
            for (int away = 0; away < 6; ++away) {
              const bool both = at % 2 == 0;
              if (contains(both ? chord.tones : scale, target + away) && target + away != pitch) {
                found = target + away;
                break;
              }
              if (contains(both ? chord.tones : scale, target - away) && target - away != pitch) {
                found = target - away;
                break;
              }
            }
            pitch = found;
          }
          while (pitch > options.high) pitch -= 12;
          while (pitch < options.low) pitch += 12;
          play(at, 0.92, pitch, at == 0 ? 3 : 0);
          if (rng.chance(0.07)) play(at + 0.5, 0.4, pitch, -12);
        }
        break;
      }
      case BassStyle::kFunk: {
        const double offset = std::fmod(span.start_beat, beats);
        play(0, 0.4, root, 8);
        for (const auto& [at, step] : cell) {
          const double here = at - offset;
          if (here <= 0.1 || here >= length || rng.chance(0.08)) continue;
          const int pitch = step == 7 ? fifth : root + step;
          play(here, 0.22, step == 10 && !contains(chord.tones, root + 10) ? root : pitch, step == 12 ? 4 : -4);
        }
        break;
      }
      case BassStyle::kBossa:
        for (int at = 0; at < length; at += 2) {
          play(at, 1.4, (at / 2) % 2 ? fifth : root, 3);
          if (at + 2 <= length) play(at + 1.5, 0.45, at + 2 == length ? (rng.chance(0.5) ? root : fifth) : fifth, -6);
        }
        break;
    }
  }
  return writer.finish();
}

}  // namespace instructme
