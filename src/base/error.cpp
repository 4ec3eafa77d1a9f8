#include "instructme/base/error.h"

namespace instructme {

int exit_code(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::kUsage: return 2;
    case ErrorKind::kInput: return 3;
    case ErrorKind::kModel: return 4;
    case ErrorKind::kIo: return 5;
    case ErrorKind::kMissing: return 6;
    case ErrorKind::kCancelled: return 130;
    case ErrorKind::kInternal: break;
  }
  return 70;
}

void ensure(bool condition, const std::string& message) {
  if (!condition) throw Error(ErrorKind::kInternal, message);
}

}  // namespace instructme
