#include "instructme/annotation/note_scores.h"

#include <algorithm>
#include <map>

#include "event_matching.h"

namespace instructme {
namespace {

std::map<int, std::vector<double>> onsets_by_pitch(const std::vector<Note>& notes) {
  std::map<int, std::vector<double>> onsets;
  for (const Note& note : notes) onsets[note.pitch].push_back(note.onset_s);
  for (auto& [pitch, times] : onsets) std::sort(times.begin(), times.end());
  return onsets;
}

}  // namespace

FScore score_note_onsets(const std::vector<Note>& truth, const std::vector<Note>& found, double window_s) {
  FScore score{0, truth.size(), found.size()};
  const auto found_onsets = onsets_by_pitch(found);
  for (const auto& [pitch, onsets] : onsets_by_pitch(truth)) {
    const auto same = found_onsets.find(pitch);
    if (same != found_onsets.end()) score.matched += match_events(onsets, same->second, window_s);
  }
  return score;
}

}  // namespace instructme
