#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "instructme/data/palette.h"

namespace instructme {

/// A source of sounds for one instrument.
struct SourceOfInstrument {
  SoundSource::Kind kind = SoundSource::Kind::kSoundFont;
  std::string name;
  size_t presets = 0;   ///< that play the instrument; 0 when it is not installed
  std::string licence;  ///< "" when not known
  std::string package;  ///< of Debian; "" for none
  std::string get;      ///< where else it comes from
};

struct InstrumentReport {
  std::string instrument;
  std::vector<SourceOfInstrument> installed, missing;
  std::string install;  ///< "apt install …" for what is missing; "" when nothing can be installed that way
  std::string warning;  ///< too few sources; "" when there are enough
};

/// An LV2 effect of the catalogue.
struct EffectReport {
  const EffectSource* source = nullptr;
  bool installed = false;
};

/// For each instrument of the lexicon what plays it here and what the catalogue knows besides; instruments with fewer
/// than `wanted` sources get a warning. The split of `options` is not looked at. Throws what Palette::scan throws, but
/// that nothing is installed is no error.
std::vector<InstrumentReport> report_palette(PaletteOptions options, const Lexicon& lexicon, size_t wanted = 3);

/// All LV2 effects of the catalogue, those of one kind together.
std::vector<EffectReport> report_effects();
/// "apt install …" for those that are missing; "" when none is.
std::string install_line(const std::vector<EffectReport>& effects);

nlohmann::json palette_report_json(const std::vector<InstrumentReport>& report,
                                   const std::vector<EffectReport>& effects = {});

}  // namespace instructme
