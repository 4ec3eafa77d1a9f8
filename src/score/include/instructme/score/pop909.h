#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "instructme/score/chart.h"
#include "instructme/score/groove_library.h"

namespace instructme {

/// A song of POP909 (Wang et al., "POP909: A Pop-song Dataset for Music Arrangement Generation", ISMIR 2020) on an even
/// grid: what was played between two beats lies between the same beats of the chart, whose tempo is constant.
struct Pop909Song {
  std::string name;  ///< "001"
  Chart chart;
  std::vector<Part>
      parts;  ///< melody, counter-melody (the track BRIDGE) and piano (role chords), in the chart's seconds
};

struct Pop909 {
  std::vector<Pop909Song> songs;     ///< by name
  std::vector<std::string> refused;  ///< "song 012: …"
  std::string hash;                  ///< of the files of all songs, 16 hexadecimal digits
};

/// Reads one song's folder: NNN.mid, chord_midi.txt, beat_midi.txt and key_audio.txt. The piece starts with the first
/// bar that has a chord; where the labels say "no chord" later, the chord before goes on. A bar with too few beats is
/// filled up with its last chord, one with too many is divided first. Throws kInput, with the song's name, when a file
/// is missing or damaged or when more than a fifth of the bars have not the usual number of beats.
Pop909Song read_pop909_song(const std::filesystem::path& folder);

/// Reads all songs, or those of one part of the split, from the unpacked folder or from an archive that `tar` can
/// unpack. A song that cannot be used is refused, not fatal. Some seconds; about 50 MB of memory. Throws kIo when there
/// is no such path, kMissing when an archive is given and tar or xz is not installed, kInput when there are no songs.
Pop909 load_pop909(const std::filesystem::path& path, std::optional<GrooveSplit> split = {});

/// A fixed tenth of the songs, by a hash of the number.
bool pop909_held_out(const std::string& name);

/// The bars [first, first + count) as a piece of their own. Throws kInternal when they are not in the song.
Pop909Song cut_bars(const Pop909Song& song, int first, int count);

}  // namespace instructme
