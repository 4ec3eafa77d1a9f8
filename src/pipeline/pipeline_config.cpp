#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/pipeline/pipeline.h"

namespace instructme {
namespace {

constexpr const char* kFormat = "instructme-model-1";

SamplingSettings default_sampling(Operation operation) {
  SamplingSettings settings;
  // Extracting and removing have one right answer: the mean that one step from t = T gives. The
  // others have many, and the mean of them would be a blur.
  const bool one_answer = operation == Operation::kExtract || operation == Operation::kRemove;
  settings.sampler.kind = SamplerKind::kDpmpp;
  settings.sampler.steps = one_answer ? 1 : 20;
  settings.guidance.scale = one_answer ? 1.0 : 2.0;
  return settings;
}

SamplingSettings read_sampling(ConfigReader config, SamplingSettings settings) {
  std::string kind = sampler_kind_name(settings.sampler.kind);
  config.read("sampler", kind);
  config.read("steps", settings.sampler.steps);
  config.read("eta", settings.sampler.eta);
  config.read("clip_x0", settings.sampler.clip_x0);
  config.read("guidance", settings.guidance.scale);
  config.read("guidance_rescale", settings.guidance.rescale);
  config.finish();
  try {
    settings.sampler.kind = parse_sampler_kind(kind);
    settings.sampler.validate();
    settings.guidance.validate();
  } catch (const Error& error) {  // in a file these are mistakes of the model, not of the command line
    throw Error(ErrorKind::kModel, config.context() + ": " + error.what());
  }
  return settings;
}

nlohmann::json sampling_json(const SamplingSettings& settings) {
  return {{"sampler", sampler_kind_name(settings.sampler.kind)},
          {"steps", settings.sampler.steps},
          {"eta", settings.sampler.eta},
          {"clip_x0", settings.sampler.clip_x0},
          {"guidance", settings.guidance.scale},
          {"guidance_rescale", settings.guidance.rescale}};
}

}  // namespace

PipelineConfig PipelineConfig::read(const nlohmann::json& json, const std::string& context) {
  PipelineConfig out;
  ConfigReader config(json, context);
  std::string format_name, prediction = prediction_name(out.prediction);
  config.require("format", format_name);
  if (format_name != kFormat)
    throw Error(ErrorKind::kModel,
                context + ": the model format is '" + format_name + "', this program reads '" + kFormat + "'");
  ConfigReader vae = config.object("vae");
  out.vae = VaeOptions::read(vae);
  out.unet = read_unet_options(config.object("unet"));
  if (config.has("mask")) out.mask = MaskHeadOptions::read(config.object("mask"));
  ConfigReader diffusion = config.object("diffusion");
  if (diffusion.has("schedule")) out.schedule = NoiseScheduleOptions::read(diffusion.object("schedule"));
  diffusion.raw("schedule");
  diffusion.read("prediction", prediction);
  diffusion.finish();
  out.prediction = parse_prediction(prediction);
  config.read("level_dbfs", out.level_dbfs);
  config.read("latent_frames_per_chord", out.latent_frames_per_chord);
  ConfigReader sampling = config.object("sampling");
  for (int i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    const std::string name = operation_name(operation);
    if (sampling.has(name)) out.sampling[name] = read_sampling(sampling.object(name), default_sampling(operation));
  }
  sampling.finish();
  config.finish();
  if (out.unet.latent_channels != out.vae.latent_channels)
    throw Error(ErrorKind::kModel, format("%s: the VAE has %lld latent channels, the U-Net %lld; they must be equal",
                                          context.c_str(), static_cast<long long>(out.vae.latent_channels),
                                          static_cast<long long>(out.unet.latent_channels)));
  // Else only the first sampling would tell, after hours of training.
  if (out.prediction == Prediction::kEpsilon && NoiseSchedule(out.schedule).alpha_bar(out.schedule.steps) == 0.0)
    throw Error(ErrorKind::kModel,
                context +
                    ": epsilon-prediction says nothing of the signal where the schedule leaves none of "
                    "it; set diffusion.schedule.zero_terminal_snr to false with a kind other than "
                    "'flow', or use v-prediction");
  if (out.latent_frames_per_chord < 1)
    throw Error(ErrorKind::kModel, context + ": latent_frames_per_chord must be at least 1");
  return out;
}

nlohmann::json PipelineConfig::to_json() const {
  nlohmann::json sampling_object = nlohmann::json::object();
  for (int i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    sampling_object[operation_name(operation)] = sampling_json(sampling_of(operation));
  }
  nlohmann::json json{{"format", kFormat},
                      {"vae", vae.to_json()},
                      {"unet", instructme::to_json(unet)},
                      {"diffusion", {{"schedule", schedule.to_json()}, {"prediction", prediction_name(prediction)}}},
                      {"level_dbfs", level_dbfs},
                      {"latent_frames_per_chord", latent_frames_per_chord},
                      {"sampling", sampling_object}};
  if (mask) json["mask"] = mask->to_json();
  return json;
}

SamplingSettings PipelineConfig::sampling_of(Operation operation) const {
  const auto found = sampling.find(operation_name(operation));
  return found == sampling.end() ? default_sampling(operation) : found->second;
}

}  // namespace instructme
