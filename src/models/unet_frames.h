#pragma once

#include <ATen/ATen.h>

namespace instructme {

inline int64_t padded_frames(int64_t frames, int64_t multiple) { return (frames + multiple - 1) / multiple * multiple; }

/// Repeats the last frame until there are `frames`: unlike zeros, it is nothing the network has not seen.
inline at::Tensor extend_last_frame(const at::Tensor& x, int64_t frames) {
  const int64_t missing = frames - x.size(1);
  if (missing <= 0) return x;
  return at::cat({x, x.narrow(1, x.size(1) - 1, 1).expand({x.size(0), missing, x.size(2)})}, 1);
}

}  // namespace instructme
