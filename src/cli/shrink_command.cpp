#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "command.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/synth/smaller_sounds.h"
#include "terminal.h"

namespace fs = std::filesystem;

namespace instructme::cli {
namespace {

struct ShrinkArguments {
  std::vector<std::string> sounds;
  std::string out;
  SmallerSoundOptions options;
};

bool is_font(const fs::path& file) {
  const std::string extension = lower(file.extension().string());
  return fs::is_regular_file(file) && (extension == ".sf2" || extension == ".sf3");
}

bool is_kit(const fs::path& folder) { return fs::is_regular_file(folder / "drumkit.xml"); }

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

int shrink(const ShrinkArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  arguments.options.check();
  std::vector<fs::path> all;
  for (const std::string& sound : arguments.sounds)
    for (fs::path& found : wanted(sound)) all.push_back(std::move(found));
  make_folder(arguments.out);
  for (const fs::path& from : all) {
    cancel.check();
    const fs::path to = arguments.out / (from.has_filename() ? from : from.parent_path()).filename();
    if (fs::exists(to) && fs::equivalent(from, to))
      throw Error(ErrorKind::kUsage, "--out is where the sounds are; name another folder, so that nothing is lost");
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
