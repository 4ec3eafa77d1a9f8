#include "instructme/synth/sound_font.h"

#include <algorithm>
#include <tuple>

#include "fluid.h"
#include "instructme/base/error.h"

namespace instructme {

SoundFontInfo inspect_sound_font(const std::filesystem::path& path) {
  FluidSettings settings = make_fluid_settings();
  // Samples are then decoded only for selected presets, of which there are none here.
  fluid_settings_setint(settings.get(), "synth.dynamic-sample-loading", 1);
  FluidSynth synth(new_fluid_synth(settings.get()));
  ensure(synth != nullptr, "FluidSynth could not create a synthesizer");
  const int number = load_fluid_font(synth.get(), path);
  fluid_sfont_t* font = fluid_synth_get_sfont_by_id(synth.get(), number);
  ensure(font != nullptr, "FluidSynth lost the font it has just loaded");
  SoundFontInfo info;
  info.path = path;
  fluid_sfont_iteration_start(font);
  while (fluid_preset_t* preset = fluid_sfont_iteration_next(font)) {
    const char* name = fluid_preset_get_name(preset);
    info.presets.push_back({fluid_preset_get_banknum(preset), fluid_preset_get_num(preset), name ? name : ""});
  }
  std::sort(info.presets.begin(), info.presets.end(), [](const SoundFontPreset& a, const SoundFontPreset& b) {
    return std::tie(a.bank, a.program, a.name) < std::tie(b.bank, b.program, b.name);
  });
  return info;
}

}  // namespace instructme
