#include "instructme/models/mask_head.h"

#include <torch/torch.h>

#include <cmath>

#include "instructme/base/error.h"
#include "instructme/models/vae.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kInputPower = 0.3;  // brings the 100 dB between loud and quiet bins within one order of magnitude
constexpr double kInputScale = 3.0;
constexpr double kLossPower = 0.5;

int64_t checked(int64_t n_fft, int64_t hop) {
  if (n_fft < 2 * hop || n_fft % hop != 0)
    throw Error(ErrorKind::kModel, "the mask head's n_fft " + std::to_string(n_fft) +
                                       " must be a multiple of the VAE's " + std::to_string(hop) +
                                       " samples per latent frame");
  return n_fft;
}

}  // namespace

MaskHeadOptions MaskHeadOptions::read(ConfigReader config) {
  MaskHeadOptions o;
  config.read("n_fft", o.n_fft);
  config.read("channels", o.channels);
  config.read("blocks", o.blocks);
  config.read("query_blocks", o.query_blocks);
  config.read("expansion", o.expansion);
  config.read("kernel", o.kernel);
  config.read("unet_features", o.unet_features);
  config.finish();
  if (o.n_fft < 2 || o.channels < 1 || o.blocks < 0 || o.query_blocks < 1 || o.expansion < 1 || o.kernel < 1 ||
      o.kernel % 2 == 0)
    throw Error(ErrorKind::kModel, config.context() + ": all sizes must be positive and the kernel odd");
  return o;
}

nlohmann::json MaskHeadOptions::to_json() const {
  return {{"n_fft", n_fft},
          {"channels", channels},
          {"blocks", blocks},
          {"query_blocks", query_blocks},
          {"expansion", expansion},
          {"kernel", kernel},
          {"unet_features", unet_features}};
}

MaskHeadImpl::MaskHeadImpl(const MaskHeadOptions& o, int64_t hop_samples, int64_t text_channels, int64_t unet)
    : options(o),
      hop(hop_samples),
      text_dim(text_channels),
      unet_channels(unet),
      stft_(checked(o.n_fft, hop_samples), hop_samples) {
  spectrum_input = register_module("spectrum_input", make_linear(stft_.bins(), options.channels));
  if (options.unet_features)
    feature_input = register_module("feature_input", make_linear(unet_channels, options.channels, false));
  text_norm = register_parameter("text_norm", at::ones({text_dim}));
  blocks = register_module("blocks", torch::nn::ModuleList());
  query_blocks = register_module("query_blocks", torch::nn::ModuleList());
  films = register_module("films", torch::nn::ModuleList());
  const auto block = [&] { return ConvBlock(options.channels, options.expansion, options.kernel, 0.5); };
  for (int64_t i = 0; i < options.blocks; ++i) blocks->push_back(block());
  for (int64_t i = 0; i < options.query_blocks; ++i) {
    query_blocks->push_back(block());
    films->push_back(make_linear(text_dim, 2 * options.channels, true, 0.5));
  }
  output = register_module("output", make_linear(options.channels, stft_.bins(), true, 0.1));
}

Tensor MaskHeadImpl::listen(const Tensor& magnitude, const Tensor& features) {
  ensure(magnitude.dim() == 3 && magnitude.size(2) == stft_.bins() && features.defined() == options.unet_features,
         "the mask head wants magnitudes (N, T, F), and features where it is made for them");
  const auto type = output->weight.scalar_type();
  Tensor h = spectrum_input(((magnitude + 1e-6).pow(kInputPower) * kInputScale).to(type));  // (N, T, channels)
  if (feature_input) h = h + feature_input(features.to(type));
  for (const auto& block : *blocks) h = block->as<ConvBlockImpl>()->forward(h);
  return h;
}

Tensor MaskHeadImpl::answer(const Tensor& heard, const Tensor& text, const Tensor& text_mask) {
  ensure(heard.dim() == 3 && heard.size(2) == options.channels && text.dim() == 3 && text.size(2) == text_dim &&
             text.size(0) == heard.size(0),
         "the mask head wants as many texts (N, L, D) as pieces of music (N, T, channels)");
  const auto type = output->weight.scalar_type();
  const Tensor weights = text_mask.to(type).unsqueeze(2);  // (N, L, 1)
  const Tensor words = rms_norm(text.to(type).contiguous(), text_norm);
  const Tensor sentence = (words * weights).sum(1) / weights.sum(1).clamp_min(1.0);  // (N, D)
  Tensor h = heard;
  for (size_t i = 0; i < query_blocks->size(); ++i) {
    const auto film =
        films[i]->as<torch::nn::Linear>()->forward(sentence).unsqueeze(1).chunk(2, 2);  // (N, 1, channels)
    h = query_blocks[i]->as<ConvBlockImpl>()->forward(h * (1.0 + film[0]) + film[1]);
  }
  return output(h).to(at::kFloat).sigmoid();  // (N, T, F)
}

Tensor MaskHeadImpl::loss(const Tensor& mask, const Tensor& source, const Tensor& stem) {
  const Tensor weight = (source.abs() + 1e-4).pow(2 * (kLossPower - 1.0));
  const auto energy = [&](const Tensor& x) { return (weight * at::view_as_real(x).pow(2).sum(-1)).sum({1, 2}); };
  const Tensor of_source = energy(source);
  const Tensor scale = (of_source * (energy(stem) + 0.01 * of_source)).sqrt();
  return energy(source * mask - stem) / scale.clamp_min(1e-6);
}

}  // namespace instructme
