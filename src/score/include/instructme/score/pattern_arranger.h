#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "instructme/score/chart.h"
#include "instructme/score/score.h"

namespace instructme {

/// The feels of pattern_song.
const std::vector<std::string>& pattern_feels();  ///< "rock", "funk", "bossa", "ballad"

/// Arranges a chart with this project's own patterns only, without any other program or file: drums, bass, piano,
/// acoustic guitar and melody, for some feels more. Works in every metre. Deterministic. Throws kUsage for an unknown
/// feel (naming the nearest).
Score pattern_song(const Chart& chart, const std::string& feel, uint64_t seed);

/// A drum part for a feel: groove with ghost notes, fills and a crash at the borders of sections.
Part make_drums(Rng& rng, const Chart& chart, const std::string& feel);

}  // namespace instructme
