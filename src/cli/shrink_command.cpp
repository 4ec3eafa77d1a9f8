#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "command.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/data/sound_files.h"
#include "instructme/synth/smaller_sounds.h"
#include "terminal.h"

namespace fs = std::filesystem;

namespace instructme::cli {
namespace {

/// A sound and the place of its smaller copy.
struct Copy {
  fs::path from, to;
};

struct ShrinkArguments {
  std::vector<std::string> sounds;
  std::string out;
  SmallerSoundOptions options;
};

uintmax_t bytes_of(const fs::path& place) {
  if (!fs::is_directory(place)) return fs::file_size(place);
  uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(place))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

/// The fonts and kits that are meant, what links lead to in their place.
std::vector<fs::path> wanted(const fs::path& place) {
  if (!fs::exists(place)) throw Error(ErrorKind::kInput, "'" + place.string() + "' is not there");
  if (place.filename() == kSoundTable) return {};  // goes along with the fonts that it lists
  if (!fs::is_directory(place) || is_drum_kit(place)) return {fs::canonical(place)};
  std::vector<fs::path> found = sound_fonts_in(place);
  const std::vector<fs::path> kits = drum_kits_in(place);
  found.insert(found.end(), kits.begin(), kits.end());
  if (found.empty())
    throw Error(ErrorKind::kInput, "'" + place.string() + "' holds neither SoundFonts nor drum kits of Hydrogen");
  return found;
}

/// Throws kUsage when a copy would take the place of a sound or of another copy.
std::vector<Copy> planned(const ShrinkArguments& arguments) {
  std::vector<Copy> copies;
  for (const std::string& sound : arguments.sounds)
    for (const fs::path& from : wanted(sound)) {
      const fs::path to = arguments.out / from.filename();
      if (fs::exists(to) && fs::equivalent(from, to))
        throw Error(ErrorKind::kUsage, "--out is where the sounds are; name another folder, so that nothing is lost");
      const auto other = std::find_if(copies.begin(), copies.end(), [&](const Copy& copy) { return copy.to == to; });
      if (other == copies.end())
        copies.push_back({from, to});
      else if (!fs::equivalent(other->from, from))
        throw Error(ErrorKind::kUsage, "'" + other->from.string() + "' and '" + from.string() +
                                           "' have the same name; give one of them another --out");
    }
  if (copies.empty())
    throw Error(ErrorKind::kUsage, std::string(kSoundTable) + " goes along with SoundFonts; give those that it lists");
  return copies;
}

/// What the tables beside the fonts say of them. What that of the copies says of other fonts stays.
SoundTable table_of(const std::vector<Copy>& copies, const fs::path& there) {
  SoundTable table;
  for (const Copy& copy : copies)
    if (!fs::is_directory(copy.from))
      for (const auto& row : read_sound_table(copy.from.parent_path() / kSoundTable))
        if (std::get<0>(row.first) == copy.from.filename().string()) table.insert(row);
  if (!table.empty()) table.merge(read_sound_table(there));
  return table;
}

int shrink(const ShrinkArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  arguments.options.check();
  const std::vector<Copy> copies = planned(arguments);
  const fs::path place_of_table = fs::path(arguments.out) / kSoundTable;
  const SoundTable table = table_of(copies, place_of_table);
  make_folder(arguments.out);
  if (!table.empty()) write_file_atomically(place_of_table, sound_table_text(table));
  for (const auto& [from, to] : copies) {
    cancel.check();
    if (fs::is_directory(from))
      write_smaller_kit(from, to, arguments.options);
    else
      write_file_atomically(to, smaller_sound_font(read_text_file(from), from.string(), arguments.options));
    std::printf("%s: %.1f MB, of %.1f\n", to.c_str(), static_cast<double>(bytes_of(to)) / 1e6,
                static_cast<double>(bytes_of(from)) / 1e6);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

void add_shrink(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<ShrinkArguments>();
  CLI::App* command =
      data.add_subcommand("shrink", "Smaller copies of SoundFonts and drum kits, to carry where there is little room.");
  command->add_option("SOUNDS", arguments->sounds, "SoundFonts, drum kits of Hydrogen, or folders with them")
      ->required();
  command->add_option("-o,--out", arguments->out, "Folder for the copies, which have the same names")->required();
  command->add_option("--rate", arguments->options.sample_rate, "Highest rate of a recording, Hz")
      ->check(CLI::Range(8000, 192000));
  command->add_option("--seconds", arguments->options.seconds, "Longest recording; those with a loop stay whole")
      ->check(CLI::Range(0.5, 600.0));
  command->add_option("--quality", arguments->options.quality, "Of Ogg Vorbis, 0 (small) to 1 (good)")
      ->check(CLI::Range(0.0, 1.0));
  command->callback([arguments, &run] { run = [arguments] { return shrink(*arguments); }; });
}

}  // namespace instructme::cli
