#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "instructme/audio/audio_buffer.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/ears/listener.h"

namespace instructme {

/// Music as analysis hears it: 24 kHz, one channel.
inline constexpr int kAnalysisRate = 24000;

/// Longest piece that is analysed, seconds.
inline constexpr double kLongestAnalysis_s = 3 * 3600.0;

/// Reads a file of any rate and channel count, as one channel (mono_to_hear) at kAnalysisRate. Long files are read in
/// pieces, so that memory is 6 MB a minute whatever they hold. Throws as read_audio; kInput above kLongestAnalysis_s.
AudioBuffer read_for_analysis(const std::filesystem::path& path, const CancelToken& cancel = {});

/// Everything that was heard in a piece of music.
struct Analysis {
  std::string name;     ///< of the file, without its folder
  AudioInfo file;       ///< as stored
  double level_db = 0;  ///< RMS of what was listened to, dBFS; -infinity for digital silence
  bool silent = false;  ///< is_silence: there is nothing to hear

  Hearing hearing;
  bool trained_ears = false;  ///< chords and key are from the trained listener, not from templates

  bool has_notes = false;   ///< a note transcriber was there
  std::vector<Note> notes;  ///< sorted by onset
  /// [frame][88] chance that each piano key sounds, at hearing.chord_rate frames per second; empty without has_notes.
  std::vector<std::vector<float>> keys;
  /// The note transcriber's own idea of the chords, independent of the hearing's; empty without has_notes.
  std::vector<ChordSpan> note_chords;
  /// Share of the time in which both agree on the root and on major or minor, by the hearing's chords; nothing without
  /// has_notes, or where no chord is major, minor or none.
  std::optional<double> chord_agreement;

  std::vector<std::string> missing;  ///< what could not be heard and why, for people
};

/// A beat with the chord that sounds in it.
struct BeatChord {
  Beat beat;
  double end_s = 0;  ///< start of the next beat, or the end of the piece
  Chord chord;
};
/// The likeliest chord of every beat, by the mean of its frames' probabilities.
std::vector<BeatChord> chords_of_beats(const Hearing& hearing);

/// The likeliest class of every frame as spans over [0, duration), neighbours joined, and spans shorter than
/// `shortest_s` given to the one before. chords (T, kChordClasses) at chord frames (models/chord_extractor.h).
std::vector<ChordSpan> likeliest_chords(const at::Tensor& chords, double duration_s, double shortest_s = 0.3);

/// Hears everything that the given ears allow. One thread at a time.
class Analyzer {
 public:
  /// Without `ears`, chords come from templates, the key from them (or from the notes), and there are no beats and
  /// instruments. `transcriber`: weights of the note network; without them there are no notes. Throws as NoteNetwork.
  explicit Analyzer(Ears ears = {}, const std::filesystem::path& transcriber = {});
  ~Analyzer();

  /// `music`: one channel at kAnalysisRate, as read_for_analysis gives it. `name` and `file` of the result are left to
  /// the caller. Throws kInput for no samples, kCancelled.
  Analysis analyze(const AudioBuffer& music, const ProgressCallback& progress = {}, const CancelToken& cancel = {});
  /// A whole file.
  Analysis analyze(const std::filesystem::path& path, const ProgressCallback& progress = {},
                   const CancelToken& cancel = {});

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace instructme
