#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "command.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/song_identity.h"
#include "instructme/data/song_set.h"
#include "instructme/data/triplet.h"
#include "instructme/models/mask_head.h"
#include "instructme/text/tokenizer.h"
#include "instructme/train/ears_recipe.h"
#include "instructme/train/trainer.h"
#include "terminal.h"
#include "training_run.h"

namespace fs = std::filesystem;

namespace instructme::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct AllArguments {
  RunArguments run;
  std::string recipe, tokenizer;
  std::vector<std::string> songs, validation;
};

/// What the recipe's object "all" says.
struct AllOptions {
  std::map<std::string, int64_t> steps;  ///< by part; the recipe's own where a part is not named
  std::string ears;                      ///< recipe of the ears, beside this one; empty: none are trained

  static AllOptions read(const nlohmann::json& json, const std::string& context) {
    AllOptions o;
    ConfigReader config(json.value("all", nlohmann::json::object()), context + ": all");
    config.read("steps", o.steps);
    config.read("ears", o.ears);
    config.finish();
    return o;
  }
};

/// One network to train, in a folder of its own.
struct Part {
  std::string name, recipe_file;
  std::vector<std::string> stands_on;  ///< parts that must be finished before, and stay as they are
  TrainerOptions options;
  std::function<std::unique_ptr<TrainingSession>()> make;
};

class AllRun {
 public:
  explicit AllRun(const AllArguments& arguments)
      : arguments_(arguments),
        out_(arguments.run.out),
        file_(find_recipe(arguments.recipe)),
        json_(read_json_file(file_)),
        recipe_(Recipe::read(json_, file_)),
        all_(AllOptions::read(json_, file_)) {
    paths_.songs.assign(arguments.songs.begin(), arguments.songs.end());
    paths_.validation_songs.assign(arguments.validation.begin(), arguments.validation.end());
    add("text", {}, make_text_training, [this](RecipePaths& paths) { paths.tokenizer = arguments_.tokenizer; });
    add("vae", {}, make_vae_training, [](RecipePaths&) {});
    add("editor", {"vae", "text"}, make_editor_training, [this](RecipePaths& paths) {
      paths.vae = export_of("vae");
      paths.text = export_of("text");
    });
    add("mask", {"editor"}, make_mask_training, [this](RecipePaths& paths) { paths.start_from = export_of("editor"); });
    if (!all_.ears.empty()) add_ears();
    std::vector<std::string> names;
    for (const Part& part : parts_) names.push_back(part.name);
    for (const auto& [name, steps] : all_.steps)
      if (std::find(names.begin(), names.end(), name) == names.end())
        throw Error(ErrorKind::kModel,
                    file_ + ": all: steps: there is no part '" + name + "'; the parts are " + join(names, ", "));
  }

  int run(const CancelToken& cancel) {
    if (!std::all_of(parts_.begin(), parts_.end(), [this](const Part& part) { return finished(part); })) {
      check_order();
      check_recipe();
      check_songs();
    }
    const auto start = Clock::now();
    for (const Part& part : parts_) {
      if (finished(part)) continue;
      TrainerOptions options = part.options;
      if (options.limit_s > 0) {
        options.limit_s -= std::chrono::duration<double>(Clock::now() - start).count();
        if (options.limit_s <= 0) return stopped_before(part);
      }
      std::fprintf(stderr, "%s\n", part.name.c_str());
      torch::manual_seed(options.seed);
      RunArguments run = arguments_.run;
      run.config = part.recipe_file;
      run.out = (out_ / part.name).string();
      if (const int code = run_training(*part.make(), run, options, cancel); code != 0) return code;
      if (!finished(part)) return stopped_before(part);
    }
    assemble();
    return 0;
  }

 private:
  fs::path export_of(const std::string& part) const { return out_ / part / "export"; }

  const Part& part_called(const std::string& name) const {
    return *std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) { return part.name == name; });
  }

  /// A part that others stand on already is not trained further: they would be of another than the model's.
  void check_order() const {
    std::vector<std::string> outdated, folders;
    const std::string* further = nullptr;
    for (const Part& part : parts_) {
      if (steps_done(part) == 0) continue;
      for (const std::string& name : part.stands_on) {
        const bool other = std::find(outdated.begin(), outdated.end(), name) != outdated.end();
        if (!other && finished(part_called(name))) continue;
        if (further == nullptr) further = &name;
        outdated.push_back(part.name);
        folders.push_back((out_ / part.name).string());
        break;
      }
    }
    if (further != nullptr)
      throw Error(ErrorKind::kInput, "'" + *further + "' is to be trained further, but " + join(outdated, " and ") +
                                         " began with the one that is there; remove " + join(folders, ", ") +
                                         " to have what stands on it trained anew");
  }

  /// What later parts would refuse in the recipe.
  void check_recipe() const {
    if (!recipe_.pipeline.mask)
      throw Error(ErrorKind::kModel, file_ + ": the model has no \"mask\", which is one of the parts to train");
    MaskHeadOptions mask = *recipe_.pipeline.mask;
    if (mask.instruments.empty()) mask.instruments.emplace_back("piano");
    MaskHead{mask};
    if (!ears_) return;
    const Tokenizer tokenizer(arguments_.tokenizer);
    if (ears_->mulan.network.vocab_size < tokenizer.vocab_size())
      throw Error(ErrorKind::kModel,
                  format("the recipe's MuLan knows %lld tokens, the tokenizer has %d",
                         static_cast<long long>(ears_->mulan.network.vocab_size), tokenizer.vocab_size()));
  }

  /// What later parts would refuse in the songs is told before the first, which reads none, is trained.
  void check_songs() const {
    const auto songs_in = [this](const std::vector<fs::path>& folders) {
      SongSet songs(folders);
      if (songs.sample_rate() != recipe_.pipeline.vae.sample_rate)
        throw Error(ErrorKind::kInput,
                    format("the songs in %s have %d Hz, the recipe's VAE %lld Hz; render the songs at that rate",
                           folders.front().c_str(), songs.sample_rate(),
                           static_cast<long long>(recipe_.pipeline.vae.sample_rate)));
      return songs;
    };
    const SongSet songs = songs_in(paths_.songs);
    TripletSampler(songs, Lexicon::builtin(), recipe_.triplets);
    if (ears_) require_suitable_songs(*ears_, songs);
    if (paths_.validation_songs.empty()) return;
    require_different_songs(songs_of(songs), songs_of(songs_in(paths_.validation_songs)));
    if (all_.ears.empty()) return;
    // Of the networks that listen, each folder has figures of its own, by its name.
    std::set<std::string> names;
    for (const fs::path& folder : paths_.validation_songs) {
      const std::string name = own_name(folder);
      if (!names.insert(name).second)
        throw Error(ErrorKind::kUsage, "two folders to validate on are called '" + name +
                                           "', and their figures could not be told apart; rename one");
    }
  }

  template <class Make, class Fill>
  void add(const std::string& name, std::vector<std::string> stands_on, Make make, Fill fill) {
    parts_.push_back({name, file_, std::move(stands_on), options_of(name, recipe_.trainer), [this, make, fill] {
                        RecipePaths paths = paths_;
                        fill(paths);
                        return make(recipe_, paths);
                      }});
  }

  void add_ears() {
    const std::string file = (fs::path(file_).parent_path() / all_.ears).string();
    ears_ = EarsRecipe::read(read_json_file(file), file);
    const auto add_ear = [&](const char* name, std::vector<std::string> stands_on, const TrainerOptions& trainer,
                             auto make) {
      parts_.push_back({name, file, std::move(stands_on), options_of(name, trainer), [this, make] {
                          EarsPaths paths;
                          paths.songs = paths_.songs;
                          paths.validation_songs = paths_.validation_songs;
                          paths.model = export_of("mask");
                          paths.chords = export_of("chords");
                          paths.tagger = export_of("tagger");
                          return make(*ears_, paths);
                        }});
    };
    add_ear("chords", {}, ears_->chords.trainer, make_chord_training);
    add_ear("beats", {}, ears_->beats.trainer, make_beat_training);
    add_ear("keys", {"chords"}, ears_->keys.trainer, make_key_training);
    add_ear("tagger", {}, ears_->tagger.trainer, make_tagger_training);
    add_ear("mulan", {"mask", "tagger"}, ears_->mulan.trainer, make_mulan_training);
  }

  TrainerOptions options_of(const std::string& name, TrainerOptions options) const {
    if (const auto steps = all_.steps.find(name); steps != all_.steps.end()) options.steps = steps->second;
    return trainer_options(arguments_.run, options);
  }

  int64_t steps_done(const Part& part) const { return Trainer::steps_done(out_ / part.name); }
  bool finished(const Part& part) const {
    const int64_t done = steps_done(part);
    return fs::is_directory(export_of(part.name)) && done >= part.options.steps &&
           Trainer::steps_exported(out_ / part.name) == done;
  }

  int stopped_before(const Part& part) const {
    std::printf("%s: stopped in '%s'; the same command goes on\n", out_.c_str(), part.name.c_str());
    return 0;
  }

  /// The time that a part took in all its calls, as its log has it: every line says how long its steps took.
  double seconds_of(const Part& part) const {
    double seconds = 0;
    for (const auto& line : split(read_text_file(out_ / part.name / "log.jsonl"), '\n')) {
      if (line.empty()) continue;
      const auto entry = nlohmann::json::parse(line);
      for (const auto& [key, value] : entry.items())
        if (key.starts_with("seconds_")) seconds += value.get<double>();
    }
    return seconds;
  }

  /// The model is complete or not there: it is put together beside its place.
  void assemble() const {
    const fs::path model = out_ / "model", making = out_ / "model.partial";
    fs::remove_all(making);
    fs::copy(export_of("mask"), making, fs::copy_options::recursive);
    if (!all_.ears.empty()) {
      fs::create_directories(making / "ears");
      for (const Part& part : parts_)
        if (part.recipe_file != file_) fs::copy(export_of(part.name), making / "ears", fs::copy_options::recursive);
    }
    std::string table = "| part | steps | time |\n|---|---|---|\n";
    double all = 0;
    for (const Part& part : parts_) {
      const double seconds = seconds_of(part);
      all += seconds;
      table += format("| %s | %lld | %s |\n", part.name.c_str(), static_cast<long long>(steps_done(part)),
                      duration_text(seconds).c_str());
    }
    table += "| all | | " + duration_text(all) + " |\n";
    write_file_atomically(making / "compute.md", table);
    fs::remove_all(model);
    fs::rename(making, model);
    std::printf("%s%s\n", table.c_str(), model.c_str());
  }

  const AllArguments& arguments_;
  fs::path out_;
  std::string file_;
  nlohmann::json json_;
  Recipe recipe_;
  AllOptions all_;
  RecipePaths paths_;
  std::optional<EarsRecipe> ears_;
  std::vector<Part> parts_;
};

}  // namespace

void add_train_all(CLI::App& train_app, Run& run) {
  auto arguments = std::make_shared<AllArguments>();
  CLI::App* command = train_app.add_subcommand("all", "All parts one after the other, and one model folder of them.");
  command->add_option("--recipe", arguments->recipe, "A recipe's file, or its name in configs/train, e.g. default")
      ->required();
  add_trainer_options(command, arguments->run,
                      "Folder of the runs, and of the model: model/. The same command again leaves out what is "
                      "finished and goes on with the rest");
  command->add_option("-s,--songs", arguments->songs, "Folders made by 'data render'")->required();
  command->add_option("--validation", arguments->validation, "Folders with songs that are not trained on");
  command->add_option("--tokenizer", arguments->tokenizer, "A spiece.model")->required();
  command->callback([arguments, &run] {
    run = [arguments] {
      const CancelToken cancel = cancel_on_signals();
      return AllRun(*arguments).run(cancel);
    };
  });
}

}  // namespace instructme::cli
