#include <cstdio>
#include <memory>

#include "checks.h"
#include "command.h"
#include "instructme/base/strings.h"
#include "instructme/multitrack/backgrounds.h"
#include "terminal.h"

namespace instructme::cli {
namespace {

struct BackgroundArguments {
  std::string list, out;
  std::vector<std::string> songs;
  BackgroundOptions options;
};

int make_backgrounds(BackgroundArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  const auto recordings = read_recordings(arguments.list, Lexicon::builtin());
  arguments.options.folder = arguments.out;
  arguments.options.songs.assign(arguments.songs.begin(), arguments.songs.end());
  ProgressLine line("songs");
  const BackgroundReport report = make_background_songs(recordings, arguments.options, line.callback(), cancel);
  line.finish();
  for (const auto& refused : report.refused) std::printf("refused: %s\n", refused.c_str());
  std::printf("%s: %lld songs over %zu recordings, %lld were there already, %zu could not be made\n",
              arguments.out.c_str(), static_cast<long long>(report.made), recordings.size(),
              static_cast<long long>(report.kept), report.refused.size());
  for (const auto& [instrument, count] : report.instruments)
    std::printf("  %-24s %lld\n", instrument.c_str(), static_cast<long long>(count));
  require_songs(report.made + report.kept, report.refused, "made");
  return 0;
}

}  // namespace

void add_background(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<BackgroundArguments>();
  BackgroundOptions& options = arguments->options;
  CLI::App* command =
      data.add_subcommand("background", "Lay stems of rendered songs over real recordings that have no stems.");
  command->footer(
      "\nLIST is a table with tabs: file, heard (which instruments are in the recording, with commas, or "
      "\"nothing\"),\n"
      "and, where known, source and licence. Only instruments that are not heard are laid over a recording.");
  command->add_option("LIST", arguments->list, "The table of recordings")->required();
  command->add_option("-s,--songs", arguments->songs, "Folders made by 'data render' or 'data import'")->required();
  command->add_option("-o,--out", arguments->out, "Folder for the songs")->required();
  command->add_option("-n,--count", options.count, "How many")->required()->check(CLI::Range(1, 10000000));
  command->add_option("--first-seed", options.first_seed, "Seed of the first song; the others count on");
  command->add_option("--seconds", options.seconds, "Length of a song")->check(CLI::Range(1.0, 600.0));
  command->add_option("--most-stems", options.most_stems, "Laid over one recording")->check(CLI::Range(1, 8));
  command->add_option("-j,--jobs", options.jobs, "Songs at a time")->check(CLI::Range(1, 256));
  command->add_flag("--flac", options.flac, "Half the disk space, slower to read");
  command->callback([arguments, &run] { run = [arguments] { return make_backgrounds(*arguments); }; });
}

}  // namespace instructme::cli
