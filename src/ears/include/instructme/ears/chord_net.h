#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "instructme/base/config_reader.h"
#include "instructme/ears/log_frequency.h"
#include "instructme/models/chord_extractor.h"
#include "instructme/torchx/state_dict.h"

namespace instructme {

/// Sizes of the chord network. In JSON the fields have the same names.
struct ChordNetOptions {
  double lowest = 27;      ///< MIDI note where the axis of the first pitch class begins
  int64_t semitones = 78;  ///< of the axis that each pitch class sees
  int64_t channels = 32;   ///< of each pitch class
  int64_t blocks = 6;
  int64_t expansion = 2;
  int64_t kernel = 13;  ///< frames seen by one block, odd

  static ChordNetOptions read(ConfigReader config);  ///< throws kModel
  nlohmann::json to_json() const;
};

/// A linear layer between features of the twelve pitch classes that does the same in every key: out[p] is the sum over
/// q of W[(q - p) mod 12] in[q], plus a bias. x (..., 12 * in), pitch class major -> (..., 12 * out).
class PitchClassLinearImpl : public torch::nn::Module {
 public:
  PitchClassLinearImpl(int64_t in, int64_t out, double gain = 1.0);
  at::Tensor forward(const at::Tensor& x);

  int64_t in, out;
  at::Tensor weight;  ///< (12 * out, in): the rows of an interval stand together
  at::Tensor bias;    ///< (out)

 private:
  at::Tensor order_;  // (144) int64: which interval stands at (p, q)
};
TORCH_MODULE(PitchClassLinear);

/// A ConvNeXt block (ConvBlock in models/vae.h) whose layers do the same in every key.
/// x (N, T, 12 * channels) -> the same shape.
class PitchClassBlockImpl : public torch::nn::Module {
 public:
  PitchClassBlockImpl(int64_t channels, int64_t expansion, int64_t kernel, double output_scale);
  at::Tensor forward(const at::Tensor& x);

 private:
  at::Tensor conv_weight_, conv_bias_, norm_weight_;  // (channels, kernel), (channels), (channels)
  PitchClassLinear up_{nullptr}, down_{nullptr};
};
TORCH_MODULE(PitchClassBlock);

/// Chords from a log-frequency spectrum. Transposing the music by a semitone rotates the roots of its answer: each
/// pitch class p sees the spectrum from its own lowest note up through the same weights, and all later layers are
/// circulant over the pitch classes. So every chord that is learned is learned in all keys at once, and twelve times
/// less music is needed. (Convolution over pitch for chords: Humphrey and Bello 2012; the rest is ours.)
/// Letters: N batch, T frames at 12.5 Hz, B bins of the spectrum.
class ChordNetImpl : public torch::nn::Module {
 public:
  explicit ChordNetImpl(const ChordNetOptions& options);

  /// Semitones of spectrum that it looks at: those that each pitch class sees and eleven.
  int64_t semitones() const { return options.semitones + 11; }
  /// spectrum (N, T, semitones() * 3, 2), see LogFrequency -> logits (N, T, kChordClasses) float.
  at::Tensor forward(const at::Tensor& spectrum);

  /// Takes the weights of a network with fewer blocks; those that it has besides do nothing until they have learned
  /// something. False, and nothing is taken, when more than that is different.
  bool grow_from(const TensorMap& smaller);

  ChordNetOptions options;
  torch::nn::Linear input{nullptr};
  torch::nn::ModuleList blocks;
  at::Tensor output_norm;  ///< (channels)
  PitchClassLinear output{nullptr};
  torch::nn::Linear no_chord{nullptr};
};
TORCH_MODULE(ChordNet);

/// How answers of the network become a smooth sequence.
struct ChordSmoothing {
  double self_transition = 0.9;  ///< probability to stay in the chord for one more frame
  double sharpness = 1;          ///< exponent of the network's probabilities; below 1 it is trusted less
};

/// The extractor 𝒞 by a trained ChordNet. Its spectrum and its waveform level are its own: any level will do.
class NeuralChordExtractor : public ChordExtractor {
 public:
  explicit NeuralChordExtractor(ChordNet net, ChordSmoothing smoothing = {});
  /// Reads chords.json and chords.safetensors. Throws kModel, kIo.
  static NeuralChordExtractor load(const std::filesystem::path& folder);

  at::Tensor extract(const at::Tensor& waveform, int64_t frames) override;
  /// As `extract`, before smoothing: (N, frames, kChordClasses) logits, float, CPU.
  at::Tensor logits(const at::Tensor& waveform, int64_t frames);

 private:
  ChordNet net_;
  ChordSmoothing smoothing_;
  LogFrequency spectrum_;
};

/// Writes chords.json and chords.safetensors, 8-bit. Throws kIo.
void save_chord_net(const ChordNet& net, const std::filesystem::path& folder, int64_t steps);

}  // namespace instructme
