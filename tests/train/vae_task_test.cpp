#include <torch/torch.h>
// The precompiled torch header comes first.
#include <ATen/CPUGeneratorImpl.h>

#include <atomic>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/torchx/state_dict.h"
#include "instructme/train/trainer.h"
#include "instructme/train/vae_task.h"
#include "tiny_pipeline.h"
#include "tiny_song.h"

namespace instructme {
namespace {

using at::Tensor;

VaeOptions small_vae() {
  VaeOptions o = tiny_config().vae;
  o.latent_channels = 16;
  o.encoder_channels = o.decoder_channels = 32;
  return o;
}

VaeTaskOptions small_options() {
  VaeTaskOptions o;
  o.batch = 2;
  o.seconds = 0.25;
  return o;
}

DiscriminatorOptions small_discriminators() {
  DiscriminatorOptions o;
  o.periods = {2, 3};
  o.period_channels = {4, 8};
  o.fft_sizes = {256};
  o.spectrogram_channels = 4;
  return o;
}

/// The same two tones in every example, at a level drawn once per example when `vary`.
WaveSource tones(bool vary = false) {
  return [vary](int64_t, int64_t samples, Rng& rng) {
    const double seconds = static_cast<double>(samples) / 24000;
    std::vector<float> wave = sine(220, 24000, seconds, 0.1), high = sine(1500, 24000, seconds, 0.05);
    const float gain = vary ? static_cast<float>(rng.uniform(0.2, 1)) : 1.0f;
    for (size_t i = 0; i < wave.size(); ++i) wave[i] = gain * (wave[i] + high[i]);
    return wave;
  };
}

VaeTask make_task(const VaeTaskOptions& options, bool vary = false) {
  torch::manual_seed(7);
  return VaeTask(Vae(small_vae()), options, small_discriminators(), tones(vary), {sine(220, 24000, 0.5, 0.1)});
}

TrainerOptions training(int64_t steps) {
  TrainerOptions o;
  o.steps = steps;
  o.bfloat16 = false;
  o.adamw.learning_rate = 3e-3;
  o.warmup_steps = 5;
  o.log_every = 1000;
  o.validate_every = 0;
  o.checkpoint_every_s = 1e9;
  return o;
}

void go(VaeTask& task, const TrainerOptions& options, const std::filesystem::path& folder, int64_t until = 1 << 20) {
  Trainer trainer(task, options, folder);
  std::atomic<bool> stop = until == 0;
  trainer.run(CancelToken(&stop), [&](const Progress& progress) { stop = progress.done >= until; });
}

TEST(VaeTask, BatchesAreWholeFramesOfTheSource) {
  const VaeTask task = make_task(small_options(), true);
  const Tensor wave = task.make_batch(0, Rng(1)).tensors.at("wave");
  EXPECT_EQ(wave.sizes(), (std::vector<int64_t>{2, 5760})) << "12 of the 12.5 frames in 0.25 s";
  EXPECT_TRUE(torch::equal(wave, task.make_batch(0, Rng(1)).tensors.at("wave")));
  EXPECT_FALSE(torch::equal(wave, task.make_batch(0, Rng(2)).tensors.at("wave")));
  EXPECT_FALSE(torch::equal(wave[0], wave[1]));
  const VaeTask wrong(Vae(small_vae()), small_options(), {},
                      [](int64_t, int64_t, Rng&) { return std::vector<float>(3); }, {});
  expect_error(ErrorKind::kInternal, "wrong number of samples", [&] { wrong.make_batch(0, Rng(1)); });
}

TEST(VaeTask, TheTotalIsTheWeightedSumOfTheParts) {
  VaeTaskOptions options = small_options();
  options.spectrum_weight = 2;
  options.wave_weight = 3;
  options.stft_weight = 0.5;
  options.mel_weight = 0.25;
  options.kl_weight = 0.125;
  VaeTask task = make_task(options);
  const Batch batch = task.make_batch(0, Rng(1));
  const LossValue loss = task.loss(0, batch, 0, at::make_generator<at::CPUGeneratorImpl>(uint64_t{1}));
  std::map<std::string, double> parts;
  for (const auto& [name, value] : loss.parts) {
    parts[name] = value.item<double>();
    EXPECT_FALSE(value.requires_grad()) << name;
  }
  EXPECT_NEAR(loss.total.item<double>(),
              2 * parts.at("spectrum") + 3 * parts.at("wave") + 0.5 * parts.at("stft") + 0.25 * parts.at("mel") +
                  0.125 * parts.at("kl"),
              1e-4);
}

TEST(VaeTask, OverfitsTwoTones) {
  const TempDir folder;
  VaeTask task = make_task(small_options());
  const auto value = [&] {
    return task.loss(0, task.make_batch(0, Rng(1)), 0, at::make_generator<at::CPUGeneratorImpl>(uint64_t{1}))
        .total.item<double>();
  };
  const double before = value();
  const auto figures_before = task.validate();
  go(task, training(150), folder.path());
  const double after = value();
  RecordProperty("loss_before", std::to_string(before));
  RecordProperty("loss_after", std::to_string(after));
  EXPECT_LT(after, 0.6 * before) << before;
  torch::NoGradGuard no_grad;
  const auto figures = task.validate();
  EXPECT_GT(figures.at("si_sdr"), figures_before.at("si_sdr"));
  EXPECT_LT(figures.at("log_mel"), figures_before.at("log_mel"));
}

TEST(VaeTask, DiscriminatorsJoinAtTheirStepAndBothLearn) {
  const TempDir folder;
  VaeTaskOptions options = small_options();
  options.adversarial_from = 2;
  VaeTask task = make_task(options);
  ASSERT_EQ(task.players().size(), 2u);
  EXPECT_FALSE(task.plays(1, 1));
  EXPECT_TRUE(task.plays(1, 2));
  const auto changed = [&](const TensorMap& a, const TensorMap& b, const std::string& player) {
    int64_t differing = 0;
    for (const auto& [name, tensor] : a)
      if (name.starts_with(player + "/master/")) differing += !torch::equal(tensor, b.at(name));
    return differing;
  };
  TrainerOptions how = training(5);
  how.log_every = 1;
  std::vector<TensorMap> at;
  for (int64_t until : {0, 2, 5}) {
    go(task, how, folder.path(), until);
    at.push_back(load_tensors(folder.path() / "checkpoint.safetensors"));
  }
  EXPECT_GT(changed(at[0], at[1], "vae"), 5);
  EXPECT_EQ(changed(at[0], at[1], "discriminators"), 0);
  EXPECT_GT(changed(at[1], at[2], "vae"), 5);
  EXPECT_GT(changed(at[1], at[2], "discriminators"), 5);
  const std::string log = read_text_file(folder.path() / "log.jsonl");
  EXPECT_NE(log.find("\"fooling\""), std::string::npos);
  EXPECT_NE(log.find("\"matching\""), std::string::npos);
  EXPECT_NE(log.find("\"discriminators_loss\""), std::string::npos);
}

TEST(VaeTask, TheDiscriminatorsLossDoesNotReachTheVae) {
  VaeTaskOptions options = small_options();
  options.adversarial_from = 0;
  VaeTask task = make_task(options);
  const auto players = task.players();
  task.loss(1, task.make_batch(0, Rng(1)), 0, at::make_generator<at::CPUGeneratorImpl>(uint64_t{1})).total.backward();
  for (const auto& weight : players[0].module->parameters()) EXPECT_FALSE(weight.grad().defined());
  for (const auto& item : players[1].module->named_parameters())
    EXPECT_TRUE(item.value().grad().defined()) << item.key();
}

TEST(VaeTask, AFrozenEncoderStays) {
  const TempDir folder;
  VaeTaskOptions options = small_options();
  options.train_encoder = false;
  VaeTask task = make_task(options);
  go(task, training(3), folder.path(), 0);
  const TensorMap before = load_tensors(folder.path() / "checkpoint.safetensors");
  go(task, training(3), folder.path());
  int64_t moved = 0;
  for (const auto& [name, tensor] : load_tensors(folder.path() / "checkpoint.safetensors")) {
    if (!name.starts_with("vae/master/")) continue;
    const bool same = torch::equal(tensor, before.at(name));
    if (name.starts_with("vae/master/encoder"))
      EXPECT_TRUE(same) << name;
    else
      moved += !same;
  }
  EXPECT_GT(moved, 3);
}

TEST(VaeTask, TheExportNormalisesLatents) {
  const TempDir folder;
  VaeTask task = make_task(small_options(), true);
  task.export_model((folder.path() / "export").string(), 5);
  ConfigReader config(read_json_file(folder.path() / "export/vae.json"), "vae.json");
  Vae vae(VaeOptions::read(config));
  load_into(*vae, load_tensors(folder.path() / "export/vae.safetensors"), "vae.safetensors");
  torch::NoGradGuard no_grad;
  std::vector<Tensor> latents;
  for (uint64_t i = 0; i < 8; ++i)
    latents.push_back(vae->encode(task.make_batch(0, Rng(9).fork(i)).tensors.at("wave")).flatten(0, 1));
  const Tensor all = torch::cat(latents);
  EXPECT_LT(all.mean(0).abs().max().item<double>(), 0.3);
  EXPECT_NEAR(all.std(0).mean().item<double>(), 1, 0.3);
}

TEST(VaeTask, WithoutValidationThereAreNoFigures) {
  VaeTask task(Vae(small_vae()), small_options(), {}, tones(), {});
  EXPECT_TRUE(task.validate().empty());
  EXPECT_EQ(task.players().size(), 1u);
}

TEST(VaeTaskOptions, ReadsAndRefuses) {
  const auto read = [](nlohmann::json json) {
    ConfigReader config(std::move(json), "vae_training");
    return VaeTaskOptions::read(config);
  };
  EXPECT_EQ(read({{"batch", 3}}).batch, 3);
  expect_error(ErrorKind::kModel, "'mel_wieght' (did you mean 'mel_weight'", [&] { read({{"mel_wieght", 3}}); });
  expect_error(ErrorKind::kModel, "batch must be at least 1", [&] { read({{"batch", 0}}); });
  expect_error(ErrorKind::kModel, "seconds at least 0.2", [&] { read({{"seconds", 0.1}}); });
  EXPECT_EQ(read({{"stft_sizes", {512, 64}}}).stft_sizes, (std::vector<int64_t>{512, 64}));
  for (const auto& sizes : {std::vector<int64_t>{}, {1024, 100}, {8}, {8192}})
    expect_error(ErrorKind::kModel, "multiples of 8 from 16 to 4096", [&] { read({{"stft_sizes", sizes}}); });
}

}  // namespace
}  // namespace instructme
