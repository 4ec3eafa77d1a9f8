#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "checks.h"
#include "command.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/hash.h"
#include "instructme/base/strings.h"
#include "instructme/data/shards.h"
#include "instructme/data/song_identity.h"
#include "song_options.h"
#include "terminal.h"

namespace instructme::cli {
namespace {

namespace fs = std::filesystem;

struct ShardArguments {
  std::vector<std::string> songs;
  std::vector<std::string> of_making;  ///< options that say how songs are made
  SongOptions making;
  StreamOptions stream;
  ShardOptions shards;
  std::string out;
  bool dry_run = false;
};

SongSupply supply_of(ShardArguments& arguments, const CancelToken& cancel) {
  if (arguments.songs.empty()) {
    arguments.making.apply(cancel);
    RenderOptions render;
    arguments.shards.how["songs"] = to_json(arguments.making, render);
    return make_supply(arguments.making, render.sample_rate);
  }
  auto set = std::make_shared<const SongSet>(std::vector<fs::path>(arguments.songs.begin(), arguments.songs.end()));
  // All that is said of a song stands there, with its sounds and levels: one that was made anew is another.
  nlohmann::json songs = nlohmann::json::array();
  for (size_t i = 0; i < set->size(); ++i)
    songs.push_back({set->name(i), hash_text(stable_hash(read_text_file(set->folder(i) / "song.json")))});
  arguments.shards.how["songs"] = {{"kind", "stored"}, {"songs", songs}};
  return stored_songs(std::move(set));
}

std::string size_text(double bytes) {
  return bytes < 1e9 ? format("%.0f MB", bytes / 1e6) : format("%.1f GB", bytes / 1e9);
}

// Makes the examples of one song to see what the whole would take.
int estimate(const ShardArguments& arguments, const SongSupply& supply, const CancelToken& cancel) {
  StreamOptions options = arguments.stream;
  options.songs_per_block = options.threads = 1;
  options.blocks_ahead = 0;
  TripletStream stream(options, supply, Lexicon::builtin(), cancel);
  stream.at(0);  // reads the fonts
  const auto start = std::chrono::steady_clock::now();
  double bytes = 0;
  const int64_t tried = stream.block_size();
  for (int64_t i = tried; i < 2 * tried; ++i)
    for (const auto& [name, content] : encode_example(stream.at(i), stream.sample_rate(), arguments.shards.bits))
      bytes += static_cast<double>(content.size()) + 1024;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double share = static_cast<double>(arguments.shards.count) / static_cast<double>(tried);
  const double hours = static_cast<double>(arguments.shards.count) * options.triplets.seconds / 3600;
  std::error_code code;
  fs::path there = fs::absolute(arguments.out);
  while (!fs::exists(there, code) && there.has_relative_path()) there = there.parent_path();
  const fs::space_info space = fs::space(there, code);
  std::printf(
      "%lld examples, %.1f hours of source and as much of target, in %lld shards\n",
      static_cast<long long>(arguments.shards.count), hours,
      static_cast<long long>((arguments.shards.count + arguments.shards.per_shard - 1) / arguments.shards.per_shard));
  std::printf("about %s on disk, %s with %d jobs if there are as many free cores (measured on %lld examples)\n",
              size_text(bytes * share).c_str(), duration_text(seconds * share / arguments.stream.threads).c_str(),
              arguments.stream.threads, static_cast<long long>(tried));
  if (!code && static_cast<double>(space.available) < bytes * share)
    std::printf("the disk has only %s free\n", size_text(static_cast<double>(space.available)).c_str());
  return 0;
}

int shards(const CLI::App& command, ShardArguments& arguments) {
  const CancelToken cancel = cancel_on_signals();
  if (!arguments.songs.empty())
    refuse_given(command, arguments.of_making,
                 "is for songs that are made, and those of --songs are there: leave one of them out");
  arguments.shards.folder = arguments.out;
  arguments.shards.split = arguments.making.split == "all" ? "train" : arguments.making.split;
  arguments.shards.how = to_json(arguments.stream);
  arguments.shards.how["versions"] = program_versions();
  const SongSupply supply = supply_of(arguments, cancel);
  if (arguments.dry_run) return estimate(arguments, supply, cancel);
  TripletStream stream(arguments.stream, supply, Lexicon::builtin(), cancel);
  ProgressLine line("examples");
  ShardReport report;
  try {
    report = write_shards(arguments.shards, stream, line.callback(), cancel);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kCancelled) throw;
    throw Error(ErrorKind::kCancelled, "stopped on request; the same command goes on behind the shards that are there");
  }
  line.finish();
  std::printf("%s: %lld shards written, %lld were there already; %.2f hours, %s\n", arguments.out.c_str(),
              static_cast<long long>(report.written), static_cast<long long>(report.kept), report.hours,
              size_text(static_cast<double>(report.bytes)).c_str());
  if (stream.songs_refused() > 0)
    std::printf("  %lld songs could not be made and were replaced\n", static_cast<long long>(stream.songs_refused()));
  return 0;
}

}  // namespace

void add_shards(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<ShardArguments>();
  CLI::App* command =
      data.add_subcommand("shards", "Write training examples <instruction, source, target> as WebDataset archives.");
  command->footer(
      "\nThe examples are drawn from songs that are made for them, or from those given with --songs. The same options\n"
      "give the same bytes; a run that was stopped goes on where it was.");
  command->add_option("-o,--out", arguments->out, "Folder for the archives")->required();
  command->add_option("-n,--examples", arguments->shards.count, "How many")
      ->required()
      ->check(CLI::Range(1, 100000000));
  command->add_option("-s,--songs", arguments->songs, "Folders made by 'data render' or 'data import'");
  command->add_option("--seed", arguments->stream.seed, "Another number, other songs and examples");
  command->add_option("--shard-size", arguments->shards.per_shard, "Examples of an archive")
      ->check(CLI::Range(1, 100000));
  command->add_option("--bits", arguments->shards.bits, "Of a sample")->check(CLI::IsMember({16, 24}));
  command->add_option("--clip-seconds", arguments->stream.triplets.seconds, "Length of an example")
      ->check(CLI::Range(1.0, 120.0));
  command->add_option("--chord-rate", arguments->stream.triplets.chord_frame_rate, "Columns of the chord matrix, Hz")
      ->check(CLI::Range(0.1, 1000.0));
  command->add_option("--siblings", arguments->stream.triplets.siblings, "Parts of one mix that are asked for in turn")
      ->check(CLI::Range(1, 32));
  add_block_options(command, arguments->stream);
  arguments->of_making = add_song_options(command, arguments->making);
  std::erase(arguments->of_making, "--split");  // names the archives
  command->add_option("-j,--jobs", arguments->stream.threads, "Songs at a time")->check(CLI::Range(1, 256));
  command->add_flag("--dry-run", arguments->dry_run, "Only say how much it is and how long it takes");
  command->callback(
      [arguments, command, &run] { run = [arguments, command] { return shards(*command, *arguments); }; });
}

}  // namespace instructme::cli
