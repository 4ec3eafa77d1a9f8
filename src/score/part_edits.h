#pragma once

#include <functional>
#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// Notes this near before a bar line belong to the bar behind it: players anticipate.
inline constexpr double kAnticipation_s = 0.03;

/// Nothing sounds in [from, to): notes are cut at `from`; the rest of a long note behind `to` is struck there; a pedal
/// that is down is lifted meanwhile.
void silence_part(Part& part, double from_s, double to_s);

/// Transposes the notes from `from_s` on; notes that sound across it end there. Notes that would leave 0..127 move by
/// octaves.
void transpose_from(Part& part, double from_s, int semitones);

/// Kick, snare and toms of the bars [first, first + count) at half speed (each second bar's are dropped) or double
/// speed; cymbals and percussion go on. `lines` are bar_lines.
void change_drum_speed(Part& part, const std::vector<double>& lines, int first, int count, bool half);

/// Moves onsets, ends and controllers.
void move_times(Part& part, const std::function<double(double)>& moved);

/// Ends a note where its pitch is struck again, and leaves out those of which less than 5 ms are left. Notes are in
/// order.
void end_where_struck_again(std::vector<Note>& notes);

/// Sorts notes, keeps them inside [0, duration], and ends a note where its pitch is struck again.
void tidy_notes(Part& part, double duration_s);

/// Labels [from, to) with `chord` (nothing when it is empty), with borders at `from` and `to`.
void set_chord(std::vector<ChordSpan>& chords, double from_s, double to_s, const Chord& chord);

}  // namespace instructme
