#pragma once

#include <chrono>
#include <string>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"

namespace instructme::cli {

/// Shows progress on standard error: one line that is rewritten on a terminal, a plain line now and
/// then elsewhere; with the rate and the time left once they can be told.
class ProgressLine {
 public:
  /// `unit` is what is counted, e.g. "songs" or "steps".
  explicit ProgressLine(std::string unit);
  ~ProgressLine();
  void show(const Progress& progress);
  ProgressCallback callback();
  /// Ends the line, so that other text can follow.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  std::string unit_, stage_;
  bool terminal_, open_ = false;
  Clock::time_point start_, last_;
  int64_t first_ = 0;
};

/// "3.2 s", "4 min 05 s", "2 h 10 min".
std::string duration_text(double seconds);

/// A token that Ctrl-C (SIGINT) or SIGTERM triggers. The second signal ends the program at once.
CancelToken cancel_on_signals();

}  // namespace instructme::cli
