#include "instructme/data/dataset_renderer.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <thread>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

using nlohmann::json;

json manifest_of(const DatasetOptions& options, const Palette& palette) {
  return {{"format", "instructme-dataset"},
          {"version", 1},
          {"first_seed", options.first_seed},
          {"count", options.count},
          {"split", options.palette.held_out ? "held-out" : "train"},
          {"fonts", palette.sources()},
          {"held_out_fonts", options.palette.held_out_fonts},
          {"composer", options.composer},
          {"render", to_json(options.render)}};
}

// A set may grow; everything else must stay as it was.
void write_manifest(const std::filesystem::path& path, json manifest) {
  if (std::filesystem::exists(path)) {
    json before = read_json_file(path);
    if (!before.is_object()) before = json::object();
    for (const auto& [key, value] : manifest.items())
      if (key != "count" && before.value(key, json()) != value)
        throw Error(ErrorKind::kUsage, "The folder '" + path.parent_path().string() +
                                           "' holds songs made with another '" + key +
                                           "'; give the same options or another folder.");
    if (before.contains("count") && before["count"].is_number_integer())
      manifest["count"] = std::max(manifest["count"].get<int64_t>(), before["count"].get<int64_t>());
  }
  write_json_file(path, manifest);
}

}  // namespace

DatasetReport render_dataset(const DatasetOptions& options, const Composer& composer, const Lexicon& lexicon,
                             const ProgressCallback& progress, const CancelToken& cancel) {
  if (options.count < 1) throw Error(ErrorKind::kUsage, "A data set needs at least one song.");
  if (options.jobs < 1 || options.jobs > 1024)
    throw Error(ErrorKind::kUsage, format("Rendering needs 1 to 1024 threads, not %d.", options.jobs));
  const auto palette = std::make_shared<const Palette>(Palette::scan(options.palette, lexicon));
  make_folder(options.folder);
  write_manifest(options.folder / "dataset.json", manifest_of(options, *palette));

  DatasetReport report;
  std::mutex mutex;  // guards report, failure and the progress callback
  std::exception_ptr failure;
  std::atomic<int64_t> next{0};
  std::atomic<bool> stop{false};
  const auto finish_song = [&](const std::string& detail) {
    const int64_t done = report.rendered + report.kept + static_cast<int64_t>(report.refused.size());
    if (progress) progress({"rendering songs", done, options.count, detail});
  };
  const auto work = [&] {
    try {
      SongRenderer renderer(options.render, composer, palette, lexicon);
      for (int64_t i = next++; i < options.count && !stop; i = next++) {
        cancel.check();
        const uint64_t seed = options.first_seed + static_cast<uint64_t>(i);
        const std::string name = song_folder_name(seed);
        if (is_song_folder(options.folder / name)) {
          const std::lock_guard lock(mutex);
          ++report.kept;
          finish_song(name);
          continue;
        }
        try {
          write_song(options.folder / name, renderer.render(seed), options.flac);
          const std::lock_guard lock(mutex);
          ++report.rendered;
          finish_song(name);
        } catch (const Error& error) {
          if (error.kind() != ErrorKind::kInput) throw;
          const std::lock_guard lock(mutex);
          report.refused.push_back(format("seed %llu: %s", static_cast<unsigned long long>(seed), error.what()));
          finish_song(report.refused.back());
        }
      }
      const std::lock_guard lock(mutex);
      report.plugin_failures.insert(renderer.plugin_failures().begin(), renderer.plugin_failures().end());
    } catch (...) {
      stop = true;
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < options.jobs; ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
  if (failure) std::rethrow_exception(failure);
  return report;
}

}  // namespace instructme
