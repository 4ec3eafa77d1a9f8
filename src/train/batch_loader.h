#pragma once

#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "instructme/train/task.h"

namespace instructme {

/// Builds the batches of steps first, first + 1, … ahead of time on its own threads, and finishes them where they are
/// wanted: on a CPU in the same threads, on a GPU when they are handed out. The batch of a step depends on seed and
/// step only, whatever thread builds it.
class BatchLoader {
 public:
  BatchLoader(const TrainingTask& task, uint64_t seed, int64_t first, int64_t end, int64_t threads, at::Device device);
  ~BatchLoader();
  /// The batch of the next step, waiting for it; rethrows what went wrong while building it.
  Batch next();

 private:
  void work();
  Batch take();
  void finish(int64_t step, Batch& batch) const;
  Rng rng_of(int64_t step) const { return rng_.fork(static_cast<uint64_t>(step)); }

  const TrainingTask& task_;
  const Rng rng_;
  const at::Device device_;
  const int64_t end_, ahead_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int64_t, Batch> ready_;
  std::exception_ptr failure_;
  int64_t failed_step_ = 0;  // the first of which the data failed
  int64_t to_build_, to_hand_out_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace instructme
