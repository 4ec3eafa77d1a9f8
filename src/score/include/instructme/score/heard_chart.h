#pragma once

#include <optional>
#include <vector>

#include "instructme/score/chart.h"
#include "instructme/score/score.h"

namespace instructme {

/// A stretch of time, s.
struct TimeSpan {
  double start_s = 0, end_s = 0;
};

/// What has to be known of a piece of music to join in. Seconds from its start.
struct HeardMusic {
  double duration_s = 0;
  std::vector<Beat> beats = {};  ///< rising times; bars may be of different lengths
  std::vector<ChordSpan> chords = {};
  std::optional<Key> key = {};          ///< absent: C major
  std::vector<TimeSpan> silences = {};  ///< in order: where nobody plays, and who joins in neither
};

/// Music as it was heard, written down as a chart in even beats, and the way back from there.
class HeardChart {
 public:
  /// Bars of a length other than the usual one, or a multiple of it, have their beats spread evenly; usual bars of more
  /// than seven beats become several equal ones. One beat has one chord, that which sounds for most of it, and beats
  /// without any go on with the chord before them. Throws kInput for fewer than two beats, or times that do not rise.
  explicit HeardChart(const HeardMusic& music);

  const Chart& chart() const { return chart_; }
  /// Where a beat of the chart is in the music, s. Outside of the chart, beats go on as at its nearer end.
  double seconds(double beat) const;
  /// A part over the chart at the places of the music's beats, as far as the music lasts and is not silent.
  Part in_music(Part part) const;

 private:
  Chart chart_;
  std::vector<double> grid_;  // seconds of every beat of the chart, and of its end
  double duration_s_;
  std::vector<TimeSpan> silences_;
};

}  // namespace instructme
