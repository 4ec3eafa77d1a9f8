#include "instructme/train/tagger_task.h"

#include <torch/torch.h>

#include <cmath>

#include "ear_clips.h"
#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/ears/log_frequency.h"
#include "instructme/train/trainer.h"

namespace instructme {
namespace {

using at::Tensor;

TEST(TaggerTask, AreaUnderTheCurveCountsPairs) {
  const Tensor truth = torch::tensor({1.0, 0.0, 1.0, 0.0, -1.0});
  EXPECT_NEAR(roc_auc(truth, torch::tensor({0.9, 0.1, 0.8, 0.2, 0.99})), 1.0, 1e-12);
  EXPECT_NEAR(roc_auc(truth, torch::tensor({0.9, 0.1, 0.15, 0.2, 0.0})), 0.75, 1e-12);
  EXPECT_NEAR(roc_auc(truth, torch::full({5}, 0.5)), 0.5, 1e-12);
  EXPECT_TRUE(std::isnan(roc_auc(torch::tensor({1.0, 1.0}), torch::tensor({0.1, 0.2}))));
}

TEST(TaggerTask, TheThresholdWithTheBestF1LiesBetweenTwoScores) {
  const Tensor truth = torch::tensor({1.0, 1.0, 0.0, 1.0, 0.0, 0.0});
  const Tensor score = torch::tensor({0.9, 0.8, 0.7, 0.6, 0.2, 0.1});
  EXPECT_NEAR(best_f1_threshold(truth, score, 0.5), 0.4, 1e-6);
  EXPECT_EQ(best_f1_threshold(torch::zeros_like(truth), score, 0.5), 0.5);
}

TEST(TaggerTask, ThresholdsOfRareInstrumentsAreNearTheCommonOne) {
  // A usual instrument is told best at 0.3, one clip has a rare one, which scores 0.9.
  const int64_t clips = 400;
  Tensor truth = torch::zeros({clips, 2}), score = torch::full({clips, 2}, 0.1);
  for (int64_t i = 0; i < clips / 2; ++i) truth[i][0] = 1, score[i][0] = 0.5;
  truth[0][1] = 1, score[0][1] = 0.9;
  const std::vector<double> thresholds = shrunk_thresholds(truth, score);
  EXPECT_NEAR(thresholds[0], 0.3, 1e-6);
  EXPECT_NEAR(thresholds[1], (1 * 0.5 + 40 * 0.3) / 41, 1e-6);
}

/// Clips with a low or a high tone, called by two names of instruments.
LabelledClip tone_clip(bool low) {
  LabelledClip clip = made_up_clip(2.0, 5.0, 4.0);
  for (size_t i = 0; i < clip.wave.size(); ++i)
    clip.wave[i] = static_cast<float>(0.1 * std::sin((low ? 0.02 : 0.9) * static_cast<double>(i)));
  clip.instruments = {{low ? "bass" : "flute", std::vector<float>(4, -23.0f)}};
  clip.genre = low ? "rock" : "jazz";
  return clip;
}

TaggerOptions small_tagger() {
  TaggerOptions o;
  o.bands = 32;
  o.channels = {4, 8, 8, 8};
  o.hidden = 16;
  o.instruments = {"bass", "flute"};
  o.genres = {"jazz", "rock"};
  return o;
}

TEST(TaggerTask, WhereSomethingWithoutANameSoundsNothingIsKnownToBeAbsent) {
  LabelledClip clip = tone_clip(true);
  const ClipTags named = clip_tags(clip, small_tagger());
  EXPECT_TRUE(named.whole.equal(torch::tensor({1.0f, 0.0f})));
  clip.unnamed = true;
  const ClipTags tags = clip_tags(clip, small_tagger());
  EXPECT_TRUE(tags.whole.equal(torch::tensor({1.0f, -1.0f})));
  EXPECT_TRUE(tags.blocks.equal(torch::tensor({1.0f, -1.0f}).expand({4, 2})));
  clip.instruments[0].blocks_db.assign(4, -90.0f);
  EXPECT_TRUE(clip_tags(clip, small_tagger()).whole.equal(torch::tensor({-1.0f, -1.0f})));
}

TEST(TaggerTask, NothingIsPresentInSilence) {
  LabelledClip clip = tone_clip(true);
  clip.genre = "jazz";
  std::fill(clip.wave.begin(), clip.wave.end(), 0.0f);
  clip.instruments[0].blocks_db.assign(4, kSilence_db);
  const ClipTags tags = clip_tags(clip, small_tagger());
  EXPECT_TRUE(tags.whole.equal(torch::tensor({0.0f, 0.0f})));
  EXPECT_TRUE(tags.blocks.equal(torch::zeros({4, 2})));
  EXPECT_EQ(tags.genre, -1);
}

TEST(TaggerTask, OnlyGenresThatAreKnownAreJudged) {
  TaggerOptions o = small_tagger();
  o.genres = {"", "jazz", "rock"};
  torch::manual_seed(2);
  Tagger net(o);
  LabelledClip known = tone_clip(true), unknown = tone_clip(false);
  unknown.genre.clear();
  EXPECT_EQ(clip_tags(unknown, o).genre, -1);
  const int64_t heard = listen_for_tags(net, wave_of(known)).genres.slice(0, 1).argmax().item<int64_t>() + 1;
  const torch::NoGradGuard no_grad;
  net->genres->bias[0].fill_(-100.0f);  // never the one without a name
  known.genre = o.genres[static_cast<size_t>(heard)];
  EXPECT_EQ(score_tags(net, {0.5, 0.5}, {known, unknown}).genre, 1.0);
  EXPECT_EQ(score_tags(net, {0.5, 0.5}, {unknown}).genre, 0.0);
}

TEST(TaggerTask, BatchesAreFinishedAsSpectra) {
  TaggerTaskOptions options;
  options.batch = 2;
  options.speed = options.level_db = 0;
  Tagger net(small_tagger());
  const Tensor plain = net->spectrum(at_usual_level(wave_of(tone_clip(true))));  // (1, T, bands)
  net->to(at::kBFloat16);
  TaggerTask task(net, options, [](Rng&) { return tone_clip(true); }, {});
  const auto spectrum = [&](uint64_t seed) {
    Batch batch = task.make_batch(0, Rng(seed));
    EXPECT_EQ(batch.tensors.count("spectrum"), 0u);
    task.finish_batch(batch, Rng(seed).fork("finish"));
    EXPECT_EQ(batch.tensors.count("wave") + batch.tensors.count("curve"), 0u);
    EXPECT_EQ(batch.tensors.at("spectrum").scalar_type(), at::kBFloat16);
    return batch.tensors.at("spectrum");
  };
  // An equaliser of its own for every clip, the same in all its frames; 0.03: roundings to bfloat16.
  const Tensor change = spectrum(1).to(at::kFloat) - plain;
  EXPECT_LT((change - change.narrow(1, 0, 1)).abs().max().item<double>(), 0.03);
  EXPECT_GT((change[0] - change[1]).abs().max().item<double>(), 0.05);
  EXPECT_TRUE(spectrum(1).equal(spectrum(1)));
  EXPECT_FALSE(spectrum(1).equal(spectrum(2)));
}

TEST(TaggerTask, LearnsToTellTwoTonesApart) {
  torch::manual_seed(1);
  TaggerTaskOptions options;
  options.batch = 8;
  options.calibration_clips = 20;
  TaggerTask task(Tagger(small_tagger()), options, [](Rng& rng) { return tone_clip(rng.chance(0.5)); },
                  {{"other", {tone_clip(true), tone_clip(false)}}});
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
  const auto figures = task.validate();
  EXPECT_EQ(figures.at("other_auc"), 1.0);
  EXPECT_EQ(figures.at("other_f1"), 1.0);
  EXPECT_EQ(figures.at("other_class_f1"), 1.0);
  EXPECT_EQ(figures.at("other_genre"), 1.0);
  task.export_model((folder.path() / "out").string(), 60);
  CalibratedTagger loaded = load_tagger(folder.path() / "out");
  const Tags tags = listen_for_tags(loaded.net, wave_of(tone_clip(true)));
  EXPECT_GT(tags.instruments[0].item<double>(), loaded.instrument_thresholds[0]);
  EXPECT_LT(tags.instruments[1].item<double>(), loaded.instrument_thresholds[1]);
}

TEST(TaggerTask, ReadsItsOptionsStrictly) {
  const auto read = [](nlohmann::json keys) {
    return TaggerTaskOptions::read(ConfigReader(std::move(keys), "training"));
  };
  EXPECT_EQ(read({{"batch", 5}}).batch, 5);
  expect_error(ErrorKind::kModel, "at least audible_db", [&] { read({{"audible_db", 50}}); });
  expect_error(ErrorKind::kModel, "speed 0 to 0.5", [&] { read({{"speed", 2}}); });
}

}  // namespace
}  // namespace instructme
