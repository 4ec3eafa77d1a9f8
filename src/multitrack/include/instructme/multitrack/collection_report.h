#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/multitrack/multitrack_song.h"

namespace instructme {

enum class ProblemKind {
  kMetadata,     ///< the song's own `problems`
  kMissing,      ///< a file that is not there
  kUnreadable,   ///< a file that is no audio, or truncated
  kUnnamed,      ///< no stem has an instrument
  kLengths,      ///< stems that differ in length by more than 10 ms
  kRates,        ///< files of different sampling rates
  kDuplicate,    ///< the title or the first stem is that of another song
  kSilentStem,   ///< thorough only: no sample above -80 dBFS
  kMixMismatch,  ///< thorough only: the stems do not sum to the mix
};
const char* problem_kind_name(ProblemKind kind);  ///< "metadata", "missing file", …

struct CollectionProblem {
  std::string song;  ///< id
  ProblemKind kind = ProblemKind::kMetadata;
  std::string message;  ///< for people
  bool fatal = false;   ///< the song cannot be imported
};

struct InstrumentCount {
  int64_t songs = 0, stems = 0;
  double hours = 0;  ///< of stems
};

/// What a collection holds, and what is wrong with it.
struct CollectionReport {
  std::string collection;
  bool thorough = false;
  int64_t songs = 0, usable_songs = 0;
  double hours = 0;  ///< of usable songs, by their longest stem
  int64_t songs_with_bleed = 0;
  std::map<std::string, int64_t> splits;               ///< usable songs; "" for those without a split
  std::map<std::string, InstrumentCount> instruments;  ///< of usable songs
  std::map<std::string, int64_t> unnamed;              ///< names of stems without an instrument, and how many
  std::vector<CollectionProblem> problems;             ///< in the order of the songs
};

struct ExamineOptions {
  /// Also reads all audio, to find silent stems and mixes that are not the sum of their stems: those that differ
  /// by more than -`mix_tolerance_db` from the stems' sum times the factor that fits best.
  bool thorough = false;
  double mix_tolerance_db = 20;
  int jobs = 1;  ///< threads
};

/// Looks at songs before any work is done with them. Without `thorough` only the headers of the files are read,
/// and some blocks of each song's first file to find duplicates. Throws kUsage for bad options, kCancelled; never
/// for a bad file, which is a problem in the report. `progress` is called by one thread at a time.
CollectionReport examine_songs(const std::vector<MultitrackSong>& songs, const ExamineOptions& options = {},
                               const ProgressCallback& progress = {}, const CancelToken& cancel = {});

nlohmann::json to_json(const CollectionReport& report);
/// For people: several lines, at most `most_problems` problems and `most_names` unnamed stems in full.
std::string to_text(const CollectionReport& report, size_t most_problems = 20, size_t most_names = 20);

}  // namespace instructme
