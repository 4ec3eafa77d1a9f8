#pragma once

#include "instructme/base/rng.h"
#include "instructme/score/chart.h"
#include "instructme/score/score.h"

namespace instructme {

/// What a musician with one instrument might play over a chart, by the instrument's role and General MIDI program (for
/// drums, the kit): a groove, a bass line, strummed or picked or held or comped chords, broken chords, a tune. Never
/// without notes for a chart of a bar or more. Deterministic in the state of `rng`.
Part make_single_part(Rng& rng, const Chart& chart, Role role, int program);

/// Hand percussion instead of a drum kit.
Part make_hand_percussion(Rng& rng, const Chart& chart);

}  // namespace instructme
