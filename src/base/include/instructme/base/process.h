#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace instructme {

struct ProcessResult {
  int exit_code = 0;   ///< 128 + signal when killed
  std::string output;  ///< standard output and standard error together
};

/// Runs a program found on PATH without a shell, waits for its end, and returns what it printed.
/// Throws kMissing when the program does not exist, kIo when it runs longer than `timeout_s` seconds
/// (it is killed; what it started itself is not) or the system does not tell its exit code. Thread-safe.
ProcessResult run_process(const std::vector<std::string>& arguments, double timeout_s = 60.0);

/// True when `program` is on PATH.
bool program_exists(const std::string& program);

}  // namespace instructme
