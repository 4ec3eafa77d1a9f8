#include "fluid.h"

#include <cstdint>
#include <fstream>
#include <mutex>
#include <string_view>

#include "instructme/base/error.h"
#include "instructme/synth/stem_renderer.h"

namespace instructme {
namespace {

void drop_message(int, const char*, void*) {}

// FluidSynth logs to stderr through process-wide hooks; what matters reaches the user as an Error.
void silence_fluidsynth() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (int level : {FLUID_PANIC, FLUID_ERR, FLUID_WARN, FLUID_INFO, FLUID_DBG})
      fluid_set_log_function(level, &drop_message, nullptr);
  });
}

// True for a RIFF file of form "sfbk" that is as long as its header says.
bool is_whole_sound_font(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  unsigned char header[12] = {};
  file.read(reinterpret_cast<char*>(header), sizeof header);
  const std::string_view text(reinterpret_cast<const char*>(header), sizeof header);
  if (!file || text.substr(0, 4) != "RIFF" || text.substr(8, 4) != "sfbk") return false;
  uint64_t length = 0;
  for (int i = 3; i >= 0; --i) length = length << 8 | header[4 + i];
  std::error_code code;
  return std::filesystem::file_size(path, code) >= length + 8 && !code;
}

}  // namespace

std::string synthesizer_version() { return std::string("FluidSynth ") + fluid_version_str(); }

FluidSettings make_fluid_settings() {
  silence_fluidsynth();
  FluidSettings settings(new_fluid_settings());
  ensure(settings != nullptr, "FluidSynth could not create its settings");
  fluid_settings_setint(settings.get(), "synth.reverb.active", 0);
  fluid_settings_setint(settings.get(), "synth.chorus.active", 0);
  fluid_settings_setint(settings.get(), "synth.lock-memory", 0);
  fluid_settings_setint(settings.get(), "synth.cpu-cores", 1);
  return settings;
}

int load_fluid_font(fluid_synth_t* synth, const std::filesystem::path& path) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code))
    throw Error(ErrorKind::kMissing,
                "The SoundFont '" + path.string() +
                    "' does not exist; install one (apt install timgm6mb-soundfont fluidr3mono-gm-soundfont) or give "
                    "the path of an .sf2 or .sf3 file.");
  // Builds of FluidSynth with libinstpatch try files it cannot read as DLS, which prints through GLib.
  const int number = is_whole_sound_font(path) ? fluid_synth_sfload(synth, path.c_str(), 0) : FLUID_FAILED;
  if (number == FLUID_FAILED)
    throw Error(ErrorKind::kInput,
                "'" + path.string() + "' cannot be read as a SoundFont; give an .sf2 or .sf3 file that is complete.");
  return number;
}

}  // namespace instructme
