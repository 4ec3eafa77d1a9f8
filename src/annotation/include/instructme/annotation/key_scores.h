#pragma once

#include <vector>

#include "instructme/annotation/key_file.h"

namespace instructme {

/// Whether the third degree of the key's scale lies four semitones above its tonic.
bool has_major_third(const Key& key);

/// The weighted score of MIREX's audio key detection (mir_eval.key): 1 for the same key, 0.5 when `found` lies a fifth
/// above in the same mode, 0.3 for the relative and 0.2 for the parallel key, else 0. Modes with a major third count as
/// major, the others as minor.
double key_score(const Key& truth, const Key& found);

/// The mean of key_score over the time in which both have a key; 0 when there is none. Both sorted, without overlap.
double key_score(const std::vector<KeySpan>& truth, const std::vector<KeySpan>& found);

}  // namespace instructme
