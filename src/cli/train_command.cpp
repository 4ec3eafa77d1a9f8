#include <torch/torch.h>

#include <cstdio>
#include <memory>

#include "checks.h"
#include "command.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/shards.h"
#include "instructme/data/song_set.h"
#include "instructme/text/reading_training.h"
#include "instructme/train/recipe.h"
#include "instructme/train/trainer.h"
#include "song_options.h"
#include "terminal.h"
#include "training_run.h"

namespace instructme::cli {
namespace {

struct TrainArguments {
  RunArguments run;
  std::string start_from, vae, text, tokenizer;
  std::vector<std::string> songs, validation;
  std::string shards;
  bool stream = false;
  SongOptions making;
  StreamOptions stream_options;
  std::vector<std::string> of_stream;  ///< options that say how songs are made
};

/// What takes the place of songs; nothing when songs are given.
std::shared_ptr<TripletSequence> open_examples(TrainArguments& arguments, const Recipe& recipe,
                                               const CancelToken& cancel) {
  if (arguments.stream && !arguments.shards.empty())
    throw Error(ErrorKind::kUsage, "training takes a stream or shards, not both");
  if (!arguments.shards.empty()) return std::make_shared<ShardSet>(arguments.shards);
  if (!arguments.stream) return nullptr;
  arguments.making.apply(cancel);
  StreamOptions options = arguments.stream_options;
  options.seed = recipe.trainer.seed;
  options.triplets = recipe.triplets;
  return std::make_shared<TripletStream>(
      options, make_supply(arguments.making, static_cast<int>(recipe.pipeline.vae.sample_rate)), Lexicon::builtin(),
      cancel);
}

using MakeTraining = std::unique_ptr<TrainingSession> (*)(const Recipe&, const RecipePaths&);

int train(const CLI::App& command, TrainArguments& arguments, MakeTraining make_training,
          Recipe (*adapt)(Recipe) = nullptr) {
  const CancelToken cancel = cancel_on_signals();
  if (!arguments.stream)
    refuse_given(command, arguments.of_stream, "is for songs that are made while training, which --stream asks for");
  if (!arguments.tokenizer.empty() && !(arguments.text.empty() && arguments.start_from.empty()))
    throw Error(ErrorKind::kUsage, "a text encoder that is there has its own tokenizer: leave --tokenizer out");
  Recipe recipe = Recipe::read(read_json_file(arguments.run.config), arguments.run.config);
  if (adapt != nullptr) recipe = adapt(std::move(recipe));
  recipe.trainer = trainer_options(arguments.run, recipe.trainer);
  RecipePaths paths;
  paths.songs.assign(arguments.songs.begin(), arguments.songs.end());
  paths.validation_songs.assign(arguments.validation.begin(), arguments.validation.end());
  paths.examples = open_examples(arguments, recipe, cancel);
  paths.start_from = arguments.start_from;
  paths.vae = arguments.vae;
  paths.text = arguments.text;
  paths.tokenizer = arguments.tokenizer;
  torch::manual_seed(recipe.trainer.seed);
  const auto session = make_training(recipe, paths);
  return run_training(*session, arguments.run, recipe.trainer, cancel);
}

void add_common(CLI::App* command, TrainArguments& arguments) {
  add_run_options(command, arguments.run, "configs/train/default.json");
}

void add_songs(CLI::App* command, TrainArguments& arguments) {
  command->add_option("-s,--songs", arguments.songs, "Folders made by 'data render'");
  command->add_option("--shards", arguments.shards, "Instead of songs: a folder made by 'data shards'");
  command->add_flag("--stream", arguments.stream,
                    "Instead of songs: make them while training, with the options of 'data render':");
  arguments.of_stream = add_song_options(command, arguments.making);
  command->add_option("-j,--jobs", arguments.stream_options.threads, "Songs made at a time")->check(CLI::Range(1, 256));
  add_block_options(command, arguments.stream_options);
  for (const char* name : {"--jobs", "--per-song", "--block"}) arguments.of_stream.emplace_back(name);
  command->add_option("--validation", arguments.validation, "Folders with songs that are not trained on");
  command->add_option(
      "--from", arguments.start_from,
      "Begin with these weights instead of random ones; for a mask head: the model that gets it (required)");
}

/// Takes the VAE of another folder. Its decoder may have been trained further; another encoder would make latents that
/// the model has not learned.
void take_vae(Vae& vae, const std::filesystem::path& folder) {
  TensorMap before;
  for (const auto& [name, tensor] : named_tensors(*vae)) before[name] = tensor.clone();
  load_vae(vae, folder);
  constexpr double kPackingError = 0.05;  // of weights in 8 bits and in 16, generously
  for (const auto& [name, now] : named_tensors(*vae)) {
    const at::Tensor was = before.at(name).to(at::kFloat);
    if (name.starts_with("decoder") || !was.is_floating_point()) continue;
    const double apart = (now.to(at::kFloat) - was).norm().item<double>(), size = was.norm().item<double>();
    if (apart > kPackingError * size)
      throw Error(ErrorKind::kModel, "the VAE of '" + folder.string() + "' has another encoder ('" + name +
                                         "' differs), whose latents this model has not learned; give one of which only "
                                         "the decoder was trained (\"train_encoder\": false)");
  }
}

/// They are small already. Complete or as they were: they are put together beside their place.
void copy_ears(const std::filesystem::path& model, const std::filesystem::path& out) {
  namespace fs = std::filesystem;
  if (fs::weakly_canonical(model) == fs::weakly_canonical(out)) return;
  if (!fs::is_directory(model / "ears")) {
    fs::remove_all(out / "ears");  // those of the model that was there before
    return;
  }
  const fs::path making = out / "ears.partial";
  fs::remove_all(making);
  fs::copy(model / "ears", making);
  fs::remove_all(out / "ears");
  fs::rename(making, out / "ears");
}

void add_pack(CLI::App& train_app, Run& run) {
  struct PackArguments {
    std::string model, out, vae, format = "int8";
  };
  auto arguments = std::make_shared<PackArguments>();
  CLI::App* command = train_app.add_subcommand("pack", "Make a small model folder to give to others.");
  command->add_option("MODEL", arguments->model, "A model folder, e.g. the export/ of a training run")->required();
  command->add_option("-o,--out", arguments->out, "The folder to write")->required();
  command->add_option("--vae", arguments->vae,
                      "Take the VAE of this folder instead: one of which only the decoder was trained further");
  command->add_option("--format", arguments->format, "bfloat16 or int8")->check(CLI::IsMember({"bfloat16", "int8"}));
  command->callback([arguments, &run] {
    run = [arguments] {
      Pipeline pipeline = Pipeline::load(arguments->model);
      if (!arguments->vae.empty()) take_vae(pipeline.vae, arguments->vae);
      pipeline.to(at::kBFloat16);
      pipeline.save(arguments->out, {}, parse_weight_format(arguments->format));
      copy_ears(arguments->model, arguments->out);
      std::printf("%s\n", arguments->out.c_str());
      return 0;
    };
  });
}

void add_sentences(CLI::App& train_app, Run& run) {
  struct SentenceArguments {
    std::vector<std::string> sentences;
    std::string out;
  };
  auto arguments = std::make_shared<SentenceArguments>();
  CLI::App* command = train_app.add_subcommand(
      "sentences", "How sentences are read that no pattern of the lexicon fits, on sentences that people wrote.");
  command
      ->add_option("-s,--sentences", arguments->sentences,
                   "Tables of a sentence and, after a tab, its plain form, or nothing where it asks for nothing")
      ->required();
  command->add_option("-o,--out", arguments->out, "The file to write; data/readings.tsv comes with the program")
      ->required();
  command->callback([arguments, &run] {
    run = [arguments] {
      check_place(arguments->out);
      std::vector<SentenceExample> examples;
      for (const std::string& file : arguments->sentences)
        for (SentenceExample& example : read_sentence_examples(read_text_file(file), file))
          examples.push_back(std::move(example));
      write_file_atomically(arguments->out, train_readings(examples, Lexicon::builtin()));
      std::printf("%s: learned from %zu sentences\n", arguments->out.c_str(), examples.size());
      return 0;
    };
  });
}

}  // namespace

void add_train_command(CLI::App& app, Run& run) {
  CLI::App* train_app =
      app.add_subcommand("train", "Train a model: text encoder, VAE, editor, mask head, and the networks that listen.");
  train_app->footer("\nCtrl-C stops with a checkpoint; the same command goes on from it as if never stopped.");
  train_app->require_subcommand(1);
  train_app->fallthrough();

  auto text = std::make_shared<TrainArguments>();
  CLI::App* text_command = train_app->add_subcommand("text", "The text encoder, on sentences of the lexicon.");
  add_common(text_command, *text);
  text_command->add_option("--tokenizer", text->tokenizer, "A spiece.model (or use --from)");
  text_command->add_option("--from", text->text, "Begin with this T5 folder instead of random weights");
  text_command->callback([text, text_command, &run] {
    run = [text, text_command] { return train(*text_command, *text, make_text_training); };
  });

  auto vae = std::make_shared<TrainArguments>();
  CLI::App* vae_command = train_app->add_subcommand("vae", "The VAE that turns sound into latents and back.");
  add_common(vae_command, *vae);
  add_songs(vae_command, *vae);
  vae_command->callback(
      [vae, vae_command, &run] { run = [vae, vae_command] { return train(*vae_command, *vae, make_vae_training); }; });

  auto editor = std::make_shared<TrainArguments>();
  CLI::App* editor_command = train_app->add_subcommand("editor", "The U-Net and the text encoder.");
  add_common(editor_command, *editor);
  add_songs(editor_command, *editor);
  editor_command->add_option("--vae", editor->vae, "Folder with vae.safetensors, from 'train vae' (or use --from)");
  editor_command->add_option("--text", editor->text, "A T5 folder, from 'train text' or published (or use --from)");
  editor_command->add_option("--tokenizer", editor->tokenizer, "A spiece.model, for a text encoder of random weights");
  editor_command->callback([editor, editor_command, &run] {
    run = [editor, editor_command] { return train(*editor_command, *editor, make_editor_training); };
  });

  auto mask = std::make_shared<TrainArguments>();
  CLI::App* mask_command =
      train_app->add_subcommand("mask", "The mask head, with which instruments are extracted and removed.");
  add_common(mask_command, *mask);
  add_songs(mask_command, *mask);
  mask_command->get_option("--from")->required();
  mask_command->callback([mask, mask_command, &run] {
    run = [mask, mask_command] { return train(*mask_command, *mask, make_mask_training, with_all_parts); };
  });

  add_train_ears(*train_app, run);
  add_train_all(*train_app, run);
  add_sentences(*train_app, run);
  add_pack(*train_app, run);
}

}  // namespace instructme::cli
