#include "instructme/train/mask_task.h"

#include <torch/torch.h>

#include <cmath>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/train/trainer.h"
#include "tiny_pipeline.h"

namespace instructme {
namespace {

using at::Tensor;

constexpr int kLength = 9600;

/// A low and a high tone together, of which the sentence names one.
Triplet question(const std::string& sentence) {
  Triplet triplet;
  triplet.sentence = sentence;
  triplet.instruction = parse_instruction(sentence, Lexicon::builtin());
  const bool low_is_answer =
      (triplet.instruction.instruments.front() == "bass") == (triplet.instruction.operation == Operation::kExtract);
  for (int i = 0; i < kLength; ++i) {
    const auto low = static_cast<float>(0.1 * std::sin(0.02 * i)), high = static_cast<float>(0.1 * std::sin(0.9 * i));
    triplet.source.push_back(low + high);
    triplet.target.push_back(low_is_answer ? low : high);
  }
  triplet.source_instruments = {"bass", "flute"};
  return triplet;
}

std::vector<Triplet> siblings() { return {question("extract the bass"), question("remove the bass")}; }

MaskTask make_task(Pipeline& pipeline, int64_t batch = 4) {
  MaskTaskOptions options;
  options.batch = batch;
  return MaskTask(pipeline, options, [](int64_t, Rng&) { return siblings(); },
                  {question("extract the bass"), question("extract the flute")});
}

TEST(MaskTask, TheStemIsWhatIsNamedWhicheverTheOperation) {
  Pipeline pipeline = tiny_pipeline();
  const Batch batch = make_task(pipeline).make_batch(0, Rng(1));
  const Tensor& stem = batch.tensors.at("stem");
  EXPECT_LT((stem[0] - stem[1]).abs().max().item<double>(), 1e-6);
  EXPECT_LT((stem[0] - torch::tensor(question("extract the bass").target)).abs().max().item<double>(), 1e-6);
  EXPECT_TRUE(batch.tensors.at("instrument").equal(torch::zeros({4}, at::kLong)));
  // All four have the same source; it is heard once.
  EXPECT_EQ(batch.tensors.at("source").size(0), 1);
  EXPECT_TRUE(batch.tensors.at("piece").equal(torch::zeros({4}, at::kLong)));
}

TEST(MaskTask, WhatIsAskedIsTheSameForAllOfAMixAndAmongItsInstruments) {
  Pipeline pipeline = tiny_pipeline();
  const std::vector<Triplet> both{question("extract the bass"), question("extract the flute")};
  MaskTaskOptions options;
  options.batch = 2;
  MaskTask task(pipeline, options, [&](int64_t, Rng&) { return both; }, {});
  std::map<int, int> seen;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Batch batch = task.make_batch(0, Rng(seed));
    const Tensor& asked = batch.tensors.at("asked");
    ASSERT_EQ(asked.size(0), 1);
    const Tensor own = asked[0].index_select(0, batch.tensors.at("instrument"));
    EXPECT_EQ(own.sum().item<float>(), asked[0].sum().item<float>());  // no other instrument is named
    ++seen[static_cast<int>(own.sum().item<float>())];
  }
  EXPECT_GT(seen[1], 30);  // mostly one, sometimes none or both
  EXPECT_GT(seen[0], 0);
  EXPECT_GT(seen[2], 0);
}

TEST(MaskTask, LearnsToTakeTwoTonesApartByName) {
  const TempDir folder;
  Pipeline pipeline = tiny_pipeline();
  MaskTaskOptions options;
  options.batch = 4;
  MaskTask task(pipeline, options,
                [](int64_t, Rng& rng) {
                  return std::vector{question(rng.chance(0.5) ? "extract the bass" : "extract the flute")};
                },
                {question("extract the bass"), question("extract the flute")});
  task.standardise_input();
  TrainerOptions how;
  how.steps = 150;
  how.bfloat16 = false;
  how.adamw.learning_rate = 1e-2;
  how.warmup_steps = 10;
  how.validate_every = 0;
  how.log_every = 50;
  Trainer(task, how, folder.path()).run({}, {});
  torch::NoGradGuard no_grad;
  const auto figures = task.validate();
  EXPECT_LT(figures.at("mask_loss"), 0.1);
  EXPECT_GT(figures.at("si_sdr_gain"), 10.0);
  // What the model folder holds answers in the same way.
  task.export_model((folder.path() / "export").string(), 3);
  Pipeline loaded = Pipeline::load(folder.path() / "export");
  const Tensor wave = torch::tensor(question("extract the bass").source).unsqueeze(0);
  // Where there is sound: what a mask is of silence hangs on the rounding of the weights.
  const auto stem = [&](MaskHead& mask) {
    const Tensor spectrum = mask->spectrum(wave);
    return mask->inverse(spectrum * mask->masks(mask->listen(spectrum.abs()), {0}), wave.size(1));
  };
  const Tensor kept = stem(pipeline.mask);
  EXPECT_GT(kept.abs().max().item<double>(), 0.05);
  EXPECT_LT((stem(loaded.mask) - kept).abs().max().item<double>(), 0.02 * kept.abs().max().item<double>());
  EXPECT_EQ(loaded.config.mask->instruments, pipeline.config.mask->instruments);
}

TEST(MaskTask, PassesOverWhatIsNotOneKnownStem) {
  Pipeline pipeline = tiny_pipeline();
  int drawn = 0;
  MaskTask task(pipeline, {},
                [&](int64_t, Rng&) {
                  const char* sentences[] = {"add a piano", "extract the bass and the flute", "extract the banjo",
                                             "extract the bass"};
                  return std::vector{question(sentences[drawn++ % 4])};
                },
                {question("add a piano")});
  const Batch batch = task.make_batch(0, Rng(1));
  EXPECT_EQ(batch.tensors.at("stem").size(0), 24);
  EXPECT_EQ(drawn, 4 * 24);
  EXPECT_TRUE(task.validate().empty());
}

TEST(MaskTask, RefusesWhatCannotBeTrained) {
  PipelineConfig config = tiny_config();
  config.mask.reset();
  Pipeline without = tiny_pipeline(1, config);
  expect_error(ErrorKind::kModel, "no \"mask\"", [&] { make_task(without); });
  Pipeline pipeline = tiny_pipeline();
  MaskTask nothing(pipeline, {}, [](int64_t, Rng&) { return std::vector{question("add a piano")}; }, {});
  expect_error(ErrorKind::kInput, "hardly a part", [&] { nothing.make_batch(0, Rng(1)); });
  const auto read = [](nlohmann::json json) {
    ConfigReader reader(std::move(json), "recipe.json: mask_training");
    return MaskTaskOptions::read(reader);
  };
  EXPECT_EQ(read({{"batch", 7}}).batch, 7);
  expect_error(ErrorKind::kModel, "log_mel_weight must not", [&] { read({{"log_mel_weight", -1}}); });
  expect_error(ErrorKind::kModel, "at least 1", [&] { read({{"batch", 0}}); });
  expect_error(ErrorKind::kModel, "bach", [&] { read({{"bach", 4}}); });
}

}  // namespace
}  // namespace instructme
