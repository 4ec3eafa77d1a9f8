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
  static constexpr int64_t kFramesPerWindow = 142;  ///< that count, of 172
  static constexpr int64_t kWindowStep = 36164;     ///< samples from window to window
};

/// Notes by the published rules (section 3 of the paper cited in note_network.h, and the package's decoder): a note
/// begins at a peak of the onsets and lasts while its key sounds; the latest are taken first, and take the energy of
/// the neighbouring keys with them. Sorted by onset. The velocity is 127 times the mean probability of the key.
std::vector<Note> decode_notes(const NotePosteriors& posteriors, const NoteDecodingOptions& options = {});

/// Decodes long pieces in parts that overlap, so that memory does not grow with the length. Notes that sound across a
/// border are whole as long as they are shorter than half the overlap of 15 s.
class NoteCollector {
 public:
  /// `part_windows`: windows of the network decoded together, more than twice the overlap's nine; the default is about
  /// ten minutes. Throws kUsage when an option is out of range.
  explicit NoteCollector(const NoteDecodingOptions& options = {}, int64_t part_windows = 366);

  /// The next frames of the piece: whole windows, except for the last.
  void add(const NotePosteriors& posteriors);
  /// All notes of a piece of this length, sorted by onset; none behind its end.
  std::vector<Note> finish(double duration_s);

 private:
  void decode_part(bool last, double duration_s);

  NoteDecodingOptions options_;
  int64_t part_frames_;
  std::vector<at::Tensor> note_, onset_;  // of frames [start_, start_ + held_)
  int64_t start_ = 0, held_ = 0;
  std::vector<Note> notes_;
};

}  // namespace instructme
