#include "palette_sources.h"

#include <algorithm>
#include <map>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/data/sound_files.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using Kind = SoundSource::Kind;
using ByName = std::map<std::string, fs::path>;

void add(ByName& found, const fs::path& path, const char* what) {
  const fs::path real = fs::canonical(path);
  const auto [entry, added] = found.emplace(real.filename().string(), real);
  if (!added && entry->second != real)
    throw Error(ErrorKind::kUsage, std::string("Two ") + what + " are called '" + real.filename().string() + "': '" +
                                       entry->second.string() + "' and '" + real.string() + "'; rename one.");
}

// Every font once, even when it is reached through links.
ByName find_fonts(const std::vector<fs::path>& places) {
  ByName fonts;
  for (const fs::path& place : places) {
    if (fs::is_directory(place)) {
      for (const fs::path& font : sound_fonts_in(place)) add(fonts, font, "SoundFonts");
    } else if (fs::exists(place)) {
      add(fonts, place, "SoundFonts");
    } else {
      throw Error(ErrorKind::kMissing, "There is no SoundFont or folder '" + place.string() +
                                           "'; install one (apt install timgm6mb-soundfont) or correct the path.");
    }
  }
  return fonts;
}

ByName find_kits(const std::vector<fs::path>& places) {
  ByName kits;
  for (const fs::path& place : places) {
    if (!fs::is_directory(place))
      throw Error(ErrorKind::kMissing, "There is no folder of drum kits '" + place.string() +
                                           "'; install some (apt install hydrogen-drumkits) or correct the path.");
    for (const fs::path& kit : is_drum_kit(place) ? std::vector{place} : drum_kits_in(place))
      add(kits, kit, "drum kits");
  }
  return kits;
}

std::vector<PaletteEffect> installed_effects(const PaletteOptions& options) {
  std::vector<PaletteEffect> effects;
  if (!options.plugins) return effects;
  for (const EffectSource& effect : EffectCatalogue::builtin().effects())
    if (const fs::path bundle = find_plugin_bundle(effect.bundle); !bundle.empty())
      effects.push_back({&effect, bundle});
  return effects;
}

bool admits(const PaletteOptions& options, const std::string& name) {
  const auto& held_out = options.held_out_fonts;
  return (std::find(held_out.begin(), held_out.end(), name) != held_out.end()) == options.held_out;
}

void check_held_out(const std::vector<PaletteSource>& sources, const PaletteOptions& options) {
  std::vector<std::string> names;
  for (const PaletteSource& source : sources) names.push_back(source.name);
  for (const PaletteEffect& effect : installed_effects(options)) names.push_back(effect.source->name);
  for (const std::string& name : options.held_out_fonts)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw Error(ErrorKind::kUsage, "No source of sounds given is called '" + name + "', which was to be held out" +
                                         did_you_mean(name, names) + ".");
}

}  // namespace

std::vector<PaletteSource> choose_sources(const PaletteOptions& options) {
  const SoundCatalogue& catalogue = SoundCatalogue::builtin();
  std::vector<PaletteSource> sources;
  for (const auto& [name, path] : find_fonts(options.fonts))
    sources.push_back({Kind::kSoundFont, name, path, catalogue.find(Kind::kSoundFont, name)});
  for (const auto& [name, path] : find_kits(options.kits))
    sources.push_back({Kind::kKit, name, path, catalogue.find(Kind::kKit, name)});
  if (options.plugins) {
    ByName plugins;
    for (const SoundSource& source : catalogue.sources()) {
      if (source.kind != Kind::kPlugin) continue;
      if (const fs::path bundle = find_plugin_bundle(source.bundle); !bundle.empty())
        plugins.emplace(source.name, bundle);
    }
    for (const auto& [name, path] : plugins)
      sources.push_back({Kind::kPlugin, name, path, catalogue.find(Kind::kPlugin, name)});
  }
  if (options.voices)
    for (const SoundSource& source : catalogue.sources())
      if (source.kind == Kind::kVoice) sources.push_back({Kind::kVoice, source.name, {}, &source});
  check_held_out(sources, options);
  std::erase_if(sources, [&](const PaletteSource& source) { return !admits(options, source.name); });
  if (sources.empty() && !options.may_be_empty)
    throw Error(ErrorKind::kUsage, options.held_out
                                       ? "No held-out source of sounds was given; name some of those given."
                                       : "No source of sounds was given for training; give .sf2 or .sf3 files.");
  return sources;
}

std::vector<PaletteEffect> choose_effects(const PaletteOptions& options) {
  std::vector<PaletteEffect> effects = installed_effects(options);
  std::erase_if(effects, [&](const PaletteEffect& effect) { return !admits(options, effect.source->name); });
  return effects;
}

}  // namespace instructme
