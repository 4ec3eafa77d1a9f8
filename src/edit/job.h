#pragma once

#include "instructme/edit/editor.h"

namespace instructme {

struct Editor::Job {
  EditOptions options;
  bool grid = false;  ///< sums are kept exact, see is_on_grid
  ProgressCallback progress;
  CancelToken cancel;
};

}  // namespace instructme
