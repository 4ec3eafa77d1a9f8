#pragma once

#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// The chords that the notes of a score suggest, on its beats: a score for every chord of the vocabulary from the pitch
/// classes that sound in a beat (weighted by duration and loudness) and from the lowest note, then the best sequence
/// by Viterbi's algorithm, where changes are dearer inside a bar than at its start. Covers [0, duration) without gaps;
/// beats without pitched notes take the neighbour's chord or, when there are many, none. Drums do not count.
/// `chords` of the score is not looked at. Throws kInternal when the score has no beats.
std::vector<ChordSpan> estimate_chords(const Score& score);

/// The major or minor key whose profile is most correlated with the durations of the pitch classes (Krumhansl,
/// "Cognitive Foundations of Musical Pitch", 1990, profiles of Krumhansl and Kessler 1982). C major without notes.
Key estimate_key(const Score& score);

}  // namespace instructme
