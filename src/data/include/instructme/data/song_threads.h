#pragma once

#include <cstddef>
#include <functional>

#include "instructme/base/cancel.h"

namespace instructme {

/// What is done with the song of a number.
using SongWork = std::function<void(size_t)>;

/// Throws kUsage for fewer than 1 or more than 1024 jobs.
void check_jobs(int jobs);

/// Runs work(0) … work(count - 1) on `jobs` threads (fewer where the system gives no more), each taking the next
/// number. The first exception stops the others after their present item and is thrown again here. Throws as
/// check_jobs, kCancelled when asked to stop.
void for_each_song(size_t count, int jobs, const CancelToken& cancel, const SongWork& work);
/// The same with work of its own for every thread: each calls `start` once, for what threads must not share.
void for_each_song(size_t count, int jobs, const CancelToken& cancel, const std::function<SongWork()>& start);

}  // namespace instructme
