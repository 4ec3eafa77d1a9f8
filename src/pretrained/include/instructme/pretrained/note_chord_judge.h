#pragma once

#include <vector>

#include "instructme/models/chord_extractor.h"
#include "instructme/pretrained/note_transcriber.h"

namespace instructme {

/// How likely every key of a piano sounds in every chord frame: the mean of the note probabilities in it.
class KeyActivity {
 public:
  /// As NoteTranscriber::Use.
  void add(int64_t first, const NotePosteriors& posteriors);
  /// (frames, 88) float; zero where nothing was added.
  at::Tensor matrix(int64_t frames) const;

 private:
  std::vector<at::Tensor> sums_;  // (88) per chord frame
  std::vector<int> counts_;
};

/// The numbers were chosen by the agreement with the charts of sixty rendered songs, none of which is in the tables of
/// docs/analysis.md.
struct NoteChordOptions {
  double silence = 0.05;          ///< probability of a key up to which it is taken for silent
  double stray = 0.05;            ///< chance that a tone sounds that is not of the chord
  double bass_weight = 0.5;       ///< of the lowest key, against the tones
  double evidence = 1.0;          ///< exponent of a frame's likelihood: neighbouring frames tell the same
  double self_transition = 0.97;  ///< probability to stay in the chord for one more frame of 80 ms

  /// Throws kUsage when a value is out of range.
  void validate() const;
};

/// Chord probabilities from the keys that sound. Each pitch class sounds or not, with a probability that depends on
/// whether it is the root, third, fifth or seventh of the chord, or a stranger to it; the lowest key is likely the
/// root; chords last (forward-backward algorithm). keys (T, 88) -> (T, kChordClasses) float, rows sum to 1.
at::Tensor chords_of_keys(const at::Tensor& keys, const NoteChordOptions& options = {});

/// A second judge of chords that shares nothing with the trained extractor: notes by a published network, then the
/// model of chords_of_keys, without training.
class NoteChordJudge : public ChordExtractor {
 public:
  /// As NoteTranscriber.
  explicit NoteChordJudge(const std::filesystem::path& path, const NoteChordOptions& options = {});
  at::Tensor extract(const at::Tensor& waveform, int64_t frames) override;

 private:
  NoteTranscriber transcriber_;
  NoteChordOptions options_;
};

}  // namespace instructme
