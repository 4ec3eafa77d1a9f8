#pragma once

#include <vector>

#include "instructme/score/melody.h"

namespace instructme {

/// Collects notes given in beats and turns them into a part in seconds: swing, clamped velocities, cut at the end of
/// the piece, and no two notes of one pitch at once.
class PartWriter {
 public:
  /// `chart` and `options` must outlive the writer.
  PartWriter(const Chart& chart, const PartOptions& options, Role role);

  /// `shift_s` moves the onset away from the grid, e.g. by jitter() or for a strum; the end stays.
  void add(double beat, double beats, int pitch, double velocity, double shift_s = 0);
  /// A note whose times are already what shall sound.
  void add_seconds(double onset_s, double duration_s, int pitch, double velocity);
  void control(double beat, int controller, int value);
  double jitter(Rng& rng) const { return options_.jitter_s * rng.normal(); }
  bool active(double beat) const;
  /// Seconds of a beat after swing.
  double time(double beat) const;
  Part finish();

 private:
  void put(double onset, double end, int pitch, double velocity);

  const Chart& chart_;
  const PartOptions& options_;
  Part part_;
};

/// True when `pitch_class` is among `tones`.
bool contains(const std::vector<int>& tones, int pitch_class);
/// The pitch of `pitch_class` nearest to `target` inside [low, high] (nearest octave above `low` if none).
int nearest_pitch(int pitch_class, double target, int low, int high);
/// Throws kUsage unless 0 <= low, low + 12 <= high, high <= 127.
void check_range(const PartOptions& options, const char* what);

}  // namespace instructme
