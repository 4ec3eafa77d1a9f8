#include "part_edits.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace instructme {
namespace {

constexpr double kShortest_s = 0.02;
constexpr int kPedal = 64;

void sort_notes(Part& part) {
  std::stable_sort(part.notes.begin(), part.notes.end(),
                   [](const Note& a, const Note& b) { return a.onset_s < b.onset_s; });
}

void sort_controls(Part& part) {
  std::stable_sort(part.controls.begin(), part.controls.end(),
                   [](const ControlChange& a, const ControlChange& b) { return a.time_s < b.time_s; });
}

bool beats_time(int key) {
  return (key >= 35 && key <= 41) || key == 43 || key == 45 || key == 47 || key == 48 || key == 50;
}

}  // namespace

void silence_part(Part& part, double from_s, double to_s) {
  const double first = from_s - kAnticipation_s, last = to_s - kAnticipation_s;
  const double worth_striking_s = std::max(0.5, 0.5 * (to_s - from_s));
  std::vector<Note> kept;
  for (Note note : part.notes) {
    const double end = note.onset_s + note.duration_s;
    if (note.onset_s >= last || end <= from_s) {
      kept.push_back(note);
      continue;
    }
    if (note.onset_s < first) {
      Note head = note;
      head.duration_s = from_s - note.onset_s;
      kept.push_back(head);
    }
    if (end - to_s < worth_striking_s) continue;
    note.onset_s = to_s;
    note.duration_s = end - to_s;
    kept.push_back(note);
  }
  part.notes = std::move(kept);
  sort_notes(part);
  int pedal = 0;
  for (const ControlChange& change : part.controls)
    if (change.controller == kPedal && change.time_s < to_s) pedal = change.value;
  const auto lifted = std::erase_if(part.controls, [&](const ControlChange& change) {
    return change.controller == kPedal && change.time_s >= from_s && change.time_s < to_s;
  });
  const bool used = lifted > 0 || std::any_of(part.controls.begin(), part.controls.end(), [&](const ControlChange& c) {
                      return c.controller == kPedal && c.time_s < from_s;
                    });
  if (!used) return;
  part.controls.push_back({from_s, kPedal, 0});
  part.controls.push_back({to_s, kPedal, pedal});
  sort_controls(part);
}

void transpose_from(Part& part, double from_s, int semitones) {
  for (Note& note : part.notes) {
    if (note.onset_s < from_s - kAnticipation_s) {
      note.duration_s = std::min(note.duration_s, std::max(kShortest_s, from_s - note.onset_s));
      continue;
    }
    note.pitch += semitones;
    if (note.pitch > 127) note.pitch -= 12;
    if (note.pitch < 0) note.pitch += 12;
  }
}

void change_drum_speed(Part& part, const std::vector<double>& lines, int first, int count, bool half) {
  std::vector<Note> played;
  const auto put = [&](Note note, double bar) {  // bars and fractions of a bar
    const auto whole = std::min(static_cast<size_t>(bar), lines.size() - 2);
    note.onset_s = lines[whole] + (bar - static_cast<double>(whole)) * (lines[whole + 1] - lines[whole]);
    played.push_back(note);
  };
  const double from = lines[static_cast<size_t>(first)] - kAnticipation_s,
               to = lines[static_cast<size_t>(first + count)] - kAnticipation_s;
  for (const Note& note : part.notes) {
    if (!beats_time(note.pitch) || note.onset_s < from || note.onset_s >= to) {
      played.push_back(note);
      continue;
    }
    const auto after = std::upper_bound(lines.begin(), lines.end(), note.onset_s + kAnticipation_s);
    const auto bar = static_cast<size_t>(after - lines.begin()) - 1;
    const double inside = std::max(0.0, (note.onset_s - lines[bar]) / (lines[bar + 1] - lines[bar]));
    const double base = static_cast<double>(bar);
    if (!half) {
      put(note, base + inside / 2);
      put(note, base + 0.5 + inside / 2);
    } else if ((static_cast<int>(bar) - first) % 2 == 0) {
      put(note, base + 2 * inside);
    }
  }
  part.notes = std::move(played);
  sort_notes(part);
}

void move_times(Part& part, const std::function<double(double)>& moved) {
  for (Note& note : part.notes) {
    const double end = moved(note.onset_s + note.duration_s);
    note.onset_s = moved(note.onset_s);
    note.duration_s = std::max(kShortest_s, end - note.onset_s);
  }
  for (ControlChange& change : part.controls)
    if (change.time_s > 0) change.time_s = moved(change.time_s);
}

void end_where_struck_again(std::vector<Note>& notes) {
  std::array<int, 128> last;
  last.fill(-1);
  for (size_t i = 0; i < notes.size(); ++i) {
    int& previous = last[static_cast<size_t>(notes[i].pitch)];
    if (previous >= 0) {
      Note& before = notes[static_cast<size_t>(previous)];
      before.duration_s = std::min(before.duration_s, notes[i].onset_s - before.onset_s);
    }
    previous = static_cast<int>(i);
  }
  std::erase_if(notes, [](const Note& note) { return note.duration_s < 0.005; });
}

void tidy_notes(Part& part, double duration_s) {
  for (Note& note : part.notes) {
    const double end = std::min(note.onset_s + note.duration_s, duration_s);
    note.onset_s = std::max(0.0, note.onset_s);
    note.duration_s = end - note.onset_s;
  }
  sort_notes(part);
  end_where_struck_again(part.notes);
}

void set_chord(std::vector<ChordSpan>& chords, double from_s, double to_s, const Chord& chord) {
  std::vector<ChordSpan> out;
  for (const ChordSpan& span : chords)
    for (const auto& [start, end] : {std::pair{span.start_s, std::min(span.end_s, from_s)},
                                     std::pair{std::max(span.start_s, from_s), std::min(span.end_s, to_s)},
                                     std::pair{std::max(span.start_s, to_s), span.end_s}})
      // Borders that differ by rounding make no span.
      if (end - start > 1e-6)
        out.push_back({start, end, start >= from_s - 1e-9 && end <= to_s + 1e-9 ? chord : span.chord});
  for (size_t i = 1; i < out.size(); ++i) out[i].start_s = out[i - 1].end_s;
  chords = std::move(out);
}

}  // namespace instructme
