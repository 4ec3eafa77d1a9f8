#include "instructme/edit/judge.h"

#include "instructme/edit/harmony.h"
#include "instructme/score/chord_estimate.h"

namespace instructme {

Judge chord_judge(Editor& editor) {
  return {"chords agree", [&editor](const AudioBuffer& source, const EditResult& result) {
            return chord_overlap(chord_spans(editor.estimate_chords(source)),
                                 chord_spans(editor.estimate_chords(result.audio)), ChordMatch::kTriad);
          }};
}

std::map<std::string, double> judged(const std::vector<Judge>& judges, const AudioBuffer& source,
                                     const EditResult& result) {
  std::map<std::string, double> scores;
  for (const Judge& judge : judges) scores[judge.name] = judge.score(source, result);
  return scores;
}

double mean_score(const std::map<std::string, double>& scores) {
  double sum = 0;
  for (const auto& [name, score] : scores) sum += score;
  return scores.empty() ? 0 : sum / static_cast<double>(scores.size());
}

}  // namespace instructme
