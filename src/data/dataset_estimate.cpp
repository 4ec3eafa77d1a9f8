#include "instructme/data/dataset_estimate.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/statistics.h"

namespace instructme {
namespace {

double now_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double bytes_below(const std::filesystem::path& folder) {
  double bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  return bytes;
}

}  // namespace

DatasetEstimate estimate_dataset(const DatasetOptions& options, const Composer& composer, const Lexicon& lexicon,
                                 int samples, const CancelToken& cancel) {
  if (options.count < 1 || options.jobs < 1 || samples < 1)
    throw Error(ErrorKind::kUsage, "An estimate needs at least one song, one thread and one sample.");
  const auto palette = std::make_shared<const Palette>(Palette::scan(options.palette, lexicon));
  SongRenderer renderer(options.render, composer, palette, lexicon);
  const TempDir folder("estimate");
  DatasetEstimate estimate;
  estimate.songs = options.count;
  std::string refused;
  std::vector<double> times;
  for (int64_t i = 0; i < std::min<int64_t>(samples, options.count); ++i) {
    cancel.check();
    const double start_s = now_s();
    try {
      const uint64_t seed = options.first_seed + static_cast<uint64_t>(i);
      RenderedSong song = renderer.render(seed);
      const double hours = static_cast<double>(song.info.frames) / song.info.sample_rate / 3600;
      size_t stems = 0;
      for (const ArrangementInfo& arrangement : song.info.arrangements)
        for (const VersionInfo& version : arrangement.versions) stems += version.stems.size();
      write_song(folder.path() / song_folder_name(seed), std::move(song), options.flac);
      estimate.music_hours += hours;
      estimate.stem_hours += hours * static_cast<double>(stems);
      times.push_back(now_s() - start_s);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInput) throw;
      refused = error.what();
    }
  }
  if (times.empty()) throw Error(ErrorKind::kInput, "None of the first songs can be made: " + refused);
  estimate.measured = static_cast<int>(times.size());
  // The median is little moved by a song during which fonts were loaded.
  estimate.song_seconds = upper_median(times);
  const double factor = static_cast<double>(options.count) / estimate.measured;
  estimate.music_hours *= factor;
  estimate.stem_hours *= factor;
  estimate.gigabytes = bytes_below(folder.path()) * factor / 1e9;
  const int threads = std::min(options.jobs, static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  estimate.hours = estimate.song_seconds * static_cast<double>(options.count) / threads / 3600;
  return estimate;
}

}  // namespace instructme
