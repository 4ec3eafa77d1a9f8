#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "instructme/base/files.h"

namespace instructme {

/// What one call of the program did.
struct Outcome {
  int exit_code = 0;  ///< 128 + signal when killed
  std::string out, err;
};

using Arguments = std::vector<std::string>;

/// Runs the program under test with one thread and without a default model, and waits for it.
Outcome run_program(const Arguments& arguments);
/// The same behind other programs, as in {"sh", "-c", "ulimit -f 8; exec \"$@\"", "sh"}.
Outcome run_program_behind(const Arguments& front, const Arguments& arguments);

/// A call of the program that goes on while the test looks at it; killed when the object ends.
class RunningProgram {
 public:
  explicit RunningProgram(const Arguments& arguments);
  ~RunningProgram();
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;

  std::string err() const;
  bool ended();
  void send(int signal) const;
  /// Waits at most `seconds`, then kills.
  Outcome wait(double seconds = 60);

 private:
  TempDir folder_;
  pid_t process_ = 0;
  bool ended_ = false;
  int status_ = 0;
};

/// Asks every 20 ms; false when `condition` did not become true in time.
bool wait_until(const std::function<bool()>& condition, double seconds = 60);

std::vector<std::string> lines_of(const std::string& text);
/// Hidden temporary files that a failed or stopped run left below `folder`.
std::vector<std::string> leftovers(const std::filesystem::path& folder);

}  // namespace instructme
