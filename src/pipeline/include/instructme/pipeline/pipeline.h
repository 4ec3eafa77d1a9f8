#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "instructme/diffusion/guidance.h"
#include "instructme/diffusion/sampler.h"
#include "instructme/diffusion/schedule.h"
#include "instructme/dsp/log_mel.h"
#include "instructme/models/mask_head.h"
#include "instructme/models/text_encoder.h"
#include "instructme/models/unet.h"
#include "instructme/models/vae.h"
#include "instructme/text/instruction.h"
#include "instructme/torchx/quantised_weights.h"

namespace instructme {

/// How the target of one operation is sampled.
struct SamplingSettings {
  SamplerOptions sampler;
  GuidanceOptions guidance;
};

/// `config.json` of a model folder.
struct PipelineConfig {
  VaeOptions vae;
  UNetOptions unet;
  std::optional<MaskHeadOptions> mask;  ///< for extracting by mask
  NoiseScheduleOptions schedule{1000, ScheduleKind::kCosine, true};
  Prediction prediction = Prediction::kV;
  /// RMS level of the mix that the model hears, dB below full scale; training and editing use the same.
  double level_dbfs = -20.0;
  /// Chord frames per latent frame is a whole number: the chord matrix has one column per this many
  /// latent frames.
  int64_t latent_frames_per_chord = 4;
  std::map<std::string, SamplingSettings> sampling;  ///< by operation name

  /// Throws kModel for unknown keys or values that do not fit together.
  static PipelineConfig read(const nlohmann::json& json, const std::string& context);
  nlohmann::json to_json() const;
  /// Sampling of an operation; the built-in default when the file says nothing about it.
  SamplingSettings sampling_of(Operation operation) const;
  double chord_rate() const {
    return static_cast<double>(vae.sample_rate) /
           static_cast<double>(vae.samples_per_latent() * latent_frames_per_chord);
  }
};

/// The whole model of Figure 3: VAE, text encoder, U-Net and noise schedule, loaded and saved together.
/// A model folder holds config.json, vae.safetensors, unet.safetensors, text_encoder/ (a T5 folder) and,
/// with a mask head, mask.safetensors.
/// Methods that only read may run in several threads.
/// Letters: N batch, S samples at 24 kHz, T latent frames, C latent channels, T_p chord frames, d_p classes.
class Pipeline {
 public:
  /// New random weights. `tokenizer` is a spiece.model.
  Pipeline(PipelineConfig config, const T5EncoderOptions& text, const std::filesystem::path& tokenizer);
  /// New random weights but for the text encoder. Throws kModel when it does not fit the U-Net.
  Pipeline(PipelineConfig config, TextEncoder text);
  /// Throws kModel (what is wrong in which file) or kIo.
  static Pipeline load(const std::filesystem::path& folder);
  /// The text encoder keeps the type it has, as published T5 files do. Throws kIo.
  void save(const std::filesystem::path& folder, const std::map<std::string, std::string>& metadata = {},
            WeightFormat format = WeightFormat::kBFloat16) const;

  /// Converts all networks; bfloat16 is about twice as fast where the processor has it.
  void to(at::ScalarType type);
  void to(at::Device device);
  void eval();

  /// What the U-Net takes for z_s: the latent (N, T, C) of a wave (N, S) at the model's level and, with source_mel,
  /// the wave's log-mel bands beside it.
  at::Tensor describe_source(const at::Tensor& latent, const at::Tensor& wave) const;

  /// One sentence per example (paper §3.1): z_s (N, T, C or more, see describe_source), chords (N, T_p, d_p) -> z of
  /// the edited music.
  at::Tensor sample_target(const at::Tensor& z_s, const std::vector<std::string>& sentences, const at::Tensor& chords,
                           const SamplingSettings& settings, const SamplerHooks& hooks = {});

  PipelineConfig config;
  NoiseSchedule schedule;
  Vae vae{nullptr};
  UNet unet{nullptr};
  MaskHead mask{nullptr};  ///< where the configuration has one
  std::optional<LogMel> source_mel;
  TextEncoder text;
};

}  // namespace instructme
