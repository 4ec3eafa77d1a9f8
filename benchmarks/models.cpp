#include "models.h"

#include <torch/torch.h>

#include <cmath>
#include <cstdlib>
#include <numbers>

#include "instructme/base/config_reader.h"
#include "instructme/base/rng.h"
#include "instructme/train/recipe.h"

namespace instructme {
namespace {

const std::filesystem::path kSource = INSTRUCTME_SOURCE_DIR;

}  // namespace

const char* model_name(ModelKind kind) { return kind == ModelKind::kDefault ? "default" : "audit"; }

const char* type_name(at::ScalarType type) { return type == at::kBFloat16 ? "bfloat16" : "float32"; }

Pipeline make_model(ModelKind kind, at::ScalarType type) {
  const char* folder = std::getenv("INSTRUCTME_MODEL");
  if (kind == ModelKind::kDefault && folder != nullptr && *folder != '\0') {
    Pipeline pipeline = Pipeline::load(folder);
    pipeline.to(type);
    return pipeline;
  }
  const auto recipe_file = kSource / "configs/train/default.json", audit_file = kSource / "configs/unet/audit.json";
  Recipe recipe = Recipe::read(read_json_file(recipe_file), recipe_file.string());
  if (kind == ModelKind::kAudit)
    recipe.pipeline.unet = read_unet_options(ConfigReader(read_json_file(audit_file), audit_file.string()));
  recipe.pipeline.mask.reset();  // which instruments it knows, the songs of a training say
  torch::manual_seed(1);
  Pipeline pipeline(recipe.pipeline, recipe.text, kSource / "models/default/text_encoder/spiece.model");
  pipeline.eval();
  pipeline.to(type);
  return pipeline;
}

UNetCondition make_condition(Pipeline& pipeline, int64_t frames) {
  torch::NoGradGuard no_grad;
  const TextEncoding text = pipeline.text.encode({"remove drum kit"});
  const UNetOptions& o = pipeline.config.unet;
  at::Tensor chords;
  if (o.chord_classes > 0)
    chords =
        torch::softmax(torch::randn({1, (frames + 3) / pipeline.config.latent_frames_per_chord, o.chord_classes}), -1);
  return pipeline.unet->encode_condition(torch::randn({1, frames, o.latent_channels + o.source_mel}), text.embeddings,
                                         text.mask, chords);
}

AudioBuffer make_music(double seconds) {
  constexpr int kRate = 44100;
  Rng rng(1);
  AudioBuffer music{kRate, 2, {}};
  const auto frames = static_cast<int64_t>(seconds * kRate);
  music.samples.reserve(static_cast<size_t>(2 * frames));
  for (int64_t i = 0; i < frames; ++i) {
    double value = rng.uniform(-0.05, 0.05);
    for (double hz : {131.0, 330.0, 392.0})
      value += 0.1 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kRate);
    music.samples.insert(music.samples.end(), 2, static_cast<float>(value));
  }
  return music;
}

}  // namespace instructme
