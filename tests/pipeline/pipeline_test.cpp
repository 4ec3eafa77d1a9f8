#include <torch/torch.h>
// The precompiled torch header comes first.
#include <fstream>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/torchx/state_dict.h"
#include "tiny_pipeline.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using at::Tensor;

struct Inputs {
  Tensor z_s, chords;
};

Inputs inputs(int64_t count = 1, int64_t frames = 24) {
  torch::manual_seed(11);
  const Tensor z_s = torch::randn({count, frames, 8 + 6});  // latent, and log-mel bands
  return {z_s, torch::softmax(3 * torch::randn({count, frames / 4, 97}), -1)};
}

SamplingSettings settings(double guidance, int64_t steps = 2) {
  SamplingSettings out;
  out.sampler.steps = steps;
  out.sampler.seed = 5;
  out.guidance.scale = guidance;
  return out;
}

Tensor answer(Pipeline& pipeline, const std::string& sentence, const SamplingSettings& how) {
  const Inputs in = inputs();
  return pipeline.sample_target(in.z_s, {sentence}, in.chords, how);
}

double largest_difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST(Pipeline, SameSeedSameBytesOtherSeedOthers) {
  Pipeline pipeline = tiny_pipeline();
  SamplingSettings how = settings(2.0, 3);
  const Tensor a = answer(pipeline, "remove the drums", how), b = answer(pipeline, "remove the drums", how);
  EXPECT_EQ(a.sizes(), (std::vector<int64_t>{1, 24, 8}));
  EXPECT_TRUE(a.isfinite().all().item<bool>());
  EXPECT_TRUE(torch::equal(a, b));
  how.sampler.seed = 6;
  EXPECT_GT(largest_difference(a, answer(pipeline, "remove the drums", how)), 1e-2);
}

TEST(Pipeline, WithoutGuidanceTheSentenceDoesNotMatter) {
  Pipeline pipeline = tiny_pipeline();
  const auto difference = [&](double w) {
    return largest_difference(answer(pipeline, "remove the drums", settings(w)),
                              answer(pipeline, "add a violin", settings(w)));
  };
  EXPECT_EQ(difference(0.0), 0.0);
  EXPECT_GT(difference(1.0), 1e-5);
  EXPECT_GT(difference(2.0), difference(1.0));
}

TEST(Pipeline, OneStepFollowsEquationFour) {
  // With one step the result is linear in the network's answer, so guidance can be checked from outside.
  Pipeline pipeline = tiny_pipeline();
  const std::string sentence = "extract the bass";
  const Tensor none = answer(pipeline, sentence, settings(0, 1)), full = answer(pipeline, sentence, settings(1, 1));
  EXPECT_GT(largest_difference(none, full), 1e-5);
  EXPECT_LT(largest_difference(answer(pipeline, sentence, settings(3, 1)), -2 * none + 3 * full), 2e-4);
  // w = 1 is the conditional network alone: with v-prediction from pure noise the answer is -v.
  const Inputs in = inputs();
  torch::NoGradGuard no_grad;
  const TextEncoding text = pipeline.text.encode({sentence});
  const UNetCondition condition = pipeline.unet->encode_condition(in.z_s, text.embeddings, text.mask, in.chords);
  const Tensor noise = seeded_noise({1, 24, 8}, 5);
  const Tensor v = pipeline.unet->forward(noise, torch::full({1}, 1000.0f), condition);
  EXPECT_LT(largest_difference(full, -v), 1e-4);
}

TEST(Pipeline, LongMusicIsGuidedTheSame) {
  // Above a minute the conditional and the unconditional half go through one after the other.
  Pipeline pipeline = tiny_pipeline();
  const Inputs in = inputs(1, 3000);
  const auto run = [&](double w) {
    return pipeline.sample_target(in.z_s, {"add a violin"}, in.chords, settings(w, 1));
  };
  const Tensor none = run(0), full = run(1);
  EXPECT_GT(largest_difference(none, full), 1e-5);
  EXPECT_LT(largest_difference(run(3), -2 * none + 3 * full), 2e-4);
}

TEST(Pipeline, SourceAndChordsMatter) {
  Pipeline pipeline = tiny_pipeline();
  Inputs in = inputs();
  const auto run = [&] { return pipeline.sample_target(in.z_s, {"remove the drums"}, in.chords, settings(1)); };
  const Tensor before = run();
  in.chords = in.chords.roll(1, 2);
  const Tensor other_chords = run();
  EXPECT_GT(largest_difference(before, other_chords), 1e-5);
  in.z_s = in.z_s * 0.5;
  EXPECT_GT(largest_difference(other_chords, run()), 1e-4);
}

TEST(Pipeline, ABatchTakesOneSentenceForEach) {
  Pipeline pipeline = tiny_pipeline();
  const Inputs in = inputs(2);
  const Tensor both =
      pipeline.sample_target(in.z_s, {"remove the drums", "add a violin and a flute"}, in.chords, settings(1, 1));
  EXPECT_EQ(both.sizes(), in.z_s.narrow(2, 0, 8).sizes());
  const Tensor swapped =
      pipeline.sample_target(in.z_s, {"add a violin and a flute", "remove the drums"}, in.chords, settings(1, 1));
  EXPECT_GT(largest_difference(both[0], swapped[0]), 1e-5);
  EXPECT_GT(largest_difference(both[1], swapped[1]), 1e-5);
  expect_error(ErrorKind::kInternal, "one sentence per example",
               [&] { pipeline.sample_target(in.z_s, {"remove the drums"}, in.chords, settings(1)); });
}

TEST(Pipeline, HooksReportAndCancel) {
  Pipeline pipeline = tiny_pipeline();
  const Inputs in = inputs();
  std::vector<int64_t> done;
  SamplerHooks hooks;
  hooks.progress = [&](const Progress& progress) { done.push_back(progress.done); };
  pipeline.sample_target(in.z_s, {"remove the drums"}, in.chords, settings(2, 3), hooks);
  EXPECT_EQ(done, (std::vector<int64_t>{1, 2, 3}));
  const std::atomic<bool> stop = true;
  hooks.cancel = CancelToken(&stop);
  expect_error(ErrorKind::kCancelled, "stopped",
               [&] { pipeline.sample_target(in.z_s, {"remove the drums"}, in.chords, settings(2, 3), hooks); });
}

TEST(Pipeline, TheTextEncoderMustFit) {
  PipelineConfig config = tiny_config();
  config.unet.text_dim = 24;
  expect_error(ErrorKind::kModel, "the text encoder gives 16 channels, the U-Net wants text_dim 24",
               [&] { Pipeline(config, tiny_text(), tokenizer_file()); });
}

class SavedPipeline : public testing::Test {
 protected:
  SavedPipeline() : folder_(files_.path() / "model") {
    pipeline_.config.level_dbfs = -18;
    pipeline_.save(folder_, {{"steps", "12"}});
  }
  /// Rewrites one weights file after `change`.
  void damage(const char* name, const std::function<void(TensorMap&)>& change) {
    TensorMap tensors = load_tensors(folder_ / name);
    change(tensors);
    save_tensors(folder_ / name, tensors);
  }

  TempDir files_;
  fs::path folder_;
  Pipeline pipeline_ = tiny_pipeline();
};

TEST_F(SavedPipeline, ComesBackToTheRoundingOfBfloat16) {
  Pipeline first = Pipeline::load(folder_);
  EXPECT_EQ(first.config.to_json(), pipeline_.config.to_json());
  EXPECT_EQ(SafetensorsFile(folder_ / "unet.safetensors").metadata().at("steps"), "12");
  for (const char* sentence : {"remove the drums", "add a violin"}) {
    const Tensor before = answer(pipeline_, sentence, settings(2)), after = answer(first, sentence, settings(2));
    EXPECT_LT(((before - after).norm() / before.norm()).item<double>(), 0.05);
  }
  // What was rounded once stays as it is.
  first.save(files_.path() / "again");
  Pipeline second = Pipeline::load(files_.path() / "again");
  EXPECT_TRUE(
      torch::equal(answer(first, "remove the drums", settings(2)), answer(second, "remove the drums", settings(2))));
  torch::NoGradGuard no_grad;
  const Tensor wave = torch::randn({1, 4800}) * 0.1;
  EXPECT_TRUE(torch::equal(first.vae->encode(wave), second.vae->encode(wave)));
}

TEST_F(SavedPipeline, KeepsTheLatentStatistics) {
  pipeline_.vae->set_latent_statistics(torch::full({8}, 0.5), torch::full({8}, 2.0));
  pipeline_.save(folder_);
  Pipeline again = Pipeline::load(folder_);
  torch::NoGradGuard no_grad;
  const Tensor wave = torch::randn({1, 4800}) * 0.1;
  EXPECT_LT(largest_difference(again.vae->encode(wave), (again.vae->posterior(wave).mean - 0.5) / 2.0), 1e-6);
}

TEST_F(SavedPipeline, MissingFiles) {
  expect_error(ErrorKind::kModel, "there is no model folder", [&] { Pipeline::load(files_.path() / "absent"); });
  for (const char* name : {"unet.safetensors", "vae.safetensors", "config.json", "text_encoder/model.safetensors"}) {
    SCOPED_TRACE(name);
    pipeline_.save(folder_);
    fs::remove(folder_ / name);
    expect_error(std::string(name).starts_with("text") ? ErrorKind::kModel : ErrorKind::kIo,
                 fs::path(name).filename().string(), [&] { Pipeline::load(folder_); });
  }
}

TEST_F(SavedPipeline, TruncatedWeights) {
  for (const char* name : {"unet.safetensors", "vae.safetensors", "text_encoder/model.safetensors"}) {
    SCOPED_TRACE(name);
    for (const double share : {0.0, 0.001, 0.5, 0.99}) {
      pipeline_.save(folder_);
      const auto size = static_cast<double>(fs::file_size(folder_ / name));
      fs::resize_file(folder_ / name, static_cast<uintmax_t>(share * size));
      expect_error(ErrorKind::kModel, fs::path(name).filename().string(), [&] { Pipeline::load(folder_); });
    }
  }
}

TEST_F(SavedPipeline, WeightsOfAnotherModel) {
  damage("unet.safetensors", [](TensorMap& t) { t["output.weight"] = torch::zeros({3, 3}); });
  expect_error(ErrorKind::kModel, "output.weight", [&] { Pipeline::load(folder_); });
  pipeline_.save(folder_);
  damage("vae.safetensors", [](TensorMap& t) { t.erase("latent_mean"); });
  expect_error(ErrorKind::kModel, "latent_mean", [&] { Pipeline::load(folder_); });
  pipeline_.save(folder_);
  damage("vae.safetensors", [](TensorMap& t) { t["stranger"] = torch::zeros({1}); });
  expect_error(ErrorKind::kModel, "stranger", [&] { Pipeline::load(folder_); });
}

TEST_F(SavedPipeline, DamagedConfiguration) {
  write_file_atomically(folder_ / "config.json", "{\"format\": ");
  expect_error(ErrorKind::kModel, "config.json", [&] { Pipeline::load(folder_); });
}

TEST(Pipeline, Bfloat16IsNear) {
  Pipeline pipeline = tiny_pipeline(), half = tiny_pipeline();
  half.to(at::kBFloat16);
  const Tensor a = answer(pipeline, "remove the drums", settings(1, 1));
  const Tensor b = answer(half, "remove the drums", settings(1, 1));
  EXPECT_EQ(b.scalar_type(), at::kFloat);
  EXPECT_LT(((a - b).norm() / a.norm()).item<double>(), 0.1);
}

}  // namespace
}  // namespace instructme
