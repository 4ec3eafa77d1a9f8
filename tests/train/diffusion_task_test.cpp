#include <torch/torch.h>
// The precompiled torch header comes first.
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/train/diffusion_task.h"
#include "instructme/train/trainer.h"
#include "tiny_pipeline.h"
#include "tiny_song.h"

namespace instructme {
namespace {

using at::Tensor;

constexpr int64_t kSamples = 32 * 480;
constexpr double kSeconds = kSamples / 24000.0;

/// A low and a high tone; "extract the bass" is the low one, "extract the flute" the high one.
Triplet tones(bool bass) {
  Triplet triplet;
  triplet.sentence = bass ? "extract the bass" : "extract the flute";
  triplet.instruction = parse_instruction(triplet.sentence, Lexicon::builtin());
  const std::vector<float> low = sine(110, 24000, kSeconds, 0.14), high = sine(1320, 24000, kSeconds, 0.14);
  triplet.source = low;
  for (size_t i = 0; i < high.size(); ++i) triplet.source[i] += high[i];
  triplet.target = bass ? low : high;
  triplet.chord_frames = 8;
  triplet.chords.assign(8 * kChordClasses, 0.0f);
  for (size_t i = 0; i < 8; ++i) triplet.chords[i * kChordClasses + 1] = 1.0f;
  return triplet;
}

Pipeline fresh_pipeline() {
  torch::manual_seed(6);
  Pipeline pipeline(tiny_config(), tiny_text(), tokenizer_file());
  // Latents of mean 0 and deviation 1 over the data, as after VAE training.
  torch::NoGradGuard no_grad;
  std::vector<Tensor> latents;
  for (const bool bass : {false, true}) {
    Triplet triplet = tones(bass);
    for (auto* wave : {&triplet.source, &triplet.target})
      latents.push_back(pipeline.vae->posterior(torch::from_blob(wave->data(), {1, kSamples})).mean.flatten(0, 1));
  }
  const Tensor all = torch::cat(latents);
  pipeline.vae->set_latent_statistics(all.mean(0), all.std(0));
  return pipeline;
}

DiffusionTaskOptions options(double terminal_share = 0.5) {
  DiffusionTaskOptions o;
  o.batch = 4;
  o.text_drop = 0;
  o.terminal_share = terminal_share;
  return o;
}

DiffusionTask make_task(Pipeline& pipeline, const DiffusionTaskOptions& o) {
  return DiffusionTask(pipeline, o, [](int64_t, Rng& rng) { return std::vector{tones(rng.chance(0.5))}; },
                       {tones(true), tones(false)});
}

at::Generator generator(uint64_t seed) { return at::make_generator<at::CPUGeneratorImpl>(seed); }

TEST(DiffusionTask, LearnsToTakeTwoTonesApartByTheSentence) {
  const TempDir folder;
  Pipeline pipeline = fresh_pipeline();
  DiffusionTask task = make_task(pipeline, options());
  TrainerOptions how;
  how.steps = 250;
  how.bfloat16 = false;
  how.adamw.learning_rate = 4e-3;
  how.warmup_steps = 10;
  how.validate_every = 0;
  how.log_every = 50;
  const auto figures = [&] {
    torch::NoGradGuard no_grad;
    return task.validate();
  };
  const double before = figures().at("extract_latent_loss");
  Trainer(task, how, folder.path()).run({}, {});
  const auto after = figures();
  RecordProperty("before", std::to_string(before));
  RecordProperty("after", std::to_string(after.at("extract_latent_loss")));
  EXPECT_LT(after.at("extract_latent_loss"), 0.25 * before) << before;
  EXPECT_TRUE(std::isfinite(after.at("extract_si_sdr")));
  EXPECT_TRUE(std::isfinite(after.at("extract_log_mel")));
  // The source is the same for both sentences, so the words alone decide.
  torch::NoGradGuard no_grad;
  const Triplet triplet = tones(true);
  const Tensor source = torch::from_blob(const_cast<float*>(triplet.source.data()), {1, kSamples});
  const Tensor z_s = pipeline.describe_source(pipeline.vae->encode(source), source);
  const Tensor chords =
      torch::from_blob(const_cast<float*>(triplet.chords.data()), {1, triplet.chord_frames, kChordClasses});
  SamplingSettings one_step;
  one_step.sampler.steps = 1;
  const auto distance = [&](const char* sentence, bool bass) {
    const Triplet wanted = tones(bass);
    const Tensor z = pipeline.vae->encode(torch::from_blob(const_cast<float*>(wanted.target.data()), {1, kSamples}));
    return (pipeline.sample_target(z_s, {sentence}, chords, one_step) - z).pow(2).mean().item<double>();
  };
  EXPECT_LT(distance("extract the bass", true), 0.5 * distance("extract the bass", false));
  EXPECT_LT(distance("extract the flute", false), 0.5 * distance("extract the flute", true));
}

TEST(DiffusionTask, TrainsUNetAndTextButNotTheVae) {
  Pipeline pipeline = fresh_pipeline();
  DiffusionTask task = make_task(pipeline, options());
  for (const auto& weight : pipeline.vae->parameters()) EXPECT_FALSE(weight.requires_grad());
  const auto players = task.players();
  ASSERT_EQ(players.size(), 1u);
  EXPECT_EQ(players[0].module->parameters().size(),
            pipeline.unet->parameters().size() + pipeline.text.module()->parameters().size());
  // The network ends in zeros, which let no gradient through at first.
  {
    torch::NoGradGuard no_grad;
    for (auto& weight : pipeline.unet->parameters()) weight.add_(0.05 * torch::randn_like(weight));
  }
  DiffusionTaskOptions with_drop = options();
  with_drop.text_drop = 0.5;
  with_drop.batch = 16;
  DiffusionTask dropping = make_task(pipeline, with_drop);
  dropping.loss(0, dropping.make_batch(0, Rng(1)), 0, generator(1)).total.backward();
  for (const auto& item : players[0].module->named_parameters())
    EXPECT_TRUE(item.value().grad().defined()) << item.key();
}

TEST(DiffusionTask, TheVaeHasTheTypeThatIsTrainedIn) {
  for (const bool bfloat16 : {false, true}) {
    const TempDir folder;
    Pipeline pipeline = fresh_pipeline();
    DiffusionTask task = make_task(pipeline, options());
    TrainerOptions how;
    how.bfloat16 = bfloat16;
    const Trainer trainer(task, how, folder.path());
    for (const auto& weight : pipeline.vae->parameters())
      EXPECT_EQ(weight.scalar_type(), bfloat16 ? at::kBFloat16 : at::kFloat);
  }
}

TEST(DiffusionTask, BeforeTrainingTheLossIsThePowerOfTheTarget) {
  // The untrained network answers 0, and v at t = T is -x0.
  Pipeline pipeline = fresh_pipeline();
  DiffusionTaskOptions alike = options(1.0);
  alike.audibility = 0;
  DiffusionTask task = make_task(pipeline, alike);
  const Batch batch = task.make_batch(0, Rng(1));
  EXPECT_EQ(batch.sentences.size(), 4u);
  EXPECT_EQ(batch.tensors.at("chords").sizes(), (std::vector<int64_t>{4, 8, kChordClasses}));
  const LossValue loss = task.loss(0, batch, 0, generator(1));
  torch::NoGradGuard no_grad;
  const double power = pipeline.vae->encode(batch.tensors.at("target")).pow(2).mean().item<double>();
  EXPECT_NEAR(loss.total.item<double>(), power, 1e-4);
  ASSERT_EQ(loss.parts.size(), 1u);
  EXPECT_EQ(loss.parts[0].first, "one_step_loss_extract");
  EXPECT_NEAR(loss.parts[0].second.item<double>(), power, 1e-4);
}

TEST(DiffusionTask, AudibilityFollowsTheDecoder) {
  Pipeline pipeline = fresh_pipeline();
  const int64_t channels = pipeline.config.vae.latent_channels;
  {
    torch::NoGradGuard no_grad;
    // A decoder that does not listen to channel 0.
    pipeline.vae->named_parameters()["decoder_in.weight"].select(1, 0).zero_();
  }
  const at::Tensor weights = channel_audibility(pipeline.vae, torch::randn({1, 8, channels}));
  EXPECT_EQ(weights.sizes(), (std::vector<int64_t>{channels}));
  EXPECT_EQ(weights[0].item<double>(), 0.0);
  EXPECT_NEAR(weights.mean().item<double>(), 1.0, 1e-5);
  EXPECT_GT(weights.narrow(0, 1, channels - 1).min().item<double>(), 0.0);
}

TEST(DiffusionTask, TheGeneratorDecidesTimesAndNoise) {
  Pipeline pipeline = fresh_pipeline();
  DiffusionTask task = make_task(pipeline, options(0.0));
  const Batch batch = task.make_batch(0, Rng(1));
  const auto value = [&](uint64_t seed) { return task.loss(0, batch, 0, generator(seed)).total.item<double>(); };
  EXPECT_EQ(value(1), value(1));
  EXPECT_NE(value(1), value(2));
}

TEST(DiffusionTask, ADroppedTextDoesNotMatter) {
  Pipeline pipeline = tiny_pipeline();
  for (const double drop : {0.0, 1.0}) {
    DiffusionTaskOptions o = options();
    o.text_drop = drop;
    DiffusionTask task = make_task(pipeline, o);
    Batch batch = task.make_batch(0, Rng(1));
    const double before = task.loss(0, batch, 0, generator(1)).total.item<double>();
    for (auto& sentence : batch.sentences) sentence = "add a violin";
    const double after = task.loss(0, batch, 0, generator(1)).total.item<double>();
    if (drop == 1.0)
      EXPECT_NEAR(before, after, 1e-6);  // sums over another number of tokens round differently
    else
      EXPECT_GT(std::abs(before - after), 1e-5);
  }
}

TEST(DiffusionTask, TripletsOfABatchMustHaveOneLength) {
  Pipeline pipeline = fresh_pipeline();
  int count = 0;
  DiffusionTask task(pipeline, options(),
                     [&count](int64_t, Rng&) {
                       Triplet triplet = tones(true);
                       if (++count == 2) triplet.source.resize(480);
                       return std::vector{triplet};
                     },
                     {});
  expect_error(ErrorKind::kInternal, "one length", [&] { task.make_batch(0, Rng(1)); });
  EXPECT_TRUE(task.validate().empty());
}

TEST(DiffusionTask, TheExportIsAModelFolder) {
  const TempDir folder;
  Pipeline pipeline = fresh_pipeline();
  make_task(pipeline, options()).export_model((folder.path() / "export").string(), 3);
  EXPECT_EQ(Pipeline::load(folder.path() / "export").config.to_json(), pipeline.config.to_json());
}

TEST(DiffusionTaskOptions, ReadsAndRefuses) {
  const auto read = [](nlohmann::json json) {
    ConfigReader config(std::move(json), "editor_training");
    return DiffusionTaskOptions::read(config);
  };
  EXPECT_EQ(read({{"terminal_share", 0.75}}).terminal_share, 0.75);
  expect_error(ErrorKind::kModel, "'text_drops'", [&] { read({{"text_drops", 0.1}}); });
  for (const char* key : {"text_drop", "terminal_share"})
    expect_error(ErrorKind::kModel, "within 0 and 1", [&] { read({{key, 1.5}}); });
}

}  // namespace
}  // namespace instructme
