#pragma once

#include <ATen/core/Tensor.h>

#include "instructme/nn/attention.h"
#include "instructme/nn/feed_forward.h"

namespace instructme {

/// Where the overlapping chunks become one sequence again.
enum class ChunkFusion {
  kAttention,  ///< right after self-attention: the rest runs on T tokens
  kBlock,      ///< after the whole layer, as in Figure 3: the rest runs on 2T tokens
};

/// How the features of the source enter.
enum class SourceMerge {
  kAdd,          ///< x + W s
  kConcatenate,  ///< W [x, s]
};

struct ChunkTransformerBlockOptions {
  int64_t channels = 0;
  int64_t head_dim = 64;
  int64_t chunk = 64;           ///< K frames
  bool full_attention = false;  ///< self-attention over the whole sequence in place of chunks
  ChunkFusion fusion = ChunkFusion::kAttention;
  int64_t ffn_hidden = 0;
  int64_t text_dim = 0;    ///< 0: no text cross-attention
  int64_t chord_dim = 0;   ///< 0: no chord cross-attention
  int64_t source_dim = 0;  ///< 0: no source features
  SourceMerge source_merge = SourceMerge::kAdd;
  double gate_init = 0.2;  ///< initial weight of every residual branch
};

/// What one block needs of the conditions, constant over the steps of a sampler. Undefined where the
/// block does not use it.
struct BlockCondition {
  TextKeyValue text;
  ChunkKeyValue chords;
  at::Tensor source;  ///< (N, T, C)
};

/// A chunk transformer layer (InstructME, Fig. 3 right): source merged at the input, self-attention in
/// chunks, cross-attention to text and chords, feed-forward; every part is a residual branch behind an
/// RMS norm. Diffusion time enters as scale, shift and gate of self-attention and feed-forward, shared
/// by several blocks plus an offset of this one (Chen et al. 2023, "adaLN-single").
/// An output frame depends on the 3K/2 frames around it, on all of the text and on the time.
class ChunkTransformerBlockImpl : public torch::nn::Cloneable<ChunkTransformerBlockImpl> {
 public:
  explicit ChunkTransformerBlockImpl(const ChunkTransformerBlockOptions& options);
  void reset() override;

  /// text (N, L, text_dim), mask_bias (N, 1, 1, L), chords (N, T, chord_dim), source (N, T, source_dim);
  /// those that the block does not use may be undefined.
  BlockCondition encode(const at::Tensor& text, const at::Tensor& mask_bias, const at::Tensor& chords,
                        const at::Tensor& source);
  /// x (N, T, C), modulation (N, 6, C): shift, scale, gate of self-attention, then of the feed-forward
  /// layer -> (N, T, C).
  at::Tensor forward(const at::Tensor& x, const at::Tensor& modulation, const BlockCondition& condition);

  ChunkTransformerBlockOptions options;
  at::Tensor modulation_offset;             ///< (6, C)
  torch::nn::Linear source_input{nullptr};  ///< the s part of the merge
  torch::nn::Linear merge{nullptr};         ///< the x part; only when concatenated, starts as identity
  SelfAttention self_attention{nullptr};
  at::Tensor text_norm;  ///< (C)
  TextAttention text_attention{nullptr};
  at::Tensor chord_norm;  ///< (C)
  ChunkCrossAttention chord_attention{nullptr};
  FeedForward feed_forward{nullptr};
};
TORCH_MODULE(ChunkTransformerBlock);

}  // namespace instructme
