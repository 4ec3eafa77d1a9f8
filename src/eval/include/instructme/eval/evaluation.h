#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "instructme/edit/editor.h"

namespace instructme {

struct EvaluationOptions {
  int64_t examples = 40;  ///< per operation
  std::vector<std::string> operations{"extract", "remove"};
  std::vector<EditMode> modes{EditMode::kDirect, EditMode::kCompose};  ///< to edit in, where the model can
  double seconds = 10;
  double stereo = 0;  ///< songs: above 0, stems stand up to this share of the way to a side; extract and remove only
  uint64_t seed = 0;
  EditOptions edit;
};

/// One row of the report: means over the examples.
struct Distances {
  double log_mel = 0;        ///< natural-log amplitude, lower is nearer (LogMelDistance)
  double si_sdr = 0;         ///< dB, higher is nearer
  double si_sdr_median = 0;  ///< of the examples: a mean of dB is moved far by single failures
  int64_t examples = 0;
};

/// Scores by task ("extract", "remove", …) and by what was compared with the true result ("unedited source",
/// "edit", "edit, compose", "ideal ratio mask", "VAE of the true result", or another system's name), in the order of
/// first use.
struct EvaluationReport {
  struct Example {
    std::string name;  ///< the clip or sentence
    double log_mel, si_sdr;
  };
  /// What the ears of the model hear in a result that has new parts.
  struct Heard {
    std::string name;                   ///< the clip or sentence
    std::optional<double> instruments;  ///< 1 when all instruments that were asked for are present, else 0
    std::optional<double> chords;       ///< share of the time with the triads of the source's chart; clips have none,
                                        ///< nor have sources without harmony (drums alone)
  };
  std::vector<std::string> tasks, systems;
  std::map<std::string, std::map<std::string, std::vector<Example>>> examples;
  std::map<std::string, std::map<std::string, std::vector<Heard>>> heard;  ///< "true result" among the systems
  /// Sentences of edits that the editor refused, with its reasons; their source counts as their result.
  std::vector<std::string> refused;

  void add(const std::string& task, const std::string& system, const Example& example);
  Distances mean(const std::string& task, const std::string& system) const;
  /// One table of distances, and one of what is heard where there are new parts; "0.75 of 3" is a mean of three
  /// examples only.
  std::string markdown() const;
  /// One JSON object per line and example: task, system, name, log_mel, si_sdr (null for minus infinity, that of
  /// silence); and one for each in which new parts were listened for: task, system, name, present (0 or 1) and chords,
  /// or null.
  std::string json_lines() const;
};

/// Draws triplets from a folder of rendered songs and edits their sources. The model gets the chords
/// it estimates itself, as in `edit`. Throws kUsage before the first edit, kInput, kModel, kCancelled.
EvaluationReport evaluate_songs(Editor& editor, const std::filesystem::path& songs, const EvaluationOptions& options,
                                const ProgressCallback& progress = {}, const CancelToken& cancel = {});

/// Edits the clips of a folder with clips.tsv whose NAME_target exists, and scores outputs of other
/// systems (NAME_<system>) beside. Throws kInput naming the file or line; that of a wrong line, of a target without a
/// source and of no clip to score before the first edit. Throws kUsage for `stereo`, which is for songs.
EvaluationReport evaluate_clips(Editor& editor, const std::filesystem::path& folder, const EvaluationOptions& options,
                                const ProgressCallback& progress = {}, const CancelToken& cancel = {});

}  // namespace instructme
