#include "instructme/train/key_task.h"

#include <torch/torch.h>

#include <cmath>
#include <numbers>
#include <utility>

#include "ear_clips.h"
#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/train/trainer.h"

namespace instructme {
namespace {

/// A triad that sounds all the time, in the key of its root.
LabelledClip triad(int tonic, bool minor) {
  LabelledClip clip = made_up_clip(2.0, 0.5, 0.0);
  for (size_t i = 0; i < clip.wave.size(); ++i) {
    double sum = 0;
    for (const int interval : {0, minor ? 3 : 4, 7})
      sum += std::sin(2 * std::numbers::pi * 220 * std::exp2((tonic + interval - 9) / 12.0) * static_cast<double>(i) /
                      24000);
    clip.wave[i] = static_cast<float>(0.05 * sum);
  }
  clip.key = {tonic, minor ? Mode::kDorian : Mode::kMajor};
  clip.labelled_s = 2.0;
  return clip;
}

TEST(KeyTask, ModesBelongToTheirThird) {
  EXPECT_EQ(key_class({2, Mode::kMixolydian}), 2);
  EXPECT_EQ(key_class({2, Mode::kPhrygian}), 14);
}

TEST(KeyTask, LearnsWhatChordsSayOfKeys) {
  KeyTaskOptions options;
  options.batch = 6;
  options.penalty = 0;
  KeyNet net(KeyNetOptions{2.0});
  KeyTask task(
      net, options, [](Rng& rng) { return triad(static_cast<int>(rng.integer(0, 11)), rng.chance(0.5)); },
      {{"other", {triad(3, false), triad(7, true)}}}, std::make_unique<ChromaTemplateChordExtractor>());
  EXPECT_LT(task.validate().at("other_key"), 0.9);
  TrainerOptions how;
  how.steps = 40;
  how.bfloat16 = false;
  how.adamw.learning_rate = 1.0;
  how.adamw.weight_decay = 0;
  how.adamw.ema_decay = 0.9;
  how.warmup_steps = 5;
  how.validate_every = 0;
  how.log_every = 50;
  const TempDir folder;
  Trainer(task, how, folder.path()).run({}, {});
  EXPECT_EQ(task.validate().at("other_key"), 1.0);
  task.export_model((folder.path() / "out").string(), 60);
  EXPECT_EQ(load_key_net(folder.path() / "out")->options.seconds, 2.0);
}

TEST(KeyTask, RecordingsWithoutChordsHaveNoKey) {
  const LabelledClip known = triad(3, true);
  LabelledClip recording = triad(7, true);  // C major, as nobody has looked
  recording.key = {};
  recording.chords.clear();
  recording.labelled_s = 0;
  KeyTaskOptions options;
  options.batch = 2;
  options.penalty = 0;
  bool next_is_known = true;
  KeyTask task(
      KeyNet(KeyNetOptions{2.0}), options,
      [&](Rng&) {
        const bool is_known = std::exchange(next_is_known, false);
        return is_known ? known : recording;
      },
      {{"one", {known}}, {"both", {known, recording}}, {"recordings", {recording}}},
      std::make_unique<ChromaTemplateChordExtractor>());
  const Batch batch = task.make_batch(0, Rng(1));
  EXPECT_TRUE(batch.tensors.at("key").equal(torch::tensor({15, -1}, at::kLong)));
  // All 24 keys are as likely before training.
  EXPECT_NEAR(task.loss(0, batch, 0, {}).total.item<double>(), std::log(24.0), 1e-4);
  const Batch recordings = task.make_batch(1, Rng(1));
  EXPECT_EQ(task.loss(0, recordings, 1, {}).total.item<double>(), 0.0);
  const auto figures = task.validate();
  EXPECT_EQ(figures.at("both_key"), figures.at("one_key"));
  EXPECT_EQ(figures.count("recordings_key"), 0u);
}

TEST(KeyTask, ReadsItsOptionsStrictly) {
  const auto read = [](nlohmann::json keys) { return KeyTaskOptions::read(ConfigReader(std::move(keys), "training")); };
  EXPECT_EQ(read({{"batch", 5}}).batch, 5);
  expect_error(ErrorKind::kModel, "penalty", [&] { read({{"penalty", -1}}); });
  expect_error(ErrorKind::kModel, "penalti", [&] { read({{"penalti", 1}}); });
}

}  // namespace
}  // namespace instructme
