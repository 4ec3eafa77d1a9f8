#pragma once

#include <functional>

#include "instructme/data/triplet.h"
#include "instructme/pipeline/pipeline.h"
#include "instructme/train/task.h"

namespace instructme {

struct DiffusionTaskOptions {
  int64_t batch = 8;
  double text_drop = 0.1;  ///< p_CFG: share of examples trained without the text (paper §3.3)
  /// Share of examples at t = T, where v-prediction is the one-step answer to the whole edit; the
  /// others are uniform over 1..T (Eq. 2). None is best, also for one step (docs/experiments.md).
  double terminal_share = 0;
  /// How the channels of the latent count in the loss: 0 all alike (Eq. 2), 1 in proportion to the power
  /// each adds to the decoded sound, values between mix the two. Alike, a model spends most of its effort
  /// on channels that can hardly be heard.
  double audibility = 0.5;

  static DiffusionTaskOptions read(ConfigReader& config);  ///< throws kModel
};

/// Draws triplets of one length, at least one, see ExampleSource; thread-safe.
using TripletSource = std::function<std::vector<Triplet>(int64_t position, Rng& rng)>;

/// Trains U-Net and text encoder together on Eq. 3 in the latent space of a VAE that stays as it is.
class DiffusionTask : public TrainingTask {
 public:
  /// `pipeline` outlives the task.
  DiffusionTask(Pipeline& pipeline, DiffusionTaskOptions options, TripletSource training,
                std::vector<Triplet> validation);

  std::vector<Player> players() override;
  void move_to(at::Device device, at::ScalarType type) override;
  Batch make_batch(int64_t step, Rng rng) const override;
  LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) override;
  /// Of the one-step answers to the validation triplets, from fixed noise, per operation: mean squared error of the
  /// latent, and for extract log-mel distance and SI-SDR of the sound.
  std::map<std::string, double> validate() override;
  /// A complete model folder.
  void export_model(const std::string& folder, int64_t step) override;

 private:
  Batch collate(const std::vector<Triplet>& triplets) const;
  struct Latents {
    at::Tensor source, target;  ///< (N, T, C); the source as Pipeline::describe_source has it
  };
  Latents encode(const Batch& batch);
  struct Words {
    at::Tensor embeddings, mask;  ///< (N, L, D), (N, L)
  };
  Words read(const Batch& batch);
  at::Tensor measure_channel_weights(at::Device device);

  Pipeline& pipeline_;
  DiffusionTaskOptions options_;
  at::Tensor channel_weights_;  ///< (C), mean 1
  std::shared_ptr<torch::nn::Module> trained_;
  TripletSource training_;
  std::vector<Triplet> validation_;
};

/// Power that a unit change of each latent channel adds to the decoded sound, relative to the mean over
/// channels, measured around the latents z (N, T, C) of some music: (C) float32.
at::Tensor channel_audibility(Vae& vae, const at::Tensor& z);

}  // namespace instructme
