#include "instructme/ears/tagger.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/ears/log_frequency.h"
#include "instructme/nn/conv3x3.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"
#include "instructme/torchx/quantised_weights.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int64_t kTagSampleRate = 24000;
constexpr int64_t kTimeFold = 4;       // frames in one step of the later layers
constexpr int64_t kStepsPerBlock = 5;  // of them in half a second
constexpr int64_t kFramesPerBlock = kTimeFold * kStepsPerBlock;
constexpr int64_t kSegment_blocks = 20;          // 10 s
constexpr double kSpeeds[] = {0.97, 1.0, 1.03};  // at which music is heard

struct Shape {
  int64_t kernel_time, kernel_bands, stride_time;
};
constexpr Shape kShapes[] = {{5, 7, 2}, {3, 3, 2}, {3, 3, 1}, {3, 3, 1}};
constexpr size_t kConvolutions = std::size(kShapes);

/// Convolution `index` of a list. Channels come last in memory, which it takes as it is and the norm wants.
Tensor channels_last(torch::nn::ModuleList& list, size_t index, const Tensor& x) {
  return list[index]->as<torch::nn::Conv2d>()->forward(x.permute({0, 3, 1, 2})).permute({0, 2, 3, 1}).contiguous();
}

/// The same of 3 x 3 without strides.
Tensor refined(torch::nn::ModuleList& list, size_t index, const Tensor& x) {
  const torch::nn::Conv2dImpl& layer = *list[index]->as<torch::nn::Conv2d>();
  return Conv3x3(layer.weight)(x) + layer.bias;
}

/// wave (N, S) of any level -> at the usual one, with silence up to the end of its last block.
Tensor whole_blocks(const Tensor& wave) {
  const int64_t blocks = (wave.size(1) + TaggerImpl::kBlockSamples - 1) / TaggerImpl::kBlockSamples;
  return at::constant_pad_nd(at_usual_level(wave), {0, blocks * TaggerImpl::kBlockSamples - wave.size(1)});
}

/// wave (1, S) at each of the speeds: (speeds, S). What ends early is followed by silence.
Tensor at_all_speeds(const Tensor& wave) {
  std::vector<Tensor> all;
  for (const double speed : kSpeeds) {
    const auto length = static_cast<int64_t>(static_cast<double>(wave.size(1)) / speed);
    const Tensor x = at::upsample_linear1d(wave.unsqueeze(1), {length}, /*align_corners=*/false).squeeze(1);
    all.push_back(at::constant_pad_nd(x, {0, wave.size(1) - length}));  // or cut off
  }
  return torch::cat(all);
}

std::vector<double> read_thresholds(ConfigReader& config, const char* key, size_t count) {
  std::vector<double> values(count, 0.5);
  config.read(key, values);
  if (values.size() != count || std::any_of(values.begin(), values.end(), [](double v) { return !(v > 0 && v < 1); }))
    throw Error(ErrorKind::kModel, config.context() + ": " + key + " must have one number between 0 and 1 per class");
  return values;
}

}  // namespace

TaggerOptions TaggerOptions::read(ConfigReader config) {
  TaggerOptions o;
  config.read("bands", o.bands);
  config.read("channels", o.channels);
  config.read("refinements", o.refinements);
  config.read("hidden", o.hidden);
  config.read("kernel", o.kernel);
  config.read("instruments", o.instruments);
  config.read("genres", o.genres);
  config.finish();
  const auto four = [](const std::vector<int64_t>& sizes) {
    return sizes.size() == kConvolutions && std::all_of(sizes.begin(), sizes.end(), [](int64_t n) { return n > 0; });
  };
  if (o.bands < 16 || o.bands % 16 != 0 || !four(o.channels) || !four(o.refinements) || o.hidden < 1 || o.kernel < 1 ||
      o.kernel % 2 == 0)
    throw Error(ErrorKind::kModel, config.context() +
                                       ": bands is a multiple of 16, there are four channels and refinements, all "
                                       "sizes are positive and the kernel is odd");
  return o;
}

nlohmann::json TaggerOptions::to_json() const {
  return {{"bands", bands},   {"channels", channels}, {"refinements", refinements},
          {"hidden", hidden}, {"kernel", kernel},     {"instruments", instruments},
          {"genres", genres}};
}

TaggerImpl::TaggerImpl(const TaggerOptions& o) : options(o), mel_(4 * kHop, kHop, o.bands, kTagSampleRate) {
  if (o.instruments.empty() || o.genres.empty())
    throw Error(ErrorKind::kModel, "the tagger has no instruments or no genres to tell");
  convolutions = register_module("convolutions", torch::nn::ModuleList());
  refinements = register_module("refinements", torch::nn::ModuleList());
  int64_t in = 1;
  for (size_t i = 0; i < kConvolutions; ++i) {
    const Shape& s = kShapes[i];
    convolutions->push_back(
        torch::nn::Conv2d(torch::nn::Conv2dOptions(in, o.channels[i], {s.kernel_time, s.kernel_bands})
                              .stride({s.stride_time, 2})
                              .padding({s.kernel_time / 2, s.kernel_bands / 2})));
    norms.push_back(register_parameter("norm" + std::to_string(i), torch::ones({o.channels[i]})));
    in = o.channels[i];
    add_refinement(i, 1.0);
  }
  // Further ones do nothing until they have learned something.
  for (size_t i = 0; i < kConvolutions; ++i)
    for (int64_t more = 1; more < o.refinements[i]; ++more) add_refinement(i, 0.0);
  fold = register_module("fold", make_linear(in * o.bands / 16, o.hidden));
  over_time = register_module("over_time", ConvBlock(o.hidden, 2, o.kernel, 0.5));
  output_norm = register_parameter("output_norm", torch::ones({o.hidden}));
  instruments = register_module("instruments", make_linear(2 * o.hidden, static_cast<int64_t>(o.instruments.size())));
  genre_input = register_module("genre_input", make_linear(2 * o.hidden, o.hidden));
  genres = register_module("genres", make_linear(o.hidden, static_cast<int64_t>(o.genres.size())));
  const torch::NoGradGuard no_grad;
  instruments->bias.fill_(-2.0);
}

void TaggerImpl::add_refinement(size_t level, double norm) {
  const int64_t channels = options.channels[level];
  const std::string name = "refinement_norm" + std::to_string(refinement_norms.size());
  refinements->push_back(torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, channels, 3).padding(1)));
  refinement_norms.push_back(register_parameter(name, torch::full({channels}, norm)));
}

bool TaggerImpl::grow_from(const TaggerImpl& smaller) {
  const TaggerOptions &now = options, &before = smaller.options;
  const auto begins_with = [](const auto& names, const auto& first) {
    return names.size() >= first.size() && std::equal(first.begin(), first.end(), names.begin());
  };
  if (now.bands != before.bands || now.channels != before.channels || now.hidden != before.hidden ||
      now.kernel != before.kernel || !begins_with(now.instruments, before.instruments) ||
      !begins_with(now.genres, before.genres))
    return false;
  for (size_t i = 0; i < kConvolutions; ++i)
    if (now.refinements[i] < before.refinements[i]) return false;
  TensorMap own = named_tensors(*this), theirs = named_tensors(smaller);
  // Refinements are numbered through all levels, so those of smaller and larger taggers have other numbers.
  const auto take = [&](size_t to, size_t from) {
    for (const std::string kind : {".weight", ".bias"})
      adopt_rows(own.at("refinements." + std::to_string(to) + kind),
                 theirs.at("refinements." + std::to_string(from) + kind));
    adopt_rows(refinement_norms[to], smaller.refinement_norms[from]);
  };
  size_t to = kConvolutions, from = kConvolutions;
  for (size_t i = 0; i < kConvolutions; ++i) {
    take(i, i);
    for (int64_t more = 1; more < now.refinements[i]; ++more, ++to)
      if (more < before.refinements[i]) take(to, from++);
  }
  for (const auto& [name, tensor] : theirs)
    if (!name.starts_with("refinement")) adopt_rows(own.at(name), tensor);
  return true;
}

/// x (N, T, bands, channels) and what a refinement adds to it.
Tensor TaggerImpl::refine(size_t index, const Tensor& x) {
  return x + fused_silu(rms_norm(refined(refinements, index, x), refinement_norms[index]));
}

Tensor TaggerImpl::features(const Tensor& spectrum) {
  ensure(spectrum.dim() == 3 && spectrum.size(2) == options.bands && spectrum.size(1) % kFramesPerBlock == 0,
         "the tagger wants a spectrum (N, T, bands) of whole half seconds");
  Tensor h = spectrum.to(fold->weight.scalar_type()).unsqueeze(3);  // (N, T, bands, 1)
  size_t further = kConvolutions;
  for (size_t i = 0; i < kConvolutions; ++i) {
    h = refine(i, fused_silu(rms_norm(channels_last(convolutions, i, h), norms[i])));
    for (int64_t more = 1; more < options.refinements[i]; ++more) h = refine(further++, h);
  }
  h = over_time(fold(h.flatten(2)));  // (N, T / 4, hidden)
  h = fused_silu(rms_norm(h, output_norm));
  const Tensor steps = h.reshape({h.size(0), h.size(1) / kStepsPerBlock, kStepsPerBlock, h.size(2)});
  return torch::cat({steps.mean(2), std::get<0>(steps.max(2))}, 2);  // (N, B, 2 hidden)
}

Tensor TaggerImpl::features_of_wave(const Tensor& wave) { return features(spectrum(whole_blocks(wave))); }

TaggerLogits TaggerImpl::forward(const Tensor& spectrum) {
  const Tensor blocks = features(spectrum);
  return {instruments(blocks).to(at::kFloat), genres(fused_silu(genre_input(blocks.mean(1)))).to(at::kFloat)};
}

Tensor TaggerImpl::pool(const Tensor& probabilities) {
  return probabilities.square().sum(-2) / probabilities.sum(-2).clamp_min(1e-6);
}

Tags listen_for_tags(Tagger& net, const Tensor& wave) {
  const torch::NoGradGuard no_grad;
  ensure(wave.numel() > 0, "tags want a wave that is not empty");
  Tensor audio = wave.reshape({1, -1}).to(at::kCPU, at::kFloat);
  if (!at::isfinite(audio).all().item<bool>())
    throw Error(ErrorKind::kInput, "the audio holds samples that are not finite numbers");
  const at::Device device = net->output_norm.device();
  const int64_t segment = kSegment_blocks * TaggerImpl::kBlockSamples;
  audio = whole_blocks(audio);
  std::vector<Tensor> every, pooled, genres;
  for (int64_t start = 0; start < audio.size(1); start += segment) {
    // The last segment is as long as the others where it can be, and only what is new of it counts.
    const int64_t from = std::max<int64_t>(0, std::min(start, audio.size(1) - segment));
    const Tensor waves = at_all_speeds(audio.slice(1, from, from + segment));
    const TaggerLogits said = net->forward(net->spectrum(waves).to(device));
    const Tensor p = said.blocks.mean(0).sigmoid().to(at::kCPU);  // (B, I)
    every.push_back(p.slice(0, (start - from) / TaggerImpl::kBlockSamples));
    pooled.push_back(TaggerImpl::pool(p));
    genres.push_back(said.genres.log_softmax(1).mean(0).to(at::kCPU));
  }
  Tags tags;
  tags.blocks = torch::cat(every);
  const Tensor all = std::get<0>(torch::stack(pooled).sort(0, /*descending=*/true));
  tags.instruments = all.slice(0, 0, (all.size(0) + 2) / 3).mean(0);
  tags.genres = torch::stack(genres).mean(0).softmax(0);
  return tags;
}

CalibratedTagger load_tagger(const std::filesystem::path& folder) {
  const auto path = folder / "tagger.json", weights = folder / "tagger.safetensors";
  ConfigReader config(read_json_file(path), path.string());
  const TaggerOptions options = TaggerOptions::read(config.object("network"));
  CalibratedTagger tagger;
  tagger.instrument_thresholds = read_thresholds(config, "instrument_thresholds", options.instruments.size());
  tagger.genre_thresholds = read_thresholds(config, "genre_thresholds", options.genres.size());
  config.finish();
  tagger.net = Tagger(options);
  load_into(*tagger.net, load_weights(weights), weights.string());
  tagger.net->eval();
  return tagger;
}

void save_tagger(const CalibratedTagger& tagger, const std::filesystem::path& folder, int64_t steps) {
  make_folder(folder);
  write_json_file(folder / "tagger.json", {{"network", tagger.net->options.to_json()},
                                           {"instrument_thresholds", tagger.instrument_thresholds},
                                           {"genre_thresholds", tagger.genre_thresholds}});
  save_weights(folder / "tagger.safetensors", named_tensors(*tagger.net), WeightFormat::kInt8,
               {{"steps", std::to_string(steps)}});
}

}  // namespace instructme
