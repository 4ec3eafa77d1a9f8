#include <torch/torch.h>
// The precompiled torch header comes first.
#include <atomic>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/data/shards.h"
#include "instructme/data/triplet_stream.h"
#include "instructme/train/ears_recipe.h"
#include "instructme/train/recipe.h"
#include "tiny_pipeline.h"
#include "tiny_song.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path recipes() { return fs::path(INSTRUCTME_SOURCE_DIR) / "configs/train"; }

TEST(Recipe, EveryPublishedOneCanBeRead) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(recipes())) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path());
    if (entry.path().stem().string().ends_with("ears")) {
      EarsRecipe::read(read_json_file(entry.path()), entry.path().string());
      continue;
    }
    const Recipe recipe = Recipe::read(read_json_file(entry.path()), entry.path().string());
    EXPECT_EQ(recipe.text.d_model, recipe.pipeline.unet.text_dim) << "the editor could not be built";
    EXPECT_EQ(recipe.triplets.source_level_db, recipe.pipeline.level_dbfs);
    EXPECT_EQ(recipe.triplets.chord_frame_rate, recipe.pipeline.chord_rate());
    EXPECT_EQ(recipe.text.dropout_rate, 0) << "dropout would draw from torch's generator, and a run not resume exactly";
    ++count;
  }
  EXPECT_GE(count, 1);
}

void read_with(const char* pointer, json value) {
  json recipe = read_json_file(recipes() / "default.json");
  recipe[json::json_pointer(pointer)] = std::move(value);
  Recipe::read(recipe, "recipe.json");
}

TEST(Recipe, UnknownKeysNameTheNearest) {
  for (const auto& [pointer, nearest] :
       std::vector<std::pair<const char*, const char*>>{{"/trainr", "trainer"},
                                                        {"/trainer/step", "steps"},
                                                        {"/triplets/second", "seconds"},
                                                        {"/vae_training/bach", "batch"},
                                                        {"/editor_training/text_drp", "text_drop"},
                                                        {"/text_encoder/d_modell", "d_model"},
                                                        {"/model/vae/hopp", "hop"},
                                                        {"/model/unet/chanels", "channels"},
                                                        {"/model/level_dbf", "level_dbfs"},
                                                        {"/discriminators/period", "periods"}}) {
    SCOPED_TRACE(pointer);
    expect_error(ErrorKind::kModel, std::string("did you mean '") + nearest + "'", [&] { read_with(pointer, 1); });
    expect_error(ErrorKind::kModel, "recipe.json", [&] { read_with(pointer, 1); });
  }
}

TEST(Recipe, WrongTypes) {
  expect_error(ErrorKind::kModel, "'steps' has an unsuitable value 6.5", [] { read_with("/trainer/steps", 6.5); });
  expect_error(ErrorKind::kModel, "'proportions'", [] { read_with("/triplets/proportions", json::array({1})); });
  expect_error(ErrorKind::kModel, "expected a JSON object", [] { read_with("/trainer", 3); });
  expect_error(ErrorKind::kModel, "model", [] { Recipe::read(json::object(), "recipe.json"); });
}

class Sessions : public testing::Test {
 protected:
  Sessions() {
    write_tiny_song(files_.path() / "songs/a");
    write_tiny_song(files_.path() / "validation/b", 24000, 1);
    paths_.songs = {files_.path() / "songs"};
    paths_.validation_songs = {files_.path() / "validation"};
    json recipe = {
        {"model", tiny_config().to_json()},
        {"text_encoder",
         {{"vocab_size", 512}, {"d_model", 16}, {"d_kv", 8}, {"d_ff", 16}, {"num_layers", 1}, {"num_heads", 2}}},
        {"triplets", {{"seconds", 1.28}, {"proportions", {{"extract", 1.0}, {"remove", 1.0}}}}},
        {"vae_training", {{"batch", 2}, {"seconds", 0.4}}},
        {"editor_training", {{"batch", 2}}},
        {"trainer", {{"steps", 2}, {"log_every", 1}, {"validate_every", 2}, {"bfloat16", true}}},
        {"validation_examples", 1}};
    recipe_ = Recipe::read(recipe, "recipe.json");
  }
  void train(TrainingSession& session, const char* folder) {
    Trainer trainer(session.task(), recipe_.trainer, files_.path() / folder);
    EXPECT_EQ(trainer.run({}, {}), 2);
  }

  TempDir files_;
  Recipe recipe_;
  RecipePaths paths_;
};

TEST_F(Sessions, AVaeThenAnEditorThenOnFromTheEditor) {
  torch::manual_seed(1);
  train(*make_vae_training(recipe_, paths_), "vae");
  paths_.start_from = files_.path() / "vae/export";
  train(*make_vae_training(recipe_, paths_), "vae2");

  paths_.start_from.clear();
  paths_.vae = files_.path() / "vae2/export";
  paths_.tokenizer = tokenizer_file();
  train(*make_editor_training(recipe_, paths_), "editor");
  Pipeline::load(files_.path() / "editor/export");

  train(*make_text_training(recipe_, paths_), "text");
  RecipePaths with_text = paths_;
  with_text.text = files_.path() / "text/export";
  with_text.tokenizer.clear();
  train(*make_editor_training(recipe_, with_text), "editor_with_text");
  expect_error(ErrorKind::kUsage, "needs --tokenizer", [&] { make_text_training(recipe_, {}); });

  RecipePaths on = paths_;
  on.start_from = files_.path() / "editor/export";
  on.vae.clear();
  train(*make_editor_training(recipe_, on), "editor2");
  EXPECT_EQ(make_editor_training(recipe_, on)->note(), "");
  recipe_.pipeline.unet.source_gate = 12;
  const auto grown = make_editor_training(recipe_, on);
  EXPECT_NE(grown->note().find("the others anew"), std::string::npos) << grown->note();
  train(*grown, "editor3");
  EXPECT_EQ(Pipeline::load(files_.path() / "editor3/export").config.unet.source_gate, 12);
  recipe_.pipeline.vae.decoder_channels = 24;
  expect_error(ErrorKind::kModel, "VAEs of different sizes", [&] { make_editor_training(recipe_, on); });
}

// What is trained on does not depend on the threads of the stream, nor on where the run was stopped.
TEST_F(Sessions, AStreamResumesExactly) {
  const auto train_on_a_stream = [&](const char* folder, int64_t until, int threads) {
    StreamOptions options;
    options.triplets = recipe_.triplets;
    options.songs_per_block = 2;
    options.triplets_per_song = 3;
    options.threads = threads;
    RecipePaths paths = paths_;
    paths.songs.clear();
    const SongSupply supply{24000, []() -> SongSource {
                              return [](uint64_t number) {
                                std::vector<RenderedSong> songs{tiny_song(24000, number)};
                                return std::make_shared<const SongSet>(std::move(songs));
                              };
                            }};
    paths.examples = std::make_shared<TripletStream>(options, supply, Lexicon::builtin());
    paths.vae = files_.path() / "vae/export";
    paths.tokenizer = tokenizer_file();
    torch::manual_seed(1);
    const auto session = make_editor_training(recipe_, paths);
    Trainer trainer(session->task(), recipe_.trainer, files_.path() / folder);
    std::atomic<bool> stop{false};
    trainer.run(CancelToken(&stop), [&](const Progress& progress) { stop = progress.done >= until; });
    return read_text_file(files_.path() / folder / "checkpoint.safetensors");
  };
  torch::manual_seed(1);
  train(*make_vae_training(recipe_, paths_), "vae");
  recipe_.trainer.steps = 8;  // beyond the first block of six
  const std::string whole = train_on_a_stream("whole", 8, 1);
  train_on_a_stream("stopped", 5, 2);
  EXPECT_EQ(train_on_a_stream("stopped", 8, 3), whole);
  EXPECT_NE(read_text_file(files_.path() / "whole/log.jsonl").find("\"data_share\""), std::string::npos);
}

TEST_F(Sessions, ShardsTakeThePlaceOfSongs) {
  auto songs = std::make_shared<const SongSet>(files_.path() / "songs");
  StreamOptions options;
  options.triplets = recipe_.triplets;
  TripletStream stream(options, stored_songs(songs), Lexicon::builtin());
  ShardOptions shards;
  shards.folder = files_.path() / "shards";
  shards.count = 5;
  write_shards(shards, stream);
  RecipePaths paths = paths_;
  paths.songs.clear();
  paths.examples = std::make_shared<ShardSet>(shards.folder);
  torch::manual_seed(1);
  train(*make_vae_training(recipe_, paths), "vae");
  paths.vae = files_.path() / "vae/export";
  paths.tokenizer = tokenizer_file();
  train(*make_editor_training(recipe_, paths), "editor");

  Recipe longer = recipe_;
  longer.triplets.seconds = 1.5;
  expect_error(ErrorKind::kInput, "write shards with the recipe's seconds", [&] { make_vae_training(longer, paths); });
  paths.validation_songs = {files_.path() / "songs"};
  expect_error(ErrorKind::kInput, "also there for validation", [&] { make_vae_training(recipe_, paths); });
  paths.songs = paths_.songs;
  expect_error(ErrorKind::kUsage, "not several", [&] { make_vae_training(recipe_, paths); });
}

TEST_F(Sessions, ATaggerHasTheGenresThatSongsTell) {
  RenderedSong recording = tiny_song(24000, 2);
  recording.info.arrangements[0].genre.clear();
  write_song(files_.path() / "songs/recording", recording);
  write_song(files_.path() / "recordings/a", recording);
  EarsRecipe ears;
  ears.tagger.clips.seconds = 2;
  ears.tagger.training.calibration_clips = 0;
  EarsPaths paths;
  const auto genres_of = [&](const char* songs) {
    paths.songs = {files_.path() / songs};
    make_tagger_training(ears, paths)->task().export_model((files_.path() / "tagger").string(), 0);
    return load_tagger(files_.path() / "tagger").net->options.genres;
  };
  EXPECT_EQ(genres_of("songs"), std::vector<std::string>{"rock"});
  EXPECT_EQ(genres_of("recordings").size(), Lexicon::builtin().genres().size());
}

TEST(EarsRecipe, ClipsOfBeatsHoldTheirExamplesAtAnySpeed) {
  EarsRecipe ears;
  ears.beats.training.seconds = 11;
  ears.beats.training.speed = 0.25;
  ears.beats.clips.seconds = 13;
  expect_error(ErrorKind::kModel, "they must have 13.75 s", [&] { make_beat_training(ears, {}); });
  ears.beats.clips.seconds = 14;
  expect_error(ErrorKind::kUsage, "nothing to train on", [&] { make_beat_training(ears, {}); });
}

TEST_F(Sessions, WhatIsMissingOrDoesNotFit) {
  RecipePaths nothing = paths_;
  nothing.songs.clear();
  expect_error(ErrorKind::kUsage, "nothing to train on", [&] { make_vae_training(recipe_, nothing); });
  RecipePaths same = paths_;
  same.validation_songs = same.songs;
  expect_error(ErrorKind::kInput, "'" + (files_.path() / "songs/a").string() + "'",
               [&] { make_vae_training(recipe_, same); });
  expect_error(ErrorKind::kUsage, "needs --vae and --text (or --tokenizer)",
               [&] { make_editor_training(recipe_, paths_); });
  RecipePaths other = paths_;
  other.songs = {files_.path() / "nowhere"};
  EXPECT_THROW(make_vae_training(recipe_, other), Error);
  write_tiny_song(files_.path() / "slow/a", 16000);
  other.songs = {files_.path() / "slow"};
  expect_error(ErrorKind::kInput, "the songs have 16000 Hz", [&] { make_vae_training(recipe_, other); });
  Recipe long_examples = recipe_;
  long_examples.vae_task.seconds = long_examples.triplets.seconds;
  expect_error(ErrorKind::kModel, "must be shorter than its triplets",
               [&] { make_vae_training(long_examples, paths_); });
  tiny_pipeline().save(files_.path() / "model");
  other = paths_;
  other.start_from = files_.path() / "model";
  recipe_.pipeline.vae.decoder_channels = 24;
  expect_error(ErrorKind::kModel, "vae.safetensors", [&] { make_vae_training(recipe_, other); });
}

}  // namespace
}  // namespace instructme
