#include <cstdio>
#include <memory>

#include "command.h"
#include "instructme/data/listening_page.h"

namespace instructme::cli {
namespace {

struct ListenArguments {
  std::string folder, out;
  ListeningOptions options;
  TripletOptions triplets;
};

int listen(ListenArguments& arguments) {
  ListeningOptions& options = arguments.options;
  options.folder = arguments.out;
  options.title = "Examples from " + arguments.folder;
  std::vector<ListeningItem> items;
  int sample_rate = 0;
  if (is_shard_folder(arguments.folder)) {
    ShardSet shards(arguments.folder);
    sample_rate = shards.sample_rate();
    items = draw_items(options, shards);
  } else {
    const SongSet songs(arguments.folder);
    sample_rate = songs.sample_rate();
    items = draw_items(options, songs, Lexicon::builtin(), arguments.triplets);
  }
  write_listening_page(options, items, sample_rate);
  std::printf("%s/index.html: %zu examples; open it in a browser\n", arguments.out.c_str(), items.size());
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
  command->callback([arguments, &run] { run = [arguments] { return listen(*arguments); }; });
}

}  // namespace instructme::cli
