#pragma once

#include <optional>
#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// What two chords must have in common to agree: the comparisons of mir_eval (Raffel et al., "mir_eval: A Transparent
/// Implementation of Common MIR Metrics", ISMIR 2014; Pauwels and Peeters, "Evaluating Automatically Estimated Chord
/// Sequences", ICASSP 2013), written anew for the vocabulary of score/chord.h.
enum class ChordRule {
  kRoot,      ///< the root
  kThirds,    ///< root, and whether there is a minor third
  kTriads,    ///< root and everything up to the fifth
  kTetrads,   ///< root and all tones
  kMajMin,    ///< as kTriads; only where the truth is a major or minor triad, with or without seventh, or no chord
  kSevenths,  ///< as kTetrads; only where the truth is maj, min, 7, maj7, min7 or no chord
  kMirex,     ///< three tones in common
};

/// Whether `other` agrees with `truth`; nothing when the rule does not judge `truth`. "No chord" agrees with itself.
std::optional<bool> chords_agree(const Chord& truth, const Chord& other, ChordRule rule);

/// Time in which labels agree, and time that was judged, in seconds; those of several songs may be added.
struct ChordOverlap {
  double agreeing_s = 0;
  double judged_s = 0;

  /// Weighted chord symbol recall, 0..1; 0 when nothing was judged.
  double share() const { return judged_s > 0 ? agreeing_s / judged_s : 0; }
  ChordOverlap& operator+=(const ChordOverlap& more);
};

/// Compares over the time that `truth` labels; where `other` has no label it says "no chord". Both sorted and without
/// overlap.
ChordOverlap chord_overlap(const std::vector<ChordSpan>& truth, const std::vector<ChordSpan>& other, ChordRule rule);

}  // namespace instructme
