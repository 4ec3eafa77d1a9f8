#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/score/chord.h"

namespace instructme {

/// How well the ears of a model hear a set of songs: means over songs, or over time for chords.
struct EarsReport {
  struct Row {
    std::string what, set;
    double value = 0;
  };
  std::vector<Row> rows;
  struct Instrument {
    std::string name, set;
    double threshold = 0, auc = 0, f1 = 0;
    int64_t clips = 0;
  };
  std::vector<Instrument> instruments;

  /// Two tables: all scores, one column per set; and each instrument with its threshold.
  std::string markdown() const;
};

/// MIREX's score of a key: 1 the same, 0.5 a fifth above the truth, 0.3 the relative, 0.2 the parallel one, else 0.
/// Dorian and phrygian count as minor, lydian and mixolydian as major.
double key_score(const Key& truth, const Key& answer);

/// Listens to the first version of every song in folders made by 'data render' (chords, beats, key) and to ten seconds
/// of its first and last (instruments, genre). Chords by the chroma templates are judged beside. Throws kInput,
/// kModel, kMissing, kCancelled.
EarsReport evaluate_ears(const std::filesystem::path& model, const std::vector<std::filesystem::path>& sets,
                         const ProgressCallback& progress = {}, const CancelToken& cancel = {});

}  // namespace instructme
