#include "instructme/score/transcribed_part.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "instructme/base/statistics.h"
#include "instruments.h"
#include "part_edits.h"

namespace instructme {
namespace {

constexpr double kShortest_s = 0.08;
constexpr double kSoft = 0.65;            // of the median velocity
constexpr double kMuchSofter = 0.7;       // of another note's velocity
constexpr double kUsualVelocity = 80;     // where sound fonts are neither dull nor harsh
constexpr double kShortestInLine = 0.04;  // s; what a line leaves of the lower notes of a chord that is struck unevenly

double end_of(const Note& note) { return note.onset_s + note.duration_s; }

double median_velocity(const std::vector<Note>& notes) {
  std::vector<double> velocities;
  for (const Note& note : notes) velocities.push_back(note.velocity);
  return upper_median(velocities);
}

/// Whether one hears `other` rather than `note` as the line where both sound.
bool stands_before(const Note& other, const Note& note, Voices voices) {
  if (note.velocity < kMuchSofter * other.velocity) return true;
  if (other.velocity < kMuchSofter * note.velocity) return false;
  return voices == Voices::kHighest ? other.pitch > note.pitch : other.pitch < note.pitch;
}

/// How long others stand before a note, s. `notes` are in order.
double hidden_s(const Note& note, const std::vector<Note>& notes, Voices voices) {
  double hidden = 0, until = note.onset_s;
  for (const Note& other : notes) {
    if (other.onset_s >= end_of(note)) break;
    if (end_of(other) <= until || !stands_before(other, note, voices)) continue;
    const double end = std::min(end_of(other), end_of(note));
    hidden += end - std::max(other.onset_s, until);
    until = end;
  }
  return hidden;
}

std::vector<Note> line_of(const std::vector<Note>& notes, Voices voices) {
  std::vector<Note> line;
  for (const Note& note : notes) {
    if (hidden_s(note, notes, voices) > note.duration_s / 2) continue;
    if (!line.empty()) line.back().duration_s = std::min(line.back().duration_s, note.onset_s - line.back().onset_s);
    line.push_back(note);
  }
  std::erase_if(line, [](const Note& note) { return note.duration_s < kShortestInLine; });
  return line;
}

void move_into(std::vector<Note>& notes, PitchRange range) {
  int octaves = 0;
  double most = -1;
  // The nearest of those that are as good.
  for (const int shift : {0, 1, -1, 2, -2, 3, -3, 4, -4}) {
    double inside = 0;
    for (const Note& note : notes) {
      const int pitch = note.pitch + 12 * shift;
      if (pitch >= range.low && pitch <= range.high) inside += note.duration_s;
    }
    if (inside <= most) continue;
    most = inside;
    octaves = shift;
  }
  for (Note& note : notes) {
    note.pitch += 12 * octaves;
    while (note.pitch < range.low) note.pitch += 12;
    while (note.pitch > range.high) note.pitch -= 12;
  }
}

}  // namespace

std::vector<Note> sure_notes(std::vector<Note> notes) {
  if (notes.empty()) return notes;
  const double soft = kSoft * median_velocity(notes);
  std::erase_if(notes, [&](const Note& note) { return note.duration_s < kShortest_s || note.velocity < soft; });
  return notes;
}

Part make_transcribed_part(std::vector<Note> notes, Voices voices, int program) {
  Part part;
  part.name = program_name(program);
  part.role = voices == Voices::kAll ? Role::kChords : voices == Voices::kHighest ? Role::kMelody : Role::kBass;
  part.program = program;
  part.notes = voices == Voices::kAll ? std::move(notes) : line_of(notes, voices);
  if (part.notes.empty()) return part;
  move_into(part.notes, playable_range(program));
  const double louder = kUsualVelocity / median_velocity(part.notes);
  for (Note& note : part.notes)
    note.velocity = std::clamp(static_cast<int>(std::lround(note.velocity * louder)), 20, 120);
  tidy_notes(part, std::numeric_limits<double>::infinity());
  return part;
}

}  // namespace instructme
