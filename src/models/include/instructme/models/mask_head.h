#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "instructme/base/config_reader.h"
#include "instructme/dsp/stft.h"
#include "instructme/models/spectral_bands.h"
#include "instructme/nn/conv3x3.h"

namespace instructme {

/// Sizes of the mask head. In JSON the fields have the same names.
struct MaskHeadOptions {
  int64_t n_fft = 1920;                             ///< samples of its STFT's window
  int64_t hop = 480;                                ///< samples per frame, divides n_fft
  int64_t bands = 256;                              ///< that the bins are gathered in; a multiple of 2^levels
  std::vector<int64_t> channels{32, 64, 128, 192};  ///< of each level; every one halves time and bands
  /// Of each level, before it is known what is asked, and as many after; a single number is for all levels. In JSON it
  /// may stand without brackets.
  std::vector<int64_t> blocks{1};
  int64_t query_dim = 192;               ///< channels of what it knows about an instrument
  std::vector<std::string> instruments;  ///< that it can be asked for: canonical names of the lexicon

  int64_t blocks_at(size_t level) const { return blocks.size() == 1 ? blocks.front() : blocks[level]; }

  static MaskHeadOptions read(ConfigReader config);  ///< throws kModel
  nlohmann::json to_json() const;
};

/// A block of two 3x3 convolutions and a frequency transform, each beside a skip: what is near in time and frequency,
/// then what is anywhere in the same frame (TFC-TDF, Choi et al. 2020). Between the convolutions a query may scale and
/// shift the channels (FiLM, Perez et al. 2018). Letters: N batch, T frames, B bands, C channels, Q query channels.
class TimeFrequencyBlockImpl : public torch::nn::Module {
 public:
  /// query_dim 0: no query.
  TimeFrequencyBlockImpl(int64_t channels, int64_t bands, int64_t query_dim);
  /// The two convolutions, ready for use until the weights change.
  struct Filters {
    Conv3x3 first, second;
  };
  Filters filters() const { return {Conv3x3(conv1_), Conv3x3(conv2_)}; }
  /// x (N, T, B, C), query (N, Q) or undefined -> (N, T, B, C).
  at::Tensor forward(const at::Tensor& x, const at::Tensor& query, const Filters& filters);
  /// Makes it give back what it is given until it learns better.
  void start_as_identity();

 private:
  at::Tensor norms_, conv1_, conv2_;  // (3, C), (C, C, 3, 3) twice
  torch::nn::Linear film_{nullptr}, squeeze_{nullptr}, spread_{nullptr};
};
TORCH_MODULE(TimeFrequencyBlock);

/// From the source's spectrum, the share of each bin that belongs to each instrument: extracting one then returns the
/// source's own samples, with their phase, instead of an image of them through the latent. Not in the paper; a ratio
/// mask as in Wang and Chen 2018, section III.B, by a U-Net over time and frequency with blocks as in Choi et al. 2020.
/// All instruments share every bin among them (and the rest, which has no name), so what one gets another loses. The
/// way up knows which instruments are asked for (conditioned as in Meseguer-Brocal and Peeters 2019): who asks for an
/// instrument says that it is there, and so what sounds like it is not something similar. The frequency axis has bands
/// of one bin at the bottom and of a constant ratio above, so that a timbre looks the same wherever it is played.
/// Letters: N batch, S samples, T frames, F = n_fft / 2 + 1 bins, B bands, L levels, C_l channels, I instruments.
class MaskHeadImpl : public torch::nn::Module {
 public:
  /// What was heard, on every level l: (N, T / 2^(l+1), B / 2^(l+1), C_l), with T rounded up to granularity().
  struct Heard {
    std::vector<at::Tensor> levels;
    int64_t frames = 0;
  };

  /// Throws kModel when the hop does not divide n_fft, the bands cannot be halved often enough, or there is no
  /// instrument.
  explicit MaskHeadImpl(const MaskHeadOptions& options);

  /// wave (N, S) -> (N, T, F) complex.
  at::Tensor spectrum(const at::Tensor& wave) const { return stft_.forward(wave); }
  /// spectrum (N, T, F) -> (N, samples).
  at::Tensor inverse(const at::Tensor& spectrum, int64_t samples) const { return stft_.inverse(spectrum, samples); }

  /// Sets the mean and the deviation of each band, by which the input is standardised, to those of these magnitudes
  /// (N, T, F). To be called once, before training.
  void standardise(const at::Tensor& magnitude);

  /// Takes the weights of a smaller head: one with fewer instruments, which are this one's first, or fewer blocks; its
  /// answers stay the same until it is trained, but for what new instruments, whose claims are random, take from the
  /// others. False, and nothing is taken, when more than that is different.
  bool grow_from(MaskHeadImpl& smaller);

  /// Place of an instrument in options.instruments.
  std::optional<int64_t> find(const std::string& instrument) const;

  /// Called after each of `steps()` pieces of the work, half of them in listen(); what it throws ends the work.
  using Step = std::function<void()>;
  int64_t steps() const { return static_cast<int64_t>(listening->size() + answering->size()); }

  /// What is heard whatever is asked: magnitude (N, T, F) of the source's spectrum. Half of the work, and done once for
  /// any number of questions about the same music. Where no gradients are wanted, on the CPU, long music goes through
  /// each block in strips, so that only what comes out of a block takes memory for every frame.
  Heard listen(const at::Tensor& magnitude, const Step& step = {});
  /// asked (N, I) float, 1 for instruments that are asked for (none: nothing is said about what there is)
  /// -> shares of bands: `piece` (M) int64 in 0..N-1, `instrument` (M) int64 in 0..I-1 -> (M, T, B) float32 in 0..1.
  /// The shares of all instruments of a piece add up to at most 1. T are `frames` of those that were heard, from
  /// `first` on, all of them when `frames` is negative; fewer take less time and memory, and change nothing else.
  at::Tensor answer(const Heard& heard, const at::Tensor& asked, const at::Tensor& piece, const at::Tensor& instrument,
                    int64_t first = 0, int64_t frames = -1, const Step& step = {});
  /// The masks (K, T, F) of the instruments that are asked for, of one piece of music (N = 1). As they are asked for,
  /// their odds against all else are doubled: shares learned by squared errors are means, and too small where the
  /// network is in doubt. T as in `answer`.
  at::Tensor masks(const Heard& heard, const std::vector<int64_t>& instruments, int64_t first = 0, int64_t frames = -1,
                   const Step& step = {});

  const SpectralBands& bands() const { return bands_; }
  /// Shares of bands (…, B), interpolated between their centres -> of bins (…, F).
  at::Tensor scatter(const at::Tensor& shares) const { return bands_.scatter(shares); }

  /// A piece of music may be cut at multiples of this many frames …
  int64_t granularity() const { return int64_t{1} << options.channels.size(); }
  /// … and an answer depends on no frame further away than this.
  int64_t context() const;
  /// Products of numbers that it takes for each frame, to hear it and to answer.
  double products_per_frame() const;

  /// What the loss wants to know of stems: mixture (N, T, F) complex, piece (M) int64, stem (M, T, F) complex.
  BandedStems compare(const at::Tensor& mixture, const at::Tensor& piece, const at::Tensor& stem) const;
  /// Energy of share * source - stem over the geometric mean of the source's and the stem's energies, so that quiet
  /// stems count, but not more than what can be heard of them. Energies are of square-root magnitudes of the
  /// source's bins, so that quiet bins matter too. Squares, because the distance itself has its minimum at an empty
  /// mask as long as the network cannot tell. Within a band the share counts as one number, which makes this cheap.
  /// shares (M, T, B), stems by `compare`, piece (M) int64 -> (M).
  at::Tensor loss(const at::Tensor& shares, const BandedStems& stems, const at::Tensor& piece) const;

  MaskHeadOptions options;
  torch::nn::Linear input{nullptr}, output{nullptr};
  torch::nn::ModuleList down, up;              ///< linear layers between the levels
  torch::nn::ModuleList listening, answering;  ///< blocks, levels in order
  at::Tensor position;                         ///< (B / 2, C_0): where a band is
  at::Tensor output_norm;                      ///< (C_0)
  at::Tensor instrument_table;                 ///< (I, query_dim): what is known of an instrument that is asked for
  at::Tensor share_weight, share_bias;  ///< (1 + I, C_0), (1 + I): the rest, and every instrument's claim to a band
  at::Tensor band_mean, band_inverse;   ///< (B) of the log-magnitude: mean, and one over the deviation

 private:
  at::Tensor log_bands(const at::Tensor& magnitude) const;
  /// What instruments claim of the places that the way up leads to, (N, T / 2, B / 2, C_0), as answer() returns it.
  at::Tensor claimed(const at::Tensor& places, const at::Tensor& piece, const at::Tensor& instrument, int64_t first,
                     int64_t frames);
  /// The blocks of a level, of listening or answering.
  std::vector<TimeFrequencyBlockImpl*> blocks(torch::nn::ModuleList& list, size_t level) const;

  Stft stft_;
  SpectralBands bands_;
};
TORCH_MODULE(MaskHead);

}  // namespace instructme
