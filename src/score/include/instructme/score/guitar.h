#pragma once

#include <array>

#include "instructme/score/melody.h"

namespace instructme {

/// Frets of the six strings in standard tuning, low E first; -1 = not played.
struct GuitarVoicing {
  std::array<int, 6> frets{-1, -1, -1, -1, -1, -1};
  int capo = 0;                 ///< frets are counted from here; 0 = no capo
  int pitch(int string) const;  ///< MIDI pitch; -1 when the string is not played
};

/// A grip that a hand can hold: at most four frets wide, at most four fingers (one may lie across as a barre), the
/// chord's bass or root lowest, all essential tones present when possible, as near to fret `near` as possible. With a
/// capo, 0 to 7, the hand plays the shape that sounds as the chord there.
GuitarVoicing guitar_voicing(const ChartChord& chord, int near = 0, int capo = 0);

/// The fret 0..5 where a capo lets most of a chart be played with open chords; the lowest such.
int best_capo(const Chart& chart);

/// Strummed chords: strokes down and up whose strings sound 8..25 ms (all together) apart, muted strokes in between;
/// or a bass note and then the chord, with the root and the fifth in turn. Some players put on a capo.
/// The range of `options` is ignored (the guitar's own is used), as it is by the next two.
Part make_strum(Rng& rng, const Chart& chart, const PartOptions& options);
/// Finger-picked chords: thumb on the bass strings, fingers on the treble strings (Travis picking, waltz, arpeggios).
Part make_picking(Rng& rng, const Chart& chart, const PartOptions& options);
/// Root-and-fifth chords of the distorted guitar, with palm-muted eighths.
Part make_power_chords(Rng& rng, const Chart& chart, const PartOptions& options);

}  // namespace instructme
