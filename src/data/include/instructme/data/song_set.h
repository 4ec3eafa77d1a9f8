#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "instructme/data/song_folder.h"

namespace instructme {

/// All songs of a data set, opened for reading clips. Audio of song folders stays on disk (the system's page cache
/// keeps what fits), so a set may be larger than memory; songs that were never stored are kept as 16-bit samples, as
/// a folder would have them, so that both give the same clips. Immutable; all members may be called from several
/// threads at once.
class SongSet {
 public:
  /// Opens every song folder directly inside `folder`, in the order of their names, and checks it.
  /// Throws kIo or kInput for a bad song, kInput when there is none or their sample rates differ.
  explicit SongSet(const std::filesystem::path& folder);
  /// Several folders as one set.
  explicit SongSet(const std::vector<std::filesystem::path>& folders);
  /// Songs in memory. Throws kInput as above, kInternal when the audio and info of a song do not match.
  explicit SongSet(std::vector<RenderedSong> songs);

  size_t size() const { return songs_.size(); }
  int sample_rate() const { return sample_rate_; }
  const SongInfo& info(size_t song) const { return songs_.at(song).info; }
  /// Name of the song's folder, or the one it would have (song_folder_name).
  std::string name(size_t song) const { return songs_.at(song).name; }
  /// Path of the song's folder; empty for a song in memory.
  const std::filesystem::path& folder(size_t song) const { return songs_.at(song).folder; }

  /// Frames [start_frame, start_frame + frames) of one stem, mono. Throws kInternal when they are not all
  /// inside the song, kIo or kInput when the file has changed.
  std::vector<float> clip(size_t song, size_t arrangement, size_t version, size_t stem, int64_t start_frame,
                          int64_t frames) const;
  /// RMS in dBFS of `blocks` level blocks (kLevelBlock_s each) of a stem from block `first`, without reading
  /// audio.
  double clip_level_db(size_t song, size_t arrangement, size_t version, size_t stem, int64_t first,
                       int64_t blocks) const;
  /// One-hot rows [frames x kChordClasses], row major, of the chords from start_s on; frame i is taken at
  /// start_s + (i + 0.5) / frame_rate.
  std::vector<float> chord_matrix(size_t song, double start_s, int frames, double frame_rate) const;

  /// Frames of one level block.
  int64_t block_frames() const { return static_cast<int64_t>(kLevelBlock_s * sample_rate_); }

 private:
  struct OpenSong {
    std::string name;
    std::filesystem::path folder;
    SongInfo info;
    /// [arrangement][version][stem][frame]; empty for a song on disk
    std::vector<std::vector<std::vector<std::vector<int16_t>>>> audio;
  };
  void check_rates(const std::string& places);

  std::vector<OpenSong> songs_;
  int sample_rate_ = 0;
};

/// Names of all instruments that the songs have stems of, sorted.
std::vector<std::string> instruments_of(const SongSet& songs);

}  // namespace instructme
