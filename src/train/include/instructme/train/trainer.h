#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <filesystem>

#include "instructme/base/cancel.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/folder_lock.h"
#include "instructme/base/progress.h"
#include "instructme/train/adamw.h"
#include "instructme/train/task.h"

namespace instructme {

struct TrainerOptions {
  int64_t steps = 1000;
  uint64_t seed = 1;
  bool bfloat16 = true;  ///< parameters and activations; masters, moments and losses stay float32
  AdamWOptions adamw;
  int64_t warmup_steps = 100;    ///< linear rise of the learning rate
  double final_rate = 0.05;      ///< cosine decay to this fraction of the peak at the last step; 1: constant
  double gradient_clip = 1.0;    ///< norm of all gradients of a player
  int64_t log_every = 20;        ///< steps per line of log.jsonl; a validation ends its line, too
  int64_t validate_every = 500;  ///< steps; 0: never
  double checkpoint_every_s = 180;
  double limit_s = 0;  ///< stop (with a checkpoint and an export) after this many seconds; 0: no limit
  int64_t loader_threads = 1;
  std::string device = "cpu";  ///< "cpu" or "cuda"

  static TrainerOptions read(ConfigReader& config);  ///< throws kModel
};

/// Learning rate of `step` (counting from 0) relative to the peak.
double learning_rate_factor(const TrainerOptions& options, int64_t step);

/// Trains the players of a task. Everything lives in one folder:
///   checkpoint.safetensors   masters, moments, averages, buffers, step (written atomically)
///   log.jsonl, loss.png      one line per log_every steps and for every validation; a chart of it
///   export/                  the model with averaged weights, rewritten at every validation and at the end
/// A run started in a folder with a checkpoint goes on from it; after Ctrl-C or kill -9 the result is
/// bit for bit that of a run never stopped (same machine, threads and configuration; on a GPU nearly, as some of its
/// sums have no fixed order).
class Trainer {
 public:
  /// Throws kModel when the folder's checkpoint does not fit the task.
  Trainer(TrainingTask& task, TrainerOptions options, std::filesystem::path folder);
  ~Trainer();

  /// Runs to `options.steps`, a request to stop, or the time limit; always leaves a checkpoint. A batch that cannot be
  /// made because of the same request (kCancelled) ends the run like it. Where the steps are done already, it only
  /// sees to it that there is an export of them.
  /// Returns the number of steps done in the whole life of the run. Throws kModel when the loss is
  /// not a number (the last checkpoint is kept).
  int64_t run(const CancelToken& cancel, const ProgressCallback& progress);
  int64_t step() const { return step_; }
  void save_checkpoint();
  /// The steps that the checkpoint in a run's folder has behind it; 0 without one. Throws kModel for another file.
  static int64_t steps_done(const std::filesystem::path& folder);
  /// Of these, how many the weights in its export have behind them.
  static int64_t steps_exported(const std::filesystem::path& folder);

 private:
  struct Log;
  void load_checkpoint();
  void train_step(const Batch& batch);
  void export_averaged(bool validate);

  TrainingTask& task_;
  TrainerOptions options_;
  std::filesystem::path folder_;
  std::unique_ptr<FolderLock> lock_;
  at::Device device_;
  std::vector<Player> players_;
  std::vector<AdamW> optimizers_;
  int64_t step_ = 0, exported_ = 0;  // the steps that export/ has behind it
  std::unique_ptr<Log> log_;
};

}  // namespace instructme
