#pragma once

#include <fluidsynth.h>

#include <filesystem>
#include <memory>

namespace instructme {

struct FluidDeleter {
  void operator()(fluid_settings_t* p) const { delete_fluid_settings(p); }
  void operator()(fluid_synth_t* p) const { delete_fluid_synth(p); }
};
using FluidSettings = std::unique_ptr<fluid_settings_t, FluidDeleter>;
using FluidSynth = std::unique_ptr<fluid_synth_t, FluidDeleter>;

/// Settings with logging, effects and memory locking off. Throws kInternal when out of memory.
FluidSettings make_fluid_settings();
/// Loads a font and returns its number in `synth`. Throws kMissing or kInput.
int load_fluid_font(fluid_synth_t* synth, const std::filesystem::path& path);

}  // namespace instructme
