#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

#include "instructme/base/config_reader.h"
#include "instructme/dsp/stft.h"

namespace instructme {

/// Beat frames are 20 ms of 24 kHz audio: 50 frames per second. Frame i covers samples [480 i, 480 (i + 1)).
inline constexpr int64_t kBeatHop = 480;
inline constexpr double kBeatRate = 50.0;

/// What the beat network hears: the log-magnitudes of semitone bands and how much louder each became since the frame
/// before. Letters: N batch, S samples, T = ceil(S / 480) frames, B bands. Immutable, thread-safe.
class BeatSpectrum {
 public:
  BeatSpectrum();
  int64_t bands() const { return pooling_.size(1); }
  /// wave (N, S) float, 24 kHz -> (N, T, B) float, mostly within -2 and 2 for music at -20 dBFS.
  at::Tensor forward(const at::Tensor& wave) const;

 private:
  Stft stft_;
  at::Tensor pooling_;  // (F, B)
};

/// Sizes of the beat network. In JSON the fields have the same names.
struct BeatNetOptions {
  int64_t channels = 128;       ///< at 50 frames per second
  int64_t blocks = 2;           ///< before and again after the slow ones
  int64_t kernel = 9;           ///< frames seen by one of them, odd
  int64_t slow_channels = 192;  ///< at 12.5 frames per second
  int64_t slow_blocks = 5;
  int64_t slow_kernel = 33;
  int64_t expansion = 2;

  static BeatNetOptions read(ConfigReader config);  ///< throws kModel
  nlohmann::json to_json() const;
};

/// Where beats and downbeats are. ConvNeXt blocks at two frame rates, the slow ones with filters of seconds, since a
/// pulse is known by what repeats; the layout is a U of one step (Ronneberger et al. 2015).
/// Letters: N batch, T frames at 50 Hz, B bands of BeatSpectrum.
class BeatNetImpl : public torch::nn::Module {
 public:
  explicit BeatNetImpl(const BeatNetOptions& options);
  /// spectrum (N, T, B) -> logits (N, T, 2) float: beat (downbeats too), downbeat.
  at::Tensor forward(const at::Tensor& spectrum);

  BeatNetOptions options;
  torch::nn::Linear input{nullptr}, down{nullptr}, up{nullptr}, output{nullptr};
  torch::nn::ModuleList first_blocks, slow_blocks, last_blocks;
  at::Tensor output_norm;  ///< (channels)
};
TORCH_MODULE(BeatNet);

/// Beat and downbeat probabilities of a wave (S) or (1, S) of any length, 24 kHz: (T, 2) float, CPU. Takes the music in
/// pieces, so memory is bounded. Throws kInput when a sample is not finite.
at::Tensor beat_activations(BeatNet& net, const BeatSpectrum& spectrum, const at::Tensor& wave);

/// beats.json and beats.safetensors (8-bit). Throw kModel, kIo.
BeatNet load_beat_net(const std::filesystem::path& folder);
void save_beat_net(const BeatNet& net, const std::filesystem::path& folder, int64_t steps);

}  // namespace instructme
