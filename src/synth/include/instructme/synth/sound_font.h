#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace instructme {

/// Bank that SoundFont 2 files keep their drum kits in.
inline constexpr int kDrumBank = 128;

/// One instrument of a SoundFont file.
struct SoundFontPreset {
  int bank = 0;     ///< 0..127 melodic, kDrumBank for drum kits
  int program = 0;  ///< General MIDI program 0..127, or the number of the kit
  std::string name;
};

struct SoundFontInfo {
  std::filesystem::path path;
  std::vector<SoundFontPreset> presets;  ///< sorted by bank, then program
};

/// Lists the presets of a SoundFont (.sf2 or .sf3) without decoding its samples.
/// Throws kMissing when the file does not exist, kInput when it is not a SoundFont. Thread-safe.
SoundFontInfo inspect_sound_font(const std::filesystem::path& path);

}  // namespace instructme
