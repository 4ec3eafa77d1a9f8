#pragma once

#include <vector>

#include "instructme/annotation/f_score.h"
#include "instructme/score/score.h"

namespace instructme {

/// Times of all beats, or of the downbeats only, seconds.
std::vector<double> beat_times(const std::vector<Beat>& beats);
std::vector<double> downbeat_times(const std::vector<Beat>& beats);

/// The F-measure of beats (Dixon, "Evaluation of the Audio Beat Tracking System BeatRoot", 2007; mir_eval.beat): a
/// found beat counts when it is at most `window_s` from a true one, each once. Beats before `first_s` are not looked at
/// on either side, as mir_eval does; give 0 for clips. Both sorted.
FScore score_beats(const std::vector<double>& truth, const std::vector<double>& found, double window_s = 0.07,
                   double first_s = 5.0);

}  // namespace instructme
