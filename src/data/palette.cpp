#include "instructme/data/palette.h"

#include <algorithm>
#include <array>
#include <map>

#include "instructme/base/error.h"
#include "instructme/base/names.h"
#include "instructme/base/strings.h"
#include "instructme/data/sound_files.h"
#include "instructme/synth/sound_font.h"
#include "palette_sources.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr Names<Role, 6> kRoleNames{{{Role::kDrums, "drums"},
                                     {Role::kBass, "bass"},
                                     {Role::kChords, "chords"},
                                     {Role::kArpeggio, "arpeggio"},
                                     {Role::kMelody, "melody"},
                                     {Role::kCounterMelody, "counter-melody"}}};

// Roland GS keeps variations of the capital tones in bank 8; these are still the same instrument.
constexpr std::array kSameInstrumentInBank8{0, 4, 5, 16, 17, 19, 25, 28, 38, 39, 40, 48, 50, 61, 62, 63};
// From here on the kits are of orchestras, sound effects and marching bands.
constexpr int kFirstSpecialKit = 48;
// The lexicon's name for hand percussion, which the keys of a General MIDI kit above the cymbals are.
constexpr const char* kPercussion = "percussion";
constexpr const char* kDrumKit = "drum kit";
constexpr const char* kElectricDrumKit = "electric drum kit";
constexpr const char* kDrumFamily = "drums";
constexpr int kFirstElectricKit = 24;  // of General MIDI

// "acoustic guitar (steel)", "electric guitar distorted" and "electric upright bass" are narrower than the
// lexicon's names: try with the remark taken away, the last word put first, and the last or the first word taken away.
const InstrumentEntry* instrument_of_description(const std::string& description, const Lexicon& lexicon) {
  const std::string plain = trim(description.substr(0, description.find('(')));
  std::vector<std::string> candidates{trim(description), plain};
  if (const size_t last = plain.rfind(' '); last != std::string::npos) {
    candidates.push_back(plain.substr(last + 1) + " " + plain.substr(0, last));
    candidates.push_back(plain.substr(0, last));
    candidates.push_back(plain.substr(plain.find(' ') + 1));
  }
  for (const std::string& candidate : candidates)
    if (const InstrumentEntry* found = lexicon.find_instrument(candidate)) return found;
  return nullptr;
}

const InstrumentEntry& listed_instrument(const SoundTableEntry& entry, const fs::path& table, const Lexicon& lexicon) {
  if (const InstrumentEntry* found = instrument_of_description(entry.instrument, lexicon)) return *found;
  std::vector<std::string> names;
  for (const InstrumentEntry& known : lexicon.instruments()) names.push_back(known.name);
  throw Error(ErrorKind::kInput, format("Line %zu of '%s': there is no instrument called '%s'", entry.line,
                                        table.c_str(), entry.instrument.c_str()) +
                                     did_you_mean(entry.instrument, names) + ".");
}

const InstrumentEntry* instrument_of_preset(const SoundFontPreset& preset, const Lexicon& lexicon) {
  if (preset.bank == kDrumBank)
    return preset.program < kFirstSpecialKit ? lexicon.instrument_of_program(preset.program, true) : nullptr;
  const bool usual =
      preset.bank == 0 || (preset.bank == 8 && std::find(kSameInstrumentInBank8.begin(), kSameInstrumentInBank8.end(),
                                                         preset.program) != kSameInstrumentInBank8.end());
  return usual ? lexicon.instrument_of_program(preset.program, false) : nullptr;
}

// Kits that the catalogue does not know say by their names whether they are machines.
bool is_electric(const std::string& name) {
  const std::string text = lower(name);
  for (const char* word :
       {"808", "909", "707", "606", "electr", "synth", "techno", "house", "hiphop", "hip-hop", "machine"})
    if (text.find(word) != std::string::npos) return true;
  return false;
}

}  // namespace

const char* role_name(Role role) { return name_of(role, kRoleNames); }
Role parse_role(const std::string& name) { return value_called(name, kRoleNames, "role of a part", ErrorKind::kInput); }

fs::path default_kit_folder() { return "/usr/share/hydrogen/data/drumkits"; }

void Palette::add_font(const PaletteSource& source, const Lexicon& lexicon) {
  const fs::path table_path = source.path.parent_path() / kSoundTable;
  const SoundTable table = read_sound_table(table_path);
  for (const SoundFontPreset& preset : inspect_sound_font(source.path).presets) {
    const auto listed = table.find({source.name, preset.bank, preset.program});
    const InstrumentEntry* instrument = nullptr;
    if (listed != table.end()) instrument = &listed_instrument(listed->second, table_path, lexicon);
    // A font that the catalogue knows to have one instrument only need not number it as General MIDI does.
    const bool single = source.known != nullptr && source.known->instruments.size() == 1;
    if (instrument == nullptr && single) instrument = lexicon.find_instrument(source.known->instruments.front());
    if (instrument == nullptr) instrument = instrument_of_preset(preset, lexicon);
    if (instrument == nullptr) continue;
    PaletteSound sound{.instrument = instrument->name,
                       .sound = Sound{source.path, preset.bank, preset.program},
                       .bank = instrument->family == kDrumFamily ? kDrumBank : preset.bank,
                       .program = preset.program,
                       .source = source.name,
                       .preset = preset.name,
                       .licence = source.known != nullptr ? source.known->licence : "",
                       .package = source.known != nullptr ? source.known->package : "",
                       .general_midi = listed == table.end() && !single};
    if (listed != table.end()) sound.licence = listed->second.licence;
    sounds_.push_back(std::move(sound));
  }
}

void Palette::add_kit(const PaletteSource& source) {
  const DrumKit kit = read_drum_kit(source.path);
  PaletteSound sound{.instrument = kPercussion,
                     .sound = KitSound{source.path},
                     .bank = kDrumBank,
                     .program = 0,
                     .source = source.name,
                     .preset = kit.name,
                     .licence = source.known != nullptr ? source.known->licence : kit.licence,
                     .package = source.known != nullptr ? source.known->package : "",
                     .general_midi = false};
  if (kit.is_full()) sound.instrument = is_electric(source.name) ? kElectricDrumKit : kDrumKit;
  if (source.known != nullptr) sound.instrument = source.known->instruments.front();
  if (sound.instrument == kElectricDrumKit) sound.program = kFirstElectricKit;
  sounds_.push_back(std::move(sound));
}

void Palette::add_plugin(const PaletteSource& source, const Lexicon& lexicon) {
  for (const CataloguedPreset& preset : source.known->presets) {
    const InstrumentEntry* instrument = lexicon.find_instrument(preset.instrument);
    if (instrument == nullptr) continue;  // a lexicon of the user's own
    sounds_.push_back({.instrument = instrument->name,
                       .sound = PluginSound{{.name = source.name + ": " + preset.name,
                                             .bundle = source.path,
                                             .plugin = source.known->plugin,
                                             .preset = preset.preset,
                                             .controls = preset.controls},
                                            preset.midi,
                                            preset.transpose},
                       .bank = 0,
                       .program = instrument->programs.empty() ? 0 : instrument->programs.front(),
                       .source = source.name,
                       .preset = preset.name,
                       .licence = source.known->licence,
                       .package = source.known->package,
                       .general_midi = false});
  }
}

void Palette::add_voice(const PaletteSource& source) {
  for (const bool lyrics : {false, true})
    sounds_.push_back({.instrument = source.known->instruments.front(),
                       .sound = VoiceSound{source.name, lyrics},
                       .source = source.name,
                       .preset = lyrics ? "with words" : "without words",
                       .licence = source.known->licence,
                       .package = ""});
}

Palette Palette::scan(const PaletteOptions& options, const Lexicon& lexicon) {
  Palette palette;
  for (const PaletteSource& source : choose_sources(options)) {
    palette.sources_.push_back(source.name);
    switch (source.kind) {
      case SoundSource::Kind::kSoundFont: palette.add_font(source, lexicon); break;
      case SoundSource::Kind::kKit: palette.add_kit(source); break;
      case SoundSource::Kind::kPlugin: palette.add_plugin(source, lexicon); break;
      case SoundSource::Kind::kVoice: palette.add_voice(source); break;
    }
  }
  palette.effects_ = choose_effects(options);
  for (const PaletteEffect& effect : palette.effects_) palette.sources_.push_back(effect.source->name);
  for (size_t i = 0; i < palette.sounds_.size(); ++i) {
    const PaletteSound& sound = palette.sounds_[i];
    const bool hand = std::holds_alternative<KitSound>(sound.sound) && sound.instrument == kPercussion;
    if (sound.bank == kDrumBank && (sound.general_midi || hand)) palette.percussion_kits_.push_back(i);
  }
  for (const InstrumentEntry& entry : lexicon.instruments()) {
    Player player{entry.name, entry.roles, entry.frequency, false, {}};
    std::map<std::string, std::vector<size_t>> by_source;
    for (size_t i = 0; i < palette.sounds_.size(); ++i)
      if (palette.sounds_[i].instrument == entry.name) by_source[palette.sounds_[i].source].push_back(i);
    for (auto& [source, indices] : by_source) {
      player.is_kit = palette.sounds_[indices.front()].bank == kDrumBank;
      player.sounds_of_source.push_back(std::move(indices));
    }
    if (!player.sounds_of_source.empty()) palette.players_.push_back(std::move(player));
  }
  return palette;
}

const Palette::Player* Palette::find(const std::string& instrument) const {
  for (const Player& player : players_)
    if (player.instrument == instrument) return &player;
  return nullptr;
}

bool Palette::has(const std::string& instrument) const { return find(instrument) != nullptr; }

std::vector<std::string> Palette::instruments_of(Role role) const {
  std::vector<std::string> names;
  for (const Player& player : players_)
    // Drum parts need a kit; melodic presets of percussion make no tune.
    if (player.is_kit == (role == Role::kDrums) && player.instrument != kPercussion &&
        std::find(player.roles.begin(), player.roles.end(), role_name(role)) != player.roles.end())
      names.push_back(player.instrument);
  return names;
}

std::string Palette::draw_instrument(Role role, const std::set<std::string>& avoid, Rng& rng) const {
  const std::vector<std::string> all = instruments_of(role);
  if (all.empty())
    throw Error(ErrorKind::kUsage,
                std::string("No sound given can play the role '") + role_name(role) + "'; add a General MIDI font.");
  std::vector<std::string> names;
  for (const std::string& name : all)
    if (!avoid.contains(name)) names.push_back(name);
  if (names.empty()) names = all;
  std::vector<double> weights;
  for (const std::string& name : names) weights.push_back(std::max(1e-9, find(name)->frequency));
  return names[rng.weighted(weights)];
}

const PaletteSound& Palette::draw_sound(const std::string& instrument, Rng& rng) const {
  const Player* player = find(instrument);
  if (player == nullptr)
    throw Error(ErrorKind::kUsage, "There is no sound for '" + instrument + "'; add a General MIDI font.");
  return sounds_[rng.pick(rng.pick(player->sounds_of_source))];
}

const PaletteEffect* Palette::draw_effect(const std::string& family, Rng& rng) const {
  std::map<std::string, std::vector<const PaletteEffect*>> suiting;
  for (const PaletteEffect& effect : effects_)
    if (effect.source->suits(family)) suiting[effect.source->kind].push_back(&effect);
  if (suiting.empty()) return nullptr;
  const auto kind = std::next(suiting.begin(), rng.integer(0, static_cast<int64_t>(suiting.size()) - 1));
  return rng.pick(kind->second);
}

const PaletteSound* Palette::draw_percussion(Rng& rng) const {
  return percussion_kits_.empty() ? nullptr : &sounds_[rng.pick(percussion_kits_)];
}

}  // namespace instructme
