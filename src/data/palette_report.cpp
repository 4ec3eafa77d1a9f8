#include "instructme/data/palette_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "instructme/base/strings.h"

namespace instructme {
namespace {

using nlohmann::json;
using Kind = SoundSource::Kind;

Kind kind_of(const PartSound& sound) {
  if (std::holds_alternative<KitSound>(sound)) return Kind::kKit;
  if (std::holds_alternative<VoiceSound>(sound)) return Kind::kVoice;
  return std::holds_alternative<PluginSound>(sound) ? Kind::kPlugin : Kind::kSoundFont;
}

std::vector<SourceOfInstrument> installed_sources(const Palette& palette, const std::string& instrument) {
  std::vector<SourceOfInstrument> sources;
  for (const PaletteSound& sound : palette.sounds()) {
    if (sound.instrument != instrument) continue;
    const auto found =
        std::find_if(sources.begin(), sources.end(), [&](const auto& s) { return s.name == sound.source; });
    if (found == sources.end())
      sources.push_back({kind_of(sound.sound), sound.source, 1, sound.licence, sound.package, ""});
    else
      ++found->presets;
  }
  return sources;
}

void add_once(std::vector<std::string>& packages, const std::string& package) {
  if (!package.empty() && std::find(packages.begin(), packages.end(), package) == packages.end())
    packages.push_back(package);
}

std::string install_line(const std::vector<std::string>& packages) {
  return packages.empty() ? "" : "apt install " + join(packages, " ");
}

json sources_json(const std::vector<SourceOfInstrument>& sources) {
  json list = json::array();
  for (const SourceOfInstrument& source : sources)
    list.push_back({{"kind", kind_name(source.kind)},
                    {"name", source.name},
                    {"presets", source.presets},
                    {"licence", source.licence},
                    {"package", source.package},
                    {"get", source.get}});
  return list;
}

}  // namespace

std::vector<InstrumentReport> report_palette(PaletteOptions options, const Lexicon& lexicon, size_t wanted) {
  options.held_out = false;
  options.held_out_fonts.clear();
  options.may_be_empty = true;
  const Palette palette = Palette::scan(options, lexicon);
  std::vector<InstrumentReport> reports;
  for (const InstrumentEntry& entry : lexicon.instruments()) {
    InstrumentReport report{entry.name, installed_sources(palette, entry.name), {}, "", ""};
    std::vector<std::string> packages;
    for (const SoundSource& source : SoundCatalogue::builtin().sources()) {
      const auto& here = palette.sources();
      if (!source.plays(entry) || std::find(here.begin(), here.end(), source.name) != here.end()) continue;
      report.missing.push_back({source.kind, source.name, 0, source.licence, source.package, source.get});
      add_once(packages, source.package);
    }
    report.install = install_line(packages);
    if (report.installed.size() < wanted)
      report.warning = format("%zu of the %zu sources wanted", report.installed.size(), wanted);
    reports.push_back(std::move(report));
  }
  return reports;
}

std::vector<EffectReport> report_effects() {
  std::vector<EffectReport> reports;
  for (const std::string& kind : effect_kinds())
    for (const EffectSource& effect : EffectCatalogue::builtin().effects())
      if (effect.kind == kind) reports.push_back({&effect, !find_plugin_bundle(effect.bundle).empty()});
  return reports;
}

std::string install_line(const std::vector<EffectReport>& effects) {
  std::vector<std::string> packages;
  for (const EffectReport& effect : effects)
    if (!effect.installed) add_once(packages, effect.source->package);
  return install_line(packages);
}

json palette_report_json(const std::vector<InstrumentReport>& report, const std::vector<EffectReport>& effects) {
  json list = json::array();
  for (const InstrumentReport& entry : report)
    list.push_back({{"instrument", entry.instrument},
                    {"installed", sources_json(entry.installed)},
                    {"missing", sources_json(entry.missing)},
                    {"install", entry.install},
                    {"warning", entry.warning}});
  json effect_list = json::array();
  for (const EffectReport& effect : effects)
    effect_list.push_back({{"name", effect.source->name},
                           {"kind", effect.source->kind},
                           {"licence", effect.source->licence},
                           {"package", effect.source->package},
                           {"installed", effect.installed}});
  return {{"instruments", list}, {"effects", effect_list}};
}

}  // namespace instructme
