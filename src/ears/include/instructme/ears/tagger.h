#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "instructme/base/config_reader.h"
#include "instructme/dsp/log_mel.h"
#include "instructme/models/vae.h"

namespace instructme {

/// Sizes of the tagger. In JSON the fields have the same names.
struct TaggerOptions {
  int64_t bands = 128;  ///< of its mel spectrum, a multiple of 16
  std::vector<int64_t> channels{24, 48, 96,
                                160};  ///< of four pairs of convolutions, of which the first halves the bands
  /// How many convolutions follow each of those that halve the bands, at least one.
  std::vector<int64_t> refinements{1, 1, 1, 1};
  int64_t hidden = 256;
  int64_t kernel = 9;                    ///< frames of 100 ms seen by the block over time, odd
  std::vector<std::string> instruments;  ///< lexicon names that it tells
  std::vector<std::string> genres;

  static TaggerOptions read(ConfigReader config);  ///< throws kModel
  nlohmann::json to_json() const;
};

/// What a tagger says.
struct TaggerLogits {
  at::Tensor blocks;  ///< (N, B, I): instruments in each half second
  at::Tensor genres;  ///< (N, G): the whole
};

/// Instruments in every half second and the genre of some music, by convolutions over a mel spectrum, as in the usual
/// taggers (Won et al. 2020). It judges what other networks make, so it shares nothing with them.
/// Letters: N batch, S samples, T = ceil(S / 600) frames, B = T / 20 blocks of half a second, I instruments, G genres.
class TaggerImpl : public torch::nn::Module {
 public:
  static constexpr int64_t kHop = 600;             ///< samples per frame, 24 kHz
  static constexpr int64_t kBlockSamples = 12000;  ///< per block

  explicit TaggerImpl(const TaggerOptions& options);

  /// wave (N, S) -> (N, T, bands).
  at::Tensor spectrum(const at::Tensor& wave) const { return mel_.forward(wave); }
  /// spectrum (N, T, bands), T a multiple of 20.
  TaggerLogits forward(const at::Tensor& spectrum);
  /// What it goes by: spectrum (N, T, bands) -> (N, B, 2 hidden). Differentiable in the spectrum.
  at::Tensor features(const at::Tensor& spectrum);
  /// The same of waves (N, S) of any level and length; silence fills up the last block. Differentiable in the wave.
  at::Tensor features_of_wave(const at::Tensor& wave);

  /// Takes the weights of a smaller tagger: one with fewer instruments or genres, which are this one's first, or fewer
  /// refinements; what it says of those it knew stays the same until it is trained. False, and nothing is taken, when
  /// more than that is different.
  bool grow_from(const TaggerImpl& smaller);

  int64_t feature_channels() const { return 2 * options.hidden; }

  /// Probability that an instrument sounds anywhere in a few blocks, from those of the blocks: the mean, each weighted
  /// by itself (Wang, Li and Metze 2019, "linear softmax"). (..., B, I) -> (..., I).
  static at::Tensor pool(const at::Tensor& probabilities);

  TaggerOptions options;
  torch::nn::ModuleList convolutions;  ///< that halve the bands
  torch::nn::ModuleList refinements;   ///< the first that follows each of them, then the further ones in this order
  std::vector<at::Tensor> norms, refinement_norms;  ///< per convolution: (channels)
  torch::nn::Linear fold{nullptr}, instruments{nullptr}, genre_input{nullptr}, genres{nullptr};
  ConvBlock over_time{nullptr};
  at::Tensor output_norm;  ///< (hidden)

 private:
  void add_refinement(size_t level, double norm);
  at::Tensor refine(size_t index, const at::Tensor& x);

  LogMel mel_;
};
TORCH_MODULE(Tagger);

/// A tagger with the probabilities from which its classes count as present.
struct CalibratedTagger {
  Tagger net{nullptr};
  std::vector<double> instrument_thresholds, genre_thresholds;
};

/// Probabilities for music of any length, 24 kHz, wave (S) or (1, S). It is heard at three speeds, 3 % apart, whose
/// logits are averaged: what is told of all of them is surer.
struct Tags {
  at::Tensor blocks;       ///< (B, I) float: each half second, the last may be shorter
  at::Tensor instruments;  ///< (I): over all; where music is long, how it is in its richer third
  at::Tensor genres;       ///< (G), sum 1
};
Tags listen_for_tags(Tagger& net, const at::Tensor& wave);

/// tagger.json and tagger.safetensors (8-bit). Throw kModel, kIo.
CalibratedTagger load_tagger(const std::filesystem::path& folder);
void save_tagger(const CalibratedTagger& tagger, const std::filesystem::path& folder, int64_t steps);

}  // namespace instructme
