#pragma once

#include <map>
#include <string>

#include "instructme/synth/drum_kit.h"

namespace instructme {

/// What a drum is, by the words of its name; "" when they say nothing known.
std::string drum_kind(const std::string& name);
/// The best drum for every General MIDI percussion key that has one.
std::map<int, size_t> match_drums(const std::vector<KitDrum>& drums);
bool is_hi_hat(const std::string& kind);

}  // namespace instructme
