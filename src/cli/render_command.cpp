#include <algorithm>
#include <cstdio>
#include <memory>

#include "checks.h"
#include "command.h"
#include "instructme/base/error.h"
#include "instructme/data/dataset_estimate.h"
#include "song_options.h"
#include "terminal.h"

namespace instructme::cli {
namespace {

constexpr size_t kMostShown = 10;  // of a list of refusals

struct RenderArguments {
  DatasetOptions dataset;
  SongOptions songs;
  std::string out;
  bool dry_run = false;
};

void show_some(const std::vector<std::string>& lines) {
  for (size_t i = 0; i < std::min(kMostShown, lines.size()); ++i) std::printf("  %s\n", lines[i].c_str());
  if (lines.size() > kMostShown) std::printf("  … and %zu more\n", lines.size() - kMostShown);
}

void show(const MusicStock& stock, const SongOptions& arguments) {
  if (!arguments.pop909.empty())
    std::printf("%s: %zu songs of POP909\n", arguments.pop909.c_str(), stock.pop909.songs.size());
  for (size_t i = 0; i < stock.midi.size(); ++i)
    std::printf("%s: %zu MIDI files, %lld others have the notes of one of them\n", arguments.midi[i].c_str(),
                stock.midi[i].songs.size(), static_cast<long long>(stock.midi[i].duplicates));
  const std::vector<std::string> refused = stock.refused();
  if (!refused.empty()) std::printf("%zu cannot be used\n", refused.size());
  show_some(refused);
}

void show(const DatasetEstimate& estimate, const DatasetOptions& options) {
  std::printf("%lld songs, %.1f hours of music, %.1f hours of stems\n", static_cast<long long>(estimate.songs),
              estimate.music_hours, estimate.stem_hours);
  std::printf("about %.2f GB on disk and %.2f hours with %d at a time (%.1f s a song)\n", estimate.gigabytes,
              estimate.hours, options.jobs, estimate.song_seconds);
  std::printf("estimated from %d songs that were made and thrown away; nothing was written to %s\n", estimate.measured,
              options.folder.c_str());
}

int render(RenderArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  SongOptions& songs = arguments.songs;
  songs.apply(cancel);
  show(*songs.stock, songs);
  arguments.dataset.folder = arguments.out;
  arguments.dataset.palette = songs.palette;
  const Composer composer = make_composer(songs.composer, GrooveLibrary::builtin(), songs.stock);
  if (arguments.dry_run) {
    show(estimate_dataset(arguments.dataset, composer, Lexicon::builtin(), 3, cancel), arguments.dataset);
    return 0;
  }
  arguments.dataset.composer = composer_json(songs.composer, songs.stock.get());
  ProgressLine line("songs");
  const DatasetReport report = render_dataset(arguments.dataset, composer, Lexicon::builtin(), line.callback(), cancel);
  line.finish();
  std::printf("%s: %lld songs rendered, %lld were there already, %zu could not be made\n", arguments.out.c_str(),
              static_cast<long long>(report.rendered), static_cast<long long>(report.kept), report.refused.size());
  for (const auto& refused : report.refused) std::printf("  %s\n", refused.c_str());
  for (const auto& failure : report.plugin_failures) std::printf("  done without it: %s\n", failure.c_str());
  require_songs(report.rendered + report.kept, report.refused, "made");
  return 0;
}

}  // namespace

void add_render(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<RenderArguments>();
  CLI::App* command = data.add_subcommand("render", "Compose songs and play them with SoundFonts.");
  command->footer(
      "\nEvery stem is stored with its labels: chords, key, tempo, beats, genre and instruments. A run that was\n"
      "stopped goes on where it was. Charts and tunes are the program's own; with --pop909 and --midi a part of the\n"
      "songs, by the weights, is other people's music.");
  command->add_option("-o,--out", arguments->out, "Folder for the songs")->required();
  command->add_option("-n,--songs", arguments->dataset.count, "How many")->required()->check(CLI::Range(1, 10000000));
  command->add_option("--first-seed", arguments->dataset.first_seed, "Seed of the first song; the others count on");
  add_song_options(command, arguments->songs);
  command->add_option("-j,--jobs", arguments->dataset.jobs, "Songs at a time")->check(CLI::Range(1, 256));
  command->add_flag("--flac", arguments->dataset.flac, "Half the disk space, slower to read");
  command->add_flag("--dry-run", arguments->dry_run, "Only say how much music, space and time it will be");
  command->callback([arguments, &run] { run = [arguments] { return render(*arguments); }; });
}

}  // namespace instructme::cli
