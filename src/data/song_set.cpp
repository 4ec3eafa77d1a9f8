#include "instructme/data/song_set.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>
#include <utility>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "stem_file.h"

namespace instructme {

namespace fs = std::filesystem;

SongSet::SongSet(const fs::path& folder) : SongSet(std::vector<fs::path>{folder}) {}

SongSet::SongSet(const std::vector<fs::path>& folders) {
  std::string places;
  for (const fs::path& folder : folders) {
    places += (places.empty() ? "'" : ", '") + folder.string() + "'";
    if (!fs::is_directory(folder))
      throw Error(ErrorKind::kInput, "The data set '" + folder.string() + "' is not a folder; render one first.");
    std::vector<fs::path> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
      // A hidden folder is a song that is being written.
      const std::string name = entry.path().filename().string();
      if (entry.is_directory() && !name.starts_with(".") && is_song_folder(entry.path())) names.push_back(entry.path());
    }
    std::sort(names.begin(), names.end());
    for (const fs::path& name : names) songs_.push_back({name.filename().string(), name, read_song_info(name), {}});
  }
  check_rates(places);
}

SongSet::SongSet(std::vector<RenderedSong> songs) {
  for (RenderedSong& song : songs) {
    complete_song(song);
    OpenSong open{song_folder_name(song.info.seed), {}, std::move(song.info), {}};
    for (auto& arrangement : song.audio) {
      open.audio.emplace_back();
      for (auto& version : arrangement) {
        open.audio.back().emplace_back();
        for (auto& stem : version) open.audio.back().back().push_back(stem_codes(std::exchange(stem, {})));
      }
    }
    songs_.push_back(std::move(open));
  }
  check_rates("memory");
}

void SongSet::check_rates(const std::string& places) {
  if (songs_.empty()) throw Error(ErrorKind::kInput, "There is no song in " + places + "; render some first.");
  sample_rate_ = songs_.front().info.sample_rate;
  for (const OpenSong& song : songs_)
    if (song.info.sample_rate != sample_rate_)
      throw Error(ErrorKind::kInput, format("The song '%s' has %d Hz where the first of the set has %d Hz.",
                                            song.name.c_str(), song.info.sample_rate, sample_rate_));
}

std::vector<float> SongSet::clip(size_t song, size_t arrangement, size_t version, size_t stem, int64_t start_frame,
                                 int64_t frames) const {
  const OpenSong& open = songs_.at(song);
  ensure(start_frame >= 0 && frames > 0 && start_frame + frames <= open.info.frames, "a clip outside of its song");
  const StemInfo& info = open.info.arrangements.at(arrangement).versions.at(version).stems.at(stem);
  if (open.audio.empty()) return read_stem(open.folder / info.file, start_frame, frames);
  return stem_samples(std::span(open.audio.at(arrangement).at(version).at(stem))
                          .subspan(static_cast<size_t>(start_frame), static_cast<size_t>(frames)));
}

double SongSet::clip_level_db(size_t song, size_t arrangement, size_t version, size_t stem, int64_t first,
                              int64_t blocks) const {
  const auto& levels = info(song).arrangements.at(arrangement).versions.at(version).stems.at(stem).block_levels_db;
  ensure(first >= 0 && blocks > 0 && first + blocks <= static_cast<int64_t>(levels.size()),
         "a level outside of its song");
  double power = 0;
  for (int64_t i = first; i < first + blocks; ++i)
    if (levels[static_cast<size_t>(i)] > kSilence_db) power += std::pow(10.0, levels[static_cast<size_t>(i)] / 10);
  return std::max<double>(kSilence_db, 10 * std::log10(power / static_cast<double>(blocks) + 1e-30));
}

std::vector<float> SongSet::chord_matrix(size_t song, double start_s, int frames, double frame_rate) const {
  const std::vector<int> classes = chord_classes(info(song).chords, start_s, frames, frame_rate);
  std::vector<float> matrix(classes.size() * kChordClasses);
  for (size_t i = 0; i < classes.size(); ++i) matrix[i * kChordClasses + static_cast<size_t>(classes[i])] = 1.0f;
  return matrix;
}

std::vector<std::string> instruments_of(const SongSet& songs) {
  std::set<std::string> names;
  for (size_t i = 0; i < songs.size(); ++i)
    for (const auto& arrangement : songs.info(i).arrangements)
      for (const auto& version : arrangement.versions)
        for (const auto& stem : version.stems)
          if (!stem.instrument.empty()) names.insert(stem.instrument);
  return {names.begin(), names.end()};
}

}  // namespace instructme
