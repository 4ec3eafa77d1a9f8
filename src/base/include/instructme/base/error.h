#pragma once

#include <stdexcept>
#include <string>

namespace instructme {

/// What kind of thing went wrong; the command line turns it into an exit code (docs/exit-codes.md).
enum class ErrorKind {
  kUsage,      ///< a wrong option or argument
  kInput,      ///< a file or sentence of the user that cannot be used
  kModel,      ///< weights or configuration that do not fit
  kIo,         ///< the disk: cannot read, cannot write, full
  kMissing,    ///< a program, package or sound font that is not installed
  kCancelled,  ///< the user stopped it
  kInternal,   ///< a mistake of this program
};

/// The one exception type of the project. The message is one sentence for a person: what was
/// wanted, what was found, what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// Exit code of the process for an error of this kind: usage 2, input 3, model 4, I/O 5, missing 6,
/// internal 70, cancelled 130.
int exit_code(ErrorKind kind) noexcept;

/// Throws kInternal when a condition that only a programming mistake can break is false.
void ensure(bool condition, const std::string& message);

}  // namespace instructme
