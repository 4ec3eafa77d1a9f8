#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"

namespace instructme {

/// How well the ears of a model hear a set of songs: means over songs, or over time for chords.
struct EarsReport {
  struct Row {
    std::string what, set;  ///< as docs/ears.md lists them; the name of the folder of songs
    double value = 0;       ///< a share, 0..1
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

/// Listens to the first minute of the first version of every song in folders made by 'data render' (chords, beats, key)
/// and to ten seconds of its first and last (instruments, genre), for which songs that are too short are left out.
/// Chords by the chroma templates are judged beside, and with the weights of a note transcriber those by
/// NoteChordJudge, and how often the two judges agree. What the model has no network for has no row. Throws kInput,
/// kModel, kMissing, kCancelled.
EarsReport evaluate_ears(const std::filesystem::path& model, const std::vector<std::filesystem::path>& sets,
                         const std::filesystem::path& transcriber = {}, const ProgressCallback& progress = {},
                         const CancelToken& cancel = {});

}  // namespace instructme
