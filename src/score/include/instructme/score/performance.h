#pragma once

#include <vector>

#include "instructme/base/rng.h"
#include "instructme/score/score.h"

namespace instructme {

/// How far a performance departs from the score, by kind: 0 not at all, 1 as bands do, 2 at most. A kind's value scales
/// how often it happens or how strong it is; the kinds are drawn independently of each other.
struct PerformanceOptions {
  double timing = 1;       ///< every part's own lead or lag, drift and unevenness of timing and loudness
  double tempo = 1;        ///< slow drift of some per cent, slowing down at the end
  double swing = 1;        ///< straight eighths are swung from some bar on, or swung ones straightened
  double dropouts = 1;     ///< a part is silent for some bars
  double breakdowns = 1;   ///< one or two parts go on alone for 2 to 8 bars
  double stops = 1;        ///< everybody is silent for a bar or two; the chord is then "no chord"
  double entries = 1;      ///< the band enters one after the other
  double half_time = 1;    ///< kick, snare and toms at half or double speed for some bars
  double key_changes = 1;  ///< everything goes up or down by up to three semitones from a bar on

  static PerformanceOptions of(double intensity);  ///< all kinds alike
};

/// Bars [first, first + count).
struct BarRange {
  int first = 0;
  int count = 0;
};

/// What all arrangements of one piece have in common, since it moves beats, bars and chords.
struct Performance {
  std::vector<double> stretch;       ///< length of every beat relative to the score; empty = 1
  std::vector<BarRange> stops;       ///< everybody is silent
  std::vector<BarRange> breakdowns;  ///< one or two parts are left
  int key_change_bar = 0;            ///< the first bar in the new key
  int semitones = 0;                 ///< 0 = no key change
};

/// Draws what the arrangements of a piece share; `score` is any of them. The mean of `stretch` is at least 1, so that a
/// performance is never shorter than its score. Throws kUsage when an option is not in 0..2.
Performance draw_performance(const Rng& rng, const Score& score, const PerformanceOptions& options = {});

/// Plays a score as `performance` says and draws what concerns single parts from `rng`. Beats, chords, notes and
/// controllers move together, so the labels stay exact; `key` and `tempo_bpm` stay those of the beginning. No part
/// loses all its notes to a dropout, breakdown or entry. With all options 0 and an empty performance the score stays as
/// it was, bit for bit.
void perform(Score& score, const Performance& performance, const PerformanceOptions& options, const Rng& rng);

}  // namespace instructme
