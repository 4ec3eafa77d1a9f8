#pragma once

#include <functional>

#include "instructme/models/discriminators.h"
#include "instructme/models/vae.h"
#include "instructme/train/spectral_losses.h"
#include "instructme/train/task.h"

namespace instructme {

struct VaeTaskOptions {
  int64_t batch = 16;
  double seconds = 2.0;          ///< of each example
  double spectrum_weight = 1.0;  ///< relative squared error of the compressed complex spectrum, phase included
  double wave_weight = 1.0;      ///< relative squared error of the waveform
  double stft_weight = 1.0;
  std::vector<int64_t> stft_sizes{1024, 256};  ///< samples, multiples of 8; windows of 3 ms (64) hear attacks
  double mel_weight = 1.0;
  double kl_weight = 1e-3;
  /// false: the latents stay what they are, so that an editor trained on them keeps its meaning.
  bool train_encoder = true;
  /// The discriminators join at this step; negative: never. Before it only the losses above count.
  int64_t adversarial_from = -1;
  double adversarial_weight = 0.1;
  double feature_weight = 1.0;
  double discriminator_rate = 1.0;  ///< learning rate of the discriminators, relative

  static VaeTaskOptions read(ConfigReader& config);  ///< throws kModel
};

/// Draws one mono example at the rate of the VAE of exactly that many samples, see ExampleSource; thread-safe.
using WaveSource = std::function<std::vector<float>(int64_t position, int64_t samples, Rng& rng)>;

/// Trains the VAE (paper §3.1): reconstruction of spectrum and wave, KL, and late in the run
/// adversarial and feature-matching losses against multi-period and multi-resolution discriminators.
class VaeTask : public TrainingTask {
 public:
  VaeTask(Vae vae, VaeTaskOptions options, DiscriminatorOptions discriminators, WaveSource training,
          std::vector<std::vector<float>> validation);

  std::vector<Player> players() override;
  Batch make_batch(int64_t step, Rng rng) const override;
  bool plays(size_t player, int64_t step) const override;
  LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) override;
  std::map<std::string, double> validate() override;
  /// vae.safetensors (bfloat16) and vae.json, after measuring the latent statistics.
  void export_model(const std::string& folder, int64_t step) override;

 private:
  bool adversarial(int64_t step) const { return options_.adversarial_from >= 0 && step >= options_.adversarial_from; }
  at::Tensor reconstruct(const at::Tensor& wave, at::Generator generator, LossValue* loss);
  void measure_latent_statistics();

  Vae vae_;
  VaeTaskOptions options_;
  Discriminators discriminators_{nullptr};
  WaveSource training_;
  std::vector<std::vector<float>> validation_;
  std::vector<at::Tensor> measured_;  // waves for the latent statistics, (N, S) each
  MultiResolutionStftLoss stft_loss_;
  MelLoss mel_loss_;
};

}  // namespace instructme
