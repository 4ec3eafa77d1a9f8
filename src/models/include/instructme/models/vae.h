#pragma once

#include <torch/nn/cloneable.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "instructme/base/config_reader.h"
#include "instructme/dsp/stft.h"

namespace instructme {

/// Sizes of the VAE (paper §3.1: stacked convolutions, waveform in, waveform out, no vocoder; the
/// STFT front end and inverse-STFT head follow Vocos, Siuzdak 2023).
struct VaeOptions {
  int64_t sample_rate = 24000;
  int64_t n_fft = 960;
  int64_t hop = 240;
  int64_t frames_per_latent = 2;  ///< STFT frames folded into one latent frame: r = hop * this
  int64_t latent_channels = 64;   ///< C
  int64_t encoder_channels = 384;
  int64_t encoder_blocks = 4;
  int64_t decoder_channels = 384;
  int64_t decoder_blocks = 6;
  int64_t expansion = 3;     ///< width of a block's hidden layer, relative
  int64_t kernel = 7;        ///< frames seen by one block's convolution, odd
  double compression = 0.5;  ///< spectra enter and leave as |X|^compression e^(i phase)

  int64_t samples_per_latent() const { return hop * frames_per_latent; }  ///< r
  static VaeOptions read(ConfigReader& config);                           ///< throws kModel
  nlohmann::json to_json() const;
};

/// ConvNeXt block on time-major frames: depthwise convolution, norm, two-layer perceptron, residual.
/// x (N, T, C) -> (N, T, C).
class ConvBlockImpl : public torch::nn::Module {
 public:
  ConvBlockImpl(int64_t channels, int64_t expansion, int64_t kernel, double output_scale);
  at::Tensor forward(const at::Tensor& x);

 private:
  at::Tensor conv_weight_, conv_bias_, norm_weight_;
  torch::nn::Linear up_{nullptr}, down_{nullptr};
};
TORCH_MODULE(ConvBlock);

/// Gaussian posterior of a latent: both (N, T, C), float32.
struct VaePosterior {
  at::Tensor mean, log_variance;
};

/// Output of the decoder.
struct VaeDecoded {
  at::Tensor wave;        ///< (N, S) float32
  at::Tensor compressed;  ///< (N, T * frames_per_latent, F, 2) float32: real and imaginary |X|^c e^(i phase)
};

/// Letters: N batch, S samples at 24 kHz, T = ceil(S / r) latent frames, C latent channels.
/// May be converted to bfloat16 as a whole; waves and posteriors stay float32.
class VaeImpl : public torch::nn::Module {
 public:
  explicit VaeImpl(VaeOptions options);

  /// wave (N, S) -> posterior of the raw latent.
  VaePosterior posterior(const at::Tensor& wave);
  /// raw latent (N, T, C) -> wave of `samples` <= T * r samples.
  VaeDecoded decode_raw(const at::Tensor& latent, int64_t samples);
  /// Compressed spectrum of a wave as the decoder should give it: (N, T * frames_per_latent, F, 2).
  at::Tensor compressed_spectrum(const at::Tensor& wave) const;

  /// What the diffusion model works on: the posterior mean, normalised per channel to mean 0 and
  /// deviation 1 over the training music.  (N, S) -> (N, T, C).
  at::Tensor encode(const at::Tensor& wave);
  /// Inverse of the normalisation, then decode.  (N, T, C) -> (N, samples).
  at::Tensor decode(const at::Tensor& latent, int64_t samples);
  /// Statistics (C) of the raw posterior means over the training music.
  void set_latent_statistics(const at::Tensor& mean, const at::Tensor& deviation);

  /// Starts the linear path from spectrum to latent and back as the best linear autoencoder (principal
  /// components of the folded compressed spectra) of the music given, so that training begins with the
  /// phase of strong partials already kept. Wants more latent frames than spectrum values; waves (N, S).
  void initialise_linear_path(const at::Tensor& waves);
  /// The linear path from the normalised latent to the folded compressed spectrum: (fold * F * 2, C) float32.
  at::Tensor linear_decoder() const;
  /// Ends the training of everything that makes latents.
  void freeze_encoder();

  const VaeOptions& options() const { return options_; }

 private:
  VaeOptions options_;
  Stft stft_;
  torch::nn::Linear encoder_in_{nullptr}, encoder_out_{nullptr}, decoder_in_{nullptr}, decoder_out_{nullptr};
  torch::nn::ModuleList encoder_{nullptr}, decoder_{nullptr};
  at::Tensor latent_mean_, latent_deviation_;
};
TORCH_MODULE(Vae);

}  // namespace instructme
