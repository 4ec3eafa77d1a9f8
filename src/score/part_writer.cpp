#include "part_writer.h"

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "part_edits.h"

namespace instructme {

PartWriter::PartWriter(const Chart& chart, const PartOptions& options, Role role) : chart_(chart), options_(options) {
  part_.name = options.name;
  part_.program = options.program;
  part_.role = role;
  part_.drums = role == Role::kDrums;
}

double PartWriter::time(double beat) const {
  if (options_.swing > 0 && chart_.beats_per_bar != 6) {
    // The off-beat eighth moves from 1/2 to at most 2/3; everything between moves along.
    const double whole = std::floor(beat), inside = beat - whole, off = 0.5 + options_.swing / 6.0;
    beat = whole + (inside <= 0.5 ? inside * off / 0.5 : off + (inside - 0.5) * (1 - off) / 0.5);
  }
  return beat * chart_.beat_seconds();
}

bool PartWriter::active(double beat) const {
  if (options_.active_bars.empty()) return true;
  const auto bar = static_cast<size_t>(std::max(0.0, beat + 1e-9) / chart_.beats_per_bar);
  return bar < options_.active_bars.size() && options_.active_bars[bar];
}

void PartWriter::add(double beat, double beats, int pitch, double velocity, double shift_s) {
  if (beat < -1e-9 || beats <= 0 || !active(beat)) return;
  const double onset = std::max(0.0, time(beat) + shift_s);
  put(onset, std::max(time(beat + beats), onset + 0.03), pitch, velocity);
}

void PartWriter::add_seconds(double onset_s, double duration_s, int pitch, double velocity) {
  // A note a little early still belongs to the bar that it anticipates.
  if (active((onset_s + 0.03) / chart_.beat_seconds())) put(onset_s, onset_s + duration_s, pitch, velocity);
}

void PartWriter::put(double onset, double end, int pitch, double velocity) {
  const double end_of_piece = chart_.duration_s();
  if (pitch < 0 || pitch > 127 || onset >= end_of_piece - 0.02) return;
  const int loudness = std::clamp(static_cast<int>(std::lround(velocity)), 1, 127);
  part_.notes.push_back({onset, std::min(end, end_of_piece) - onset, pitch, loudness});
}

void PartWriter::control(double beat, int controller, int value) {
  const double at = std::clamp(beat * chart_.beat_seconds(), 0.0, chart_.duration_s());
  part_.controls.push_back({at, controller, std::clamp(value, 0, 127)});
}

Part PartWriter::finish() {
  auto& notes = part_.notes;
  std::stable_sort(notes.begin(), notes.end(), [](const Note& a, const Note& b) {
    return a.onset_s != b.onset_s ? a.onset_s < b.onset_s : a.pitch < b.pitch;
  });
  end_where_struck_again(notes);
  std::stable_sort(part_.controls.begin(), part_.controls.end(),
                   [](const ControlChange& a, const ControlChange& b) { return a.time_s < b.time_s; });
  return std::move(part_);
}

bool contains(const std::vector<int>& tones, int pitch_class) {
  return std::find(tones.begin(), tones.end(), ((pitch_class % 12) + 12) % 12) != tones.end();
}

int nearest_pitch(int pitch_class, double target, int low, int high) {
  int best = -1;
  for (int pitch = low; pitch <= high; ++pitch)
    if (pitch % 12 == pitch_class % 12 && (best < 0 || std::abs(pitch - target) < std::abs(best - target)))
      best = pitch;
  if (best >= 0) return best;
  best = low;
  while (best % 12 != pitch_class % 12) ++best;
  return best;
}

void check_range(const PartOptions& options, const char* what) {
  if (options.low >= 0 && options.low + 12 <= options.high && options.high <= 127) return;
  throw Error(ErrorKind::kUsage, format("A %s needs a range of at least an octave inside 0..127, but %d..%d was given.",
                                        what, options.low, options.high));
}

}  // namespace instructme
