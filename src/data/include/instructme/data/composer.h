#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "instructme/data/song_renderer.h"
#include "instructme/score/groove_library.h"

namespace instructme {

struct ComposerOptions {
  double seconds = 60;               ///< shortest length of a song; at most two bars are added
  std::optional<GrooveSplit> split;  ///< style files to choose from; absent = all
  bool second_arrangement = true;    ///< the same chart and tune in another genre, for remixes
  bool mma = true;                   ///< false: only this project's own patterns, without the program MMA
};

/// A composer that invents a chart, arranges it, and arranges it again in another genre. Throws kMissing
/// when MMA is wanted and not installed, kUsage for a bad length.
Composer make_composer(const ComposerOptions& options, const GrooveLibrary& library = GrooveLibrary::builtin());

/// The options for a data set's manifest.
nlohmann::json composer_json(const ComposerOptions& options);

}  // namespace instructme
