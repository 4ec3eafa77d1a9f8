#include "instructme/models/vae.h"

#include <torch/torch.h>

#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/nn/fused_ops.h"
#include "instructme/nn/linear.h"
#include "instructme/torchx/first_weights.h"

namespace instructme {

using at::Tensor;

VaeOptions VaeOptions::read(ConfigReader& config) {
  VaeOptions o;
  config.read("sample_rate", o.sample_rate);
  config.read("n_fft", o.n_fft);
  config.read("hop", o.hop);
  config.read("frames_per_latent", o.frames_per_latent);
  config.read("latent_channels", o.latent_channels);
  config.read("encoder_channels", o.encoder_channels);
  config.read("encoder_blocks", o.encoder_blocks);
  config.read("decoder_channels", o.decoder_channels);
  config.read("decoder_blocks", o.decoder_blocks);
  config.read("expansion", o.expansion);
  config.read("kernel", o.kernel);
  config.read("compression", o.compression);
  config.finish();
  const bool sane = o.sample_rate > 0 && o.encoder_blocks >= 0 && o.decoder_blocks >= 0 && o.hop > 0 &&
                    o.hop % 2 == 0 && o.n_fft % o.hop == 0 && o.n_fft >= 2 * o.hop && o.frames_per_latent > 0 &&
                    o.latent_channels > 0 && o.encoder_channels > 0 && o.decoder_channels > 0 && o.expansion > 0 &&
                    o.kernel > 0 && o.kernel % 2 == 1 && o.compression > 0 && o.compression <= 1;
  if (!sane)
    throw Error(ErrorKind::kModel, config.context() +
                                       ": the sizes do not fit together (hop even and dividing n_fft, "
                                       "kernel odd, 0 < compression <= 1, all sizes positive)");
  return o;
}

nlohmann::json VaeOptions::to_json() const {
  return {{"sample_rate", sample_rate},
          {"n_fft", n_fft},
          {"hop", hop},
          {"frames_per_latent", frames_per_latent},
          {"latent_channels", latent_channels},
          {"encoder_channels", encoder_channels},
          {"encoder_blocks", encoder_blocks},
          {"decoder_channels", decoder_channels},
          {"decoder_blocks", decoder_blocks},
          {"expansion", expansion},
          {"kernel", kernel},
          {"compression", compression}};
}

ConvBlockImpl::ConvBlockImpl(int64_t channels, int64_t expansion, int64_t kernel, double output_scale) {
  conv_weight_ = register_parameter("conv_weight", normal_weights({channels, kernel}, 1 / std::sqrt(double(kernel))));
  conv_bias_ = register_parameter("conv_bias", torch::zeros({channels}));
  norm_weight_ = register_parameter("norm_weight", torch::ones({channels}));
  up_ = register_module("up", plain_linear(channels, channels * expansion));
  down_ = register_module("down", plain_linear(channels * expansion, channels));
  torch::NoGradGuard no_grad;
  // Residual branches start small, so that a deep stack starts near the identity.
  down_->weight.mul_(output_scale);
  down_->bias.zero_();
}

Tensor ConvBlockImpl::forward(const Tensor& x) {
  Tensor h = depthwise_conv(x, conv_weight_, conv_bias_);  // (N, T, C)
  h = rms_norm(h, norm_weight_);
  h = fused_silu(up_(h));  // (N, T, expansion * C)
  return x + down_(h);
}

namespace {

// Typical compressed magnitudes of music at -20 dBFS lie near 0.1; this brings them near 1.
constexpr double kFeatureScale = 8.0;

torch::nn::ModuleList blocks(int64_t count, int64_t channels, int64_t expansion, int64_t kernel) {
  torch::nn::ModuleList list;
  for (int64_t i = 0; i < count; ++i)
    list->push_back(ConvBlock(channels, expansion, kernel, 1.0 / std::sqrt(static_cast<double>(count))));
  return list;
}

Tensor run(const torch::nn::ModuleList& list, Tensor x) {
  for (const auto& block : *list) x = block->as<ConvBlockImpl>()->forward(x);
  return x;
}

}  // namespace

// No norm between the blocks and the outer layers: an unbroken linear path from spectrum to latent and
// back learns the phase of strong partials within minutes, which the residual branches then refine.
VaeImpl::VaeImpl(VaeOptions options) : options_(options), stft_(options.n_fft, options.hop) {
  const auto& o = options_;
  const int64_t features = o.frames_per_latent * stft_.bins() * 2;
  encoder_in_ = register_module("encoder_in", plain_linear(features, o.encoder_channels));
  encoder_ = register_module("encoder", blocks(o.encoder_blocks, o.encoder_channels, o.expansion, o.kernel));
  encoder_out_ = register_module("encoder_out", plain_linear(o.encoder_channels, 2 * o.latent_channels));
  decoder_in_ = register_module("decoder_in", plain_linear(o.latent_channels, o.decoder_channels));
  decoder_ = register_module("decoder", blocks(o.decoder_blocks, o.decoder_channels, o.expansion, o.kernel));
  decoder_out_ = register_module("decoder_out", plain_linear(o.decoder_channels, features));
  latent_mean_ = register_buffer("latent_mean", torch::zeros({o.latent_channels}));
  latent_deviation_ = register_buffer("latent_deviation", torch::ones({o.latent_channels}));
}

Tensor VaeImpl::compressed_spectrum(const Tensor& wave) const {
  const int64_t r = options_.samples_per_latent(), samples = (wave.size(1) + r - 1) / r * r;
  const Tensor spectrum = stft_.forward(at::constant_pad_nd(wave, {0, samples - wave.size(1)}));  // (N, T', F)
  const Tensor gain = (spectrum.abs() + 1e-6).pow(options_.compression - 1.0) * kFeatureScale;
  return at::view_as_real(spectrum) * gain.unsqueeze(-1);  // (N, T * fold, F, 2)
}

VaePosterior VaeImpl::posterior(const Tensor& wave) {
  ensure(wave.dim() == 2, "the VAE wants a wave of shape (N, S)");
  const Tensor spectrum = compressed_spectrum(wave);
  Tensor h = spectrum.reshape({wave.size(0), -1, options_.frames_per_latent * stft_.bins() * 2});  // (N, T, fold*F*2)
  h = encoder_in_(h.to(encoder_in_->weight.scalar_type()));
  h = run(encoder_, h);
  h = encoder_out_(h).to(at::kFloat);  // (N, T, 2C)
  const auto halves = h.chunk(2, -1);
  return {halves[0], halves[1].clamp(-14.0, 4.0)};
}

VaeDecoded VaeImpl::decode_raw(const Tensor& latent, int64_t samples) {
  ensure(latent.dim() == 3 && latent.size(2) == options_.latent_channels, "the VAE wants a latent of shape (N, T, C)");
  Tensor h = decoder_in_(latent.to(decoder_in_->weight.scalar_type()));
  h = run(decoder_, h);
  h = decoder_out_(h).to(at::kFloat);  // (N, T, fold * F * 2)
  VaeDecoded out;
  out.compressed = h.reshape({h.size(0), h.size(1) * options_.frames_per_latent, stft_.bins(), 2});
  const Tensor complex = at::view_as_complex(out.compressed.contiguous()) * (1.0 / kFeatureScale);
  const double exponent = 1.0 / options_.compression - 1.0;
  const Tensor magnitude = complex.abs();
  const Tensor spectrum = complex * (exponent == 1.0 ? magnitude : (magnitude + 1e-6).pow(exponent));
  out.wave = stft_.inverse(spectrum, samples);
  return out;
}

Tensor VaeImpl::encode(const Tensor& wave) {
  return (posterior(wave).mean - latent_mean_.to(at::kFloat)) / latent_deviation_.to(at::kFloat);
}

Tensor VaeImpl::decode(const Tensor& latent, int64_t samples) {
  return decode_raw(latent * latent_deviation_.to(at::kFloat) + latent_mean_.to(at::kFloat), samples).wave;
}

void VaeImpl::set_latent_statistics(const Tensor& mean, const Tensor& deviation) {
  ensure(mean.numel() == options_.latent_channels && deviation.numel() == options_.latent_channels,
         "latent statistics must have one value per channel");
  torch::NoGradGuard no_grad;
  latent_mean_.copy_(mean);
  latent_deviation_.copy_(deviation.clamp_min(1e-4));
}

void VaeImpl::initialise_linear_path(const Tensor& waves) {
  torch::NoGradGuard no_grad;
  const auto& o = options_;
  const int64_t features = o.frames_per_latent * stft_.bins() * 2;
  const int64_t kept = std::min({o.encoder_channels, o.decoder_channels, features});
  ensure(o.latent_channels <= kept, "initialise_linear_path: more latent channels than hidden ones");
  const Tensor x = compressed_spectrum(waves).reshape({-1, features}).to(at::kDouble);  // (N * T, features)
  ensure(x.size(0) > features, "initialise_linear_path wants more latent frames than spectrum values");
  const auto [values, vectors] = torch::linalg_eigh(x.t().mm(x) / static_cast<double>(x.size(0)));
  const Tensor deviations = values.flip(0).narrow(0, 0, kept).clamp_min(1e-12).sqrt();  // largest first
  const Tensor components = vectors.flip(1).narrow(1, 0, kept);                         // (features, kept)
  // Hidden channel i carries component i, scaled to deviation 1; the first C of them are the latent.
  encoder_in_->weight.narrow(0, 0, kept).copy_((components / deviations).t());
  encoder_in_->bias.zero_();
  encoder_out_->weight.zero_();
  encoder_out_->bias.zero_();
  for (int64_t c = 0; c < o.latent_channels; ++c) encoder_out_->weight[c][c] = 1.0;
  encoder_out_->bias.narrow(0, o.latent_channels, o.latent_channels).fill_(-5.0);
  decoder_in_->weight.zero_();
  decoder_in_->bias.zero_();
  for (int64_t c = 0; c < o.latent_channels; ++c) decoder_in_->weight[c][c] = 1.0;
  decoder_out_->weight.mul_(0.1);
  decoder_out_->weight.narrow(1, 0, o.latent_channels).copy_((components * deviations).narrow(1, 0, o.latent_channels));
  decoder_out_->bias.zero_();
  for (auto& item : named_parameters())
    if (item.key().find("down.weight") != std::string::npos) item.value().mul_(0.2);
}

Tensor VaeImpl::linear_decoder() const {
  torch::NoGradGuard no_grad;
  const Tensor path = decoder_out_->weight.to(at::kFloat).mm(decoder_in_->weight.to(at::kFloat));
  return path * latent_deviation_.to(at::kFloat);
}

void VaeImpl::freeze_encoder() {
  for (auto& item : named_parameters())
    if (item.key().starts_with("encoder")) item.value().set_requires_grad(false);
}

}  // namespace instructme
