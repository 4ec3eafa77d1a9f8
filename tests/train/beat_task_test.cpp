#include "instructme/train/beat_task.h"

#include <torch/torch.h>

#include "ear_clips.h"
#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/train/trainer.h"

namespace instructme {
namespace {

using at::Tensor;

TEST(BeatTask, FMeasureCountsMatchesOnceWithinTheWindow) {
  EXPECT_EQ(event_f_measure({}, {}), 1.0);
  EXPECT_EQ(event_f_measure({1.0}, {}), 0.0);
  EXPECT_EQ(event_f_measure({1.0, 2.0}, {1.06, 1.95}), 1.0);
  EXPECT_EQ(event_f_measure({1.0, 2.0}, {1.08, 2.0}), 0.5);
  // Two answers at one beat: one is too many.
  EXPECT_NEAR(event_f_measure({1.0}, {0.97, 1.02}), 2.0 / 3.0, 1e-12);
  // Twice as fast: half of the answers are right.
  EXPECT_NEAR(event_f_measure({1, 2, 3}, {1, 1.5, 2, 2.5, 3}), 6.0 / 8.0, 1e-12);
}

TEST(BeatTask, TargetsFollowTheSpeed) {
  LabelledClip clip = made_up_clip(4.0, 0.5, 0.51);
  clip.labelled_s = 3.0;
  const Tensor usual = beat_targets(clip, 1.0, 200), fast = beat_targets(clip, 2.0, 100);
  EXPECT_EQ(usual[25][0].item<float>(), 1.0f);
  EXPECT_EQ(usual[25][1].item<float>(), 1.0f);
  EXPECT_EQ(usual[26][0].item<float>(), 0.5f);
  EXPECT_EQ(usual[50][0].item<float>(), 1.0f);
  EXPECT_EQ(usual[50][1].item<float>(), 0.0f);
  EXPECT_EQ(usual[30][0].item<float>(), 0.0f);
  EXPECT_EQ(usual[160][0].item<float>(), -1.0f);
  EXPECT_EQ(fast[12][0].item<float>(), 1.0f);
  EXPECT_EQ(fast[80][1].item<float>(), -1.0f);
}

TEST(BeatTask, LearnsToHearClicks) {
  BeatNetOptions o;
  o.channels = 16;
  o.blocks = 1;
  o.slow_channels = 24;
  o.slow_blocks = 1;
  torch::manual_seed(1);
  BeatTaskOptions options;
  options.batch = 4;
  options.seconds = 6;
  const auto draw = [](Rng& rng) { return made_up_clip(8.0, rng.uniform(0.4, 0.6), rng.uniform(0.0, 0.5)); };
  BeatTask task(BeatNet(o), options, draw, {{"other", {made_up_clip(8.0, 0.47, 0.2), made_up_clip(8.0, 0.55, 0.3)}}});
  TrainerOptions how;
  how.steps = 60;
  how.bfloat16 = false;
  how.adamw.learning_rate = 1e-2;
  how.adamw.ema_decay = 0.9;
  how.warmup_steps = 5;
  how.validate_every = 0;
  how.log_every = 50;
  const TempDir folder;
  Trainer(task, how, folder.path()).run({}, {});
  EXPECT_GT(task.validate().at("other_beats"), 0.9);
  EXPECT_GT(task.validate().at("other_downbeats"), 0.8);
}

TEST(BeatTask, RecordingsWithoutBeatsDoNotCount) {
  BeatNetOptions o;
  o.channels = 8;
  o.blocks = 1;
  o.slow_channels = 8;
  o.slow_blocks = 1;
  torch::manual_seed(1);
  const LabelledClip known = made_up_clip(8.0, 0.47, 0.2);
  LabelledClip recording = known;
  recording.beats.clear();
  recording.labelled_s = 0;
  BeatTask task(BeatNet(o), {}, [&](Rng&) { return known; },
                {{"one", {known}}, {"both", {known, recording}}, {"recordings", {recording}}});
  const auto figures = task.validate();
  EXPECT_LT(figures.at("one_beats"), 1.0) << "it has learned nothing yet";
  EXPECT_EQ(figures.at("both_beats"), figures.at("one_beats"));
  EXPECT_EQ(figures.at("both_downbeats"), figures.at("one_downbeats"));
  EXPECT_EQ(figures.count("recordings_beats"), 0u);
}

TEST(BeatTask, ReadsItsOptionsStrictly) {
  const auto read = [](nlohmann::json keys) {
    return BeatTaskOptions::read(ConfigReader(std::move(keys), "training"));
  };
  EXPECT_EQ(read({{"seconds", 5}}).seconds, 5);
  expect_error(ErrorKind::kModel, "speed 0 to 0.5", [&] { read({{"speed", 0.9}}); });
  BeatTask short_clips(BeatNet(BeatNetOptions{}), {}, [](Rng&) { return made_up_clip(6.0, 0.5, 0.0); }, {});
  expect_error(ErrorKind::kModel, "shorter than", [&] { short_clips.make_batch(0, Rng(1)); });
}

}  // namespace
}  // namespace instructme
