#include "song_threads.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

void for_each_song(size_t count, int jobs, const CancelToken& cancel, const std::function<void(size_t)>& work) {
  if (jobs < 1 || jobs > 1024)
    throw Error(ErrorKind::kUsage, format("Songs are worked on by 1 to 1024 threads, not %d.", jobs));
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      for (size_t i = next++; i < count && !stop; i = next++) {
        cancel.check();
        work(i);
      }
    } catch (...) {
      stop = true;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < jobs && static_cast<size_t>(i) < count; ++i) threads.emplace_back(run);
  run();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace instructme
