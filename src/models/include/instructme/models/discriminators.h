#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/cloneable.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "instructme/base/config_reader.h"

namespace instructme {

/// A 2-D convolution whose weight is split into length and direction, w = g v / |v| per output channel
/// (Salimans and Kingma 2016); v starts as torch's Conv2d does and g as |v|. Input and output are
/// (N, C, H, W).
struct WeightNormConv2dOptions {
  int64_t in_channels = 1, out_channels = 1;
  std::vector<int64_t> kernel{1, 1}, stride{1, 1}, padding{0, 0}, dilation{1, 1};
};
struct WeightNormConv2dImpl : torch::nn::Cloneable<WeightNormConv2dImpl> {
  explicit WeightNormConv2dImpl(WeightNormConv2dOptions convolution);
  void reset() override;
  at::Tensor forward(const at::Tensor& x);
  at::Tensor weight() const;  ///< (out, in, kernel...), the product

  WeightNormConv2dOptions options;
  at::Tensor weight_g, weight_v, bias;  ///< (out, 1, 1, 1), (out, in, kernel...), (out)
};
TORCH_MODULE(WeightNormConv2d);

/// What the discriminators say of one batch; one entry per sub-discriminator, in a fixed order.
struct DiscriminatorOutput {
  std::vector<at::Tensor> logits;                 ///< (N, 1, H, W); high = real
  std::vector<std::vector<at::Tensor>> features;  ///< hidden feature maps, (N, C, H, W) per layer
};

struct DiscriminatorOptions {
  /// Multi-period discriminator (Kong et al. 2020): one per period; empty = none.
  std::vector<int64_t> periods{2, 3, 5, 7, 11};
  /// Channels of its layers; all but the last layer shorten time by 3. HiFi-GAN has 32, 128, 512, 1024, 1024.
  std::vector<int64_t> period_channels{8, 32, 128, 256, 256};
  /// Multi-resolution spectrogram discriminator (Jang et al. 2021; Défossez et al. 2022): one per FFT size
  /// in samples, with a quarter of it as the hop; empty = none.
  std::vector<int64_t> fft_sizes{2048, 1024, 512};
  int64_t spectrogram_channels = 16;  ///< of all its layers; UnivNet and EnCodec have 32
  bool complex_spectrogram = true;    ///< input is the real and imaginary part (EnCodec), else the magnitude

  /// Throws kModel when a value is out of range or there would be no discriminator at all.
  void validate() const;
  /// Keys named as the fields, all optional.
  static DiscriminatorOptions read(ConfigReader config);
  nlohmann::json to_json() const;
};

/// Tells recorded from reconstructed sound by its waveform folded at several periods and by its
/// spectrogram at several resolutions; used only while training the VAE (section 3.1).
struct DiscriminatorsImpl : torch::nn::Cloneable<DiscriminatorsImpl> {
  explicit DiscriminatorsImpl(DiscriminatorOptions discriminator_options = {});
  void reset() override;
  /// waveform (N, S), S samples in [-1, 1]. Throws kInternal when the shape is another or S < min_samples().
  DiscriminatorOutput forward(const at::Tensor& waveform);
  /// The shortest waveform that can be judged: the padding of the largest window reflects it once.
  int64_t min_samples() const;

  DiscriminatorOptions options;

 private:
  at::Tensor fold(const at::Tensor& waveform, int64_t period) const;
  at::Tensor spectrogram(const at::Tensor& waveform, int64_t fft_size) const;

  std::vector<std::vector<WeightNormConv2d>> period_layers_, spectrogram_layers_;
};
TORCH_MODULE(Discriminators);

enum class AdversarialLoss {
  kHinge,         ///< Lim and Ye 2017; discriminator max(0, 1 - real) + max(0, 1 + fake), generator max(0, 1 - fake)
  kLeastSquares,  ///< Mao et al. 2017; discriminator (1 - real)^2 + fake^2, generator (1 - fake)^2
};

/// All losses are scalars: the mean over each sub-discriminator's values, then over sub-discriminators.
/// Throw kInternal when the two outputs do not have the same number of parts.

/// To be lowered by the discriminators; `fake` comes from a detached waveform.
at::Tensor discriminator_loss(const DiscriminatorOutput& real, const DiscriminatorOutput& fake, AdversarialLoss kind);
/// To be lowered by the generator.
at::Tensor generator_loss(const DiscriminatorOutput& fake, AdversarialLoss kind);
/// L1 distance of the feature maps, each divided by the mean absolute value of the real one (Défossez et
/// al. 2022, Eq. 2). No gradient flows into `real`.
at::Tensor feature_matching_loss(const DiscriminatorOutput& real, const DiscriminatorOutput& fake);

}  // namespace instructme
