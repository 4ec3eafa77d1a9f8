#pragma once

#include <torch/torch.h>

#include <filesystem>

#include "instructme/pipeline/pipeline.h"

namespace instructme {

inline std::filesystem::path tokenizer_file() {
  return std::filesystem::path(INSTRUCTME_SOURCE_DIR) / "models/default/text_encoder/spiece.model";
}

/// Sizes at which every part of the real model is there and a step takes milliseconds.
inline PipelineConfig tiny_config() {
  PipelineConfig config;
  config.vae.latent_channels = config.unet.latent_channels = 8;
  config.vae.encoder_channels = config.vae.decoder_channels = 16;
  config.vae.encoder_blocks = config.vae.decoder_blocks = 1;
  config.vae.kernel = 3;
  config.unet.channels = {16, 16};
  config.unet.down_blocks = config.unet.up_blocks = {1, 1};
  config.unet.bottleneck_blocks = 1;
  config.unet.head_dim = 8;
  config.unet.chunk = {8, 8};
  config.unet.text_dim = 16;
  config.unet.source_channels = {8, 8};
  config.unet.time_channels = 16;
  config.unet.source_mel = 6;
  config.mask =
      MaskHeadOptions{.n_fft = 960,
                      .hop = 480,
                      .bands = 32,
                      .channels = {8, 8},
                      .blocks = {1},
                      .query_dim = 8,
                      .instruments = {"bass", "double bass", "drum kit", "flute", "organ", "piano", "violin"}};
  return config;
}

inline T5EncoderOptions tiny_text() {
  T5EncoderOptions options;
  options.vocab_size = 512;
  options.d_model = 16;
  options.d_kv = 8;
  options.d_ff = 16;
  options.num_layers = 1;
  options.num_heads = 2;
  options.dropout_rate = 0;
  options.gated = true;
  return options;
}

/// Random weights, also where new networks start with zeros, in evaluation mode.
inline Pipeline tiny_pipeline(uint64_t seed = 1, const PipelineConfig& config = tiny_config()) {
  torch::manual_seed(seed);
  Pipeline pipeline(config, tiny_text(), tokenizer_file());
  torch::NoGradGuard no_grad;
  for (auto& weight : pipeline.unet->parameters())
    if (weight.dim() >= 2 || weight.abs().max().item<double>() == 0) weight.add_(torch::randn_like(weight) * 0.1);
  pipeline.eval();
  return pipeline;
}

}  // namespace instructme
