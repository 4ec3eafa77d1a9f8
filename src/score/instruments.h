#pragma once

#include <string>

#include "instructme/base/rng.h"
#include "instructme/score/score.h"

namespace instructme {

struct PitchRange {
  int low = 0, high = 127;
};

/// The comfortable range of a General MIDI instrument, at least an octave and a half.
PitchRange instrument_range(int program);
/// All that it can play, or what its comfortable range is where little more can be played well.
PitchRange playable_range(int program);

/// A program that may play the role, leaning to what the genre uses. Not for drums.
int pick_program(Rng& rng, Role role, const std::string& genre);
/// A program for sustained chords.
int pick_pad_program(Rng& rng, const std::string& genre);
/// A drum kit (program of the percussion bank) for the genre.
int pick_kit(Rng& rng, const std::string& genre);
/// Family of the instrument, for people: "Reed".
std::string program_name(int program);

}  // namespace instructme
