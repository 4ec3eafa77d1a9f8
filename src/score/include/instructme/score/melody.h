#pragma once

#include <string>
#include <vector>

#include "instructme/base/rng.h"
#include "instructme/score/chart.h"
#include "instructme/score/score.h"

namespace instructme {

/// What every generator of a single part wants to know.
struct PartOptions {
  std::string name = "";
  int program = 0;  ///< General MIDI program
  int low = 60;     ///< lowest and highest MIDI pitch that may occur
  int high = 84;
  double swing = 0;                    ///< 0 straight eighths .. 1 triplet eighths; no effect with six beats a bar
  double density = 0.5;                ///< 0 sparse .. 1 busy
  int velocity = 88;                   ///< typical loudness 1..127
  double jitter_s = 0.005;             ///< standard deviation of the timing, seconds
  std::vector<bool> active_bars = {};  ///< bars in which the part plays; empty = all
};

/// A tune over a chart: two or three rhythm motifs repeated and varied in phrases of 2 to 4 bars that end with a long
/// note and a rest; chord tones on strong beats, passing and neighbour tones between them, an overall contour per
/// phrase. All pitches in [low, high]. Throws kUsage when the range is narrower than an octave.
Part make_melody(Rng& rng, const Chart& chart, const PartOptions& options);

/// A second line that leaves room for `melody`: answers in its rests, long guide tones, or a harmony in thirds and
/// sixths below it, whichever `rng` picks.
Part make_counter_melody(Rng& rng, const Chart& chart, const Part& melody, const PartOptions& options);

/// A one- or two-bar figure that is repeated and moved along with the chords.
Part make_riff(Rng& rng, const Chart& chart, const PartOptions& options);

/// Broken chords in a fixed pattern (up, down, both, Alberti, random order).
Part make_arpeggio(Rng& rng, const Chart& chart, const PartOptions& options);

}  // namespace instructme
