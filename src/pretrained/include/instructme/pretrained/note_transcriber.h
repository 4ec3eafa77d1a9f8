#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "instructme/audio/audio_buffer.h"
#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/pretrained/note_decoding.h"
#include "instructme/pretrained/note_network.h"

namespace instructme {

/// Notes of any audio with NoteNetwork. One thread at a time.
class NoteTranscriber {
 public:
  /// As NoteNetwork; throws kUsage when an option is out of range.
  explicit NoteTranscriber(const std::filesystem::path& path, const NoteDecodingOptions& options = {});

  /// What is done with the posteriors of a stretch of frames; `first` counts from the start of the piece.
  using Use = std::function<void(int64_t first, const NotePosteriors& posteriors)>;

  /// mono: at `sample_rate` Hz, any length above 0. Gives the frames of the whole piece in order, in stretches of about
  /// 20 s. Throws kCancelled.
  void listen(std::span<const float> mono, int sample_rate, const Use& use, const ProgressCallback& progress = {},
              const CancelToken& cancel = {}) const;

  /// All notes, sorted by onset; none behind the end. `also` sees the posteriors as in `listen`. Pieces longer than ten
  /// minutes are decoded in parts (NoteCollector).
  std::vector<Note> transcribe(std::span<const float> mono, int sample_rate, const Use& also = {},
                               const ProgressCallback& progress = {}, const CancelToken& cancel = {}) const;

 private:
  NoteNetwork network_;
  NoteDecodingOptions options_;
};

/// A transcriber of whole pieces, with their channels mixed, that reads its weights when it is needed first and throws
/// then as NoteTranscriber. Empty where `path` is.
std::function<std::vector<Note>(const AudioBuffer&, const ProgressCallback&, const CancelToken&)> transcriber_of(
    const std::filesystem::path& path);

}  // namespace instructme
