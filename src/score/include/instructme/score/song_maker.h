#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "instructme/score/mma_arranger.h"

namespace instructme {

struct SongOptions {
  double seconds = 60;                    ///< the song has at least this length, and at most two bars more
  std::optional<std::string> genre = {};  ///< of library.genres(); absent = any, evenly over genres
  std::optional<int> beats_per_bar = {};  ///< absent = any
  int min_melodic_tracks = 0;             ///< of the groove; 1 leaves out patterns of drums alone
  ArrangeOptions arrange = {};
};

/// Everything that decides a song before it is arranged.
struct SongPlan {
  Chart chart;
  GrooveInfo groove;
  uint64_t seed = 0;
};

/// Draws a groove (even over genres, then over style files) and composes a chart in its metre and genre. Deterministic
/// in (library, seed, options). Throws kUsage when no groove fits or the length is not in 1..1800 s.
SongPlan plan_song(const GrooveLibrary& library, uint64_t seed, const SongOptions& options = {});

/// plan_song and arrange in one: the songs of the data pipeline.
Score make_song(const GrooveLibrary& library, uint64_t seed, const SongOptions& options = {});

/// A groove of another genre (or of `genre`) in the same metre, at whose usual tempo the chart can be played, for the
/// second half of a remix pair. Nothing when there is none.
std::optional<GrooveInfo> other_groove(const GrooveLibrary& library, const Chart& chart, const GrooveInfo& groove,
                                       uint64_t seed, const std::optional<std::string>& genre = {});

/// A groove in the chart's metre, drawn as plan_song draws among those at whose usual tempo the chart can be played
/// (all, when there is none). Nothing when the metre has no groove with `min_melodic_tracks`.
std::optional<GrooveInfo> groove_for(const GrooveLibrary& library, const Chart& chart, uint64_t seed,
                                     int min_melodic_tracks = 0);

/// The same chart and the same tune with another groove.
Score arrange_again(const SongPlan& plan, const GrooveLibrary& library, const GrooveInfo& groove, uint64_t seed,
                    ArrangeOptions options = {});

}  // namespace instructme
