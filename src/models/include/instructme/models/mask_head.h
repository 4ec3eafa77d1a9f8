#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "instructme/base/config_reader.h"
#include "instructme/dsp/stft.h"

namespace instructme {

/// Sizes of the mask head. In JSON the fields have the same names.
struct MaskHeadOptions {
  int64_t n_fft = 1920;  ///< window of its STFT, a multiple of the hop, which is the VAE's samples per latent
  int64_t channels = 384;
  int64_t blocks = 6;        ///< that listen to the music, before the sentence is known
  int64_t query_blocks = 2;  ///< that look for what the sentence names
  int64_t expansion = 2;
  int64_t kernel = 15;         ///< frames seen by one block, odd
  bool unet_features = false;  ///< also hears what the U-Net makes of the source and the sentence

  static MaskHeadOptions read(ConfigReader config);  ///< throws kModel
  nlohmann::json to_json() const;
};

/// From the source's spectrum and the sentence, the share of each bin that belongs to the named part: extracting it
/// then returns the source's own samples, with their phase, instead of an image of them through the latent. Not in
/// the paper; a ratio mask as in Wang and Chen 2018, section III.B, by ConvNeXt blocks, in the last of
/// which the sentence scales and shifts the channels (FiLM, Perez et al. 2018).
/// Letters: N batch, S samples, T frames, F = n_fft / 2 + 1 bins, L tokens, D channels of the text, U of the U-Net.
class MaskHeadImpl : public torch::nn::Module {
 public:
  /// Throws kModel when `hop` does not divide n_fft.
  MaskHeadImpl(const MaskHeadOptions& options, int64_t hop, int64_t text_dim, int64_t unet_channels);

  /// wave (N, S) -> (N, T, F) complex.
  at::Tensor spectrum(const at::Tensor& wave) const { return stft_.forward(wave); }
  /// spectrum (N, T, F) -> (N, samples).
  at::Tensor inverse(const at::Tensor& spectrum, int64_t samples) const { return stft_.inverse(spectrum, samples); }
  /// What is heard whatever is asked: magnitude (N, T, F) of the source's spectrum, features (N, T, U) of UNet
  /// (undefined without unet_features) -> (N, T, channels). Most of the work, and done once for any number of
  /// questions about the same music.
  at::Tensor listen(const at::Tensor& magnitude, const at::Tensor& features = {});
  /// heard (N, T, channels), text (N, L, D) and its mask (N, L) -> (N, T, F) float32 in 0..1.
  at::Tensor answer(const at::Tensor& heard, const at::Tensor& text, const at::Tensor& text_mask);

  /// Energy of mask * source - stem over the geometric mean of the source's and the stem's energies, so that quiet
  /// stems count, but not more than what can be heard of them. Energies are of square-root magnitudes of the
  /// source's bins, so that quiet bins matter too. Squares, because the distance itself has its minimum at an empty
  /// mask as long as the network cannot tell. source, stem (N, T, F) complex, mask (N, T, F) -> (N).
  static at::Tensor loss(const at::Tensor& mask, const at::Tensor& source, const at::Tensor& stem);

  MaskHeadOptions options;
  int64_t hop = 0, text_dim = 0, unet_channels = 0;
  torch::nn::Linear spectrum_input{nullptr}, feature_input{nullptr}, output{nullptr};
  torch::nn::ModuleList blocks, query_blocks;
  torch::nn::ModuleList films;  ///< per query block: text_dim -> scale and shift of every channel
  at::Tensor text_norm;         ///< (D)

 private:
  Stft stft_;
};
TORCH_MODULE(MaskHead);

}  // namespace instructme
