#include "instructme/data/dataset_renderer.h"

#include <algorithm>
#include <mutex>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/set_manifest.h"
#include "instructme/data/song_threads.h"

namespace instructme {
namespace {

using nlohmann::json;

json manifest_of(const DatasetOptions& options, const Palette& palette) {
  return {{"format", "instructme-dataset"},   {"version", 1},
          {"first_seed", options.first_seed}, {"split", options.palette.held_out ? "held-out" : "train"},
          {"fonts", palette.sources()},       {"held_out_fonts", options.palette.held_out_fonts},
          {"composer", options.composer},     {"render", to_json(options.render)}};
}

// A set may grow; everything else must stay as it was.
void write_manifest(const std::filesystem::path& path, json manifest, int64_t count) {
  const json before = earlier_manifest(path, manifest, "songs made with");
  if (before.contains("count") && before["count"].is_number_integer())
    count = std::max(count, before["count"].get<int64_t>());
  manifest["count"] = count;
  write_json_file(path, manifest);
}

}  // namespace

DatasetReport render_dataset(const DatasetOptions& options, const Composer& composer, const Lexicon& lexicon,
                             const ProgressCallback& progress, const CancelToken& cancel) {
  if (options.count < 1) throw Error(ErrorKind::kUsage, "A data set needs at least one song.");
  check_jobs(options.jobs);
  const auto palette = std::make_shared<const Palette>(Palette::scan(options.palette, lexicon));
  make_folder(options.folder);
  write_manifest(options.folder / "dataset.json", manifest_of(options, *palette), options.count);

  DatasetReport report;
  std::mutex mutex;  // guards report and the progress callback
  const auto make_song = [&](SongRenderer& renderer, size_t number) {
    const uint64_t seed = options.first_seed + number;
    const std::string name = song_folder_name(seed);
    const bool there = holds_whole_song(options.folder / name);
    std::string refused;
    if (!there) {
      try {
        write_song(options.folder / name, renderer.render(seed), options.flac);
      } catch (const Error& error) {
        if (error.kind() != ErrorKind::kInput) throw;
        refused = format("seed %llu: ", static_cast<unsigned long long>(seed)) + error.what();
      }
    }
    const std::lock_guard lock(mutex);
    if (refused.empty())
      ++(there ? report.kept : report.rendered);
    else
      report.refused.push_back(refused);
    report.plugin_failures.insert(renderer.plugin_failures().begin(), renderer.plugin_failures().end());
    const int64_t done = report.rendered + report.kept + static_cast<int64_t>(report.refused.size());
    if (progress) progress({"rendering songs", done, options.count, refused.empty() ? name : refused});
  };
  for_each_song(static_cast<size_t>(options.count), options.jobs, cancel, [&]() -> SongWork {
    const auto renderer = std::make_shared<SongRenderer>(options.render, composer, palette, lexicon);
    return [&make_song, renderer](size_t number) { make_song(*renderer, number); };
  });
  std::sort(report.refused.begin(), report.refused.end());  // threads finish in any order
  return report;
}

}  // namespace instructme
