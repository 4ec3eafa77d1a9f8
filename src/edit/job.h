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
  std::optional<double> lufs = {};  ///< how loud each new part is; nothing: as such parts mostly are
  std::vector<Note> notes = {};     ///< that new parts play, from where hearing begins; empty: others are written
  std::string whose = {};           ///< "the notes that are heard of the piano"
};

/// Why a part cannot be written for music of which there are no two beats.
std::string without_beat(const EditOptions& options);

/// What of notes sounds from `start_s` on for `duration_s`, in seconds from there. Throws kInput when that is nothing.
std::vector<Note> notes_within(const std::vector<Note>& notes, double start_s, double duration_s);

/// The same signal in all channels of a buffer of a given shape; zeros after its end.
AudioBuffer in_channels(const std::vector<float>& mono, const AudioBuffer& shape);
/// Of music for more than two loudspeakers a new part takes the first two, which are the front left and right ones.
void keep_to_front(AudioBuffer& part);

}  // namespace instructme
