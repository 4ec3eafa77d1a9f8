#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "instructme/data/palette.h"

namespace instructme {

/// A font, kit or plugin that is installed, or a voice.
struct PaletteSource {
  SoundSource::Kind kind = SoundSource::Kind::kSoundFont;
  std::string name;                    ///< what the split goes by
  std::filesystem::path path;          ///< file, kit folder or bundle; empty for voices
  const SoundSource* known = nullptr;  ///< nullptr for fonts and kits of the user's own
};

/// Fonts, then kits, then plugins, each sorted by name, then voices, as far as the split admits them.
std::vector<PaletteSource> choose_sources(const PaletteOptions& options);
/// LV2 effects in the order of their catalogue, as far as they are wanted, installed, and admitted by the split.
std::vector<PaletteEffect> choose_effects(const PaletteOptions& options);

}  // namespace instructme
