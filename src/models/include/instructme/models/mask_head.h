#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "instructme/base/config_reader.h"
#include "instructme/dsp/stft.h"

namespace instructme {

/// Sizes of the mask head. In JSON the fields have the same names.
struct MaskHeadOptions {
  int64_t n_fft = 1920;  ///< samples of its STFT's window
  int64_t hop = 480;     ///< samples per frame, divides n_fft
  int64_t channels = 384;
  int64_t blocks = 6;        ///< that listen to the music, before it is known what is asked
  int64_t query_blocks = 2;  ///< that look for what is asked
  int64_t query_dim = 192;   ///< channels of what it knows about an instrument
  int64_t expansion = 2;
  int64_t kernel = 15;                   ///< frames seen by one block, odd
  std::vector<std::string> instruments;  ///< that it can be asked for: canonical names of the lexicon

  static MaskHeadOptions read(ConfigReader config);  ///< throws kModel
  nlohmann::json to_json() const;
};

/// From the source's spectrum and the name of an instrument, the share of each bin that belongs to it: extracting it
/// then returns the source's own samples, with their phase, instead of an image of them through the latent. Not in
/// the paper; a ratio mask as in Wang and Chen 2018, section III.B, by ConvNeXt blocks, in the last of which the
/// instrument scales and shifts the channels (FiLM, Perez et al. 2018).
/// Letters: N batch, S samples, T frames, F = n_fft / 2 + 1 bins, I instruments.
class MaskHeadImpl : public torch::nn::Module {
 public:
  /// Throws kModel when the hop does not divide n_fft or there is no instrument.
  explicit MaskHeadImpl(const MaskHeadOptions& options);

  /// wave (N, S) -> (N, T, F) complex.
  at::Tensor spectrum(const at::Tensor& wave) const { return stft_.forward(wave); }
  /// spectrum (N, T, F) -> (N, samples).
  at::Tensor inverse(const at::Tensor& spectrum, int64_t samples) const { return stft_.inverse(spectrum, samples); }

  /// Sets the mean and the deviation of each bin, by which the input is standardised, to those of these magnitudes
  /// (N, T, F). To be called once, before training.
  void standardise(const at::Tensor& magnitude);

  /// Place of an instrument in options.instruments.
  std::optional<int64_t> find(const std::string& instrument) const;

  /// What is heard whatever is asked: magnitude (N, T, F) of the source's spectrum -> (N, T, channels). Most of the
  /// work, and done once for any number of questions about the same music.
  at::Tensor listen(const at::Tensor& magnitude);
  /// heard (N, T, channels), instrument (N) int64 -> (N, T, F) float32 in 0..1.
  at::Tensor answer(const at::Tensor& heard, const at::Tensor& instrument);

  /// Energy of mask * source - stem over the geometric mean of the source's and the stem's energies, so that quiet
  /// stems count, but not more than what can be heard of them. Energies are of square-root magnitudes of the
  /// source's bins, so that quiet bins matter too. Squares, because the distance itself has its minimum at an empty
  /// mask as long as the network cannot tell. source, stem (N, T, F) complex, mask (N, T, F) -> (N).
  static at::Tensor loss(const at::Tensor& mask, const at::Tensor& source, const at::Tensor& stem);

  MaskHeadOptions options;
  torch::nn::Linear spectrum_input{nullptr}, output{nullptr};
  torch::nn::ModuleList blocks, query_blocks;
  torch::nn::ModuleList films;       ///< per query block: query_dim -> scale and shift of every channel
  at::Tensor instrument_table;       ///< (I, query_dim)
  at::Tensor bin_mean, bin_inverse;  ///< (F) of the log-magnitude: mean, and one over the deviation

 private:
  Stft stft_;
};
TORCH_MODULE(MaskHead);

}  // namespace instructme
