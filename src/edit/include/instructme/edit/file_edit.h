#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "instructme/audio/audio_file.h"
#include "instructme/edit/editor.h"
#include "instructme/edit/judge.h"

namespace instructme {

/// An edit of a file: what the command `edit` is told.
struct FileEditRequest {
  std::filesystem::path file = {};
  std::string sentence = {};
  std::filesystem::path output = {};    ///< empty: beside the file, as in "song_remove.wav"
  EditOptions options = {};             ///< its chords, key, beats and notes may come from the files below
  std::optional<PlanRange> range = {};  ///< of steps of which the sentence does not say when
  std::optional<double> strength = {};  ///< of steps of which the sentence does not say how much
  std::filesystem::path chords = {};    ///< file of chords, see annotation/chord_file.h
  std::filesystem::path beats = {};     ///< file of beats, see annotation/beat_file.h
  std::string key = {};                 ///< parse_key
  std::filesystem::path notes = {};     ///< MIDI file whose tones new parts play, see tones_of_midi
  std::filesystem::path stems = {};     ///< folder for stems, report.json, chords.lab and beats.txt
  std::filesystem::path report = {};    ///< file for the report
  int variations = 1;                   ///< with seeds that count up from that of the options
  bool overwrite = false;               ///< files that are read, and chords and beats that are there, may be replaced
  bool keep_harmony = true;             ///< without `stems`, heard chords and beats are written beside the output
};

/// Whether what the header of a file tells of its length holds: not in files with loss, and some tell nothing.
inline bool tells_its_length(const AudioInfo& music) {
  return music.frames >= 0 && music.sample_encoding != AudioEncoding::kAuto;
}

/// How a result had to be written.
struct WrittenLike {
  double gain = 1;                 ///< by which all of it had to be multiplied; 1: not at all
  std::vector<std::string> notes;  ///< what a person should know of it, a sentence each
};

/// Writes a result with the bit depth, tags and loudspeakers of the file that its source was read from, as far as the
/// format of `output` has them. Where it is louder than the format can hold, it is written in floats if the format has
/// them, else turned down as a whole; it is never cut. Throws as write_audio does.
WrittenLike write_like(const std::filesystem::path& source_file, const AudioBuffer& source,
                       const std::filesystem::path& output, AudioBuffer result);

/// One output of a FileEdit.
struct WrittenEdit {
  std::filesystem::path output = {};
  uint64_t seed = 0;
  Scores scores = {};  ///< empty for a single variation
  WrittenLike written = {};
  double seconds_encode = 0, seconds_sample = 0, seconds_decode = 0;
  int64_t steps = 0;  ///< of sampling
};

/// Edits a file into a file of the same format, rate, channels, bit depth and tags, see write_like. One thread at a
/// time.
class FileEdit {
 public:
  /// Reads the sentence and looks at the options; needs neither the file nor a model. Throws kInput for the sentence,
  /// kUsage for options that do not fit it or each other, or an output that would overwrite the file.
  explicit FileEdit(FileEditRequest request);

  const Plan& plan() const { return plan_; }
  const FileEditRequest& request() const { return request_; }

  /// Reads the files of chords, beats and notes for music like this, into options that `run` will use. Throws as they
  /// do.
  EditOptions options_for(const AudioInfo& music) const;

  /// Throws, before a model is loaded, what `run` would throw for the file's header, the files of chords, beats
  /// and notes, ranges and the places of outputs, stems and report; kUsage where one of them would be written over
  /// another, or over a file that is read.
  void check() const;

  /// All variations, best first by the mean of the judges' scores. Throws as Editor::edit, read_audio and write_audio
  /// do; what was written before an error stays, whole.
  std::vector<WrittenEdit> run(Editor& editor, const std::vector<Judge>& judges = {},
                               const ProgressCallback& progress = {}, const CancelToken& cancel = {}) const;

 private:
  std::filesystem::path output_for(const AudioInfo& music, uint64_t seed) const;
  std::filesystem::path stems_for(uint64_t seed) const;
  void check_spares_source(const std::filesystem::path& output) const;  // throws kUsage
  void check_stems(const std::filesystem::path& folder, const std::filesystem::path& output) const;

  FileEditRequest request_;
  Plan plan_;
};

}  // namespace instructme
