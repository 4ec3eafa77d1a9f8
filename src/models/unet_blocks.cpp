#include "unet_blocks.h"

#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"

namespace instructme {

DepthwiseConvImpl::DepthwiseConvImpl(int64_t channel_count, int64_t taps, bool start_as_identity)
    : channels(channel_count), kernel(taps), identity(start_as_identity) {
  reset();
}

void DepthwiseConvImpl::reset() {
  at::Tensor initial = at::zeros({channels, kernel});
  if (identity) {
    initial.select(1, kernel / 2).fill_(1.0);
  } else {
    torch::nn::init::normal_(initial, 0.0, 1.0 / std::sqrt(static_cast<double>(kernel)));
  }
  weight = register_parameter("weight", initial);
  bias = register_parameter("bias", at::zeros({channels}));
}

at::Tensor DepthwiseConvImpl::forward(const at::Tensor& x) { return depthwise_conv(x, weight, bias); }

SourceConvBlockImpl::SourceConvBlockImpl(int64_t channel_count, double initial_gain)
    : channels(channel_count), gain(initial_gain) {
  reset();
}

void SourceConvBlockImpl::reset() {
  filter = register_module("filter", DepthwiseConv(channels, kSourceBlockTaps, false));
  norm = register_parameter("norm", at::ones({channels}));
  expand = register_module("expand", make_linear(channels, kSourceBlockExpansion * channels));
  reduce = register_module("reduce", make_linear(kSourceBlockExpansion * channels, channels, true, gain));
}

at::Tensor SourceConvBlockImpl::forward(const at::Tensor& x) {
  return x + reduce(fused_silu(expand(rms_norm(filter(x), norm))));
}

SourceEncoderImpl::SourceEncoderImpl(const UNetOptions& o) : options(o) { reset(); }

void SourceEncoderImpl::reset() {
  const auto& channels = options.source_channels;
  input = register_module("input", make_linear(options.latent_channels, channels.front()));
  if (options.source_mel > 0)
    mel_input = register_module("mel_input", make_linear(options.source_mel, channels.front()));
  blocks = register_module("blocks", torch::nn::ModuleList());
  down = register_module("down", torch::nn::ModuleList());
  for (size_t level = 0; level < channels.size(); ++level) {
    for (int64_t block = 0; block < options.source_blocks; ++block)
      blocks->push_back(SourceConvBlock(channels[level], 1.0));
    if (level + 1 < channels.size()) down->push_back(make_linear(2 * channels[level], channels[level + 1]));
  }
}

std::vector<at::Tensor> SourceEncoderImpl::forward(const at::Tensor& source) {
  std::vector<at::Tensor> features;
  at::Tensor x = input(source.narrow(2, 0, options.latent_channels));
  if (mel_input) x = x + mel_input(source.narrow(2, options.latent_channels, options.source_mel));
  size_t next = 0;
  for (int64_t level = 0; level < options.levels(); ++level) {
    if (level > 0) x = down[static_cast<size_t>(level - 1)]->as<torch::nn::Linear>()->forward(pair_frames(x));
    for (int64_t block = 0; block < options.source_blocks; ++block)
      x = blocks[next++]->as<SourceConvBlock>()->forward(x);
    features.push_back(x);
  }
  return features;
}

}  // namespace instructme
