#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "instructme/score/chart.h"
#include "instructme/score/groove_library.h"
#include "instructme/score/score.h"

namespace instructme {

struct ArrangeOptions {
  bool generated_parts = true;  ///< melody, counter-melody, guitars, pad, comping beside what MMA plays
  double extra_parts = 1.0;     ///< scales the chance of every generated part but the melody
  double revoice = 0.2;         ///< chance that a part of the groove gets another instrument fit for its role
  bool vary_grooves = true;     ///< other grooves of the same style file and fills at the borders of sections
  /// The same value gives the same tune over the same chart whatever the groove, so that two arrangements of one
  /// piece share it; absent = from the arrangement's seed.
  std::optional<uint64_t> melody_seed = {};
  /// Parts that exist already, in the seconds of the chart and straight. A melody among them takes the place of
  /// the generated melody and counter-melody; others join by chance. Their instruments are drawn like those of
  /// generated parts, only chords stay with keyboards.
  std::vector<Part> given = {};
};

/// True when the program `mma` can be run.
bool mma_available();
/// What it calls its version, e.g. "21.09"; "none" when it is not installed.
std::string mma_version();

/// Arranges a chart for the band of a groove: MMA plays the accompaniment, this library adds parts by chance and, when
/// the groove has none, a bass and chords, so that nearly every score has three parts or more. Labels are the chart's.
/// Deterministic: equal arguments give equal scores (with the same MMA). About 0.1 s, nearly all of it in MMA.
/// Throws kMissing without MMA, kUsage when the metre of chart and groove differ, kInput when MMA refuses the song
/// (with its message), kIo when it hangs.
Score arrange(const Chart& chart, const GrooveLibrary& library, const GrooveInfo& groove, uint64_t seed,
              const ArrangeOptions& options = {});

/// The song as MMA reads it.
std::string mma_song(const Chart& chart, const GrooveLibrary& library, const GrooveInfo& groove, uint64_t seed,
                     bool vary_grooves);

}  // namespace instructme
