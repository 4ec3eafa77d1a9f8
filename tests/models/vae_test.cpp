#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "instructme/models/vae.h"

namespace instructme {
namespace {

using at::Tensor;

VaeOptions tiny_options() {
  VaeOptions o;
  o.n_fft = 64;
  o.hop = 16;
  o.frames_per_latent = 2;
  o.latent_channels = 6;
  o.encoder_channels = 12;
  o.encoder_blocks = 2;
  o.decoder_channels = 16;
  o.decoder_blocks = 3;
  o.kernel = 5;
  return o;
}

Vae tiny_vae(VaeOptions options = tiny_options()) {
  torch::manual_seed(3);
  Vae vae(options);
  vae->eval();
  return vae;
}

double largest(const Tensor& x) { return x.abs().max().item<double>(); }

TEST(Vae, ShapesForAnyLength) {
  Vae vae = tiny_vae();
  torch::NoGradGuard no_grad;
  const int64_t r = vae->options().samples_per_latent();
  ASSERT_EQ(r, 32);
  for (int64_t samples : {1, 31, 32, 33, 64, 1000}) {
    const Tensor wave = torch::randn({2, samples}) * 0.1;
    const int64_t frames = (samples + r - 1) / r;
    const VaePosterior q = vae->posterior(wave);
    EXPECT_EQ(q.mean.sizes(), (std::vector<int64_t>{2, frames, 6})) << samples;
    EXPECT_EQ(q.log_variance.sizes(), q.mean.sizes());
    EXPECT_EQ(vae->compressed_spectrum(wave).sizes(), (std::vector<int64_t>{2, 2 * frames, 33, 2}));
    const VaeDecoded decoded = vae->decode_raw(q.mean, samples);
    EXPECT_EQ(decoded.wave.sizes(), wave.sizes());
    EXPECT_EQ(decoded.compressed.sizes(), (std::vector<int64_t>{2, 2 * frames, 33, 2}));
  }
}

TEST(Vae, TheFrameRateIsFiftyHertzByDefault) {
  const VaeOptions o;
  EXPECT_EQ(static_cast<double>(o.sample_rate) / static_cast<double>(o.samples_per_latent()), 50.0);
}

TEST(Vae, WrongShapesAreRefused) {
  Vae vae = tiny_vae();
  expect_error(ErrorKind::kInternal, "(N, S)", [&] { vae->posterior(torch::zeros({100})); });
  expect_error(ErrorKind::kInternal, "(N, T, C)", [&] { vae->decode_raw(torch::zeros({1, 4, 5}), 64); });
  expect_error(ErrorKind::kInternal, "one value per channel",
               [&] { vae->set_latent_statistics(torch::zeros({5}), torch::ones({6})); });
}

TEST(Vae, ExtremeSoundsGiveFiniteValues) {
  Vae vae = tiny_vae();
  torch::NoGradGuard no_grad;
  const Tensor silence = torch::zeros({1, 640});
  const Tensor square = torch::where(torch::arange(640).remainder(20) < 10, torch::ones({640}), -torch::ones({640}));
  for (const Tensor& wave : {silence, square.unsqueeze(0), torch::ones({1, 640}), square.unsqueeze(0) * 1e-30}) {
    const VaePosterior q = vae->posterior(wave);
    EXPECT_TRUE(q.mean.isfinite().all().item<bool>());
    EXPECT_TRUE(q.log_variance.isfinite().all().item<bool>());
    EXPECT_TRUE(q.log_variance.exp().isfinite().all().item<bool>());
    EXPECT_TRUE(vae->decode_raw(q.mean, 640).wave.isfinite().all().item<bool>());
  }
}

TEST(Vae, TheCompressedSpectrumKeepsPhaseAndTakesTheRootOfTheMagnitude) {
  Vae vae = tiny_vae();
  const Tensor wave = torch::randn({1, 640}) * 0.3;
  const Tensor quiet = at::view_as_complex(vae->compressed_spectrum(wave).contiguous());
  const Tensor loud = at::view_as_complex(vae->compressed_spectrum(wave * 4).contiguous());
  const Tensor strong = quiet.abs() > 0.05 * quiet.abs().max();
  // Four times the amplitude is twice the compressed magnitude with the same phase.
  EXPECT_LT(largest((loud / quiet).masked_select(strong) - 2), 1e-2);
}

TEST(Vae, ATransparentDecoderWouldGiveTheWaveBack) {
  // The compressed spectrum holds everything: undone by the formula of the decoder, the wave returns.
  Vae vae = tiny_vae();
  const auto& o = vae->options();
  const Tensor wave = torch::randn({1, 320}) * 0.3;
  const Tensor compressed = at::view_as_complex(vae->compressed_spectrum(wave).contiguous());
  const Tensor silence = at::view_as_complex(vae->compressed_spectrum(torch::zeros({1, 320})).contiguous());
  EXPECT_EQ(largest(silence.abs()), 0.0);
  const Stft stft(o.n_fft, o.hop);
  const Tensor direct = stft.forward(wave);
  const double scale = (compressed.abs().pow(2).sum() / direct.abs().sum()).item<double>();
  EXPECT_LT(largest(stft.inverse(compressed * compressed.abs() / scale, 320) - wave), 1e-3);
}

TEST(Vae, EncodeNormalisesAndDecodeUndoesIt) {
  Vae vae = tiny_vae();
  torch::NoGradGuard no_grad;
  const Tensor wave = torch::randn({3, 960}) * 0.2;
  const Tensor raw = vae->posterior(wave).mean;
  const Tensor flat = raw.flatten(0, 1);
  vae->set_latent_statistics(flat.mean(0), flat.std(0));
  const Tensor latent = vae->encode(wave);
  EXPECT_LT(largest(latent.flatten(0, 1).mean(0)), 1e-4);
  EXPECT_LT(largest(latent.flatten(0, 1).std(0) - 1), 1e-3);
  EXPECT_LT(largest(vae->decode(latent, 960) - vae->decode_raw(raw, 960).wave), 1e-4);
  // A channel without any deviation must not divide by 0.
  vae->set_latent_statistics(torch::zeros({6}), torch::zeros({6}));
  EXPECT_TRUE(vae->encode(wave).isfinite().all().item<bool>());
}

TEST(Vae, TheLinearPathIsTheBestLinearAutoencoder) {
  VaeOptions o = tiny_options();
  o.encoder_blocks = o.decoder_blocks = 0;
  Vae vae = tiny_vae(o);
  torch::NoGradGuard no_grad;
  // Six tones of their own loudness have at most twelve components: six latent channels keep the louder half.
  const Tensor time = torch::arange(3200, at::kFloat) / 24000.0;
  Tensor waves = torch::zeros({4, 3200});
  for (int tone = 0; tone < 6; ++tone)
    waves += std::pow(0.3, tone) * torch::sin(2 * M_PI * (900.0 + 1500.0 * tone) * time + torch::rand({4, 1}) * 6.0);
  vae->initialise_linear_path(waves);
  const Tensor latent = vae->posterior(waves).mean;
  const Tensor spectrum = vae->compressed_spectrum(waves);
  const Tensor decoded = vae->decode_raw(latent, 3200).compressed;
  EXPECT_LT(((decoded - spectrum).pow(2).sum() / spectrum.pow(2).sum()).item<double>(), 0.1);
  const Tensor latents = latent.flatten(0, 1);
  EXPECT_LT(largest(latents.t().mm(latents) / latents.size(0) - torch::eye(6)), 0.05);

  vae->set_latent_statistics(torch::zeros({6}), torch::full({6}, 0.5));
  const Tensor normalised = vae->encode(waves);
  EXPECT_LT(largest(torch::matmul(normalised, vae->linear_decoder().t()).view_as(decoded) - decoded), 1e-3);
}

TEST(Vae, Bfloat16IsNearFloat32) {
  Vae vae = tiny_vae(), half = tiny_vae();
  torch::NoGradGuard no_grad;
  half->to(at::kBFloat16);
  const Tensor wave = torch::randn({2, 1920}) * 0.1;
  const VaePosterior q = vae->posterior(wave), q_half = half->posterior(wave);
  EXPECT_EQ(q_half.mean.scalar_type(), at::kFloat);
  EXPECT_EQ(q_half.log_variance.scalar_type(), at::kFloat);
  EXPECT_LT(((q_half.mean - q.mean).norm() / q.mean.norm()).item<double>(), 0.02);
  const Tensor a = vae->decode_raw(q.mean, 1920).wave, b = half->decode_raw(q.mean, 1920).wave;
  EXPECT_EQ(b.scalar_type(), at::kFloat);
  EXPECT_LT(((b - a).norm() / a.norm()).item<double>(), 0.05);
}

TEST(Vae, TheGradientReachesTheWaveAndEveryWeight) {
  Vae vae = tiny_vae();
  Tensor wave = torch::randn({1, 640}) * 0.1;
  wave.requires_grad_(true);
  const VaePosterior q = vae->posterior(wave);
  (vae->decode_raw(q.mean, 640).wave.pow(2).sum() + q.log_variance.pow(2).sum()).backward();
  EXPECT_TRUE(wave.grad().isfinite().all().item<bool>());
  EXPECT_GT((wave.grad() != 0).to(at::kFloat).mean().item<double>(), 0.95);
  for (const auto& item : vae->named_parameters()) {
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(largest(item.value().grad()), 0) << item.key();
  }
}

TEST(Vae, TheGradientOfSilenceIsFinite) {
  Vae vae = tiny_vae();
  Tensor wave = torch::zeros({1, 640}, torch::requires_grad());
  vae->decode_raw(vae->posterior(wave).mean, 640).wave.pow(2).sum().backward();
  EXPECT_TRUE(wave.grad().isfinite().all().item<bool>());
}

TEST(Vae, TheGradientOfTheWaveIsRight) {
  Vae vae = tiny_vae();
  // Along one direction, against a central difference in float32.
  const Tensor base = torch::randn({1, 320}) * 0.2, direction = torch::randn({1, 320}), probe = torch::randn({1, 320});
  const auto value = [&](const Tensor& x) { return (vae->decode_raw(vae->posterior(x).mean, 320).wave * probe).sum(); };
  Tensor wave = base.clone().requires_grad_(true);
  value(wave).backward();
  const double slope = (wave.grad() * direction).sum().item<double>();
  torch::NoGradGuard no_grad;
  const double step = 2e-4;
  const double measured = (value(base + step * direction) - value(base - step * direction)).item<double>() / (2 * step);
  EXPECT_NEAR(measured, slope, 0.03 * std::abs(slope) + 0.02);
}

TEST(Vae, AFrameHearsNoFurtherThanItsContext) {
  Vae vae = tiny_vae();
  torch::NoGradGuard no_grad;
  const auto& o = vae->options();
  const int64_t r = o.samples_per_latent(), frames = 60, middle = 30;
  // What editing long music in segments relies on.
  const int64_t stft = (o.n_fft + r - 1) / r + 1;
  const int64_t encoder = o.encoder_blocks * (o.kernel / 2) + stft;
  const int64_t decoder = o.decoder_blocks * (o.kernel / 2) + stft;
  const Tensor wave = torch::randn({1, frames * r}) * 0.1;
  Tensor changed = wave.clone();
  changed[0][middle * r + r / 2] += 0.5;
  const Tensor difference = (vae->posterior(changed).mean - vae->posterior(wave).mean).abs().amax(2)[0];
  EXPECT_GT(difference[middle].item<double>(), 1e-4);
  for (int64_t t = 0; t < frames; ++t) {
    if (std::abs(t - middle) <= encoder) continue;
    EXPECT_LT(difference[t].item<double>(), 1e-6) << t;
  }
  const Tensor latent = torch::randn({1, frames, 6});
  Tensor other = latent.clone();
  other[0][middle] += 1.0;
  const Tensor moved = (vae->decode_raw(other, frames * r).wave - vae->decode_raw(latent, frames * r).wave)
                           .abs()
                           .view({frames, r})
                           .amax(1);
  EXPECT_GT(moved[middle].item<double>(), 1e-4);
  for (int64_t t = 0; t < frames; ++t) {
    if (std::abs(t - middle) <= decoder) continue;
    EXPECT_LT(moved[t].item<double>(), 1e-6) << t;
  }
}

TEST(Vae, ExamplesOfABatchDoNotMix) {
  Vae vae = tiny_vae();
  torch::NoGradGuard no_grad;
  const Tensor wave = torch::randn({3, 500}) * 0.1;
  const Tensor together = vae->encode(wave);
  for (int64_t i = 0; i < 3; ++i) EXPECT_LT(largest(together[i] - vae->encode(wave.narrow(0, i, 1))[0]), 1e-5);
}

TEST(Vae, FreezingLeavesOnlyTheDecoderToTrain) {
  Vae vae = tiny_vae();
  vae->freeze_encoder();
  int frozen = 0, free = 0;
  for (const auto& item : vae->named_parameters()) {
    EXPECT_EQ(item.value().requires_grad(), item.key().starts_with("decoder")) << item.key();
    (item.value().requires_grad() ? free : frozen) += 1;
  }
  EXPECT_GT(frozen, 0);
  EXPECT_GT(free, 0);
}

TEST(VaeOptions, RoundTripThroughJson) {
  VaeOptions o = tiny_options();
  o.compression = 0.3;
  o.sample_rate = 16000;
  ConfigReader config(o.to_json(), "vae.json");
  EXPECT_EQ(VaeOptions::read(config).to_json(), o.to_json());
}

TEST(VaeOptions, BadValuesAreRefused) {
  const auto read = [](const char* key, nlohmann::json value) {
    nlohmann::json json = tiny_options().to_json();
    json[key] = std::move(value);
    ConfigReader config(json, "vae.json");
    return VaeOptions::read(config);
  };
  for (const auto& [key, value] : std::vector<std::pair<const char*, nlohmann::json>>{{"kernel", 4},
                                                                                      {"kernel", -1},
                                                                                      {"hop", 15},
                                                                                      {"hop", 0},
                                                                                      {"n_fft", 16},
                                                                                      {"n_fft", 72},
                                                                                      {"latent_channels", 0},
                                                                                      {"decoder_blocks", -1},
                                                                                      {"sample_rate", 0},
                                                                                      {"compression", 0.0},
                                                                                      {"compression", 1.5}}) {
    SCOPED_TRACE(key);
    expect_error(ErrorKind::kModel, "vae.json: the sizes do not fit", [&] { read(key, value); });
  }
  expect_error(ErrorKind::kModel, "'latent_chanels' (did you mean 'latent_channels'",
               [&] { read("latent_chanels", 4); });
}

}  // namespace
}  // namespace instructme
