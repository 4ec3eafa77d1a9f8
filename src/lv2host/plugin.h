#pragma once

#include <vector>

#include "job.h"

namespace instructme::lv2host {

/// Plays the job and returns its [frames * channels] samples, interleaved, without the plugin's latency. One channel is
/// the mean of the plugin's outputs, and goes to all inputs of an effect. Throws kMissing when there is no such bundle,
/// plugin or preset, kInput when the plugin cannot be hosted, has no such control, or makes values that are not finite.
std::vector<float> play(const Job& job);

/// The URIs of the plugins in a bundle, of their presets with labels, and of their input controls with ranges, one a
/// line, for people who write catalogues.
std::string describe_bundle(const std::filesystem::path& bundle);

}  // namespace instructme::lv2host
