#include <cstdio>
#include <memory>

#include "checks.h"
#include "command.h"
#include "instructme/data/listening_page.h"

namespace instructme::cli {
namespace {

struct ListenArguments {
  std::string folder, out;
  ListeningOptions options;
  TripletOptions triplets;
};

int listen(const CLI::App& command, ListenArguments& arguments) {
  ListeningOptions& options = arguments.options;
  options.folder = arguments.out;
  options.title = "Examples from " + arguments.folder;
  size_t shown = 0;
  if (is_shard_folder(arguments.folder)) {
    refuse_given(command, {"--seconds"}, "is for songs; the examples of shards have their length already");
    ShardSet shards(arguments.folder);
    shown = write_listening_page(options, draw_items(options, shards), shards.sample_rate());
  } else {
    const SongSet songs(arguments.folder);
    shown = write_listening_page(options, draw_items(options, songs, Lexicon::builtin(), arguments.triplets),
                                 songs.sample_rate());
  }
  std::printf("%s/index.html: %zu examples; open it in a browser\n", arguments.out.c_str(), shown);
  return 0;
}

}  // namespace

void add_listen(CLI::App& data, Run& run) {
  auto arguments = std::make_shared<ListenArguments>();
  CLI::App* command = data.add_subcommand("listen", "Make a page for a browser to listen to training examples.");
  command->add_option("FOLDER", arguments->folder, "Folder of songs or shards")->required();
  command->add_option("-o,--out", arguments->out, "Folder for the page")->required();
  command->add_option("-n,--count", arguments->options.count, "How many examples")->check(CLI::Range(1, 1000));
  command->add_option("--seed", arguments->options.seed, "Another number, other examples");
  command->add_option("--seconds", arguments->triplets.seconds, "Length of examples drawn from songs")
      ->check(CLI::Range(1.0, 120.0));
  command->add_flag("!--no-stems", arguments->options.stems, "Without the stems of the songs");
  command->callback(
      [arguments, command, &run] { run = [arguments, command] { return listen(*command, *arguments); }; });
}

}  // namespace instructme::cli
