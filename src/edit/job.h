#pragma once

#include "instructme/edit/editor.h"

namespace instructme {

struct Editor::Job {
  EditOptions options;
  bool grid = false;  ///< sums are kept exact, see is_on_grid
  ProgressCallback progress;
  CancelToken cancel;
};

/// The same signal in all channels of a buffer of a given shape; zeros after its end.
AudioBuffer in_channels(const std::vector<float>& mono, const AudioBuffer& shape);

}  // namespace instructme
