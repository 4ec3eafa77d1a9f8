#pragma once

#include "instructme/edit/editor.h"

namespace instructme {

struct Editor::Job {
  EditOptions options;
  bool grid = false;  ///< sums are kept exact, see is_on_grid
  ProgressCallback progress;
  CancelToken cancel;
};

struct Editor::Replaced {
  std::string names = {};           ///< "piano", "piano and guitar"; empty when nothing is replaced
  std::optional<double> lufs = {};  ///< how loud each new part is; nothing: as such parts mostly are
  std::vector<Note> notes = {};     ///< that were heard of it, from where hearing begins; empty: others are played
};

/// The same signal in all channels of a buffer of a given shape; zeros after its end.
AudioBuffer in_channels(const std::vector<float>& mono, const AudioBuffer& shape);

}  // namespace instructme
