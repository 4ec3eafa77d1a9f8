#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/text/lexicon.h"

namespace instructme {

/// A recording of music without stems, and what is known of it.
struct Recording {
  std::filesystem::path file;
  std::set<std::string> heard;  ///< canonical instruments of the lexicon
  std::string source, licence;  ///< as the list says; may be ""
  int sample_rate = 0;          ///< Hz
  int64_t frames = 0;           ///< at this rate
};

/// Reads a list of recordings: a table with tabs, a heading line, and the columns `file` (relative to the list),
/// `heard` (instruments of the lexicon or families of them, with commas; "nothing" for none) and, where known, `source`
/// and `licence`. Files that do not tell their length, such as some MP3, are read for it. Throws kIo, and kInput naming
/// the line for unknown columns, instruments, missing files and what read_audio refuses.
std::vector<Recording> read_recordings(const std::filesystem::path& list, const Lexicon& lexicon);

struct BackgroundOptions {
  std::filesystem::path folder;              ///< song folders go here
  std::vector<std::filesystem::path> songs;  ///< song folders that the stems are taken from
  int64_t count = 0;
  uint64_t first_seed = 0;
  double seconds = 30;       ///< of a song
  int most_stems = 2;        ///< laid over one recording
  double stem_low_db = -10;  ///< RMS of a stem relative to the recording's, drawn between these
  double stem_high_db = 3;
  double mix_level_db = -18;  ///< active RMS of the mix, dBFS, unless it would clip
  int jobs = 1;               ///< threads
  bool flac = false;
};

struct BackgroundReport {
  int64_t made = 0, kept = 0;
  std::map<std::string, int64_t> instruments;  ///< stems laid over recordings, by name
  std::vector<std::string> refused;            ///< "seed 12: …"
};

/// Makes songs whose background is a real recording: one or more stems of other songs, of instruments that are not
/// heard in the recording, laid over a part of it. The recording becomes a stem without an instrument, which training
/// examples hear and never ask for. Deterministic in the seeds; a run that was stopped goes on: songs that are there
/// are kept, damaged ones are made again. There are no chords and no beats. Recordings and licences are named in every
/// song. Recordings that are not longer than a song are left out. Throws kUsage for bad options or a folder made with
/// others, kInput when no recording or no stem can be used, kCancelled. `progress` is called by one thread at a time.
BackgroundReport make_background_songs(const std::vector<Recording>& recordings, const BackgroundOptions& options,
                                       const ProgressCallback& progress = {}, const CancelToken& cancel = {});

}  // namespace instructme
