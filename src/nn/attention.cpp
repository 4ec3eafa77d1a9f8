#include "instructme/nn/attention.h"

#include <torch/torch.h>

#include <cmath>
#include <limits>

#include "instructme/base/error.h"
#include "instructme/nn/chunk.h"
#include "instructme/nn/linear.h"
#include "instructme/torchx/compat.h"

namespace instructme {
namespace {

// Learned distances plus -inf at keys outside the sequence: (M, H, K, K) in `dtype`.
at::Tensor chunk_bias(const at::Tensor& table, int64_t chunk, int64_t frames, at::ScalarType dtype) {
  // In float32 also for bfloat16 weights: every entry of the table collects up to K gradients.
  const at::Tensor wide = table.scalar_type() == at::kBFloat16 ? table.to(at::kFloat) : table;
  const at::Tensor distances = relative_bias(wide, chunk).to(dtype);  // (H, K, K)
  const at::Tensor valid = chunk_mask(frames, chunk, table.device());
  const at::Tensor outside = at::zeros(valid.sizes(), distances.options())
                                 .masked_fill_(valid.logical_not(), -std::numeric_limits<double>::infinity());
  return distances.unsqueeze(0) + outside.unsqueeze(1).unsqueeze(1);
}

// q, k, v (N, M, H, K, D), bias (M, H, K, K) -> (N, M, H, K, D).
at::Tensor attend_chunks(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias) {
  if (!q.is_cuda()) return attention(q, k, v, bias);
  // The fused kernels want four dimensions.
  std::vector<int64_t> expanded{q.size(0)};
  expanded.insert(expanded.end(), bias.sizes().begin(), bias.sizes().end());
  return attention(q.flatten(0, 1), k.flatten(0, 1), v.flatten(0, 1), bias.expand(expanded).flatten(0, 1))
      .unflatten(0, {q.size(0), q.size(1)});
}

}  // namespace

void AttentionOptions::validate() const {
  ensure(
      channels > 0 && head_dim > 0 && channels % head_dim == 0,
      "channels (" + std::to_string(channels) + ") must be a multiple of head_dim (" + std::to_string(head_dim) + ")");
  ensure(chunk == 0 || (chunk >= 2 && chunk % 2 == 0),
         "a chunk must be an even number of frames, but is " + std::to_string(chunk));
}

at::Tensor relative_bias(const at::Tensor& table, int64_t chunk) {
  const at::Tensor frame = at::arange(chunk, at::TensorOptions().dtype(at::kLong).device(table.device()));
  const at::Tensor distance = frame.unsqueeze(0) - frame.unsqueeze(1) + (chunk - 1);  // key minus query
  return table.index_select(1, distance.flatten()).view({table.size(0), chunk, chunk});
}

at::Tensor rotary(const at::Tensor& x) {
  const int64_t half = x.size(3) / 2;
  const auto floats = x.options().dtype(x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  const at::Tensor speed = at::exp(at::arange(half, floats) * (-std::log(10000.0) / static_cast<double>(half)));
  const at::Tensor angle = at::arange(x.size(1), floats).unsqueeze(1) * speed;  // (T, D/2)
  const at::Tensor cosine = angle.cos().to(x.scalar_type()).unsqueeze(1);       // (T, 1, D/2)
  const at::Tensor sine = angle.sin().to(x.scalar_type()).unsqueeze(1);
  const at::Tensor a = x.narrow(3, 0, half);
  const at::Tensor b = x.narrow(3, half, half);
  return at::cat({a * cosine - b * sine, a * sine + b * cosine}, 3);
}

SelfAttentionImpl::SelfAttentionImpl(const AttentionOptions& o) : options(o) { reset(); }

void SelfAttentionImpl::reset() {
  options.validate();
  ensure(options.chunk > 0 || options.head_dim % 2 == 0, "rotary positions want an even head_dim");
  const int64_t channels = options.channels;
  query_key_value = register_module("query_key_value", make_linear(channels, 3 * channels, false));
  output = register_module("output", make_linear(channels, channels));
  if (options.chunk > 0) {
    position_bias = register_parameter("position_bias", at::zeros({options.heads(), 2 * options.chunk - 1}));
  }
}

at::Tensor SelfAttentionImpl::attend(const at::Tensor& x) {
  const auto parts = split_chunk_heads(query_key_value(x), 3, options.heads(), options.chunk);
  const at::Tensor bias = chunk_bias(position_bias, options.chunk, x.size(1), x.scalar_type());
  return attend_chunks(parts[0], parts[1], parts[2], bias);  // (N, M, H, K, D)
}

at::Tensor SelfAttentionImpl::forward(const at::Tensor& x) {
  if (options.chunk > 0) return output(fuse_chunk_heads(attend(x), x.size(1)));
  const auto parts = query_key_value(x).view({x.size(0), x.size(1), 3, options.heads(), options.head_dim}).unbind(2);
  const at::Tensor mixed = attention(rotary(parts[0]).transpose(1, 2), rotary(parts[1]).transpose(1, 2),
                                     parts[2].transpose(1, 2));  // (N, H, T, D)
  return output(mixed.transpose(1, 2).flatten(2));
}

at::Tensor SelfAttentionImpl::forward_chunks(const at::Tensor& x) {
  ensure(options.chunk > 0, "attention over the whole sequence has no chunks");
  return output(attend(x).transpose(2, 3).flatten(3));
}

TextAttentionImpl::TextAttentionImpl(const AttentionOptions& o) : options(o) { reset(); }

void TextAttentionImpl::reset() {
  options.validate();
  ensure(options.condition_dim > 0, "cross-attention wants condition_dim");
  const int64_t channels = options.channels;
  query = register_module("query", make_linear(channels, channels, false));
  key_value = register_module("key_value", make_linear(options.condition_dim, 2 * channels, false));
  output = register_module("output", make_linear(channels, channels, true, options.output_gain));
}

TextKeyValue TextAttentionImpl::encode(const at::Tensor& text, const at::Tensor& mask_bias) {
  const int64_t batch = text.size(0);
  const int64_t length = text.size(1);
  const int64_t heads = options.heads();
  const int64_t channels = options.channels;
  const int64_t head_dim = options.head_dim;
  const auto parts = key_value(text).view({batch, length, 2, heads, head_dim}).unbind(2);  // (N, L, H, D)
  // One product per head over the tokens of the whole batch: (H, N L, D) x (H, D, C).
  const double scale = 1.0 / std::sqrt(static_cast<double>(head_dim));
  const at::Tensor query_weight = query->weight.view({heads, head_dim, channels}) * scale;
  const at::Tensor output_weight = output->weight.t().reshape({heads, head_dim, channels});
  const at::Tensor by_head = parts[0].flatten(0, 1).transpose(0, 1);  // (H, N L, D)
  const at::Tensor keys = at::bmm(by_head, query_weight).view({heads, batch, length, channels});
  const at::Tensor values =
      at::bmm(parts[1].flatten(0, 1).transpose(0, 1), output_weight).view({heads, batch, length, channels});
  return {keys.permute({1, 3, 0, 2}).reshape({batch, channels, heads * length}),
          values.transpose(0, 1).reshape({batch, heads * length, channels}), mask_bias};
}

at::Tensor TextAttentionImpl::forward(const at::Tensor& x, const TextKeyValue& text) {
  const int64_t length = text.mask_bias.size(3);
  const at::Tensor scores = at::bmm(x, text.keys).view({x.size(0), x.size(1), options.heads(), length});
  const at::Tensor weights = at::softmax(scores + text.mask_bias, -1).flatten(2);  // (N, T, H L)
  return at::baddbmm(output->bias.expand({x.size(0), x.size(1), options.channels}), weights, text.values);
}

ChunkCrossAttentionImpl::ChunkCrossAttentionImpl(const AttentionOptions& o) : options(o) { reset(); }

void ChunkCrossAttentionImpl::reset() {
  options.validate();
  ensure(options.condition_dim > 0 && options.chunk > 0, "chunked cross-attention wants condition_dim and chunk");
  const int64_t channels = options.channels;
  query = register_module("query", make_linear(channels, channels, false));
  key_value = register_module("key_value", make_linear(options.condition_dim, 2 * channels, false));
  output = register_module("output", make_linear(channels, channels, true, options.output_gain));
  position_bias = register_parameter("position_bias", at::zeros({options.heads(), 2 * options.chunk - 1}));
}

ChunkKeyValue ChunkCrossAttentionImpl::encode(const at::Tensor& condition) {
  const auto parts = split_chunk_heads(key_value(condition), 2, options.heads(), options.chunk);
  return {parts[0], parts[1]};
}

at::Tensor ChunkCrossAttentionImpl::attend(const at::Tensor& queries, const ChunkKeyValue& key_values, int64_t frames) {
  const at::Tensor bias = chunk_bias(position_bias, options.chunk, frames, queries.scalar_type());
  return attend_chunks(queries, key_values.keys, key_values.values, bias);
}

at::Tensor ChunkCrossAttentionImpl::forward(const at::Tensor& x, const ChunkKeyValue& key_values) {
  const at::Tensor queries = split_chunk_heads(query(x), 1, options.heads(), options.chunk)[0];
  return output(fuse_chunk_heads(attend(queries, key_values, x.size(1)), x.size(1)));
}

at::Tensor ChunkCrossAttentionImpl::forward_chunks(const at::Tensor& chunks, const ChunkKeyValue& key_values,
                                                   int64_t frames) {
  const at::Tensor queries = query(chunks).unflatten(3, {options.heads(), options.head_dim}).transpose(2, 3);
  return output(attend(queries, key_values, frames).transpose(2, 3).flatten(3));
}

}  // namespace instructme
