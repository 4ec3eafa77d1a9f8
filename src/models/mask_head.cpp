#include "instructme/models/mask_head.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"
#include "instructme/torchx/first_weights.h"
#include "instructme/torchx/state_dict.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kFloor = 1e-5;  // magnitude below which differences do not matter, 80 dB below the music's level
constexpr double kSmallestDeviation = 0.1;
constexpr double kAskedOdds = 2;  // chosen by held-out songs, see docs/experiments.md
constexpr int64_t kSqueeze = 4;   // bands per hidden unit of the frequency transform
// Without gradients: frames of its level that a block goes over at a time, about as many as the processor's cache holds
// the activations of, and frames that instruments make their claims to at a time.
constexpr int64_t kStripFrames = 64, kClaimedFrames = 512;

int64_t squeezed(int64_t bands) { return std::max<int64_t>(4, bands / kSqueeze); }

const MaskHeadOptions& checked(const MaskHeadOptions& o) {
  if (o.hop < 2 || o.hop % 2 != 0 || o.n_fft < 2 * o.hop || o.n_fft % o.hop != 0)
    throw Error(ErrorKind::kModel, "the mask head's n_fft " + std::to_string(o.n_fft) +
                                       " must be a multiple of its hop " + std::to_string(o.hop) +
                                       ", which must be even");
  if (o.bands % (int64_t{1} << o.channels.size()) != 0)
    throw Error(ErrorKind::kModel, "the mask head's " + std::to_string(o.bands) + " bands cannot be halved " +
                                       std::to_string(o.channels.size()) + " times");
  if (o.instruments.empty()) throw Error(ErrorKind::kModel, "the mask head has no instruments to be asked for");
  return o;
}

/// (N, T, B, C) -> (N, T / 2, B / 2, 4 C): neighbours become channels.
Tensor fold(const Tensor& x) {
  const int64_t n = x.size(0), t = x.size(1) / 2, b = x.size(2) / 2, c = x.size(3);
  return x.view({n, t, 2, b, 2, c}).permute({0, 1, 3, 2, 4, 5}).reshape({n, t, b, 4 * c});
}

/// The reverse of fold.
Tensor unfold(const Tensor& x) {
  const int64_t n = x.size(0), t = x.size(1), b = x.size(2), c = x.size(3) / 4;
  return x.view({n, t, b, 2, 2, c}).permute({0, 1, 3, 2, 4, 5}).reshape({n, 2 * t, 2 * b, c});
}

/// block(x, query) in strips, where that takes less memory and time. x (N, T, B, C).
Tensor in_strips(TimeFrequencyBlockImpl& block, const Tensor& x, const Tensor& query) {
  constexpr int64_t kReach = 2;  // frames that a block sees either way, by two convolutions
  const int64_t frames = x.size(1);
  const TimeFrequencyBlockImpl::Filters filters = block.filters();
  if (at::GradMode::is_enabled() || !x.is_cpu() || frames <= kStripFrames) return block.forward(x, query, filters);
  Tensor out = at::empty_like(x);
  for (int64_t start = 0; start < frames; start += kStripFrames) {
    const int64_t end = std::min(frames, start + kStripFrames);
    const int64_t from = std::max<int64_t>(0, start - kReach), to = std::min(frames, end + kReach);
    const Tensor strip = block.forward(x.narrow(1, from, to - from), query, filters);
    out.narrow(1, start, end - start).copy_(strip.narrow(1, start - from, end - start));
  }
  return out;
}

torch::nn::LinearImpl& linear(torch::nn::ModuleList& list, size_t index) {
  return *list[index]->as<torch::nn::LinearImpl>();
}

}  // namespace

MaskHeadOptions MaskHeadOptions::read(ConfigReader config) {
  MaskHeadOptions o;
  config.read("n_fft", o.n_fft);
  config.read("hop", o.hop);
  config.read("bands", o.bands);
  config.read("channels", o.channels);
  if (config.raw("blocks").is_number())
    config.read("blocks", o.blocks.front());
  else
    config.read("blocks", o.blocks);
  config.read("query_dim", o.query_dim);
  config.read("instruments", o.instruments);
  config.finish();
  const auto positive = [](const std::vector<int64_t>& sizes) {
    return !sizes.empty() && std::all_of(sizes.begin(), sizes.end(), [](int64_t size) { return size > 0; });
  };
  if (o.n_fft < 2 || o.bands < 2 || o.channels.size() > 8 || !positive(o.channels) || !positive(o.blocks) ||
      o.query_dim < 1)
    throw Error(ErrorKind::kModel, config.context() + ": all sizes must be positive, and there are 1 to 8 levels");
  if (o.blocks.size() != 1 && o.blocks.size() != o.channels.size())
    throw Error(ErrorKind::kModel, config.context() + ": there are " + std::to_string(o.channels.size()) +
                                       " levels (\"channels\") but \"blocks\" of " + std::to_string(o.blocks.size()) +
                                       "; give one number for all levels, or one for each");
  return o;
}

nlohmann::json MaskHeadOptions::to_json() const {
  return {{"n_fft", n_fft},
          {"hop", hop},
          {"bands", bands},
          {"channels", channels},
          {"blocks", blocks},
          {"query_dim", query_dim},
          {"instruments", instruments}};
}

TimeFrequencyBlockImpl::TimeFrequencyBlockImpl(int64_t channels, int64_t bands, int64_t query_dim) {
  const auto weights = [&](double gain) {
    return normal_weights({channels, channels, 3, 3}, gain / std::sqrt(9.0 * static_cast<double>(channels)));
  };
  norms_ = register_parameter("norms", torch::ones({3, channels}));
  conv1_ = register_parameter("conv1", weights(1.4));
  // Residual branches start small, so that a deep stack starts near the identity.
  conv2_ = register_parameter("conv2", weights(0.5));
  const int64_t hidden = squeezed(bands);
  squeeze_ = register_module("squeeze", make_linear(bands, hidden));
  spread_ = register_module("spread", make_linear(hidden, bands, true, 0.5));
  if (query_dim > 0) film_ = register_module("film", make_linear(query_dim, 2 * channels, true, 0.5));
}

void TimeFrequencyBlockImpl::start_as_identity() {
  const torch::NoGradGuard no_grad;
  conv2_.zero_();
  spread_->weight.zero_();
  spread_->bias.zero_();
}

Tensor TimeFrequencyBlockImpl::forward(const Tensor& x, const Tensor& query, const Filters& filters) {
  const int64_t n = x.size(0), t = x.size(1), b = x.size(2), c = x.size(3);
  Tensor h = filters.first(fused_silu(rms_norm(x, norms_[0])));
  if (film_) {
    const auto film = film_(query).chunk(2, 1);  // (N, C) twice
    h = adaptive_rms_norm(h.view({n, t * b, c}), film[0], film[1]).view({n, t, b, c});
  } else {
    h = rms_norm(h, norms_[1]);
  }
  const Tensor near = x + filters.second(fused_silu(h));
  h = rms_norm(near, norms_[2]).transpose(2, 3).contiguous();  // (N, T, C, B)
  h = spread_(fused_silu(squeeze_(h)));
  return near + h.transpose(2, 3);
}

MaskHeadImpl::MaskHeadImpl(const MaskHeadOptions& o)
    : options(checked(o)), stft_(o.n_fft, o.hop), bands_(stft_.bins(), o.bands) {
  const std::vector<int64_t>& channels = options.channels;
  const size_t levels = channels.size();
  input = register_module("input", make_linear(4, channels[0]));
  down = register_module("down", torch::nn::ModuleList());
  up = register_module("up", torch::nn::ModuleList());
  listening = register_module("listening", torch::nn::ModuleList());
  answering = register_module("answering", torch::nn::ModuleList());
  for (size_t l = 0; l < levels; ++l) {
    const int64_t bands = options.bands >> (l + 1);
    for (int64_t i = 0; i < options.blocks_at(l); ++i) {
      listening->push_back(TimeFrequencyBlock(channels[l], bands, 0));
      answering->push_back(TimeFrequencyBlock(channels[l], bands, options.query_dim));
    }
    if (l + 1 == levels) break;
    down->push_back(make_linear(4 * channels[l], channels[l + 1]));
    up->push_back(make_linear(channels[l + 1], 4 * channels[l]));
  }
  position = register_parameter("position", normal_weights({options.bands / 2, channels[0]}, 0.1));
  output_norm = register_parameter("output_norm", torch::ones({channels[0]}));
  output = register_module("output", make_linear(channels[0], 4 * channels[0]));
  const auto instruments = static_cast<int64_t>(options.instruments.size());
  instrument_table = register_parameter("instrument_table", normal_weights({instruments, options.query_dim}));
  share_weight = register_parameter("share_weight",
                                    normal_weights({1 + instruments, channels[0]}, 1 / std::sqrt(double(channels[0]))));
  share_bias = register_parameter("share_bias", torch::zeros({1 + instruments}));
  band_mean = register_buffer("band_mean", at::zeros({options.bands}));
  band_inverse = register_buffer("band_inverse", at::ones({options.bands}));
}

Tensor MaskHeadImpl::log_bands(const Tensor& magnitude) const {
  const Tensor width = bands_.width().to(magnitude.device());
  return ((bands_.gather(magnitude.square()) / width).sqrt() + kFloor).log();
}

void MaskHeadImpl::standardise(const Tensor& magnitude) {
  torch::NoGradGuard no_grad;
  const Tensor values = log_bands(magnitude).flatten(0, 1);  // (N T, B)
  band_mean.copy_(values.mean(0));
  band_inverse.copy_(1.0 / (values.std(0) + kSmallestDeviation));
}

std::vector<TimeFrequencyBlockImpl*> MaskHeadImpl::blocks(torch::nn::ModuleList& list, size_t level) const {
  int64_t first = 0;
  for (size_t l = 0; l < level; ++l) first += options.blocks_at(l);
  std::vector<TimeFrequencyBlockImpl*> out;
  for (int64_t i = 0; i < options.blocks_at(level); ++i)
    out.push_back(list[static_cast<size_t>(first + i)]->as<TimeFrequencyBlockImpl>());
  return out;
}

bool MaskHeadImpl::grow_from(MaskHeadImpl& smaller) {
  const MaskHeadOptions &now = options, &before = smaller.options;
  bool fits = now.n_fft == before.n_fft && now.hop == before.hop && now.bands == before.bands &&
              now.channels == before.channels && now.query_dim == before.query_dim &&
              now.instruments.size() >= before.instruments.size() &&
              std::equal(before.instruments.begin(), before.instruments.end(), now.instruments.begin());
  for (size_t l = 0; fits && l < now.channels.size(); ++l) fits = now.blocks_at(l) >= before.blocks_at(l);
  if (!fits) return false;
  const torch::NoGradGuard no_grad;
  TensorMap own = named_tensors(*this);
  for (const auto& [name, tensor] : named_tensors(smaller)) {
    if (name.starts_with("listening.") || name.starts_with("answering.")) continue;
    // Of what there is one of per instrument, those that are new keep their values.
    adopt_rows(own.at(name), tensor);
  }
  for (const auto& [list, from] : {std::pair{&listening, &smaller.listening}, {&answering, &smaller.answering}}) {
    for (size_t l = 0; l < now.channels.size(); ++l) {
      const auto to = blocks(*list, l), of = smaller.blocks(*from, l);
      for (size_t i = 0; i < to.size(); ++i) {
        if (i < of.size())
          adopt_weights(*to[i], named_tensors(*of[i]));
        else
          to[i]->start_as_identity();
      }
    }
  }
  return true;
}

std::optional<int64_t> MaskHeadImpl::find(const std::string& instrument) const {
  const auto found = std::find(options.instruments.begin(), options.instruments.end(), instrument);
  if (found == options.instruments.end()) return std::nullopt;
  return found - options.instruments.begin();
}

int64_t MaskHeadImpl::context() const {
  int64_t frames = 0;
  // Each block sees two frames of its level either way, and is on the way down and on the way up.
  for (size_t l = 0; l < options.channels.size(); ++l) frames += 4 * options.blocks_at(l) << (l + 1);
  return frames + granularity();
}

double MaskHeadImpl::products_per_frame() const {
  double products = 0;
  for (size_t l = 0; l < options.channels.size(); ++l) {
    const int64_t bands = options.bands >> (l + 1), c = options.channels[l];
    // Two convolutions and the way through the squeezed bands and back; each once to hear and once to answer.
    int64_t of_level = 2 * options.blocks_at(l) * (18 * bands * c * c + 2 * bands * c * squeezed(bands));
    if (l > 0) of_level += 2 * bands * 4 * options.channels[l - 1] * c;
    products += std::ldexp(static_cast<double>(of_level), -static_cast<int>(l) - 1);
  }
  return products + static_cast<double>(options.bands * options.channels[0] * share_bias.size(0));
}

MaskHeadImpl::Heard MaskHeadImpl::listen(const Tensor& magnitude, const Step& step) {
  ensure(magnitude.dim() == 3 && magnitude.size(2) == stft_.bins(), "the mask head wants magnitudes (N, T, F)");
  Heard heard;
  heard.frames = magnitude.size(1);
  const int64_t missing = (granularity() - heard.frames % granularity()) % granularity();
  const auto type = output->weight.scalar_type();
  // The mean and deviation are as exact as the weights' type allows, so the difference is taken in single precision.
  Tensor x = (log_bands(at::constant_pad_nd(magnitude, {0, 0, 0, missing})) - band_mean) * band_inverse;
  Tensor h = input(fold(x.to(type).unsqueeze(3))) + position;  // (N, T / 2, B / 2, C_0)
  for (size_t l = 0; l < options.channels.size(); ++l) {
    if (l > 0) h = linear(down, l - 1).forward(fold(h));
    for (TimeFrequencyBlockImpl* block : blocks(listening, l)) {
      h = in_strips(*block, h, {});
      if (step) step();
    }
    heard.levels.push_back(h);
  }
  return heard;
}

Tensor MaskHeadImpl::answer(const Heard& heard, const Tensor& asked, const Tensor& piece, const Tensor& instrument,
                            int64_t first, int64_t frames, const Step& step) {
  if (frames < 0) frames = heard.frames - first;
  ensure(first >= 0 && first + frames <= heard.frames, "the mask head has not heard the frames that it is asked about");
  const int64_t count = heard.levels.empty() ? 0 : heard.levels.front().size(0);
  ensure(heard.levels.size() == options.channels.size() && asked.dim() == 2 && asked.size(0) == count &&
             asked.size(1) == instrument_table.size(0) && piece.dim() == 1 && piece.sizes() == instrument.sizes(),
         "the mask head wants to know of each piece of music what is asked for, and whose mask is wanted");
  const auto type = output->weight.scalar_type();
  const Tensor query = at::matmul(asked.to(type), instrument_table);  // (N, Q)
  Tensor h;
  for (size_t l = options.channels.size(); l-- > 0;) {
    const Tensor& skip = heard.levels[l];
    h = h.defined() ? skip + unfold(linear(up, l).forward(h)) : skip;
    for (TimeFrequencyBlockImpl* block : blocks(answering, l)) {
      h = in_strips(*block, h, query);
      if (step) step();
    }
  }
  // From here on places know nothing of each other, and those that are not asked about need no claims.
  if (at::GradMode::is_enabled() || frames <= kClaimedFrames) return claimed(h, piece, instrument, first, frames);
  std::vector<Tensor> all;
  for (int64_t done = 0; done < frames; done += kClaimedFrames)
    all.push_back(claimed(h, piece, instrument, first + done, std::min(kClaimedFrames, frames - done)));
  return torch::cat(all, 1);
}

Tensor MaskHeadImpl::claimed(const Tensor& places, const Tensor& piece, const Tensor& instrument, int64_t first,
                             int64_t frames) {
  const int64_t pair = first / 2;
  Tensor h = places.narrow(1, pair, (first + frames + 1) / 2 - pair);
  h = fused_silu(unfold(output(rms_norm(h, output_norm)))).narrow(1, first - 2 * pair, frames);  // (N, T, B, C_0)
  h = h.reshape({h.size(0), frames * options.bands, h.size(3)});
  // Instruments before places, so that the claims of one lie together: (N, 1 + I, T B).
  const Tensor claims = at::matmul(share_weight, h.transpose(1, 2)).to(at::kFloat) + share_bias.unsqueeze(1);
  const Tensor all = claims.logsumexp(1);  // (N, T B)
  const Tensor own = claims.flatten(0, 1).index_select(0, piece * claims.size(1) + 1 + instrument);
  return (own - all.index_select(0, piece)).exp().view({-1, frames, options.bands});  // (M, T, B)
}

Tensor MaskHeadImpl::masks(const Heard& heard, const std::vector<int64_t>& instruments, int64_t first, int64_t frames,
                           const Step& step) {
  const Tensor which = torch::tensor(instruments, at::kLong).to(band_mean.device());
  const Tensor asked = at::zeros({1, instrument_table.size(0)}, band_mean.options().dtype(at::kFloat));
  asked.index_fill_(1, which, 1.0);
  const Tensor shares = answer(heard, asked, at::zeros_like(which), which, first, frames, step);  // (K, T, B)
  return scatter(kAskedOdds * shares / (1.0 + (kAskedOdds - 1.0) * shares.sum(0, /*keepdim=*/true)));
}

BandedStems MaskHeadImpl::compare(const Tensor& mixture, const Tensor& piece, const Tensor& stem) const {
  return bands_.gather_stems(mixture, piece, stem, kFloor);
}

Tensor MaskHeadImpl::loss(const Tensor& shares, const BandedStems& stems, const Tensor& piece) const {
  // |m x - s|^2 = m^2 |x|^2 - 2 m Re(x s*) + |s|^2, and only m is the network's.
  const Tensor of_mixture = stems.mixture_power.index_select(0, piece);
  const Tensor energy = stems.mixture_energy.index_select(0, piece);
  const Tensor error = (shares * (shares * of_mixture - 2.0 * stems.product)).sum({1, 2}) + stems.stem_energy;
  return error / (energy * (stems.stem_energy + 0.01 * energy)).sqrt().clamp_min(1e-6);
}

}  // namespace instructme
