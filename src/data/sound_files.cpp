#include "instructme/data/sound_files.h"

#include <algorithm>
#include <functional>
#include <set>
#include <stdexcept>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& place) {
  std::error_code ignored;
  return fs::is_regular_file(place, ignored);
}

bool is_sound_font(const fs::path& place) {
  const std::string extension = lower(place.extension().string());
  return (extension == ".sf2" || extension == ".sf3") && is_file(place);
}

std::vector<fs::path> real_entries(const fs::path& folder, const std::function<bool(const fs::path&)>& accept) {
  std::set<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder))
    if (accept(entry.path())) found.insert(fs::canonical(entry.path()));
  return {found.begin(), found.end()};
}

// Tables may have been written on Windows, with a carriage return at the end of each line.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells = split(line, '\t');
  for (std::string& cell : cells) cell = trim(cell);
  return cells;
}

}  // namespace

bool is_drum_kit(const fs::path& place) { return is_file(place / "drumkit.xml"); }

std::vector<fs::path> sound_fonts_in(const fs::path& folder) { return real_entries(folder, is_sound_font); }

std::vector<fs::path> drum_kits_in(const fs::path& folder) { return real_entries(folder, is_drum_kit); }

SoundTable read_sound_table(const fs::path& path) {
  SoundTable table;
  if (!fs::exists(path)) return table;
  const std::vector<std::string> lines = split(without_mark(read_text_file(path)), '\n');
  const std::vector<std::string> names = cells_of(lines.front());
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
    const std::vector<std::string> cells = cells_of(lines[i]);
    try {
      table[{cells.at(file), std::stoi(cells.at(bank)), std::stoi(cells.at(program))}] = {cells.at(instrument),
                                                                                          cells.at(licence), i + 1};
    } catch (const std::logic_error&) {
      throw Error(ErrorKind::kInput, format("Line %zu of '%s' does not have a file, bank, program, instrument and "
                                            "licence.",
                                            i + 1, path.c_str()));
    }
  }
  return table;
}

std::string sound_table_text(const SoundTable& table) {
  std::string text = "file\tbank\tprogram\tinstrument\tlicence\n";
  for (const auto& [preset, entry] : table) {
    const auto& [file, bank, program] = preset;
    text +=
        format("%s\t%d\t%d\t%s\t%s\n", file.c_str(), bank, program, entry.instrument.c_str(), entry.licence.c_str());
  }
  return text;
}

}  // namespace instructme
