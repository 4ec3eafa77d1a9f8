#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "instructme/multitrack/multitrack_song.h"

namespace instructme {

/// What the headers of a song's files say.
struct SongHeaders {
  struct File {
    double seconds = 0;   ///< 0 when the header does not tell
    bool exact = true;    ///< false when the header does not tell, or may only estimate
    int sample_rate = 0;  ///< Hz; 0 when the file could not be read
    bool missing = false;
    std::string error;  ///< "" when it could be read
  };
  std::vector<std::vector<File>> stems;  ///< [stem][file]

  double seconds(size_t stem) const;  ///< of its longest file
  bool exact(size_t stem) const;      ///< all files of the stem are
  double longest() const;
};

/// Never throws for a bad file: it has an `error`.
SongHeaders read_headers(const MultitrackSong& song);

/// The mean of a file's channels at `sample_rate`. Throws what read_audio throws.
std::vector<float> read_mono(const std::filesystem::path& path, int sample_rate);
/// The sum of a stem's files with their gains; as long as the longest.
std::vector<float> read_stem_sum(const MultitrackStem& stem, int sample_rate);
/// Adds `gain` times `part` to `sum`, which grows as needed.
void add_to(std::vector<float>& sum, const std::vector<float>& part, double gain = 1);

}  // namespace instructme
