#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "instructme/data/triplet_sequence.h"
#include "instructme/models/discriminators.h"
#include "instructme/models/t5_encoder.h"
#include "instructme/pipeline/pipeline.h"
#include "instructme/train/diffusion_task.h"
#include "instructme/train/mask_task.h"
#include "instructme/train/text_task.h"
#include "instructme/train/trainer.h"
#include "instructme/train/vae_task.h"

namespace instructme {

/// One file that says all about a training run (configs/train/*.json): sizes of the networks, how
/// examples are drawn, losses and the trainer. Unknown keys are errors.
struct Recipe {
  PipelineConfig pipeline;
  T5EncoderOptions text;
  TripletOptions triplets;
  TextTaskOptions text_task;
  VaeTaskOptions vae_task;
  DiscriminatorOptions discriminators;
  DiffusionTaskOptions diffusion_task;
  MaskTaskOptions mask_task;
  TrainerOptions trainer;
  int64_t validation_examples = 24;

  static Recipe read(const nlohmann::json& json, const std::string& context);  ///< throws kModel
};

/// The recipe with the triplets that a mask head learns from: all parts of a mix are asked for; they share it, and what
/// one gets another loses. make_mask_training draws such from songs; streams have to be told.
Recipe with_all_parts(Recipe recipe);

/// Where a run finds its inputs; empty = not given.
struct RecipePaths {
  std::vector<std::filesystem::path> songs, validation_songs;
  std::shared_ptr<TripletSequence> examples;  ///< instead of songs: a stream or shards
  /// VAE: a folder with vae.safetensors; editor: a model folder, whose U-Net may have other sizes: tensors that
  /// fit are taken, the others begin anew; mask: a model folder
  std::filesystem::path start_from;
  std::filesystem::path vae;        ///< editor: a folder with vae.safetensors
  std::filesystem::path text;       ///< editor: a T5 folder to begin with; text: one to go on with
  std::filesystem::path tokenizer;  ///< editor without `text`, text: a spiece.model
};

/// A task together with what it reads from.
class TrainingSession {
 public:
  virtual ~TrainingSession() = default;
  virtual TrainingTask& task() = 0;
  /// What the user should know about how it begins; may be empty.
  virtual std::string note() const { return {}; }
};

/// Weights of `vae.safetensors` in a folder. Throws kModel when they do not fit.
void load_vae(Vae& vae, const std::filesystem::path& folder);

/// Throw kUsage when a path is needed and not given, kModel when weights do not fit the recipe, and
/// what SongSet throws; kInput when songs to train on are among those for validation.
std::unique_ptr<TrainingSession> make_text_training(const Recipe& recipe, const RecipePaths& paths);
std::unique_ptr<TrainingSession> make_vae_training(const Recipe& recipe, const RecipePaths& paths);
std::unique_ptr<TrainingSession> make_editor_training(const Recipe& recipe, const RecipePaths& paths);
std::unique_ptr<TrainingSession> make_mask_training(const Recipe& recipe, const RecipePaths& paths);

}  // namespace instructme
