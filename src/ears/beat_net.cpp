#include "instructme/ears/beat_net.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/ears/log_frequency.h"
#include "instructme/models/vae.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"
#include "instructme/torchx/quantised_weights.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kBeatSampleRate = 24000, kLowest_hz = 40, kHighest_hz = 10500;
constexpr int64_t kFold = 4;  // frames of 20 ms in a slow one

/// Triangles a semitone wide, or as wide as the transform resolves: (F, B).
Tensor beat_pooling(const Stft& stft) {
  const double bin_hz = kBeatSampleRate / static_cast<double>(stft.n_fft());
  std::vector<double> centres;  // in bins
  for (double hz = kLowest_hz; hz < kHighest_hz; hz *= std::exp2(1.0 / 12.0)) {
    // Where semitones are nearer than bins, one band per bin.
    if (centres.empty() || hz / bin_hz >= centres.back() + 1.0) centres.push_back(hz / bin_hz);
  }
  Tensor pooling = torch::zeros({stft.bins(), static_cast<int64_t>(centres.size())});
  auto weight = pooling.accessor<float, 2>();
  for (size_t b = 0; b < centres.size(); ++b) {
    const double half = std::max(1.0, centres[b] * (std::exp2(1.0 / 12.0) - 1.0));
    for (int64_t k = 0; k < stft.bins(); ++k)
      weight[k][static_cast<int64_t>(b)] =
          static_cast<float>(std::max(0.0, 1.0 - std::abs(static_cast<double>(k) - centres[b]) / half));
  }
  return pooling;
}

torch::nn::ModuleList beat_blocks(int64_t count, int64_t channels, int64_t expansion, int64_t kernel) {
  torch::nn::ModuleList list;
  for (int64_t i = 0; i < count; ++i)
    list->push_back(ConvBlock(channels, expansion, kernel, 1.0 / std::sqrt(static_cast<double>(count))));
  return list;
}

Tensor run_blocks(const torch::nn::ModuleList& list, Tensor x) {
  for (const auto& block : *list) x = block->as<ConvBlockImpl>()->forward(x);
  return x;
}

// Frames that the network takes at once (a multiple of the fold), and what of it only gives context.
constexpr int64_t kBeatPiece_frames = 6000, kBeatContext_frames = 600;

}  // namespace

BeatSpectrum::BeatSpectrum() : stft_(4 * kBeatHop, kBeatHop), pooling_(beat_pooling(stft_)) {}

Tensor BeatSpectrum::forward(const Tensor& wave) const {
  const Tensor power = at::view_as_real(stft_.forward(wave)).square().sum(-1).matmul(pooling_);
  return ((power + kSpectrumFloor * kSpectrumFloor).log() * 0.5 + 6.0) * kSpectrumPerNeper;
}

BeatNetOptions BeatNetOptions::read(ConfigReader config) {
  BeatNetOptions o;
  config.read("channels", o.channels);
  config.read("blocks", o.blocks);
  config.read("kernel", o.kernel);
  config.read("slow_channels", o.slow_channels);
  config.read("slow_blocks", o.slow_blocks);
  config.read("slow_kernel", o.slow_kernel);
  config.read("expansion", o.expansion);
  config.finish();
  if (o.channels < 1 || o.blocks < 0 || o.kernel < 1 || o.kernel % 2 == 0 || o.slow_channels < 1 || o.slow_blocks < 0 ||
      o.slow_kernel < 1 || o.slow_kernel % 2 == 0 || o.expansion < 1)
    throw Error(ErrorKind::kModel, config.context() + ": all sizes must be positive and kernels odd");
  return o;
}

nlohmann::json BeatNetOptions::to_json() const {
  return {{"channels", channels},           {"blocks", blocks},           {"kernel", kernel},
          {"slow_channels", slow_channels}, {"slow_blocks", slow_blocks}, {"slow_kernel", slow_kernel},
          {"expansion", expansion}};
}

BeatNetImpl::BeatNetImpl(const BeatNetOptions& o) : options(o) {
  input = register_module("input", make_linear(2 * BeatSpectrum().bands(), o.channels));
  first_blocks = register_module("first_blocks", beat_blocks(o.blocks, o.channels, o.expansion, o.kernel));
  down = register_module("down", make_linear(kFold * o.channels, o.slow_channels));
  slow_blocks = register_module("slow_blocks", beat_blocks(o.slow_blocks, o.slow_channels, o.expansion, o.slow_kernel));
  up = register_module("up", make_linear(o.slow_channels, kFold * o.channels));
  last_blocks = register_module("last_blocks", beat_blocks(o.blocks, o.channels, o.expansion, o.kernel));
  output_norm = register_parameter("output_norm", torch::ones({o.channels}));
  output = register_module("output", make_linear(o.channels, 2));
  torch::NoGradGuard no_grad;
  output->bias.fill_(-3.0);  // one frame in twenty is a beat
}

Tensor BeatNetImpl::forward(const Tensor& spectrum) {
  ensure(spectrum.dim() == 3 && 2 * spectrum.size(2) == input->weight.size(1),
         "the beat network wants a spectrum (N, T, B) of its own width");
  const int64_t n = spectrum.size(0), t = spectrum.size(1), slow = (t + kFold - 1) / kFold;
  // Silence, as a constant, follows what does not fill a slow frame.
  const Tensor x = at::constant_pad_nd(spectrum, {0, 0, 0, slow * kFold - t}, -2.0);
  const Tensor before = torch::cat({x.narrow(1, 0, 1), x.narrow(1, 0, x.size(1) - 1)}, 1);
  Tensor h = input(torch::cat({x, at::relu(x - before)}, 2).to(input->weight.scalar_type()));
  h = run_blocks(first_blocks, h);  // (N, slow * kFold, channels)
  const Tensor deep = run_blocks(slow_blocks, down(h.reshape({n, slow, kFold * options.channels})));
  h = h + up(deep).reshape({n, slow * kFold, options.channels});
  h = rms_norm(run_blocks(last_blocks, h), output_norm);
  return output(h).slice(1, 0, t).to(at::kFloat);
}

Tensor beat_activations(BeatNet& net, const BeatSpectrum& spectrum, const Tensor& wave) {
  const torch::NoGradGuard no_grad;
  ensure(wave.numel() > 0, "beats want a wave that is not empty");
  Tensor audio = wave.reshape({1, -1}).to(at::kCPU, at::kFloat);
  if (!at::isfinite(audio).all().item<bool>())
    throw Error(ErrorKind::kInput, "the audio holds samples that are not finite numbers");
  audio = at_usual_level(audio);
  const int64_t frames = (audio.size(1) + kBeatHop - 1) / kBeatHop;
  const at::Device device = net->output_norm.device();
  std::vector<Tensor> pieces;
  for (int64_t start = 0; start < frames; start += kBeatPiece_frames) {
    const int64_t end = std::min(frames, start + kBeatPiece_frames);
    const int64_t first = std::max<int64_t>(0, start - kBeatContext_frames);
    const int64_t last = std::min(frames, end + kBeatContext_frames);
    const Tensor x = spectrum.forward(audio.slice(1, first * kBeatHop, last * kBeatHop));
    pieces.push_back(net->forward(x.to(device)).sigmoid().to(at::kCPU).squeeze(0).slice(0, start - first, end - first));
  }
  return torch::cat(pieces);
}

BeatNet load_beat_net(const std::filesystem::path& folder) {
  const auto path = folder / "beats.json", weights = folder / "beats.safetensors";
  ConfigReader config(read_json_file(path), path.string());
  BeatNet net(BeatNetOptions::read(config.object("network")));
  config.finish();
  load_into(*net, load_weights(weights), weights.string());
  net->eval();
  return net;
}

void save_beat_net(const BeatNet& net, const std::filesystem::path& folder, int64_t steps) {
  make_folder(folder);
  write_json_file(folder / "beats.json", {{"network", net->options.to_json()}});
  save_weights(folder / "beats.safetensors", named_tensors(*net), WeightFormat::kInt8,
               {{"steps", std::to_string(steps)}});
}

}  // namespace instructme
