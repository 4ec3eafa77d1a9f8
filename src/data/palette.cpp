#include "instructme/data/palette.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <tuple>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/synth/sound_font.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::pair<Role, const char*>, 6> kRoleNames{{{Role::kDrums, "drums"},
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

struct TableEntry {
  std::string instrument;
  std::string licence;
};
using SoundTable = std::map<std::tuple<std::string, int, int>, TableEntry>;  // file, bank, program

SoundTable read_sound_table(const fs::path& path) {
  SoundTable table;
  if (!fs::exists(path)) return table;
  const std::vector<std::string> lines = split(read_text_file(path), '\n');
  const std::vector<std::string> names = split(lines.front(), '\t');
  const auto column = [&](const std::string& name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end())
      throw Error(ErrorKind::kInput, "The table '" + path.string() + "' has no column '" + name +
                                         "'; it needs file, bank, program, instrument and licence.");
    return static_cast<size_t>(found - names.begin());
  };
  const size_t file = column("file"), bank = column("bank"), program = column("program"),
               instrument = column("instrument"), licence = column("licence");
  for (size_t i = 1; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    const std::vector<std::string> cells = split(lines[i], '\t');
    try {
      table[{cells.at(file), std::stoi(cells.at(bank)), std::stoi(cells.at(program))}] = {cells.at(instrument),
                                                                                          cells.at(licence)};
    } catch (const std::logic_error&) {
      throw Error(ErrorKind::kInput, format("Line %zu of '%s' does not have a file, bank, program, instrument and "
                                            "licence.",
                                            i + 1, path.c_str()));
    }
  }
  return table;
}

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

const InstrumentEntry* instrument_of_preset(const SoundFontPreset& preset, const Lexicon& lexicon) {
  if (preset.bank == kDrumBank)
    return preset.program < kFirstSpecialKit ? lexicon.instrument_of_program(preset.program, true) : nullptr;
  const bool usual =
      preset.bank == 0 || (preset.bank == 8 && std::find(kSameInstrumentInBank8.begin(), kSameInstrumentInBank8.end(),
                                                         preset.program) != kSameInstrumentInBank8.end());
  return usual ? lexicon.instrument_of_program(preset.program, false) : nullptr;
}

bool is_font(const fs::path& path) {
  const std::string extension = lower(path.extension().string());
  return extension == ".sf2" || extension == ".sf3";
}

// Every font once, even when it is reached through links, sorted by file name.
std::vector<fs::path> find_fonts(const std::vector<fs::path>& places) {
  std::map<std::string, fs::path> fonts;  // by file name, which is what the split goes by
  const auto add = [&](const fs::path& path) {
    const fs::path real = fs::canonical(path);
    const auto [found, added] = fonts.emplace(real.filename().string(), real);
    if (!added && found->second != real)
      throw Error(ErrorKind::kUsage, "Two SoundFonts are called '" + real.filename().string() + "': '" +
                                         found->second.string() + "' and '" + real.string() + "'; rename one.");
  };
  for (const fs::path& place : places) {
    if (fs::is_directory(place)) {
      for (const auto& entry : fs::directory_iterator(place))
        if (is_font(entry.path()) && fs::is_regular_file(entry.path())) add(entry.path());
    } else if (fs::exists(place)) {
      add(place);
    } else {
      throw Error(ErrorKind::kMissing, "There is no SoundFont or folder '" + place.string() +
                                           "'; install one (apt install timgm6mb-soundfont) or correct the path.");
    }
  }
  std::vector<fs::path> paths;
  for (const auto& [name, path] : fonts) paths.push_back(path);
  return paths;
}

std::vector<fs::path> choose_split(const std::vector<fs::path>& fonts, const PaletteOptions& options) {
  std::set<std::string> held_out(options.held_out_fonts.begin(), options.held_out_fonts.end());
  std::vector<std::string> names;
  std::vector<fs::path> chosen;
  for (const fs::path& path : fonts) {
    names.push_back(path.filename().string());
    if (held_out.contains(names.back()) == options.held_out) chosen.push_back(path);
  }
  for (const std::string& name : held_out)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw Error(ErrorKind::kUsage, "No SoundFont given is called '" + name + "', which was to be held out" +
                                         did_you_mean(name, names) + ".");
  if (chosen.empty())
    throw Error(ErrorKind::kUsage, options.held_out ? "No held-out SoundFont was given; name some of the given fonts."
                                                    : "No SoundFont was given for training; give .sf2 or .sf3 files.");
  return chosen;
}

}  // namespace

const char* role_name(Role role) {
  for (const auto& [known, name] : kRoleNames)
    if (known == role) return name;
  throw Error(ErrorKind::kInternal, "a role without a name");
}

Role parse_role(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [role, known] : kRoleNames) {
    if (name == known) return role;
    names.emplace_back(known);
  }
  throw Error(ErrorKind::kInput, "'" + name + "' is not a role of a part" + did_you_mean(name, names) + ".");
}

Palette Palette::scan(const PaletteOptions& options, const Lexicon& lexicon) {
  Palette palette;
  std::map<fs::path, SoundTable> tables;
  for (const fs::path& font : choose_split(find_fonts(options.fonts), options)) {
    const fs::path folder = font.parent_path();
    if (!tables.contains(folder)) tables.emplace(folder, read_sound_table(folder / "SOUNDS.tsv"));
    const SoundTable& table = tables.at(folder);
    const std::string source = font.filename().string();
    palette.sources_.push_back(source);
    for (const SoundFontPreset& preset : inspect_sound_font(font).presets) {
      const auto listed = table.find({source, preset.bank, preset.program});
      const InstrumentEntry* instrument = nullptr;
      if (listed != table.end()) instrument = instrument_of_description(listed->second.instrument, lexicon);
      if (instrument == nullptr) instrument = instrument_of_preset(preset, lexicon);
      if (instrument == nullptr) continue;
      palette.sounds_.push_back({instrument->name,
                                 {font, preset.bank, preset.program},
                                 source,
                                 preset.name,
                                 listed != table.end() ? listed->second.licence : "",
                                 listed == table.end()});
    }
  }
  for (size_t i = 0; i < palette.sounds_.size(); ++i)
    if (palette.sounds_[i].sound.bank == kDrumBank && palette.sounds_[i].general_midi) palette.gm_kits_.push_back(i);
  for (const InstrumentEntry& entry : lexicon.instruments()) {
    Player player{entry.name, entry.roles, entry.frequency, false, {}};
    std::map<std::string, std::vector<size_t>> by_source;
    for (size_t i = 0; i < palette.sounds_.size(); ++i)
      if (palette.sounds_[i].instrument == entry.name) by_source[palette.sounds_[i].source].push_back(i);
    for (auto& [source, indices] : by_source) {
      player.is_kit = palette.sounds_[indices.front()].sound.bank == kDrumBank;
      player.sounds_of_font.push_back(std::move(indices));
    }
    if (!player.sounds_of_font.empty()) palette.players_.push_back(std::move(player));
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
    throw Error(ErrorKind::kUsage, std::string("No sound of the given SoundFonts can play the role '") +
                                       role_name(role) + "'; add a General MIDI font.");
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
    throw Error(ErrorKind::kUsage, "No given SoundFont has a sound for '" + instrument + "'; add a General MIDI font.");
  return sounds_[rng.pick(rng.pick(player->sounds_of_font))];
}

const PaletteSound* Palette::draw_percussion(Rng& rng) const {
  return gm_kits_.empty() ? nullptr : &sounds_[rng.pick(gm_kits_)];
}

}  // namespace instructme
