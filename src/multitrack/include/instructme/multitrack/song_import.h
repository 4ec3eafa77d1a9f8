#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/multitrack/multitrack_song.h"

namespace instructme {

struct ImportOptions {
  std::filesystem::path folder;    ///< the song folders go to <folder>/{train,validation,test}/
  int sample_rate = 24000;         ///< Hz
  bool flac = false;               ///< half the disk space, slower to read
  bool keep_unnamed = true;        ///< stems without an instrument go, summed, into one stem with instrument "",
                                   ///< which is heard in training examples and never asked for; else they are
                                   ///< left out, and the song is what its named stems sum to
  bool with_bleed = true;          ///< false leaves out songs in which a stem is known to bleed
  double mix_level_db = -18;       ///< active RMS of the mix, dBFS, unless it would clip: as rendered songs have
  double validation_share = 0.05;  ///< of the songs without a split of their own
  double test_share = 0.05;
  int jobs = 1;  ///< threads; each holds one song in memory
};

struct ImportReport {
  int64_t imported = 0;
  int64_t kept = 0;                       ///< were complete already
  int64_t left_out = 0;                   ///< of another split ("omitted"), or for bleed
  std::map<std::string, int64_t> splits;  ///< imported and kept
  std::vector<std::string> refused;       ///< "id: why"
  std::vector<std::string> notes;         ///< "id: what was changed", e.g. padded stems
};

/// "train", "validation" or "test": the song's own where it has one of these, the song's other word when it has
/// another, else by a hash of its title, so that a song is always in the same split, whatever else is imported.
std::string import_split(const MultitrackSong& song, double validation_share, double test_share);

/// Name of the song's folder: collection, id and a hash of the id, of a-z, 0-9 and dashes.
std::string import_folder_name(const MultitrackSong& song);

/// Converts songs to song folders (instructme/data/song_folder.h) that SongSet reads: every stem is the sum of its
/// files, each the mean of its channels, at `sample_rate`; shorter stems are padded with silence, which is noted;
/// one gain for all stems of a song brings the mix to `mix_level_db`.
///
/// What recordings do not tell is left open: no chords (song folders may have none; every chord class is then
/// "no chord"), no beats, and the placeholders tempo 120 and key C:major. `source` is "<collection>: <id>".
///
/// A song's folder appears complete, after it was read back, or not at all. A run that was stopped goes on: songs
/// that are there are kept, damaged ones are made again. `import.json` remembers the options. Several collections
/// may share a folder.
///
/// A song that cannot be used (its `problems`, no named stem, bad audio, silence) is refused and does not stop the
/// others. Throws kUsage for bad options or when the folder was filled with other options, kIo, kCancelled.
/// `progress` is called by one thread at a time.
ImportReport import_songs(const std::vector<MultitrackSong>& songs, const ImportOptions& options,
                          const Lexicon& lexicon, const ProgressCallback& progress = {},
                          const CancelToken& cancel = {});

}  // namespace instructme
