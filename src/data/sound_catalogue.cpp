#include "instructme/data/sound_catalogue.h"

#include <algorithm>
#include <array>

#include "catalogue_json.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "sound_catalogue_data.h"

namespace instructme {
namespace {

using nlohmann::json;
using Kind = SoundSource::Kind;

constexpr std::array<std::pair<Kind, const char*>, 4> kKindNames{
    {{Kind::kSoundFont, "soundfont"}, {Kind::kKit, "kit"}, {Kind::kPlugin, "lv2"}, {Kind::kVoice, "voice"}}};

Kind parse_kind(const std::string& name, const std::string& context) {
  std::vector<std::string> names;
  for (const auto& [kind, known] : kKindNames) {
    if (name == known) return kind;
    names.emplace_back(known);
  }
  throw Error(ErrorKind::kModel,
              context + ": '" + name + "' is not a kind of source" + did_you_mean(name, names) + ".");
}

void check_instrument(const std::string& name, const std::string& context, const Lexicon& lexicon) {
  const InstrumentEntry* entry = lexicon.find_instrument(name);
  if (entry == nullptr || entry->name != name)
    throw Error(ErrorKind::kModel, context + ": '" + name + "' is not the name of an instrument of the lexicon.");
}

CataloguedPreset read_preset(const json& value, const std::string& context, const Lexicon& lexicon) {
  ConfigReader config(value, context);
  CataloguedPreset preset;
  std::vector<std::vector<int>> midi;
  config.require("instrument", preset.instrument);
  config.require("name", preset.name);
  config.read("preset", preset.preset);
  config.read("controls", preset.controls);
  config.read("midi", midi);
  config.read("transpose", preset.transpose);
  config.finish();
  check_instrument(preset.instrument, context, lexicon);
  for (const auto& message : midi) {
    if (message.size() != 3)
      throw Error(ErrorKind::kModel, context + ": a MIDI message has three numbers (the last is 0 for programs).");
    preset.midi.push_back({message[0], message[1], message[2]});
  }
  return preset;
}

SoundSource read_source(const json& value, const std::string& file, const Lexicon& lexicon) {
  const std::string context = entry_context(value, file);
  std::string kind;
  ConfigReader config(value, context);
  SoundSource source;
  config.require("kind", kind);
  config.require("name", source.name);
  config.read("package", source.package);
  config.read("get", source.get);
  config.require("licence", source.licence);
  config.read("note", source.note);
  source.kind = parse_kind(kind, context);
  if (source.kind == Kind::kPlugin) {
    config.require("bundle", source.bundle);
    config.require("plugin", source.plugin);
    config.require("seconds_per_minute", source.seconds_per_minute);
    for (const json& preset : config.raw("presets")) source.presets.push_back(read_preset(preset, context, lexicon));
    for (const CataloguedPreset& preset : source.presets)
      if (std::find(source.instruments.begin(), source.instruments.end(), preset.instrument) ==
          source.instruments.end())
        source.instruments.push_back(preset.instrument);
  } else if (config.has("instruments")) {
    config.read("instruments", source.instruments);
    for (const std::string& name : source.instruments) check_instrument(name, context, lexicon);
  } else {
    config.read("general_midi", source.general_midi);
  }
  config.finish();
  if (source.instruments.empty() && !source.general_midi)
    throw Error(ErrorKind::kModel, context + ": a source needs instruments, presets, or general_midi.");
  if (source.kind != Kind::kVoice && source.package.empty() == source.get.empty())
    throw Error(ErrorKind::kModel, context + ": a source has either a package or another way to get it.");
  return source;
}

}  // namespace

const char* kind_name(Kind kind) {
  for (const auto& [known, name] : kKindNames)
    if (known == kind) return name;
  throw Error(ErrorKind::kInternal, "a kind of source without a name");
}

bool SoundSource::plays(const InstrumentEntry& instrument) const {
  if (general_midi) return !instrument.programs.empty();
  return std::find(instruments.begin(), instruments.end(), instrument.name) != instruments.end();
}

SoundCatalogue SoundCatalogue::parse(const std::string& text, const std::string& context, const Lexicon& lexicon) {
  ConfigReader config(parse_catalogue_json(text, context), context);
  SoundCatalogue catalogue;
  for (const json& entry : config.raw("sources")) {
    SoundSource source = read_source(entry, context, lexicon);
    if (catalogue.find(source.kind, source.name) != nullptr)
      throw Error(ErrorKind::kModel, context + ": two sources are called '" + source.name + "'.");
    catalogue.sources_.push_back(std::move(source));
  }
  config.finish();
  return catalogue;
}

const SoundCatalogue& SoundCatalogue::builtin() {
  static const SoundCatalogue catalogue =
      parse(std::string(sound_catalogue_data()), "data/sounds.json", Lexicon::builtin());
  return catalogue;
}

const SoundSource* SoundCatalogue::find(Kind kind, const std::string& name) const {
  for (const SoundSource& source : sources_)
    if (source.kind == kind && source.name == name) return &source;
  return nullptr;
}

}  // namespace instructme
