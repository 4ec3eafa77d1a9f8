#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "instructme/analysis/analysis.h"
#include "instructme/annotation/chord_scores.h"
#include "instructme/annotation/f_score.h"
#include "instructme/data/song_set.h"

namespace instructme {

/// The mix of a song's first arrangement in its first version, as Analyzer takes it. Throws kInput when the set has
/// another rate than kAnalysisRate.
AudioBuffer mix_for_analysis(const SongSet& songs, size_t song);

/// How well chords of one source agree with a truth.
struct ChordRates {
  ChordOverlap root, majmin, sevenths;

  void add(const std::vector<ChordSpan>& truth, const std::vector<ChordSpan>& found);
};

/// What was heard in songs against what is known of them, by the definitions in annotation/. Times count from the start
/// of a song. Chords, beats and notes are pooled over the songs, keys averaged.
struct EarScores {
  size_t songs = 0;
  ChordRates heard;           ///< Hearing::chord_spans
  ChordRates from_notes;      ///< Analysis::note_chords; nothing judged without a transcriber
  ChordRates between_judges;  ///< of note_chords, with the hearing's as truth
  FScore beats, downbeats;    ///< nothing found without trained ears
  double key_sum = 0;         ///< of key_score

  void add(const SongInfo& truth, const Analysis& analysis);
  /// A table for people, ending with a newline.
  std::string text() const;
};

}  // namespace instructme
