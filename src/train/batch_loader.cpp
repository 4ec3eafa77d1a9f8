#include "batch_loader.h"

#include <system_error>

#include "instructme/base/error.h"

namespace instructme {

BatchLoader::BatchLoader(const TrainingTask& task, uint64_t seed, int64_t first, int64_t end, int64_t threads,
                         at::Device device)
    : task_(task),
      rng_(Rng(seed).fork("batches")),
      device_(device),
      end_(end),
      ahead_(2 * threads),
      to_build_(first),
      to_hand_out_(first) {
  for (int64_t i = 0; i < threads; ++i) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      if (threads_.empty())
        throw Error(ErrorKind::kIo, std::string("cannot start a thread that makes batches: ") + error.what());
      break;  // those that run are enough
    }
  }
}

BatchLoader::~BatchLoader() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& thread : threads_) thread.join();
}

void BatchLoader::work() {
  while (true) {
    int64_t step = 0;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || to_build_ < to_hand_out_ + ahead_; });
      if (stopping_ || failure_ || to_build_ >= end_) return;
      step = to_build_++;
    }
    try {
      Batch batch = task_.make_batch(step, rng_of(step));
      if (device_.is_cpu())
        finish(step, batch);
      else  // where a GPU can read them by itself
        for (auto& [name, tensor] : batch.tensors) tensor = tensor.pin_memory();
      const std::lock_guard lock(mutex_);
      ready_.emplace(step, std::move(batch));
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_ || step < failed_step_) {
        failure_ = std::current_exception();
        failed_step_ = step;
      }
    }
    changed_.notify_all();
  }
}

void BatchLoader::finish(int64_t step, Batch& batch) const { task_.finish_batch(batch, rng_of(step).fork("finish")); }

Batch BatchLoader::next() {
  const int64_t step = to_hand_out_;
  Batch batch = take();
  if (device_.is_cpu()) return batch;
  for (auto& [name, tensor] : batch.tensors) tensor = tensor.to(device_, /*non_blocking=*/true);
  finish(step, batch);
  return batch;
}

Batch BatchLoader::take() {
  std::unique_lock lock(mutex_);
  // Whatever was begun before the batch that failed is finished and handed out first.
  changed_.wait(lock, [this] { return ready_.count(to_hand_out_) > 0 || (failure_ && failed_step_ <= to_hand_out_); });
  if (ready_.count(to_hand_out_) == 0) std::rethrow_exception(failure_);
  Batch batch = std::move(ready_.at(to_hand_out_));
  ready_.erase(to_hand_out_++);
  lock.unlock();
  changed_.notify_all();
  return batch;
}

}  // namespace instructme
