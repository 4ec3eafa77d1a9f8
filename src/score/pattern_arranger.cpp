#include "instructme/score/pattern_arranger.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/score/accompaniment.h"
#include "instructme/score/guitar.h"
#include "instructme/score/melody.h"
#include "part_writer.h"

namespace instructme {
namespace {

// General MIDI percussion keys.
enum Drum {
  kKick = 36,
  kSideStick = 37,
  kSnare = 38,
  kClosedHat = 42,
  kOpenHat = 46,
  kCrash = 49,
  kRide = 51,
  kLowTom = 45,
  kMidTom = 47,
  kHighTom = 50,
  kShaker = 70
};

// One line of a pattern: 'X' accent, 'x' normal, 'o' ghost, '.' nothing; 16 steps for four beats.
struct Line {
  int key;
  std::string steps;
};

std::vector<Line> four_beat_pattern(Rng& rng, const std::string& feel) {
  const auto one = [&](std::vector<std::string> choices) { return rng.pick(choices); };
  if (feel == "rock")
    return {{kKick, one({"X.......X.x.....", "X.....x.X.......", "X..x....x.X.....", "X.x.....X...x..."})},
            {kSnare, one({"....X.......X...", "....X.......X..o", "....X..o....X..."})},
            {rng.chance(0.3) ? kRide : kClosedHat, one({"X.x.X.x.X.x.X.x.", "X...X...X...X...", "x.X.x.X.x.X.x.X."})}};
  if (feel == "funk")
    return {{kKick, one({"X..x..x...x..x..", "X.x....x..x.....", "X..x......xx..x."})},
            {kSnare, one({"....X..o.o..X..o", "....X..o....X.o.", "..o.X..o.o..X..."})},
            {kClosedHat, one({"XxxxXxxxXxxxXxxx", "x.xxX.xxx.xxX.xx", "X.x.X.x.X.x.X.x."})},
            {kOpenHat, one({"................", "..............x.", "......x........."})}};
  if (feel == "bossa")
    return {{kKick, one({"X.....x.X.....x.", "X.....xxX.....xx"})},
            {kSideStick, one({"X..x..x...x..x..", "X..x...x..x..x..", "..x...x.x..x...."})},
            {rng.chance(0.5) ? kShaker : kClosedHat, "x.o.x.o.x.o.x.o."}};
  return {{kKick, one({"X.......x.......", "X......xx.......", "X.........x....."})},
          {rng.chance(0.5) ? kSideStick : kSnare, one({"....x.......x...", "........x.......", "....x.......x..o"})},
          {kClosedHat, one({"x.o.x.o.x.o.x.o.", "x...x...x...x...", "x.ooxooox.ooxooo"})}};
}

std::vector<Line> bar_pattern(Rng& rng, const std::string& feel, int beats) {
  if (beats == 6)  // one step per beat
    return {{kKick, rng.chance(0.5) ? "X....x" : "X...x."}, {kSnare, "...X.."}, {kClosedHat, "XxxXxx"}};
  if (beats == 3)
    return {{kKick, rng.chance(0.6) ? "X..........." : "X.........x."},
            {rng.chance(0.5) ? kSideStick : kSnare, rng.chance(0.5) ? "....x...x..." : "........X..."},
            {kClosedHat, "x...x.o.x.o."}};
  std::vector<Line> lines = four_beat_pattern(rng, feel);
  // Other metres take as many beats as they have, going round.
  if (beats != 4)
    for (Line& line : lines) {
      std::string steps;
      for (int i = 0; i < beats * 4; ++i) steps += line.steps[static_cast<size_t>(i % 16)];
      line.steps = steps;
    }
  return lines;
}

double loudness(char step) { return step == 'X' ? 104 : step == 'x' ? 86 : 42; }

void add_fill(Rng& rng, PartWriter& writer, double start, double end, int per_beat, double scale) {
  constexpr std::array<int, 4> kPath = {kSnare, kHighTom, kMidTom, kLowTom};
  const int steps = static_cast<int>(std::lround((end - start) * per_beat));
  for (int i = 0; i < steps; ++i) {
    if (rng.chance(0.2)) continue;
    const auto where = static_cast<size_t>(std::min(3, 4 * i / std::max(steps, 1)));
    writer.add(start + static_cast<double>(i) / per_beat, 0.2, kPath[where],
               scale * (78 + 26.0 * i / steps + 5 * rng.normal()), writer.jitter(rng));
  }
}

}  // namespace

const std::vector<std::string>& pattern_feels() {
  static const std::vector<std::string> kFeels = {"rock", "funk", "bossa", "ballad"};
  return kFeels;
}

Part make_drums(Rng& rng, const Chart& chart, const std::string& feel) {
  PartOptions options;
  options.name = "Drums";
  options.program = 0;
  options.jitter_s = 0.004;
  options.swing = feel == "funk" && rng.chance(0.3) ? 0.35 : 0.0;
  PartWriter writer(chart, options, Role::kDrums);
  const int beats = chart.beats_per_bar;
  const int per_beat = beats == 6 ? 1 : 4;
  const double scale = feel == "ballad" ? 0.75 : feel == "bossa" ? 0.8 : 1.0;
  std::vector<Line> lines = bar_pattern(rng, feel, beats);
  for (const ChartSection& section : chart.sections) {
    if (rng.chance(0.5)) lines = bar_pattern(rng, feel, beats);
    const int end = section.first_bar + section.bars;
    for (int bar = section.first_bar; bar < end; ++bar) {
      const double start = static_cast<double>(bar) * beats;
      const bool fill = bar == end - 1 && bar + 1 < static_cast<int>(chart.bars.size()) && rng.chance(0.7);
      const double fill_at = fill ? beats - (beats == 6 ? 3 : rng.chance(0.5) ? 1 : 2) : beats;
      for (const Line& line : lines)
        for (size_t i = 0; i < line.steps.size(); ++i) {
          const double at = static_cast<double>(i) / per_beat;
          if (line.steps[i] == '.' || at >= fill_at - 0.01) continue;
          if (line.steps[i] == 'o' && rng.chance(0.2)) continue;
          writer.add(start + at, 0.2, line.key, scale * (loudness(line.steps[i]) + 5 * rng.normal()),
                     writer.jitter(rng));
        }
      if (fill) add_fill(rng, writer, start + fill_at, start + beats, beats == 6 ? 2 : 4, scale);
      if (bar == section.first_bar && bar > 0 && rng.chance(0.8))
        writer.add(start, 1.0, kCrash, scale * (98 + 5 * rng.normal()), writer.jitter(rng));
    }
  }
  return writer.finish();
}

Score pattern_song(const Chart& chart, const std::string& feel, uint64_t seed) {
  if (std::find(pattern_feels().begin(), pattern_feels().end(), feel) == pattern_feels().end())
    throw Error(ErrorKind::kUsage,
                format("'%s' is not a feel of the pattern arranger; use %s%s.", feel.c_str(),
                       join(pattern_feels(), ", ").c_str(), did_you_mean(feel, pattern_feels()).c_str()));
  const Rng root(seed);
  Score score;
  score.title = format("Patterns %s %llu", feel.c_str(), static_cast<unsigned long long>(seed));
  score.seed = seed;
  score.genre = feel == "bossa" ? "latin" : feel;
  score.tempo_bpm = chart.tempo_bpm;
  score.beats_per_bar = chart.beats_per_bar;
  score.key = chart.key;
  score.duration_s = chart.duration_s();
  score.chords = chord_spans(chart);
  score.beats = chart_beats(chart);
  const auto add = [&](Part part) {
    if (!part.notes.empty()) score.parts.push_back(std::move(part));
  };
  Rng drums = root.fork("drums"), bass = root.fork("bass"), piano = root.fork("piano"), guitar = root.fork("guitar"),
      lead = root.fork("lead"), extra = root.fork("extra");
  add(make_drums(drums, chart, feel));

  PartOptions options;
  options = {.name = "Bass",
             .program = feel == "bossa"  ? 32
                        : feel == "funk" ? 36
                                         : 33,
             .low = 28,
             .high = 48,
             .velocity = 96};
  BassStyle style = feel == "rock"    ? BassStyle::kEighths
                    : feel == "funk"  ? BassStyle::kFunk
                    : feel == "bossa" ? BassStyle::kBossa
                                      : BassStyle::kRootFifth;
  if (feel == "ballad" && bass.chance(0.5)) style = BassStyle::kRoots;
  add(make_bass(bass, chart, style, options));

  options = {.name = "Piano", .program = feel == "funk" ? 4 : 0, .low = 48, .high = 79, .velocity = 78};
  add(make_comping(piano, chart, options));
  options = {.name = "Acoustic guitar", .program = feel == "bossa" ? 24 : 25, .velocity = 80};
  add(feel == "ballad" && guitar.chance(0.6) ? make_picking(guitar, chart, options)
                                             : make_strum(guitar, chart, options));
  if (feel == "rock" || feel == "ballad" || extra.chance(0.3)) {
    options = {.name = "Strings", .program = 48, .low = 55, .high = 79, .velocity = 62};
    add(make_pad(extra, chart, options));
  }
  constexpr std::array<int, 5> kLeads = {73, 65, 11, 27, 56};  // flute, alto sax, vibraphone, clean guitar, trumpet
  options = {.name = "Melody",
             .program = kLeads[static_cast<size_t>(lead.integer(0, 4))],
             .low = 60,
             .high = 84,
             .density = lead.uniform(0.3, 0.7),
             .velocity = 92};
  add(make_melody(lead, chart, options));
  return score;
}

}  // namespace instructme
