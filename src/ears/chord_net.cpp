#include "instructme/ears/chord_net.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"
#include "instructme/torchx/quantised_weights.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int64_t kPitchClasses = 12;

Tensor circulant_order() {
  std::vector<int64_t> order;
  for (int64_t p = 0; p < kPitchClasses; ++p)
    for (int64_t q = 0; q < kPitchClasses; ++q) order.push_back((q - p + kPitchClasses) % kPitchClasses);
  return torch::tensor(order);
}

// Frames of music that the network takes at once, and what of it only gives context.
constexpr int64_t kPiece_frames = 1024, kContext_frames = 64;

}  // namespace

ChordNetOptions ChordNetOptions::read(ConfigReader config) {
  ChordNetOptions o;
  config.read("lowest", o.lowest);
  config.read("semitones", o.semitones);
  config.read("channels", o.channels);
  config.read("blocks", o.blocks);
  config.read("expansion", o.expansion);
  config.read("kernel", o.kernel);
  config.finish();
  if (!(o.lowest >= 12 && o.lowest <= 60) || o.semitones < 12 ||
      o.lowest + static_cast<double>(o.semitones) + 11 + 3 > 124 || o.channels < 1 || o.blocks < 0 || o.expansion < 1 ||
      o.kernel < 1 || o.kernel % 2 == 0)
    throw Error(ErrorKind::kModel, config.context() +
                                       ": lowest lies in 12..60, the axis ends below note 110, all sizes are positive "
                                       "and the kernel is odd");
  return o;
}

nlohmann::json ChordNetOptions::to_json() const {
  return {{"lowest", lowest}, {"semitones", semitones}, {"channels", channels},
          {"blocks", blocks}, {"expansion", expansion}, {"kernel", kernel}};
}

PitchClassLinearImpl::PitchClassLinearImpl(int64_t in_, int64_t out_, double gain) : in(in_), out(out_) {
  const double bound = gain * std::sqrt(6.0 / static_cast<double>(kPitchClasses * (in + out)));
  weight = register_parameter("weight", torch::empty({kPitchClasses * out, in}).uniform_(-bound, bound));
  bias = register_parameter("bias", torch::zeros({out}));
  order_ = circulant_order();
}

Tensor PitchClassLinearImpl::forward(const Tensor& x) {
  const Tensor full = weight.reshape({kPitchClasses, out, in})
                          .index_select(0, order_.to(weight.device()))
                          .reshape({kPitchClasses, kPitchClasses, out, in})  // (p, q, out, in)
                          .permute({0, 2, 1, 3})
                          .reshape({kPitchClasses * out, kPitchClasses * in});
  return at::linear(x, full, bias.repeat({kPitchClasses}));
}

PitchClassBlockImpl::PitchClassBlockImpl(int64_t channels, int64_t expansion, int64_t kernel, double output_scale) {
  conv_weight_ = register_parameter("conv_weight", torch::randn({channels, kernel}) / std::sqrt(double(kernel)));
  conv_bias_ = register_parameter("conv_bias", torch::zeros({channels}));
  norm_weight_ = register_parameter("norm_weight", torch::ones({channels}));
  up_ = register_module("up", PitchClassLinear(channels, channels * expansion));
  down_ = register_module("down", PitchClassLinear(channels * expansion, channels, output_scale));
}

Tensor PitchClassBlockImpl::forward(const Tensor& x) {
  Tensor h = depthwise_conv(x, conv_weight_.repeat({kPitchClasses, 1}), conv_bias_.repeat({kPitchClasses}));
  h = rms_norm(h, norm_weight_.repeat({kPitchClasses}));
  return x + down_(fused_silu(up_(h)));
}

ChordNetImpl::ChordNetImpl(const ChordNetOptions& o) : options(o) {
  const int64_t seen = o.semitones * LogFrequency::kPerSemitone * LogFrequency::kChannels;
  input = register_module("input", make_linear(seen, o.channels));
  blocks = register_module("blocks", torch::nn::ModuleList());
  for (int64_t i = 0; i < o.blocks; ++i)
    blocks->push_back(
        PitchClassBlock(o.channels, o.expansion, o.kernel, 1.0 / std::sqrt(static_cast<double>(o.blocks))));
  output_norm = register_parameter("output_norm", torch::ones({o.channels}));
  output = register_module("output", PitchClassLinear(o.channels, kChordQualities));
  no_chord = register_module("no_chord", make_linear(o.channels, 1));
}

bool ChordNetImpl::grow_from(const TensorMap& smaller) {
  const TensorMap own = named_tensors(*this);
  for (const auto& [name, tensor] : smaller)
    if (const auto found = own.find(name); found == own.end() || found->second.sizes() != tensor.sizes()) return false;
  for (const auto& [name, tensor] : own)
    if (!name.starts_with("blocks.") && smaller.count(name) == 0) return false;
  const torch::NoGradGuard no_grad;
  for (const std::string& name : adopt_weights(*this, smaller))
    if (name.find(".down.") != std::string::npos) own.at(name).zero_();
  return true;
}

Tensor ChordNetImpl::forward(const Tensor& spectrum) {
  const int64_t n = spectrum.size(0), t = spectrum.size(1);
  ensure(spectrum.dim() == 4 && spectrum.size(2) == semitones() * LogFrequency::kPerSemitone,
         "the chord network wants a spectrum (N, T, B, 2) of its own width");
  const Tensor x = spectrum.to(input->weight.scalar_type()).contiguous();
  // Pitch class p begins p semitones higher; its window over bins and channels is one piece of memory.
  const int64_t row = x.size(2) * x.size(3), step = LogFrequency::kPerSemitone * LogFrequency::kChannels;
  const Tensor windows = x.reshape({n * t, row}).unfold(1, options.semitones * step, step);  // (N T, 12, seen)
  Tensor h = input(windows).reshape({n, t, kPitchClasses * options.channels});
  for (const auto& block : *blocks) h = block->as<PitchClassBlockImpl>()->forward(h);
  h = rms_norm(h, output_norm.repeat({kPitchClasses}));
  const Tensor chords = output(h)
                            .reshape({n, t, kPitchClasses, kChordQualities})
                            .transpose(2, 3)
                            .reshape({n, t, kChordQualities * kPitchClasses});
  const Tensor none = no_chord(fused_silu(h).reshape({n, t, kPitchClasses, options.channels}).mean(2));
  return torch::cat({none, chords}, 2).to(at::kFloat);
}

NeuralChordExtractor::NeuralChordExtractor(ChordNet net, ChordSmoothing smoothing)
    : net_(std::move(net)), smoothing_(smoothing), spectrum_(net_->options.lowest, net_->semitones()) {
  net_->eval();
}

NeuralChordExtractor NeuralChordExtractor::load(const std::filesystem::path& folder) {
  const auto path = folder / "chords.json", weights = folder / "chords.safetensors";
  ConfigReader config(read_json_file(path), path.string());
  ChordNet net(ChordNetOptions::read(config.object("network")));
  ChordSmoothing smoothing;
  ConfigReader how = config.object("smoothing");
  how.read("self_transition", smoothing.self_transition);
  how.read("sharpness", smoothing.sharpness);
  how.finish();
  config.finish();
  if (!(smoothing.self_transition >= 0 && smoothing.self_transition < 1) || !(smoothing.sharpness > 0))
    throw Error(ErrorKind::kModel, path.string() + ": self_transition lies in 0..1 and sharpness is above 0");
  load_into(*net, load_weights(weights), weights.string());
  return NeuralChordExtractor(net, smoothing);
}

void save_chord_net(const ChordNet& net, const std::filesystem::path& folder, int64_t steps) {
  make_folder(folder);
  const ChordSmoothing smoothing;
  write_json_file(
      folder / "chords.json",
      {{"network", net->options.to_json()},
       {"smoothing", {{"self_transition", smoothing.self_transition}, {"sharpness", smoothing.sharpness}}}});
  save_weights(folder / "chords.safetensors", named_tensors(*net), WeightFormat::kInt8,
               {{"steps", std::to_string(steps)}});
}

Tensor NeuralChordExtractor::logits(const Tensor& waveform, int64_t frames) {
  ensure((waveform.dim() == 1 || waveform.dim() == 2) && frames >= 1,
         "the chord extractor wants a waveform (S) or (N, S) and at least one frame");
  const torch::NoGradGuard no_grad;
  Tensor wave = (waveform.dim() == 1 ? waveform.unsqueeze(0) : waveform).to(at::kCPU, at::kFloat);
  if (!at::isfinite(wave).all().item<bool>())
    throw Error(ErrorKind::kInput, "the audio holds samples that are not finite numbers");
  const int64_t samples = frames * kChordHop;
  wave = wave.size(1) >= samples ? wave.narrow(1, 0, samples) : at::constant_pad_nd(wave, {0, samples - wave.size(1)});
  wave = at_usual_level(wave);
  const at::Device device = net_->output_norm.device();
  std::vector<Tensor> pieces;
  for (int64_t start = 0; start < frames; start += kPiece_frames) {
    const int64_t end = std::min(frames, start + kPiece_frames);
    const int64_t first = std::max<int64_t>(0, start - kContext_frames);
    const int64_t last = std::min(frames, end + kContext_frames);
    const Tensor spectrum = spectrum_.forward(wave.slice(1, first * kChordHop, last * kChordHop));
    pieces.push_back(net_->forward(spectrum.to(device)).to(at::kCPU).slice(1, start - first, end - first));
  }
  return torch::cat(pieces, 1);
}

Tensor NeuralChordExtractor::extract(const Tensor& waveform, int64_t frames) {
  const Tensor scores = logits(waveform, frames).to(at::kDouble) * smoothing_.sharpness;
  std::vector<Tensor> smooth;
  for (const Tensor& row : scores.softmax(2).unbind(0))
    smooth.push_back(smooth_forward_backward(row.contiguous(), smoothing_.self_transition));
  return torch::stack(smooth).to(waveform.device(), at::kFloat);
}

}  // namespace instructme
