#include "instructme/nn/chunk_transformer.h"

#include <torch/torch.h>

#include "instructme/base/error.h"
#include "instructme/nn/chunk.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"

namespace instructme {
namespace {

constexpr int64_t kModulations = 6;

}  // namespace

ChunkTransformerBlockImpl::ChunkTransformerBlockImpl(const ChunkTransformerBlockOptions& o) : options(o) { reset(); }

void ChunkTransformerBlockImpl::reset() {
  ensure(!(options.full_attention && options.fusion == ChunkFusion::kBlock),
         "self-attention over the whole sequence leaves no chunks to fuse after the block");
  const int64_t channels = options.channels;
  AttentionOptions attention{.channels = channels, .head_dim = options.head_dim, .chunk = options.chunk};
  attention.output_gain = options.gate_init;

  at::Tensor offset = at::zeros({kModulations, channels});
  offset[2].fill_(options.gate_init);
  offset[5].fill_(options.gate_init);
  modulation_offset = register_parameter("modulation_offset", offset);
  if (options.source_dim > 0) {
    source_input = register_module("source_input", make_linear(options.source_dim, channels));
    if (options.source_merge == SourceMerge::kConcatenate) {
      merge = register_module("merge", make_linear(channels, channels, false));
      torch::nn::init::eye_(merge->weight);
    }
  }
  AttentionOptions own = attention;
  if (options.full_attention) own.chunk = 0;
  self_attention = register_module("self_attention", SelfAttention(own));
  if (options.text_dim > 0) {
    attention.condition_dim = options.text_dim;
    text_norm = register_parameter("text_norm", at::ones({channels}));
    text_attention = register_module("text_attention", TextAttention(attention));
  }
  if (options.chord_dim > 0) {
    attention.condition_dim = options.chord_dim;
    chord_norm = register_parameter("chord_norm", at::ones({channels}));
    chord_attention = register_module("chord_attention", ChunkCrossAttention(attention));
  }
  feed_forward = register_module("feed_forward", FeedForward(FeedForwardOptions{channels, options.ffn_hidden}));
}

BlockCondition ChunkTransformerBlockImpl::encode(const at::Tensor& text, const at::Tensor& mask_bias,
                                                 const at::Tensor& chords, const at::Tensor& source) {
  BlockCondition condition;
  if (text_attention) condition.text = text_attention->encode(text, mask_bias);
  if (chord_attention) condition.chords = chord_attention->encode(chords);
  if (source_input) condition.source = source_input(source);
  return condition;
}

at::Tensor ChunkTransformerBlockImpl::forward(const at::Tensor& input, const at::Tensor& modulation,
                                              const BlockCondition& condition) {
  const auto [batch, frames, channels] = std::tuple(input.size(0), input.size(1), input.size(2));
  const auto m = (modulation + modulation_offset).unbind(1);
  at::Tensor x = input;
  if (condition.source.defined()) x = (merge ? merge(x) : x) + condition.source;

  const bool in_chunks = options.fusion == ChunkFusion::kBlock;
  const at::Tensor normed = adaptive_rms_norm(x, m[1], m[0]);
  if (in_chunks) {
    const at::Tensor mixed = self_attention->forward_chunks(normed);  // (N, M, K, C)
    x = gated_add(split_chunks(x, options.chunk).flatten(1, 2), mixed.flatten(1, 2), m[2]);
  } else {
    x = gated_add(x, self_attention(normed), m[2]);
  }
  if (text_attention) x = x + text_attention(rms_norm(x, text_norm), condition.text);
  if (chord_attention) {
    const at::Tensor queries = rms_norm(x, chord_norm);
    if (in_chunks) {
      const at::Tensor chunks = queries.view({batch, -1, options.chunk, channels});
      x = x + chord_attention->forward_chunks(chunks, condition.chords, frames).flatten(1, 2);
    } else {
      x = x + chord_attention(queries, condition.chords);
    }
  }
  x = gated_add(x, feed_forward(adaptive_rms_norm(x, m[4], m[3])), m[5]);
  return in_chunks ? fuse_chunks(x.view({batch, -1, options.chunk, channels}), frames) : x;
}

}  // namespace instructme
