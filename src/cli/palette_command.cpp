#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "command.h"
#include "instructme/base/config_reader.h"
#include "instructme/data/palette_report.h"
#include "part_options.h"

namespace instructme::cli {
namespace {

struct PaletteArguments {
  std::vector<std::string> fonts, kits;
  bool plugins = true, json = false;
  size_t wanted = 3;
};

void print_effects(const std::vector<EffectReport>& effects) {
  if (effects.empty()) return;
  std::printf("effects on stems\n");
  for (const EffectReport& effect : effects)
    if (effect.installed)
      std::printf("  lv2       %-30s %-16s  %s\n", effect.source->name.c_str(), effect.source->kind.c_str(),
                  effect.source->licence.c_str());
  if (const std::string install = install_line(effects); !install.empty()) std::printf("  more: %s\n", install.c_str());
}

int print_palette(const PaletteArguments& arguments) {
  PaletteOptions options;
  options.fonts = places(arguments.fonts, usual_font_folders());
  options.kits = places(arguments.kits, {default_kit_folder()});
  options.plugins = arguments.plugins;
  options.voices = true;
  const auto report = report_palette(options, Lexicon::builtin(), arguments.wanted);
  const auto effects = arguments.plugins ? report_effects() : std::vector<EffectReport>();
  if (arguments.json) {
    std::printf("%s\n", json_text(palette_report_json(report, effects), 2).c_str());
    return 0;
  }
  for (const InstrumentReport& entry : report) {
    std::printf("%s\n", entry.instrument.c_str());
    for (const SourceOfInstrument& source : entry.installed)
      std::printf("  %-9s %-30s %3zu presets  %s\n", kind_name(source.kind), source.name.c_str(), source.presets,
                  source.licence.empty() ? "licence not known" : source.licence.c_str());
    if (!entry.install.empty()) std::printf("  more: %s\n", entry.install.c_str());
    if (!entry.warning.empty()) std::printf("  warning: %s\n", entry.warning.c_str());
  }
  print_effects(effects);
  return 0;
}

}  // namespace

void add_palette(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<PaletteArguments>();
  CLI::App* command = data.add_subcommand(
      "palette", "Which sounds there are for each instrument, which LV2 effects, and how to get more.");
  command->add_option("--fonts", arguments->fonts, "SoundFont files, or folders with them");
  command->add_option("--kits", arguments->kits, "Drum kits of Hydrogen, or folders with them");
  command->add_flag("!--no-plugins", arguments->plugins, "Without LV2 instruments and effects");
  command->add_option("--sources", arguments->wanted, "Warn of instruments with fewer sources than this")
      ->check(CLI::Range(0, 1000));
  command->add_flag("--json", arguments->json, "Print JSON, with what is missing in detail");
  command->callback([arguments, &run] { run = [arguments] { return print_palette(*arguments); }; });
}

}  // namespace instructme::cli
