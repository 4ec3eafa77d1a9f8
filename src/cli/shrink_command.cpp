#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "command.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
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

/// Not for what may not be looked at, such as a disk's lost+found.
bool is_file(const fs::path& place) {
  std::error_code ignored;
  return fs::is_regular_file(place, ignored);
}

bool is_font(const fs::path& file) {
  const std::string extension = lower(file.extension().string());
  return is_file(file) && (extension == ".sf2" || extension == ".sf3");
}

bool is_kit(const fs::path& folder) { return is_file(folder / "drumkit.xml"); }

uintmax_t bytes_of(const fs::path& place) {
  if (!fs::is_directory(place)) return fs::file_size(place);
  uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(place))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

/// What is in a folder of sounds and is wanted: fonts, kits, and the table that says what the fonts' presets are.
std::vector<fs::path> wanted(const fs::path& place) {
  if (!fs::exists(place)) throw Error(ErrorKind::kInput, "'" + place.string() + "' is not there");
  if (!fs::is_directory(place) || is_kit(place)) return {place};
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(place))
    if (is_font(entry.path()) || is_kit(entry.path()) || entry.path().filename() == "SOUNDS.tsv")
      found.push_back(entry.path());
  if (found.empty())
    throw Error(ErrorKind::kInput, "'" + place.string() + "' holds neither SoundFonts nor drum kits of Hydrogen");
  std::sort(found.begin(), found.end());
  return found;
}

/// Throws kUsage when a copy would take the place of a sound or of another copy.
std::vector<Copy> planned(const ShrinkArguments& arguments) {
  std::vector<Copy> copies;
  for (const std::string& sound : arguments.sounds)
    for (const fs::path& from : wanted(sound)) {
      const fs::path to = arguments.out / own_name(from);
      if (fs::exists(to) && fs::equivalent(from, to))
        throw Error(ErrorKind::kUsage, "--out is where the sounds are; name another folder, so that nothing is lost");
      const auto other = std::find_if(copies.begin(), copies.end(), [&](const Copy& copy) { return copy.to == to; });
      if (other == copies.end())
        copies.push_back({from, to});
      else if (!fs::equivalent(other->from, from))
        throw Error(ErrorKind::kUsage, "'" + other->from.string() + "' and '" + from.string() +
                                           "' have the same name; give one of them another --out");
    }
  return copies;
}

int shrink(const ShrinkArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  arguments.options.check();
  const std::vector<Copy> copies = planned(arguments);
  make_folder(arguments.out);
  for (const auto& [from, to] : copies) {
    cancel.check();
    if (fs::is_directory(from))
      write_smaller_kit(from, to, arguments.options);
    else if (from.filename() == "SOUNDS.tsv")
      write_file_atomically(to, read_text_file(from));
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
