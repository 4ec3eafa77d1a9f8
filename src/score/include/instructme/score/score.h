#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "instructme/score/chord.h"

namespace instructme {

/// A note; times in seconds from the start of the piece.
struct Note {
  double onset_s = 0;
  double duration_s = 0;
  int pitch = 60;     ///< MIDI number, 60 = middle C; for drums the General MIDI percussion key
  int velocity = 90;  ///< 1..127
};

/// A MIDI control change (7-bit) inside a part.
struct ControlChange {
  double time_s = 0;
  int controller = 0;
  int value = 0;
};

/// What a part does in the arrangement; decides which instruments may play it.
enum class Role { kDrums, kBass, kChords, kArpeggio, kMelody, kCounterMelody };

/// All notes that one instrument plays: one (channel, program) pair of a MIDI file.
struct Part {
  std::string name;  ///< e.g. "Chord-Piano", for people
  Role role = Role::kChords;
  int program = 0;  ///< General MIDI program 0..127; for drums the kit
  bool drums = false;
  std::vector<Note> notes;  ///< sorted by onset
  std::vector<ControlChange> controls;
};

/// A chord that sounds from start_s to end_s (seconds).
struct ChordSpan {
  double start_s = 0;
  double end_s = 0;
  Chord chord;
};

/// A beat of the metre: `position` 0 is the downbeat of bar `bar` (both count from 0).
struct Beat {
  double time_s = 0;
  int bar = 0;
  int position = 0;
};

/// A piece of music with everything that is known about it.
struct Score {
  std::string title;
  uint64_t seed = 0;
  std::string genre;   ///< a genre of the lexicon, e.g. "jazz"
  std::string groove;  ///< MMA groove the arrangement came from; "" for other sources
  double tempo_bpm = 120;
  int beats_per_bar = 4;
  Key key;
  double duration_s = 0;
  std::vector<Part> parts;
  std::vector<ChordSpan> chords;  ///< sorted, without gaps, covering [0, duration_s)
  std::vector<Beat> beats;
};

}  // namespace instructme
