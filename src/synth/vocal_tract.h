#pragma once

#include <vector>

#include "instructme/base/rng.h"
#include "sung_notes.h"

namespace instructme {

/// The sound of a voice whose tract does what `frames` say, one block of kStemBlock samples each: pulses of the vocal
/// folds (Rosenberg 1971) without aliases, and breath, through a cascade of formants up to half the sample rate (Hz);
/// hiss of consonants beside it. An amplitude of 1 gives about the level of FluidSynth's stems.
std::vector<float> sound_of_tract(const std::vector<VoiceFrame>& frames, const SingerTraits& traits, int sample_rate,
                                  Rng rng);

}  // namespace instructme
