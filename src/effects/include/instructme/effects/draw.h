#pragma once

#include <string>
#include <vector>

#include "instructme/base/rng.h"
#include "instructme/effects/bus.h"
#include "instructme/effects/effect_chain.h"

namespace instructme {

/// The names that `draw_chain` knows: the families of the lexicon, "electric guitar" and "distorted guitar", and
/// "other" for all else.
const std::vector<std::string>& effect_families();

/// A chain as a mixing engineer might use for a stem of this family, drawn at random. `intensity` is 0 (nothing)
/// to 2; at 1 a stem gets two to four usual effects, above and below it there are more or fewer, deeper or milder
/// ones. Meant for `apply_chain_at_level`. Throws kUsage for an unknown family or an intensity out of range.
EffectChain draw_chain(Rng& rng, const std::string& family, double intensity = 1);

/// A bus for a mix of about 0.1 to 0.2 RMS: mostly glue and limiter, sometimes tape, narrow bands or a codec.
BusSettings draw_bus(Rng& rng, double intensity = 1);

}  // namespace instructme
