#pragma once

#include <vector>

#include "instructme/base/rng.h"
#include "instructme/score/chart.h"

namespace instructme {

/// How rich the chords of a piece are: 0 triads, 1 sevenths here and there, 2 extended chords throughout.
struct HarmonyStyle {
  Key key;
  int beats_per_bar = 4;
  int richness = 0;
  double chords_per_bar = 1.0;  ///< average
  double chromatic = 0.15;      ///< chance of an elaboration per chord
};

enum class Cadence { kAuthentic, kHalf, kPlagal, kDeceptive, kOpen };

/// A phrase of `bars` bars by the grammar; the last chord makes the cadence.
std::vector<std::vector<ChartChord>> make_phrase(Rng& rng, const HarmonyStyle& style, int bars, Cadence cadence);
/// A loop of 1, 2 or 4 bars repeated to `bars` bars.
std::vector<std::vector<ChartChord>> make_loop(Rng& rng, const HarmonyStyle& style, int bars);
/// A twelve-bar blues cut to or repeated to `bars` bars.
std::vector<std::vector<ChartChord>> make_blues(Rng& rng, const HarmonyStyle& style, int bars);

}  // namespace instructme
