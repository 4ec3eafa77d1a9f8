#include "instructme/data/song_threads.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

void check_jobs(int jobs) {
  if (jobs < 1 || jobs > 1024)
    throw Error(ErrorKind::kUsage, format("Songs are worked on by 1 to 1024 threads, not %d.", jobs));
}

void for_each_song(size_t count, int jobs, const CancelToken& cancel, const SongWork& work) {
  const std::function<SongWork()> start = [&work]() -> SongWork { return [&work](size_t i) { work(i); }; };
  for_each_song(count, jobs, cancel, start);
}

void for_each_song(size_t count, int jobs, const CancelToken& cancel, const std::function<SongWork()>& start) {
  check_jobs(jobs);
  std::atomic<size_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      const SongWork work = start();
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
  threads.reserve(static_cast<size_t>(jobs));
  try {
    for (int i = 1; i < jobs && static_cast<size_t>(i) < count; ++i) threads.emplace_back(run);
  } catch (const std::system_error&) {
    // Those that could be started do all the work.
  }
  run();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace instructme
