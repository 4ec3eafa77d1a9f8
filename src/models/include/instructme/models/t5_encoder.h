#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/embedding.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "instructme/torchx/quantised_weights.h"

namespace instructme {

/// Sizes of a T5 encoder, under the names of a published `config.json`.
struct T5EncoderOptions {
  int64_t vocab_size = 32128;  ///< rows of the embedding, at least the tokenizer's pieces
  int64_t d_model = 512;       ///< channels of the stream
  int64_t d_kv = 64;           ///< channels of one head; num_heads * d_kv need not be d_model
  int64_t d_ff = 2048;         ///< channels inside the feed-forward part
  int64_t num_layers = 6;
  int64_t num_heads = 8;
  int64_t relative_attention_num_buckets = 32;    ///< both directions together; even
  int64_t relative_attention_max_distance = 128;  ///< tokens; further ones share the last bucket
  double layer_norm_epsilon = 1e-6;
  double dropout_rate = 0.1;  ///< only in training mode
  bool gated = false;         ///< feed_forward_proj "gated-gelu" (T5 1.1) instead of "relu"
  int64_t pad_token_id = 0;
  int64_t eos_token_id = 1;

  /// Throws kModel, beginning with `context`, when no model can have these sizes.
  void check(const std::string& context) const;
};

/// Reads a `config.json` as published with T5 weights. Sizes of the model are required; keys that do
/// not concern the encoder are passed over. Throws kIo, or kModel when something is missing, of the
/// wrong type, or asks for another kind of model.
T5EncoderOptions read_t5_options(const std::filesystem::path& config_file);
/// Writes a `config.json` that this program and other T5 programs read.
void write_t5_options(const std::filesystem::path& config_file, const T5EncoderOptions& options);

/// Bucket of the distance `key position - query position`, both directions (Raffel et al. 2020,
/// section 2.1): half of the buckets for keys after the query; of each half, one half exact, the other
/// logarithmic up to `max_distance`.
int64_t relative_position_bucket(int64_t distance, int64_t num_buckets, int64_t max_distance);

struct T5StackImpl;

/// The encoder of T5 (Raffel et al., "Exploring the Limits of Transfer Learning with a Unified
/// Text-to-Text Transformer", 2020; gated feed-forward of version 1.1: Shazeer, "GLU Variants Improve
/// Transformer", 2020). Pre-norm transformer with root-mean-square norms, no biases, attention without
/// 1/sqrt(d_kv), and one table of relative position biases, in block 0, for all blocks. Parameters
/// have the names of the published files: shared.weight, encoder.block.0.layer.0.SelfAttention.q.weight, …
/// New weights are drawn from torch's generator with the published standard deviations.
/// `forward` in evaluation mode may run in several threads at once.
struct T5EncoderImpl : torch::nn::Module {
  /// Throws kModel when the options do not fit together.
  explicit T5EncoderImpl(const T5EncoderOptions& model_options);

  /// ids (N, L) int64 token numbers; mask (N, L) bool, true = a token, false = padding -> (N, L, D).
  /// Padding is never attended to; outputs at padding are finite but without meaning. Differentiable
  /// in the parameters. Throws kInternal for wrong shapes, types, or (on the CPU) token numbers.
  at::Tensor forward(const at::Tensor& ids, const at::Tensor& mask);

  T5EncoderOptions options;
  torch::nn::Embedding shared{nullptr};
  std::shared_ptr<T5StackImpl> encoder;
};
TORCH_MODULE(T5Encoder);

/// Loads `config.json` and `model.safetensors` of a folder, in evaluation mode and float32. The weights
/// may be of the encoder alone or of a whole published T5, whose decoder is passed over. Throws kModel
/// when a file is missing or does not fit.
T5Encoder load_t5_encoder(const std::filesystem::path& folder);
/// Writes both files; makes the folder when needed. Weights are written as `format` says, or as they are in memory,
/// which other programs can read. Throws kIo.
void save_t5_encoder(const T5Encoder& encoder, const std::filesystem::path& folder,
                     std::optional<WeightFormat> format = std::nullopt);

}  // namespace instructme
