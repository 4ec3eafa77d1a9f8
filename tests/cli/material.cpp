#include <torch/torch.h>
// The precompiled torch header comes first.
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>

#include "instructme/audio/audio_file.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/torchx/state_dict.h"
#include "instructme/train/recipe.h"
#include "material.h"

namespace fs = std::filesystem;

namespace instructme {

fs::path tiny_recipe() { return fs::path(INSTRUCTME_SOURCE_DIR) / "configs/train/tiny.json"; }

fs::path tokenizer_file() { return fs::path(INSTRUCTME_SOURCE_DIR) / "models/default/text_encoder/spiece.model"; }

const fs::path& tiny_model() {
  struct Model {
    Model() {
      Recipe recipe = Recipe::read(read_json_file(tiny_recipe()), tiny_recipe().string());
      recipe.pipeline.mask->instruments = {"bass", "drum kit", "piano"};  // as training would find them in songs
      torch::manual_seed(1);
      Pipeline pipeline(recipe.pipeline, recipe.text, tokenizer_file());
      torch::NoGradGuard no_grad;
      // A new U-Net answers 0 whatever it hears.
      for (auto& parameter : pipeline.unet->parameters()) parameter.add_(0.02 * torch::randn_like(parameter));
      path = folder.path() / "model";
      pipeline.save(path);
    }
    TempDir folder{"instructme-model"};
    fs::path path;
  };
  static const Model model;
  return model.path;
}

fs::path copy_of_tiny_model(const fs::path& folder) {
  fs::copy(tiny_model(), folder / "model", fs::copy_options::recursive);
  return folder / "model";
}

void damage_weights(const fs::path& file, Damage damage) {
  TensorMap tensors = load_tensors(file);
  const auto first = tensors.begin();
  const at::Tensor weight = first->second;
  if (damage == Damage::kShape) first->second = torch::cat({weight, weight});
  if (damage == Damage::kType) first->second = torch::zeros(weight.sizes(), at::kInt);
  if (damage == Damage::kName) {
    tensors.emplace(first->first + "_old", weight);
    tensors.erase(first);
  }
  save_tensors(file, tensors);
}

void write_music(const fs::path& file, double seconds, int sample_rate, int channels) {
  Rng rng(5);
  AudioBuffer buffer{sample_rate, channels, {}};
  const auto frames = static_cast<int64_t>(std::llround(seconds * sample_rate));
  for (int64_t i = 0; i < frames; ++i)
    for (int channel = 0; channel < channels; ++channel) {
      double value = rng.uniform(-0.02, 0.02);
      for (double hz : {131.0, 330.0, 392.0})
        value += 0.1 * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / sample_rate + channel);
      buffer.samples.push_back(static_cast<float>(value));
    }
  write_audio(file, buffer);
}

void write_silence(const fs::path& file) { write_audio(file, from_mono(std::vector<float>(24000, 0.0f), 24000)); }

void write_wav_with_nan(const fs::path& file) {
  write_audio(file, from_mono(std::vector<float>(24000, 0.1f), 24000), {.encoding = AudioEncoding::kFloat32});
  std::string bytes = read_text_file(file);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + bytes.size() - 4000, &nan, sizeof nan);
  write_file_atomically(file, bytes);
}

void write_long_wav(const fs::path& file, double seconds) {
  constexpr uint32_t kRate = 8000;
  const auto frames = static_cast<uint32_t>(seconds * kRate);
  std::string bytes;
  const auto number = [&](uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  };
  bytes += "RIFF";
  number(36 + frames, 4);
  bytes += "WAVEfmt ";
  number(16, 4);
  number(1, 2);      // PCM
  number(1, 2);      // channels
  number(kRate, 4);  // Hz
  number(kRate, 4);  // bytes per second
  number(1, 2);      // bytes per frame
  number(8, 2);      // bits per sample
  bytes += "data";
  number(frames, 4);
  Rng rng(3);
  uint64_t bits = 0;
  for (uint32_t i = 0; i < frames; ++i) {
    if (i % 32 == 0) bits = rng.next();
    bytes.push_back(static_cast<char>(128 + ((bits >> (2 * (i % 32))) & 3)));
  }
  write_file_atomically(file, bytes);
}

void truncate_file(const fs::path& file, double share) {
  fs::resize_file(file, static_cast<uintmax_t>(static_cast<double>(fs::file_size(file)) * share));
}

}  // namespace instructme
