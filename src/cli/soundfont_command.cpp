#include <cstdio>
#include <memory>

#include "command.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/synth/recorded_notes.h"
#include "instructme/text/lexicon.h"

namespace instructme::cli {
namespace {

struct SoundFontArguments {
  std::string folder, out, instrument, name;
  double release_s = 0.3;
};

int make(const SoundFontArguments& arguments) {
  const auto& known = Lexicon::builtin().instruments();
  std::vector<std::string> names;
  const InstrumentEntry* instrument = nullptr;
  for (const InstrumentEntry& entry : known) {
    if (entry.family == "drums" || entry.programs.empty()) continue;
    names.push_back(entry.name);
    if (entry.name == arguments.instrument) instrument = &entry;
  }
  if (instrument == nullptr)
    throw Error(ErrorKind::kUsage, "notes cannot be those of '" + arguments.instrument + "'" +
                                       did_you_mean(arguments.instrument, names) + "; instruments are " +
                                       join(names, ", "));
  const auto notes = read_recorded_notes(arguments.folder);
  const SoundFontRecipe recipe{arguments.name.empty() ? instrument->name : arguments.name, instrument->programs.front(),
                               arguments.release_s};
  write_file_atomically(arguments.out, make_sound_font(notes, recipe));
  std::printf("%s: %s, %zu notes from key %d to %d, General MIDI program %d\n", arguments.out.c_str(),
              recipe.name.c_str(), notes.size(), notes.front().key, notes.back().key, recipe.program);
  return 0;
}

}  // namespace

void add_soundfont(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<SoundFontArguments>();
  CLI::App* command =
      data.add_subcommand("soundfont", "Make a SoundFont of recordings named by their notes (A3.wav, C#4.mp3).");
  command->add_option("FOLDER", arguments->folder, "The recordings, one a note")->required();
  command->add_option("-o,--out", arguments->out, "The file to write, e.g. violin.sf2")->required();
  command->add_option("--instrument", arguments->instrument, "What they are of, as the lexicon names it")->required();
  command->add_option("--name", arguments->name, "Of the sound [the instrument]");
  command->add_option("--release", arguments->release_s, "Seconds that a note takes to die away")
      ->check(CLI::Range(0.001, 10.0));
  command->callback([arguments, &run] { run = [arguments] { return make(*arguments); }; });
}

}  // namespace instructme::cli
