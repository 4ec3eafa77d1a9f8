#include "instructme/models/mask_head.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/models/vae.h"
#include "instructme/nn/linear.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kFloor = 1e-5;  // magnitude below which differences do not matter, 80 dB below the music's level
constexpr double kSmallestDeviation = 0.1;
constexpr double kLossPower = 0.5;

const MaskHeadOptions& checked(const MaskHeadOptions& o) {
  if (o.hop < 1 || o.n_fft < 2 * o.hop || o.n_fft % o.hop != 0)
    throw Error(ErrorKind::kModel, "the mask head's n_fft " + std::to_string(o.n_fft) +
                                       " must be a multiple of its hop " + std::to_string(o.hop));
  if (o.instruments.empty()) throw Error(ErrorKind::kModel, "the mask head has no instruments to be asked for");
  return o;
}

Tensor log_magnitude(const Tensor& magnitude) { return (magnitude + kFloor).log(); }

}  // namespace

MaskHeadOptions MaskHeadOptions::read(ConfigReader config) {
  MaskHeadOptions o;
  config.read("n_fft", o.n_fft);
  config.read("hop", o.hop);
  config.read("channels", o.channels);
  config.read("blocks", o.blocks);
  config.read("query_blocks", o.query_blocks);
  config.read("query_dim", o.query_dim);
  config.read("expansion", o.expansion);
  config.read("kernel", o.kernel);
  config.read("instruments", o.instruments);
  config.finish();
  if (o.n_fft < 2 || o.channels < 1 || o.blocks < 0 || o.query_blocks < 1 || o.query_dim < 1 || o.expansion < 1 ||
      o.kernel < 1 || o.kernel % 2 == 0)
    throw Error(ErrorKind::kModel, config.context() + ": all sizes must be positive and the kernel odd");
  return o;
}

nlohmann::json MaskHeadOptions::to_json() const {
  return {{"n_fft", n_fft},
          {"hop", hop},
          {"channels", channels},
          {"blocks", blocks},
          {"query_blocks", query_blocks},
          {"query_dim", query_dim},
          {"expansion", expansion},
          {"kernel", kernel},
          {"instruments", instruments}};
}

MaskHeadImpl::MaskHeadImpl(const MaskHeadOptions& o) : options(checked(o)), stft_(o.n_fft, o.hop) {
  spectrum_input = register_module("spectrum_input", make_linear(stft_.bins(), options.channels));
  blocks = register_module("blocks", torch::nn::ModuleList());
  query_blocks = register_module("query_blocks", torch::nn::ModuleList());
  films = register_module("films", torch::nn::ModuleList());
  const auto block = [&] { return ConvBlock(options.channels, options.expansion, options.kernel, 0.5); };
  for (int64_t i = 0; i < options.blocks; ++i) blocks->push_back(block());
  for (int64_t i = 0; i < options.query_blocks; ++i) {
    query_blocks->push_back(block());
    films->push_back(make_linear(options.query_dim, 2 * options.channels, true, 0.5));
  }
  output = register_module("output", make_linear(options.channels, stft_.bins(), true, 0.1));
  instrument_table = register_parameter(
      "instrument_table", torch::randn({static_cast<int64_t>(options.instruments.size()), options.query_dim}));
  bin_mean = register_buffer("bin_mean", at::zeros({stft_.bins()}));
  bin_inverse = register_buffer("bin_inverse", at::ones({stft_.bins()}));
}

void MaskHeadImpl::standardise(const Tensor& magnitude) {
  torch::NoGradGuard no_grad;
  const Tensor values = log_magnitude(magnitude).flatten(0, 1);  // (N T, F)
  bin_mean.copy_(values.mean(0));
  bin_inverse.copy_(1.0 / (values.std(0) + kSmallestDeviation));
}

std::optional<int64_t> MaskHeadImpl::find(const std::string& instrument) const {
  const auto found = std::find(options.instruments.begin(), options.instruments.end(), instrument);
  if (found == options.instruments.end()) return std::nullopt;
  return found - options.instruments.begin();
}

Tensor MaskHeadImpl::listen(const Tensor& magnitude) {
  ensure(magnitude.dim() == 3 && magnitude.size(2) == stft_.bins(), "the mask head wants magnitudes (N, T, F)");
  const auto type = output->weight.scalar_type();
  // The mean and deviation are as exact as the weights' type allows, so the difference is taken in single precision.
  const Tensor standard = (log_magnitude(magnitude) - bin_mean) * bin_inverse;
  Tensor h = spectrum_input(standard.to(type));  // (N, T, channels)
  for (const auto& block : *blocks) h = block->as<ConvBlockImpl>()->forward(h);
  return h;
}

Tensor MaskHeadImpl::answer(const Tensor& heard, const Tensor& instrument) {
  ensure(heard.dim() == 3 && heard.size(2) == options.channels && instrument.dim() == 1 &&
             instrument.size(0) == heard.size(0),
         "the mask head wants one instrument for each piece of music (N, T, channels)");
  const Tensor query = instrument_table.index_select(0, instrument);  // (N, query_dim)
  Tensor h = heard;
  for (size_t i = 0; i < query_blocks->size(); ++i) {
    const auto film = films[i]->as<torch::nn::Linear>()->forward(query).unsqueeze(1).chunk(2, 2);  // (N, 1, channels)
    h = query_blocks[i]->as<ConvBlockImpl>()->forward(h * (1.0 + film[0]) + film[1]);
  }
  return output(h).to(at::kFloat).sigmoid();  // (N, T, F)
}

Tensor MaskHeadImpl::loss(const Tensor& mask, const Tensor& source, const Tensor& stem) {
  const Tensor weight = (source.abs() + kFloor).pow(2 * (kLossPower - 1.0));
  const auto energy = [&](const Tensor& x) { return (weight * at::view_as_real(x).pow(2).sum(-1)).sum({1, 2}); };
  const Tensor of_source = energy(source);
  const Tensor scale = (of_source * (energy(stem) + 0.01 * of_source)).sqrt();
  return energy(source * mask - stem) / scale.clamp_min(1e-6);
}

}  // namespace instructme
