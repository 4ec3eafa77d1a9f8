#pragma once

#include <cstdint>
#include <functional>

#include "instructme/base/cancel.h"

namespace instructme {

/// Runs work(0) … work(count - 1) on `jobs` threads, each taking the next number. The first exception stops the
/// others after their present item and is thrown again here. Throws kUsage for fewer than 1 or more than 1024 jobs,
/// kCancelled when asked to stop.
void for_each_song(size_t count, int jobs, const CancelToken& cancel, const std::function<void(size_t)>& work);

}  // namespace instructme
