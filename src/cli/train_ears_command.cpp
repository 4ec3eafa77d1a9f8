#include <torch/torch.h>

#include <memory>

#include "command.h"
#include "instructme/base/config_reader.h"
#include "instructme/train/ears_recipe.h"
#include "terminal.h"
#include "training_run.h"

namespace instructme::cli {
namespace {

struct EarsArguments {
  RunArguments run;
  std::vector<std::string> songs, validation;
  std::string start_from, model, chords, tagger;
};

using MakeEars = std::unique_ptr<TrainingSession> (*)(const EarsRecipe&, const EarsPaths&);
using TrainerOf = const TrainerOptions& (*)(const EarsRecipe&);

std::pair<CLI::App*, std::shared_ptr<EarsArguments>> add_ear(CLI::App& train_app, Run& run, const char* name,
                                                             const char* description, MakeEars make,
                                                             TrainerOf trainer_of) {
  auto arguments = std::make_shared<EarsArguments>();
  CLI::App* command = train_app.add_subcommand(name, description);
  add_run_options(command, arguments->run, "configs/train/ears.json");
  command->add_option("-s,--songs", arguments->songs, "Folders made by 'data render'")->required();
  command->add_option("--validation", arguments->validation,
                      "Folders with songs that are not trained on; each has figures of its own");
  command->add_option("--from", arguments->start_from, "Begin with the weights in this folder instead of random ones");
  command->callback([arguments, &run, make, trainer_of] {
    run = [arguments, make, trainer_of] {
      const CancelToken cancel = cancel_on_signals();
      const EarsRecipe recipe = EarsRecipe::read(read_json_file(arguments->run.config), arguments->run.config);
      const TrainerOptions options = trainer_options(arguments->run, trainer_of(recipe));
      EarsPaths paths;
      paths.songs.assign(arguments->songs.begin(), arguments->songs.end());
      paths.validation_songs.assign(arguments->validation.begin(), arguments->validation.end());
      paths.start_from = arguments->start_from;
      paths.model = arguments->model;
      paths.chords = arguments->chords;
      paths.tagger = arguments->tagger;
      torch::manual_seed(options.seed);
      return run_training(*make(recipe, paths), arguments->run, options, cancel);
    };
  });
  return {command, arguments};
}

}  // namespace

void add_train_ears(CLI::App& train_app, Run& run) {
  add_ear(train_app, run, "chords", "The chord network, on songs with their charts.", make_chord_training,
          [](const EarsRecipe& r) -> const TrainerOptions& { return r.chords.trainer; });
  add_ear(train_app, run, "beats", "The beat network, on songs with their beats.", make_beat_training,
          [](const EarsRecipe& r) -> const TrainerOptions& { return r.beats.trainer; });
  const auto [keys, key_arguments] =
      add_ear(train_app, run, "keys", "What chords say about the key, on songs with their keys.", make_key_training,
              [](const EarsRecipe& r) -> const TrainerOptions& { return r.keys.trainer; });
  keys->add_option("--chords", key_arguments->chords, "Folder with chords.json, the network that listens")->required();
  add_ear(train_app, run, "tagger", "The tagger of instruments and genres, on songs with their stems.",
          make_tagger_training, [](const EarsRecipe& r) -> const TrainerOptions& { return r.tagger.trainer; });
  const auto [mulan, mulan_arguments] =
      add_ear(train_app, run, "mulan", "The towers that compare music with descriptions, on songs.",
              make_mulan_training, [](const EarsRecipe& r) -> const TrainerOptions& { return r.mulan.trainer; });
  mulan->add_option("-m,--model", mulan_arguments->model, "Model folder whose tokenizer it goes with")->required();
  mulan->add_option("--tagger", mulan_arguments->tagger, "Folder with tagger.json, the network that listens")
      ->required();
}

}  // namespace instructme::cli
