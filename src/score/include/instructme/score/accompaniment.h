#pragma once

#include <vector>

#include "instructme/score/melody.h"

namespace instructme {

/// The pitches in [low, high] for these pitch classes that move least from `previous` (empty: near the middle).
/// Close position, ascending; `voices` of them at most, the fifth is dropped first, then the root.
std::vector<int> voice_lead(const std::vector<int>& previous, const ChartChord& chord, int voices, int low, int high);

/// Sustained voice-led chords (strings, choir, pad) with slow swells of expression (controller 11).
Part make_pad(Rng& rng, const Chart& chart, const PartOptions& options);

/// Chords as a keyboard player comps: block chords, Charleston, off-beats, pulses or broken chords, with a bass note
/// in the left hand for some patterns.
Part make_comping(Rng& rng, const Chart& chart, const PartOptions& options);

enum class BassStyle { kRoots, kRootFifth, kEighths, kWalking, kFunk, kBossa };
/// A bass line; `options.low..high` should span an octave and a half. Throws kUsage when narrower than an octave.
Part make_bass(Rng& rng, const Chart& chart, BassStyle style, const PartOptions& options);

}  // namespace instructme
