#pragma once

#include <vector>

#include "instructme/annotation/f_score.h"
#include "instructme/score/score.h"

namespace instructme {

/// Notes by pitch and onset (Bay et al., "Evaluation of Multiple-F0 Estimation and Tracking Systems", ISMIR 2009;
/// mir_eval.transcription without offsets): a found note counts when its pitch is that of a true note and its onset at
/// most `window_s` away, each once. In any order.
FScore score_note_onsets(const std::vector<Note>& truth, const std::vector<Note>& found, double window_s = 0.05);

}  // namespace instructme
