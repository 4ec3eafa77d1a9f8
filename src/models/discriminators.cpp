#include "instructme/models/discriminators.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr double kSlope = 0.1;        // of the leaky rectifiers
constexpr int64_t kPeriodStride = 3;  // HiFi-GAN's
constexpr int64_t kPeriodKernel = 5;

bool all_at_least(const std::vector<int64_t>& values, int64_t least) {
  return std::all_of(values.begin(), values.end(), [&](int64_t v) { return v >= least; });
}

bool has_twice(std::vector<int64_t> values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

// Time runs down, the samples of one period across; the kernels are one sample wide.
std::vector<WeightNormConv2dOptions> period_plan(const std::vector<int64_t>& channels) {
  std::vector<WeightNormConv2dOptions> plan;
  int64_t in = 1;
  for (size_t i = 0; i < channels.size(); ++i) {
    const int64_t stride = i + 1 < channels.size() ? kPeriodStride : 1;
    plan.push_back({in, channels[i], {kPeriodKernel, 1}, {stride, 1}, {kPeriodKernel / 2, 0}, {1, 1}});
    in = channels[i];
  }
  plan.push_back({in, 1, {3, 1}, {1, 1}, {1, 0}, {1, 1}});
  return plan;
}

// Time runs down, frequency across: three layers halve frequency and widen their view of time, as EnCodec's.
std::vector<WeightNormConv2dOptions> spectrogram_plan(int64_t in, int64_t channels) {
  std::vector<WeightNormConv2dOptions> plan;
  plan.push_back({in, channels, {3, 9}, {1, 1}, {1, 4}, {1, 1}});
  for (const int64_t dilation : {1, 2, 4})
    plan.push_back({channels, channels, {3, 9}, {1, 2}, {dilation, 4}, {dilation, 1}});
  plan.push_back({channels, channels, {3, 3}, {1, 1}, {1, 1}, {1, 1}});
  plan.push_back({channels, 1, {3, 3}, {1, 1}, {1, 1}, {1, 1}});
  return plan;
}

void judge(at::Tensor x, std::vector<WeightNormConv2d>& layers, DiscriminatorOutput& output) {
  std::vector<at::Tensor> features;
  for (size_t i = 0; i + 1 < layers.size(); ++i) {
    x = at::leaky_relu(layers[i]->forward(x), kSlope);
    features.push_back(x);
  }
  output.logits.push_back(layers.back()->forward(x));
  output.features.push_back(std::move(features));
}

}  // namespace

WeightNormConv2dImpl::WeightNormConv2dImpl(WeightNormConv2dOptions convolution) : options(std::move(convolution)) {
  reset();
}

void WeightNormConv2dImpl::reset() {
  const int64_t fan_in = options.in_channels * options.kernel[0] * options.kernel[1];
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  const at::Tensor direction =
      torch::empty({options.out_channels, options.in_channels, options.kernel[0], options.kernel[1]})
          .uniform_(-bound, bound);
  const at::Tensor length = direction.flatten(1).norm(2, 1).view({-1, 1, 1, 1});  // before v asks for gradients
  weight_v = register_parameter("weight_v", direction);
  weight_g = register_parameter("weight_g", length);
  bias = register_parameter("bias", torch::empty({options.out_channels}).uniform_(-bound, bound));
}

at::Tensor WeightNormConv2dImpl::weight() const { return torch::_weight_norm(weight_v, weight_g, 0); }

at::Tensor WeightNormConv2dImpl::forward(const at::Tensor& x) {
  return at::conv2d(x, weight(), bias, options.stride, options.padding, options.dilation);
}

void DiscriminatorOptions::validate() const {
  const auto refuse = [](const std::string& message) { throw Error(ErrorKind::kModel, "discriminators: " + message); };
  if (periods.empty() && fft_sizes.empty()) refuse("give at least one period or one FFT size");
  if (!all_at_least(periods, 1)) refuse("periods must be at least 1 sample");
  if (has_twice(periods) || has_twice(fft_sizes)) refuse("no period and no FFT size may be given twice");
  if (!periods.empty() && (period_channels.empty() || !all_at_least(period_channels, 1)))
    refuse("period_channels needs one or more layers of at least 1 channel");
  if (!std::all_of(fft_sizes.begin(), fft_sizes.end(), [](int64_t n) { return n >= 16 && n % 4 == 0; }))
    refuse("fft_sizes must be multiples of 4 from 16 on");
  if (spectrogram_channels < 1) refuse("spectrogram_channels must be at least 1");
}

DiscriminatorOptions DiscriminatorOptions::read(ConfigReader config) {
  DiscriminatorOptions options;
  config.read("periods", options.periods);
  config.read("period_channels", options.period_channels);
  config.read("fft_sizes", options.fft_sizes);
  config.read("spectrogram_channels", options.spectrogram_channels);
  config.read("complex_spectrogram", options.complex_spectrogram);
  config.finish();
  options.validate();
  return options;
}

nlohmann::json DiscriminatorOptions::to_json() const {
  return {{"periods", periods},
          {"period_channels", period_channels},
          {"fft_sizes", fft_sizes},
          {"spectrogram_channels", spectrogram_channels},
          {"complex_spectrogram", complex_spectrogram}};
}

DiscriminatorsImpl::DiscriminatorsImpl(DiscriminatorOptions discriminator_options)
    : options(std::move(discriminator_options)) {
  options.validate();
  reset();
}

void DiscriminatorsImpl::reset() {
  period_layers_.clear();
  spectrogram_layers_.clear();
  const auto build = [this](const std::string& name, const std::vector<WeightNormConv2dOptions>& plan) {
    std::vector<WeightNormConv2d> layers;
    for (const auto& layer : plan)
      layers.push_back(register_module(name + format("_layer%zu", layers.size()), WeightNormConv2d(layer)));
    return layers;
  };
  for (size_t i = 0; i < options.periods.size(); ++i)
    period_layers_.push_back(
        build(format("period%lld", static_cast<long long>(options.periods[i])), period_plan(options.period_channels)));
  for (size_t i = 0; i < options.fft_sizes.size(); ++i)
    spectrogram_layers_.push_back(
        build(format("fft%lld", static_cast<long long>(options.fft_sizes[i])),
              spectrogram_plan(options.complex_spectrogram ? 2 : 1, options.spectrogram_channels)));
}

int64_t DiscriminatorsImpl::min_samples() const {
  int64_t least = 1;
  for (const int64_t period : options.periods) least = std::max(least, period);
  for (const int64_t size : options.fft_sizes) least = std::max(least, size / 2 + 1);
  return least;
}

// (N, S) -> (N, 1, ceil(S / p), p), the end reflected up to a whole period.
at::Tensor DiscriminatorsImpl::fold(const at::Tensor& waveform, int64_t period) const {
  at::Tensor x = waveform.unsqueeze(1);
  const int64_t missing = (period - x.size(2) % period) % period;
  // libtorch reflects no bfloat16.
  if (missing > 0) x = at::reflection_pad1d(x.to(at::kFloat), {0, missing}).to(waveform.scalar_type());
  return x.view({x.size(0), 1, -1, period});
}

// (N, S) -> (N, 1 or 2, frames, bins)
at::Tensor DiscriminatorsImpl::spectrogram(const at::Tensor& waveform, int64_t fft_size) const {
  // No FFT library transforms numbers of half the width.
  const at::Tensor wave = waveform.to(at::kFloat);
  const at::Tensor window = torch::hann_window(fft_size, wave.options());
  const at::Tensor spectrum = torch::stft(wave, fft_size, fft_size / 4, fft_size, window, /*center=*/true, "reflect",
                                          /*normalized=*/true, /*onesided=*/true, /*return_complex=*/true);
  const at::Tensor parts = torch::view_as_real(spectrum).permute({0, 3, 2, 1}).to(waveform.scalar_type());
  // parts: (N, 2, frames, bins)
  if (options.complex_spectrogram) return parts.contiguous();
  // The offset keeps the gradient finite where a bin is exactly silent.
  return (parts.square().sum(1, /*keepdim=*/true) + 1e-10).sqrt();
}

DiscriminatorOutput DiscriminatorsImpl::forward(const at::Tensor& waveform) {
  if (waveform.dim() != 2 || waveform.size(1) < min_samples())
    throw Error(ErrorKind::kInternal,
                format("the discriminators judge waveforms of shape (N, S) with S >= %lld; found "
                       "%lld dimensions, the last of size %lld",
                       static_cast<long long>(min_samples()), static_cast<long long>(waveform.dim()),
                       static_cast<long long>(waveform.dim() ? waveform.size(-1) : 0)));
  DiscriminatorOutput output;
  for (size_t i = 0; i < options.periods.size(); ++i)
    judge(fold(waveform, options.periods[i]), period_layers_[i], output);
  for (size_t i = 0; i < options.fft_sizes.size(); ++i)
    judge(spectrogram(waveform, options.fft_sizes[i]), spectrogram_layers_[i], output);
  return output;
}

at::Tensor discriminator_loss(const DiscriminatorOutput& real, const DiscriminatorOutput& fake, AdversarialLoss kind) {
  ensure(!real.logits.empty() && real.logits.size() == fake.logits.size(),
         "discriminator outputs of real and fake sound must have the same parts");
  at::Tensor sum;
  for (size_t i = 0; i < real.logits.size(); ++i) {
    const at::Tensor &r = real.logits[i], &f = fake.logits[i];
    const at::Tensor loss = kind == AdversarialLoss::kHinge ? at::relu(1.0 - r).mean() + at::relu(1.0 + f).mean()
                                                            : (1.0 - r).square().mean() + f.square().mean();
    sum = sum.defined() ? sum + loss : loss;
  }
  return sum / static_cast<double>(real.logits.size());
}

at::Tensor generator_loss(const DiscriminatorOutput& fake, AdversarialLoss kind) {
  ensure(!fake.logits.empty(), "the discriminator output is empty");
  at::Tensor sum;
  for (const at::Tensor& f : fake.logits) {
    const at::Tensor missing = 1.0 - f;
    const at::Tensor loss = (kind == AdversarialLoss::kHinge ? at::relu(missing) : missing.square()).mean();
    sum = sum.defined() ? sum + loss : loss;
  }
  return sum / static_cast<double>(fake.logits.size());
}

at::Tensor feature_matching_loss(const DiscriminatorOutput& real, const DiscriminatorOutput& fake) {
  ensure(!real.features.empty() && real.features.size() == fake.features.size(),
         "discriminator outputs of real and fake sound must have the same parts");
  at::Tensor sum;
  for (size_t i = 0; i < real.features.size(); ++i) {
    ensure(real.features[i].size() == fake.features[i].size(), "sub-discriminators must have the same layers");
    for (size_t j = 0; j < real.features[i].size(); ++j) {
      const at::Tensor r = real.features[i][j].detach();
      const at::Tensor distance = (fake.features[i][j] - r).abs().mean() / r.abs().mean().clamp_min(1e-5);
      const at::Tensor loss = distance / static_cast<double>(real.features[i].size() * real.features.size());
      sum = sum.defined() ? sum + loss : loss;
    }
  }
  return sum;
}

}  // namespace instructme
