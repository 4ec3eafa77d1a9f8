#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instructme {

/// The MIDI key (C4 is 60) of a name that begins with a note, as names of recordings do: "A3", "F#2v8", "Bb4_long",
/// "cs5". nullopt for other names and for notes outside 0..127. Thread-safe.
std::optional<int> key_of_note(std::string_view name);

/// One note of an instrument, as somebody played it.
struct RecordedNote {
  int key = 60;
  int sample_rate = 0;         ///< Hz
  std::vector<float> samples;  ///< mono, from the onset on
};

/// The sound files of a folder whose names begin with a note, by key; of several of one key the first by name. Silence
/// at both ends is cut off, and what goes on for more than eight seconds. Throws kInput when there are none, or one
/// cannot be read or is silent.
std::vector<RecordedNote> read_recorded_notes(const std::filesystem::path& folder);

struct SoundFontRecipe {
  std::string name;        ///< of the only preset, at most 19 characters of it
  int program = 0;         ///< General MIDI program, 0..127
  double release_s = 0.3;  ///< how long a note takes to die away after its end, 0.001 to 10 seconds
};

/// A SoundFont (SoundFont Technical Specification 2.01) whose one preset plays these notes, each for the keys that are
/// nearest to its own, at most an octave away. Their loudness is evened out half way. Returns the bytes of an .sf2
/// file. Throws kUsage when an option is out of range or there are no notes. Thread-safe.
std::string make_sound_font(const std::vector<RecordedNote>& notes, const SoundFontRecipe& recipe);

}  // namespace instructme
