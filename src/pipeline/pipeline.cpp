#include "instructme/pipeline/pipeline.h"

#include <torch/torch.h>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/torchx/first_weights.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int64_t kLongFrames = 3000;  // latent frames, a minute

}  // namespace

Pipeline::Pipeline(PipelineConfig pipeline_config, TextEncoder text_encoder)
    : config(std::move(pipeline_config)),
      schedule(config.schedule),
      vae(config.vae),
      unet(config.unet),
      text(std::move(text_encoder)) {
  if (text.module()->options.d_model != config.unet.text_dim)
    throw Error(ErrorKind::kModel, "the text encoder gives " + std::to_string(text.module()->options.d_model) +
                                       " channels, the U-Net wants text_dim " + std::to_string(config.unet.text_dim));
  if (config.unet.source_mel > 0)
    source_mel.emplace(4 * config.vae.samples_per_latent(), config.vae.samples_per_latent(), config.unet.source_mel,
                       static_cast<double>(config.vae.sample_rate));
  if (config.mask) mask = MaskHead(*config.mask);
}

Pipeline::Pipeline(PipelineConfig pipeline_config, const T5EncoderOptions& text_options,
                   const std::filesystem::path& tokenizer)
    : Pipeline(std::move(pipeline_config), TextEncoder::create(text_options, tokenizer)) {}

Pipeline Pipeline::load(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder))
    throw Error(ErrorKind::kModel, "there is no model folder " + folder.string());
  const auto config_file = folder / "config.json";
  const NoFirstWeights all_come_from_files;
  Pipeline pipeline(PipelineConfig::read(read_json_file(config_file), config_file.string()),
                    TextEncoder::load(folder / "text_encoder"));
  const auto load = [&](torch::nn::Module& module, const char* name) {
    load_into(module, load_weights(folder / name), (folder / name).string());
  };
  load(*pipeline.vae, "vae.safetensors");
  load(*pipeline.unet, "unet.safetensors");
  if (pipeline.mask) load(*pipeline.mask, "mask.safetensors");
  pipeline.eval();
  return pipeline;
}

void Pipeline::save(const std::filesystem::path& folder, const std::map<std::string, std::string>& metadata,
                    WeightFormat format) const {
  make_folder(folder);
  save_weights(folder / "vae.safetensors", named_tensors(*vae), format, metadata);
  save_weights(folder / "unet.safetensors", named_tensors(*unet), format, metadata);
  if (mask) save_weights(folder / "mask.safetensors", named_tensors(*mask), format, metadata);
  // Other programs read a T5 encoder, as long as its weights are no 8-bit integers.
  text.save(folder / "text_encoder", format == WeightFormat::kInt8 ? std::optional(format) : std::nullopt);
  write_json_file(folder / "config.json", config.to_json());
}

void Pipeline::to(at::ScalarType type) {
  vae->to(type);
  unet->to(type);
  if (mask) mask->to(type);
  text.module()->to(type);
}

void Pipeline::to(at::Device device) {
  vae->to(device);
  unet->to(device);
  if (mask) mask->to(device);
  text.module()->to(device);
}

void Pipeline::eval() {
  vae->eval();
  unet->eval();
  if (mask) mask->eval();
  text.module()->eval();
}

Tensor Pipeline::describe_source(const Tensor& latent, const Tensor& wave) const {
  return source_mel ? torch::cat({latent, source_mel->forward(wave)}, 2) : latent;
}

Tensor Pipeline::sample_target(const Tensor& z_s, const std::vector<std::string>& sentences, const Tensor& chords,
                               const SamplingSettings& settings, const SamplerHooks& hooks) {
  ensure(z_s.dim() == 3 && z_s.size(0) == static_cast<int64_t>(sentences.size()),
         "sample_target wants one sentence per example");
  torch::NoGradGuard no_grad;
  const TextEncoding encoded = text.encode(sentences);
  // Keys and values of the conditions are the same in every step, so they are computed once.
  UNetCondition conditional, unconditional, both;
  const double w = settings.guidance.scale;
  if (w != 0) conditional = unet->encode_condition(z_s, encoded.embeddings, encoded.mask, chords);
  if (w != 1) {
    const Tensor drop = torch::ones({z_s.size(0)}, torch::TensorOptions().dtype(at::kBool).device(z_s.device()));
    unconditional = unet->encode_condition(z_s, encoded.embeddings, encoded.mask, chords, drop);
  }
  // The halves of long music pass one after the other: as fast, with half of the activations in memory.
  const bool in_turn = z_s.size(1) >= kLongFrames;
  if (w != 0 && w != 1 && !in_turn) both = concatenate(conditional, unconditional);
  const auto pass = [&](const Tensor& z, double t, const UNetCondition& condition) {
    const Tensor times = torch::full({z.size(0)}, t, torch::TensorOptions().dtype(at::kFloat).device(z.device()));
    return unet->forward(z, times, condition).to(at::kFloat);
  };
  const auto network = [&](const Tensor& z, double t, ConditionBatch batch) {
    if (batch == ConditionBatch::kConditional) return pass(z, t, conditional);
    if (batch == ConditionBatch::kUnconditional) return pass(z, t, unconditional);
    if (!in_turn) return pass(z, t, both);
    const std::vector<Tensor> halves = z.chunk(2);
    return torch::cat({pass(halves[0], t, conditional), pass(halves[1], t, unconditional)});
  };
  return sample(schedule, config.prediction, classifier_free_guidance(network, settings.guidance),
                {z_s.size(0), z_s.size(1), config.vae.latent_channels}, settings.sampler,
                torch::TensorOptions().dtype(at::kFloat).device(z_s.device()), hooks);
}

}  // namespace instructme
