#pragma once

#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// Of the notes that a transcriber hears, in order, those that are surely played: it hears overtones, and what is left
/// of other instruments, as notes that are short or much softer than most.
std::vector<Note> sure_notes(std::vector<Note> notes);

/// Which of the tones that sound together an instrument plays.
enum class Voices { kAll, kHighest, kLowest };

/// Notes of one instrument as another one plays them, of a General MIDI program (not drums). Onsets stay where they
/// are, and ends too where nothing is struck again. All go up or down by the octaves with which most of them lie in the
/// instrument's range, the rest by its own. For one voice, notes are left out that sound under (kLowest: over) others,
/// or beside much louder ones, for most of their length, and each lasts until the next at most. Velocities keep their
/// ratios, with the median where players mostly are.
Part make_transcribed_part(std::vector<Note> notes, Voices voices, int program);

}  // namespace instructme
