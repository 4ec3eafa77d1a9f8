#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

namespace instructme {

// Multi-head attention, time-major. N batch, T frames, C channels, H heads of D channels, K frames per
// chunk, M chunks, L text tokens. No layer knows absolute positions: only distances between frames
// enter (Shaw et al. 2018, as a bias per head and distance; Su et al. 2021 for whole sequences), so a
// model works at lengths it was not trained on. forward() is thread-safe while weights do not change.

struct AttentionOptions {
  int64_t channels = 0;       ///< C; a multiple of head_dim
  int64_t head_dim = 64;      ///< D
  int64_t chunk = 64;         ///< K; 0 in SelfAttention = the whole sequence at once
  int64_t condition_dim = 0;  ///< channels of what is attended to; cross-attention only
  double output_gain = 1.0;   ///< scales the initial output projection; cross-attention only

  int64_t heads() const { return channels / head_dim; }
  /// Throws kInternal.
  void validate() const;
};

/// Distances -(K - 1) ... K - 1 as a bias: table (H, 2K - 1) -> (H, K, K) in the table's dtype.
at::Tensor relative_bias(const at::Tensor& table, int64_t chunk);

/// Rotates pairs of channels by angles proportional to the frame (Su et al. 2021).  x (N, T, H, D).
at::Tensor rotary(const at::Tensor& x);

/// Self-attention inside overlapping chunks (InstructME, section 3.1), linear in T; with chunk 0 over
/// the whole sequence with rotary positions, quadratic in T. Query, key and value are projected before
/// the frames are copied into two chunks each, which is the same mathematics at half the cost.
class SelfAttentionImpl : public torch::nn::Cloneable<SelfAttentionImpl> {
 public:
  explicit SelfAttentionImpl(const AttentionOptions& options);
  void reset() override;

  /// x (N, T, C) -> (N, T, C), the two copies of every frame averaged.
  at::Tensor forward(const at::Tensor& x);
  /// x (N, T, C) -> (N, M, K, C), the copies kept apart. Throws kInternal with chunk 0.
  at::Tensor forward_chunks(const at::Tensor& x);

  AttentionOptions options;
  torch::nn::Linear query_key_value{nullptr};
  torch::nn::Linear output{nullptr};
  at::Tensor position_bias;  ///< (H, 2K - 1); undefined with chunk 0

 private:
  at::Tensor attend(const at::Tensor& x);
};
TORCH_MODULE(SelfAttention);

/// What cross-attention needs of a text: keys (N, C, H * L) and values (N, H * L, C) with the query
/// and output projections already multiplied in, and mask_bias (N, 1, 1, L) of 0 and -inf.
struct TextKeyValue {
  at::Tensor keys;
  at::Tensor values;
  at::Tensor mask_bias;
};

/// Cross-attention to a short text. Per text, softmax(x Wq (t Wk)') t Wv Wo is regrouped into
/// softmax(x [Wq (t Wk)']) [t Wv Wo]: with few tokens, two thin products per frame in place of two
/// projections, and everything in brackets is constant over the steps of a sampler.
class TextAttentionImpl : public torch::nn::Cloneable<TextAttentionImpl> {
 public:
  explicit TextAttentionImpl(const AttentionOptions& options);
  void reset() override;

  /// text (N, L, condition_dim), mask_bias (N, 1, 1, L).
  TextKeyValue encode(const at::Tensor& text, const at::Tensor& mask_bias);
  /// x (N, T, C) -> (N, T, C).
  at::Tensor forward(const at::Tensor& x, const TextKeyValue& text);

  AttentionOptions options;
  torch::nn::Linear query{nullptr};
  torch::nn::Linear key_value{nullptr};
  torch::nn::Linear output{nullptr};
};
TORCH_MODULE(TextAttention);

/// Keys and values of a sequence in chunks: (N, M, H, K, D) each.
struct ChunkKeyValue {
  at::Tensor keys;
  at::Tensor values;
};

/// Cross-attention to a sequence with one vector per frame (the chord progression): each chunk attends
/// to the same span of that sequence, with a bias by distance. Linear in T.
class ChunkCrossAttentionImpl : public torch::nn::Cloneable<ChunkCrossAttentionImpl> {
 public:
  explicit ChunkCrossAttentionImpl(const AttentionOptions& options);
  void reset() override;

  /// condition (N, T, condition_dim).
  ChunkKeyValue encode(const at::Tensor& condition);
  /// x (N, T, C) -> (N, T, C).
  at::Tensor forward(const at::Tensor& x, const ChunkKeyValue& key_values);
  /// chunks (N, M, K, C) of T frames -> (N, M, K, C).
  at::Tensor forward_chunks(const at::Tensor& chunks, const ChunkKeyValue& key_values, int64_t frames);

  AttentionOptions options;
  torch::nn::Linear query{nullptr};
  torch::nn::Linear key_value{nullptr};
  torch::nn::Linear output{nullptr};
  at::Tensor position_bias;  ///< (H, 2K - 1)

 private:
  at::Tensor attend(const at::Tensor& queries, const ChunkKeyValue& key_values, int64_t frames);
};
TORCH_MODULE(ChunkCrossAttention);

}  // namespace instructme
