#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "instructme/score/score.h"

namespace instructme {

struct BeatTrackerOptions {
  double slowest_bpm = 40, fastest_bpm = 240;
  double steadiness = 80;   ///< how unlikely changes of tempo are: exp(-steadiness |ratio - 1|), but for single frames
  int64_t beat_frames = 2;  ///< that the activation of a beat lasts, at any tempo, as BeatNet learns it
  double beat_share = 1.0 / 4;  ///< of all frames that are expected to be active
  double threshold = 0.05;      ///< activation that the first and the last beat must have
  double metre_change = 1e-3;   ///< probability that a bar is followed by one of another length
};

/// What a BeatTracker found.
struct BeatTrack {
  std::vector<Beat> beats;  ///< an upbeat belongs to bar 0, with the positions it has in a bar; bar 0 begins with the
                            ///< first downbeat when there is no upbeat
  double tempo_bpm = 0;   ///< of most of the time, by the mean of the steps near their median by time; 0 without beats
  int beats_per_bar = 0;  ///< of most bars; 0 without beats
  double confidence = 0;  ///< mean beat activation at the beats
};

/// Beats from activations (T, 2) at 50 frames per second, as BeatNet gives them: the likeliest sequence of a hidden
/// Markov chain over tempo and place in the beat (Krebs, Böck and Widmer 2015), then of one over metre and place in
/// the bar on the beats that were found. Time grows with T alone: about 10 000 steps per frame. Empty for silence, and
/// where there is but one beat.
BeatTrack track_beats(const at::Tensor& activations, const BeatTrackerOptions& options = {});

}  // namespace instructme
