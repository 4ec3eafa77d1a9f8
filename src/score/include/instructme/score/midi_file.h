#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "instructme/score/score.h"

namespace instructme {

enum class MidiKind : uint8_t {
  kNoteOff,          ///< a = pitch, b = velocity
  kNoteOn,           ///< a = pitch, b = velocity; velocity 0 means note off
  kPolyPressure,     ///< a = pitch, b = pressure
  kController,       ///< a = controller, b = value
  kProgram,          ///< a = program
  kChannelPressure,  ///< a = pressure
  kPitchBend,        ///< a = -8192..8191
  kTempo,            ///< a = microseconds per quarter note
  kTimeSignature,    ///< a = numerator, b = denominator
  kKeySignature,     ///< a = sharps (negative: flats) -7..7, b = 1 for minor
  kText,             ///< a = meta type 1..15 (3 = track name), text = the bytes
};

struct MidiEvent {
  uint32_t tick = 0;  ///< from the start of the track
  MidiKind kind = MidiKind::kNoteOn;
  int channel = 0;  ///< 0..15; 0 for events that have none
  int a = 0;
  int b = 0;
  std::string text;
  bool operator==(const MidiEvent&) const = default;
};

struct MidiTrack {
  std::vector<MidiEvent> events;  ///< in the order of the file; ticks never decrease
  uint32_t end_tick = 0;          ///< of the end-of-track event; >= the last event's tick
  bool operator==(const MidiTrack&) const = default;
};

/// A Standard MIDI File of format 0 or 1 (MIDI Manufacturers Association, "Standard MIDI Files 1.0", 1996)
/// with metrical time division. System-exclusive and other meta events are not kept.
struct MidiFile {
  int format = 1;
  int ppq = 480;  ///< ticks per quarter note, 1..32767
  std::vector<MidiTrack> tracks;
  bool operator==(const MidiFile&) const = default;
};

/// Reads a file already in memory. Throws kInput with the byte offset of the fault; `name` is used in
/// the message. Never reads outside `bytes`; files above 64 MiB are refused.
MidiFile read_midi(std::span<const uint8_t> bytes, const std::string& name = "the MIDI file");
/// Throws kIo when unreadable, kInput when malformed.
MidiFile load_midi(const std::string& path);

/// The bytes of a file; read_midi(write_midi(x)) == x. Throws kInternal when a value is out of its range.
std::vector<uint8_t> write_midi(const MidiFile& file);

/// Ticks to seconds through every tempo event of the file (120 quarter notes a minute before the first).
class TempoMap {
 public:
  explicit TempoMap(const MidiFile& file);
  double seconds(uint32_t tick) const;

 private:
  struct Segment {
    uint32_t tick;
    double start_s;
    double seconds_per_tick;
  };
  std::vector<Segment> segments_;
};

/// Splits by (channel, program): one part for every program that a channel plays notes with, in the order of
/// first appearance. Times in seconds through the tempo map; a note that is struck again while it sounds ends
/// there; notes never released end with their track; notes that end at the tick at which they begin last 0.05 s.
/// Controllers (sustain 64, volume 7, …) go to the part that is current on the channel; bank select and channel-mode
/// messages are dropped. Channel 10 is drums. The part's name is the track's; roles are guessed from program,
/// register and density.
std::vector<Part> parts_of_midi(const MidiFile& file);

/// All notes of a file but those of drums, of all its parts together and in order of their onsets, as one instrument
/// could play them.
std::vector<Note> tones_of_midi(const MidiFile& file);

/// The metre from the start to the last event: a beat is the denominator of the time signature (4/4 before the
/// first).
std::vector<Beat> beats_of_midi(const MidiFile& file);

/// Everything a MIDI file tells about a piece; the one chord span says "no chord", as a MIDI file has no labels.
Score score_of_midi(const MidiFile& file);

/// A type-1 file: tempo, metre and key in the first track, then one track per part. Throws kInput when the score
/// has more than 15 parts besides drums (the channels of a MIDI file).
MidiFile midi_of_score(const Score& score);

}  // namespace instructme
