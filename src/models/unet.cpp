#include "instructme/models/unet.h"

#include <torch/torch.h>

#include "instructme/base/error.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"
#include "instructme/torchx/first_weights.h"
#include "unet_blocks.h"
#include "unet_frames.h"

namespace instructme {
namespace {

constexpr int64_t kModulations = 6;
constexpr double kHalfPower = 0.70710678118654752;  // the gain of each of two equal parts of a sum

at::Tensor linear(const torch::nn::ModuleList& list, size_t index, const at::Tensor& x) {
  return list->ptr(index)->as<torch::nn::Linear>()->forward(x);
}

}  // namespace

UNetImpl::UNetImpl(const UNetOptions& o) : options(o) { reset(); }

void UNetImpl::reset() {
  options.validate();
  const auto& channels = options.channels;
  const size_t levels = channels.size();
  null_text = register_parameter("null_text", normal_weights({options.text_dim}));
  text_norm = register_parameter("text_norm", at::ones({options.text_dim}));
  time = register_module("time", TimestepEmbedding(TimestepEmbeddingOptions{kTimeFrequencies, options.time_channels}));
  if (options.text_in_time)
    text_time = register_module("text_time", make_linear(options.text_dim, options.time_channels, false));
  time_modulation = register_module("time_modulation", torch::nn::ModuleList());
  for (size_t level = 0; level <= levels; ++level) {
    const int64_t width = channels[std::min(level, levels - 1)];
    time_modulation->push_back(make_linear(options.time_channels, kModulations * width, true, 0.0));
  }

  input = register_module("input", make_linear(options.latent_channels, channels.front()));
  const bool aggregate = options.source == SourceInput::kAggregate;
  if (aggregate) {
    source_encoder = register_module("source_encoder", SourceEncoder(options));
  } else {
    source_input = register_module("source_input", make_linear(options.latent_channels, channels.front(), false));
  }
  if (options.chord_classes > 0)
    chord_input = register_module("chord_input", make_linear(options.chord_classes, channels.back()));

  blocks = register_module("blocks", torch::nn::ModuleList());
  down = register_module("down", torch::nn::ModuleList());
  up = register_module("up", torch::nn::ModuleList());
  smooth = register_module("smooth", torch::nn::ModuleList());
  skip_merge = register_module("skip_merge", torch::nn::ModuleList());
  skip_input = register_module("skip_input", torch::nn::ModuleList());
  const auto add_blocks = [&](int64_t count, size_t level, int64_t text_dim, int64_t chord_dim, int64_t source_dim) {
    ChunkTransformerBlockOptions block;
    block.channels = channels[level];
    block.head_dim = options.head_dim;
    block.chunk = options.chunk[level];
    block.full_attention = options.full_attention;
    block.fusion = options.fusion;
    block.ffn_hidden = options.ffn_hidden(channels[level]);
    block.text_dim = text_dim;
    block.chord_dim = chord_dim;
    block.source_dim = source_dim;
    block.source_merge = options.source_merge;
    block.gate_init = options.gate_init;
    for (int64_t i = 0; i < count; ++i) blocks->push_back(ChunkTransformerBlock(block));
  };
  for (size_t level = 0; level < levels; ++level) {
    add_blocks(options.down_blocks[level], level, options.text_dim, 0, aggregate ? options.source_channels[level] : 0);
    if (level + 1 < levels) down->push_back(make_linear(2 * channels[level], channels[level + 1]));
  }
  add_blocks(options.bottleneck_blocks, levels - 1, options.text_in_bottleneck ? options.text_dim : 0,
             options.chord_classes > 0 ? channels.back() : 0, 0);
  for (size_t level = levels; level-- > 0;) add_blocks(options.up_blocks[level], level, options.text_dim, 0, 0);
  for (size_t level = 0; level < levels; ++level) {
    if (level + 1 < levels) {
      up->push_back(make_linear(channels[level + 1], 2 * channels[level]));
      smooth->push_back(DepthwiseConv(channels[level], kSmoothTaps, true));
    }
    if (options.skip == Skip::kConcatenate) {
      skip_merge->push_back(make_linear(channels[level], channels[level], true, kHalfPower));
      skip_input->push_back(make_linear(channels[level], channels[level], false, kHalfPower));
    }
  }
  output_norm = register_parameter("output_norm", at::ones({channels.front()}));
  output = register_module("output", make_linear(channels.front(), options.latent_channels, true, 0.0));
  if (options.source_gate > 0) {
    gate_input = register_module("gate_input", make_linear(options.latent_channels, options.source_gate, false));
    gate = register_module("gate", make_linear(channels.front(), options.source_gate, true, 0.0));
    gate_output = register_module("gate_output", make_linear(options.source_gate, options.latent_channels, false));
  }
}

void UNetImpl::initialise_source_gate(const at::Tensor& basis) {
  ensure(gate && basis.dim() == 2 && basis.size(0) >= options.source_gate && basis.size(1) == options.latent_channels,
         "the basis of the source gate has another size, or there is no gate");
  const torch::NoGradGuard no_grad;
  const at::Tensor strength = basis.norm(2, {1});
  const at::Tensor strongest = std::get<1>(strength.topk(options.source_gate));
  const at::Tensor rows =
      (basis / strength.clamp_min(1e-12).unsqueeze(1)).index_select(0, strongest).to(at::kCPU, at::kDouble);
  gate_input->weight.copy_(rows);
  gate_output->weight.copy_(torch::linalg_pinv(rows));
}

at::Tensor UNetImpl::run_blocks(at::Tensor x, size_t& next, int64_t count, const at::Tensor& modulation,
                                const UNetCondition& condition) {
  for (int64_t i = 0; i < count; ++i, ++next)
    x = blocks[next]->as<ChunkTransformerBlock>()->forward(x, modulation, condition.blocks[next]);
  return x;
}

at::Tensor UNetImpl::features(const at::Tensor& z_t, const at::Tensor& t, const UNetCondition& condition) {
  const int64_t batch = z_t.size(0);
  const int64_t frames = z_t.size(1);
  if (z_t.dim() != 3 || z_t.size(2) != options.latent_channels || t.dim() != 1 || t.size(0) != batch)
    throw Error(ErrorKind::kModel, "The U-Net wants z_t of shape (N, T, " + std::to_string(options.latent_channels) +
                                       ") and t of shape (N).");
  if (frames != condition.frames || batch != condition.batch() || condition.blocks.size() != blocks->size())
    throw Error(ErrorKind::kModel, "The condition was encoded for " + std::to_string(condition.batch()) + " x " +
                                       std::to_string(condition.frames) + " frames, but z_t has " +
                                       std::to_string(batch) + " x " + std::to_string(frames) + ".");
  at::Tensor now = time(t);  // (N, time_channels)
  if (condition.text_time.defined()) now = now + condition.text_time;
  std::vector<at::Tensor> modulation;
  for (size_t i = 0; i < time_modulation->size(); ++i)
    modulation.push_back(linear(time_modulation, i, now).view({batch, kModulations, -1}));

  at::Tensor x =
      input(extend_last_frame(z_t.to(output->weight.options()), padded_frames(frames, options.frame_multiple())));
  if (condition.source_input.defined()) x = x + condition.source_input;
  const size_t levels = options.channels.size();
  std::vector<at::Tensor> skips;
  size_t next = 0;
  for (size_t level = 0; level < levels; ++level) {
    if (level > 0) x = linear(down, level - 1, pair_frames(x));
    x = run_blocks(x, next, options.down_blocks[level], modulation[level], condition);
    skips.push_back(x);
  }
  x = run_blocks(x, next, options.bottleneck_blocks, modulation[levels], condition);
  for (size_t level = levels; level-- > 0;) {
    if (level + 1 < levels) x = smooth[level]->as<DepthwiseConv>()->forward(unpair_frames(linear(up, level, x)));
    if (options.skip == Skip::kAdd) {
      x = x + skips[level];
    } else {
      x = linear(skip_merge, level, x) + linear(skip_input, level, skips[level]);
    }
    x = run_blocks(x, next, options.up_blocks[level], modulation[level], condition);
  }
  return rms_norm(x, output_norm).narrow(1, 0, frames);
}

at::Tensor UNetImpl::answer(const at::Tensor& features, const UNetCondition& condition) {
  const at::Tensor plain = output(features);  // (N, T, C)
  return gate ? plain + gate_output(gate(features) * condition.gated_source) : plain;
}

at::Tensor UNetImpl::forward(const at::Tensor& z_t, const at::Tensor& t, const UNetCondition& condition) {
  return answer(features(z_t, t, condition), condition).to(z_t.scalar_type());
}

}  // namespace instructme
