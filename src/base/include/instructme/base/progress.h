#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace instructme {

/// A report from long work: `done` of `total` units of `stage` are finished.
struct Progress {
  std::string stage;  ///< for a person, e.g. "rendering songs"
  int64_t done = 0;
  int64_t total = 0;   ///< 0 when not known
  std::string detail;  ///< a short remark, may be empty
};

/// Called from the thread that does the work; must be quick and must not throw.
using ProgressCallback = std::function<void(const Progress&)>;

}  // namespace instructme
