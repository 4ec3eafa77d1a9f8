#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// How probabilities become notes; the defaults are those published with the network.
struct NoteDecodingOptions {
  double onset_threshold = 0.5;  ///< from which a peak of the onsets begins a note
  double frame_threshold = 0.3;  ///< under which a key does not sound
  int shortest_frames = 5;       ///< notes must last longer
  int silent_frames = 11;        ///< so many frames under the threshold end a note
  bool infer_onsets = true;      ///< sudden rises of the keys are onsets as well
  bool without_onset = false;    ///< also notes without an onset, from what the others leave ("melodia trick")

  /// Throws kUsage when a value is out of range.
  void validate() const;
};

/// Probabilities of a piece, frame after frame. Letters: T frames.
struct NotePosteriors {
  at::Tensor note;   ///< (T, 88) float, on the CPU
  at::Tensor onset;  ///< (T, 88)

  /// Seconds of a frame. Windows of the network overlap and do not begin on a frame of the one before, so that frames
  /// at their borders lie closer together.
  static double time_of(int64_t frame);
};

/// Notes by the published rules (section 3 of the paper cited in note_network.h, and the package's decoder): a note
/// begins at a peak of the onsets and lasts while its key sounds; the latest are taken first, and take the energy of
/// the neighbouring keys with them. Sorted by onset. The velocity is 127 times the mean probability of the key.
std::vector<Note> decode_notes(const NotePosteriors& posteriors, const NoteDecodingOptions& options = {});

}  // namespace instructme
