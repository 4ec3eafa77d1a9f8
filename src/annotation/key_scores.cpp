#include "instructme/annotation/key_scores.h"

#include <algorithm>

namespace instructme {

bool has_major_third(const Key& key) { return scale_pitch_classes(key)[2] == (key.tonic + 4) % 12; }

double key_score(const Key& truth, const Key& found) {
  const int above = (found.tonic - truth.tonic + 12) % 12;  // semitones
  const bool major = has_major_third(truth);
  if (major == has_major_third(found)) return above == 0 ? 1.0 : above == 7 ? 0.5 : 0.0;
  if (above == (major ? 9 : 3)) return 0.3;
  return above == 0 ? 0.2 : 0.0;
}

double key_score(const std::vector<KeySpan>& truth, const std::vector<KeySpan>& found) {
  double sum = 0, seconds = 0;
  for (const KeySpan& a : truth)
    for (const KeySpan& b : found) {
      const double shared = std::min(a.end_s, b.end_s) - std::max(a.start_s, b.start_s);
      if (shared <= 0) continue;
      seconds += shared;
      sum += shared * key_score(a.key, b.key);
    }
  return seconds > 0 ? sum / seconds : 0;
}

}  // namespace instructme
