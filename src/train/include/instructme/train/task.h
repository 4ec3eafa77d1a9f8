#pragma once

#include <ATen/core/Generator.h>
#include <torch/nn/module.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "instructme/base/rng.h"

namespace instructme {

/// What one training step works on; built by `TrainingTask::make_batch` on a loader thread.
struct Batch {
  std::map<std::string, at::Tensor> tensors;  ///< on the CPU when they are made
  std::vector<std::string> sentences;
};

struct LossValue {
  at::Tensor total;                                       ///< scalar with a gradient
  std::vector<std::pair<std::string, at::Tensor>> parts;  ///< scalars for the log, detached
};

/// A module with an optimizer of its own: one for most models, two for a GAN.
struct Player {
  std::string name;
  std::shared_ptr<torch::nn::Module> module;
  double learning_rate_scale = 1.0;
};

/// What the trainer needs to know of a model and its data. All randomness comes from the arguments,
/// which depend on seed and step alone: that is what makes a resumed run equal an uninterrupted one.
class TrainingTask {
 public:
  virtual ~TrainingTask() = default;
  virtual std::vector<Player> players() = 0;
  /// Moves networks that are used but belong to no player, and gives them the type of the players' weights.
  virtual void move_to(at::Device /*device*/, at::ScalarType /*type*/) {}
  /// `rng` depends on seed and step alone. Called from loader threads, concurrently.
  virtual Batch make_batch(int64_t step, Rng rng) const = 0;
  /// What is left to be done to a batch, on the device where it is used: for the CPU on the loader thread that made it,
  /// for a GPU after it has been copied there. `rng` depends on seed and step alone.
  virtual void finish_batch(Batch& /*batch*/, Rng /*rng*/) const {}
  /// Whether a player takes part in a step (a discriminator may join late).
  virtual bool plays(size_t /*player*/, int64_t /*step*/) const { return true; }
  virtual LossValue loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) = 0;
  /// Figures on data that is not trained on, with the averaged weights in place. May be empty.
  virtual std::map<std::string, double> validate() = 0;
  /// Writes the model (averaged weights in place) for `instructme edit` and later training.
  virtual void export_model(const std::string& folder, int64_t step) = 0;
};

}  // namespace instructme
