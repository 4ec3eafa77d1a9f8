#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/base/rng.h"
#include "instructme/score/groove_library.h"
#include "instructme/score/score.h"

namespace instructme {

/// A MIDI file that can be a song: it has two parts or more and lasts long enough.
struct MidiSong {
  std::filesystem::path path;
  std::string name;  ///< path below the folder that was searched, with '/'
  std::string hash;  ///< of its notes, 16 hexadecimal digits; equal notes have equal hashes
  double seconds = 0;
};

struct MidiSongs {
  std::vector<MidiSong> songs;       ///< by name
  std::vector<std::string> refused;  ///< "name: why"
  int64_t duplicates = 0;            ///< files with the notes of an earlier one
  std::string hash;                  ///< of all songs
};

/// Finds the type 0 and 1 files (.mid, .midi) below a folder, in the order of their names, and looks at each; a file
/// that cannot be used is refused, not fatal. With `split`, a fixed tenth by the hash of the notes is held out. Nothing
/// is kept but names, so that large collections fit. Throws kIo when there is no such folder, kInput when it holds no
/// song.
MidiSongs find_midi_songs(const std::filesystem::path& folder, std::optional<GrooveSplit> split = {},
                          const ProgressCallback& progress = {}, const CancelToken& cancel = {});

/// Whole bars of at least `seconds` (the whole piece when it is shorter), beginning at a bar line drawn from `rng`,
/// with chords and key estimated (chord_estimate.h) and no genre. Throws kIo when the file is gone, kInput when it is
/// damaged or nothing can be heard at the places that were drawn.
Score draw_midi_window(const MidiSong& song, double seconds, Rng& rng);

/// The bars [first, first + count) of a score as a piece of their own: notes and controllers that go on from before
/// begin with it, parts without notes are left out, bars count from 0. Throws kInternal when they are not in the score.
Score cut_bars(const Score& score, int first, int count);

}  // namespace instructme
