#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "tiny_pipeline.h"

namespace instructme {
namespace {

using nlohmann::json;

TEST(PipelineConfig, RoundTripThroughJson) {
  PipelineConfig config = tiny_config();
  config.level_dbfs = -17.5;
  config.latent_frames_per_chord = 2;
  config.prediction = Prediction::kEpsilon;
  config.schedule = {500, ScheduleKind::kLinear, false};
  SamplingSettings settings;
  settings.sampler.kind = SamplerKind::kDdim;
  settings.sampler.steps = 7;
  settings.sampler.eta = 0.25;
  settings.sampler.clip_x0 = 5;
  settings.guidance.scale = 3.5;
  settings.guidance.rescale = 0.5;
  config.sampling["add"] = settings;
  const PipelineConfig again = PipelineConfig::read(config.to_json(), "config.json");
  EXPECT_EQ(again.to_json(), config.to_json());
  EXPECT_EQ(again.vae.encoder_channels, 16);
  EXPECT_EQ(again.unet.chunk, (std::vector<int64_t>{8, 8}));
  EXPECT_EQ(again.level_dbfs, -17.5);
  EXPECT_EQ(again.latent_frames_per_chord, 2);
  EXPECT_EQ(again.prediction, Prediction::kEpsilon);
  EXPECT_EQ(again.schedule.steps, 500);
  const SamplingSettings read = again.sampling_of(Operation::kAdd);
  EXPECT_EQ(read.sampler.kind, SamplerKind::kDdim);
  EXPECT_EQ(read.sampler.steps, 7);
  EXPECT_EQ(read.sampler.eta, 0.25);
  EXPECT_EQ(read.sampler.clip_x0, 5);
  EXPECT_EQ(read.guidance.scale, 3.5);
  EXPECT_EQ(read.guidance.rescale, 0.5);
}

TEST(PipelineConfig, DefaultsOfTheOperations) {
  const PipelineConfig config = tiny_config();
  EXPECT_EQ(config.sampling_of(Operation::kExtract).sampler.steps, 1);
  EXPECT_EQ(config.sampling_of(Operation::kExtract).guidance.scale, 1.0);
  EXPECT_GT(config.sampling_of(Operation::kAdd).sampler.steps, 1);
  EXPECT_GT(config.sampling_of(Operation::kAdd).guidance.scale, 1.0);
}

TEST(PipelineConfig, TheChordRateFollowsFromTheLatentRate) {
  PipelineConfig config;
  EXPECT_DOUBLE_EQ(config.chord_rate(), 12.5);
  config.latent_frames_per_chord = 2;
  EXPECT_DOUBLE_EQ(config.chord_rate(), 25.0);
}

/// Reads the tiny configuration with one value set.
void read_with(const char* pointer, json value) {
  json config = tiny_config().to_json();
  config[json::json_pointer(pointer)] = std::move(value);
  PipelineConfig::read(config, "config.json");
}

TEST(PipelineConfig, UnknownKeysOnEveryLevel) {
  EXPECT_NO_THROW(read_with("/level_dbfs", -10));
  expect_error(ErrorKind::kModel, "'level_dbf' (did you mean 'level_dbfs'", [] { read_with("/level_dbf", -10); });
  expect_error(ErrorKind::kModel, "config.json: vae: unknown key 'hopp'", [] { read_with("/vae/hopp", 240); });
  expect_error(ErrorKind::kModel, "config.json: unet", [] { read_with("/unet/chanels", 240); });
  expect_error(ErrorKind::kModel, "config.json: diffusion", [] { read_with("/diffusion/predict", "v"); });
  expect_error(ErrorKind::kModel, "schedule", [] { read_with("/diffusion/schedule/step", 10); });
  expect_error(ErrorKind::kModel, "'extracts' (did you mean 'extract'",
               [] { read_with("/sampling/extracts", json::object()); });
  expect_error(ErrorKind::kModel, "'guidence'", [] { read_with("/sampling/extract/guidence", 1); });
}

TEST(PipelineConfig, ValuesThatDoNotFit) {
  expect_error(ErrorKind::kModel, "the VAE has 8 latent channels, the U-Net 9",
               [] { read_with("/unet/latent_channels", 9); });
  expect_error(ErrorKind::kModel, "latent_frames_per_chord", [] { read_with("/latent_frames_per_chord", 0); });
  expect_error(ErrorKind::kModel, "the model format is 'other'", [] { read_with("/format", "other"); });
  expect_error(ErrorKind::kModel, "prediction", [] { read_with("/diffusion/prediction", "w"); });
  expect_error(ErrorKind::kModel, "zero_terminal_snr", [] { read_with("/diffusion/prediction", "epsilon"); });
  expect_error(ErrorKind::kModel, "other than 'flow'", [] {
    read_with("/diffusion", {{"schedule", {{"kind", "flow"}}}, {"prediction", "epsilon"}});
  });
  EXPECT_NO_THROW(read_with("/diffusion", {{"schedule", {{"kind", "cosine"}}}, {"prediction", "epsilon"}}));
  expect_error(ErrorKind::kModel, "config.json: sampling: extract", [] { read_with("/sampling/extract/steps", 0); });
  expect_error(ErrorKind::kModel, "config.json: sampling: add: clip_x0",
               [] { read_with("/sampling/add/clip_x0", -1); });
  expect_error(ErrorKind::kModel, "config.json: sampling: add", [] { read_with("/sampling/add/guidance_rescale", 2); });
  expect_error(ErrorKind::kModel, "config.json: sampling: add: no sampler is called 'dpm+'",
               [] { read_with("/sampling/add/sampler", "dpm+"); });
  expect_error(ErrorKind::kModel, "key 'format' is missing", [] { PipelineConfig::read(json::object(), "c"); });
  expect_error(ErrorKind::kModel, "expected a JSON object", [] { PipelineConfig::read(json(), "c"); });
}

}  // namespace
}  // namespace instructme
