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
      if (!source.package.empty() && std::find(packages.begin(), packages.end(), source.package) == packages.end())
        packages.push_back(source.package);
    }
    if (!packages.empty()) report.install = "apt install " + join(packages, " ");
    if (report.installed.size() < wanted)
      report.warning = format("%zu of the %zu sources wanted", report.installed.size(), wanted);
    reports.push_back(std::move(report));
  }
  return reports;
}

json palette_report_json(const std::vector<InstrumentReport>& report) {
  json list = json::array();
  for (const InstrumentReport& entry : report)
    list.push_back({{"instrument", entry.instrument},
                    {"installed", sources_json(entry.installed)},
                    {"missing", sources_json(entry.missing)},
                    {"install", entry.install},
                    {"warning", entry.warning}});
  return {{"instruments", list}};
}

}  // namespace instructme
