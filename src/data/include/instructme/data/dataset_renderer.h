#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/data/song_renderer.h"

namespace instructme {

struct DatasetOptions {
  std::filesystem::path folder;  ///< one sub-folder per song, and dataset.json
  int64_t count = 0;             ///< songs, with the seeds first_seed, first_seed + 1, …
  uint64_t first_seed = 0;
  int jobs = 1;       ///< threads
  bool flac = false;  ///< half the disk space, slower to read
  RenderOptions render;
  PaletteOptions palette;
  nlohmann::json composer;  ///< how the composer was set up, for the manifest
};

struct DatasetReport {
  int64_t rendered = 0;
  int64_t kept = 0;                       ///< were complete already
  std::vector<std::string> refused;       ///< "seed 12: …": songs that could not be made; sorted
  std::set<std::string> plugin_failures;  ///< what plugins failed at; other sounds were taken, effects left out
};

/// Renders a set of songs; a run that was stopped goes on where it was: songs that are there are kept, damaged ones are
/// made again. Writes `dataset.json` (seeds, sources of sounds, split, options) first. Throws kUsage for bad options or
/// when the folder holds a set made with other options, kCancelled, and whatever stops a song but kInput, which refuses
/// only that song. `progress` is called by one thread at a time.
DatasetReport render_dataset(const DatasetOptions& options, const Composer& composer, const Lexicon& lexicon,
                             const ProgressCallback& progress = {}, const CancelToken& cancel = {});

}  // namespace instructme
