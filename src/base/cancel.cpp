#include "instructme/base/cancel.h"

#include "instructme/base/error.h"

namespace instructme {

void CancelToken::check() const {
  if (requested()) throw Error(ErrorKind::kCancelled, "stopped on request; nothing was left half written");
}

}  // namespace instructme
