#include <algorithm>
#include <set>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/set_manifest.h"
#include "instructme/data/shards.h"
#include "instructme/data/song_identity.h"
#include "shard_files.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int64_t kMostExamples = 100'000'000;  // keys have 8 digits

void check(const ShardOptions& options) {
  if (options.count < 1 || options.count > kMostExamples)
    throw Error(ErrorKind::kUsage,
                format("Shards hold 1 to %lld examples, not %lld.", static_cast<long long>(kMostExamples),
                       static_cast<long long>(options.count)));
  if (options.per_shard < 1 || options.per_shard > 100000)
    throw Error(ErrorKind::kUsage,
                format("A shard holds 1 to 100000 examples, not %lld.", static_cast<long long>(options.per_shard)));
  if (options.bits != 16 && options.bits != 24)
    throw Error(ErrorKind::kUsage, format("Shards have samples of 16 or 24 bits, not %d.", options.bits));
  const bool plain = std::all_of(options.split.begin(), options.split.end(),
                                 [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
  if (options.split.empty() || options.split.size() > 40 || !plain)
    throw Error(ErrorKind::kUsage,
                "'" + options.split + "' is no name of a split; use at most 40 letters, digits, '-' and '_'.");
}

// What must stay as it was when a set grows.
json description(const ShardOptions& options, int sample_rate) {
  return {{"format", kShardFormat}, {"version", kShardVersion},
          {"split", options.split}, {"per_shard", options.per_shard},
          {"bits", options.bits},   {"sample_rate", sample_rate},
          {"how", options.how}};
}

void refuse_folder(const fs::path& folder, const std::string& what) {
  throw Error(ErrorKind::kUsage, "The folder '" + folder.string() + "' holds " + what);
}

void check_earlier_run(const fs::path& folder, const json& wanted) {
  const fs::path path = folder / kShardManifest;
  earlier_manifest(path, wanted, "shards made with", "the same options and programs");
  if (fs::exists(path)) return;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".tar")
      refuse_folder(folder, "'" + entry.path().filename().string() + "' but no manifest; give another folder.");
}

// Examples of a larger set would be lost, or stay beside those of this one.
void refuse_smaller(const ShardOptions& options) {
  refuse_folder(options.folder, format("more than %lld examples; give a larger count or another folder.",
                                       static_cast<long long>(options.count)));
}

struct IndexedShard {
  std::string rows;  // of index.tsv
  int64_t examples = 0, bytes = 0, frames = 0;
  std::set<SoundOrigin> sounds;
};

// Reads back what an archive holds, whether it is new or from an earlier run; `first` is the number of its first
// example.
IndexedShard index_shard(const fs::path& path, int64_t first) {
  IndexedShard shard;
  const TarReader archive(path);
  for (const ExampleEntries& example : example_entries(archive, path.string())) {
    const std::string wanted = example_key(first + shard.examples);
    if (example.key != wanted)
      throw Error(ErrorKind::kInput, path.string() + ": '" + example.key + "' is where '" + wanted +
                                         "' should be; take the archive away, so that it is made again.");
    const auto labels = example.files.find("json");
    if (labels == example.files.end())
      throw Error(ErrorKind::kInput, path.string() + ": '" + example.key + "' has no labels.");
    const std::string text = archive.read(labels->second);
    const LabelledTriplet read = decode_example({{"json", text}}, path.string() + ": " + example.key);
    int64_t offset = labels->second.offset;
    for (const auto& [name, entry] : example.files) offset = std::min(offset, entry.offset);
    shard.rows += format("%s\t%s\t%lld\t%s\n", example.key.c_str(), path.filename().c_str(),
                         static_cast<long long>(offset), song_identity(read.clip).c_str());
    shard.frames = json::parse(text).at("frames").get<int64_t>();
    shard.sounds.insert(read.clip.sounds.begin(), read.clip.sounds.end());
    ++shard.examples;
  }
  shard.bytes = static_cast<int64_t>(fs::file_size(path));
  return shard;
}

}  // namespace

ShardReport write_shards(const ShardOptions& options, TripletSequence& sequence, const ProgressCallback& progress,
                         const CancelToken& cancel) {
  check(options);
  make_folder(options.folder);
  json manifest = description(options, sequence.sample_rate());
  check_earlier_run(options.folder, manifest);
  const int64_t archives = (options.count - 1) / options.per_shard + 1;
  if (fs::exists(options.folder / shard_name(options.split, archives))) refuse_smaller(options);
  const fs::path manifest_path = options.folder / kShardManifest;
  if (!fs::exists(manifest_path)) write_json_file(manifest_path, manifest);

  ShardReport report;
  std::string index = "key\tshard\toffset\tsong\n";
  std::set<SoundOrigin> sounds;
  json shards = json::array();
  int64_t frames = 0;
  for (int64_t number = 0; number < archives; ++number) {
    const int64_t first = number * options.per_shard, last = std::min(options.count, first + options.per_shard);
    const fs::path path = options.folder / shard_name(options.split, number);
    const auto tell = [&](int64_t done) {
      if (progress) progress({"writing shards", done, options.count, path.filename().string()});
    };
    IndexedShard shard;
    if (fs::exists(path)) shard = index_shard(path, first);
    if (shard.examples > last - first) refuse_smaller(options);
    if (shard.examples == last - first) {
      ++report.kept;
      tell(last);
    } else {
      AtomicFile file(path);
      TarWriter archive(file.temporary());
      for (int64_t i = first; i < last; ++i) {
        cancel.check();
        for (const auto& [extension, content] : encode_example(sequence.at(i), sequence.sample_rate(), options.bits))
          archive.add(example_key(i) + "." + extension, content);
        tell(i + 1);
      }
      archive.finish();
      // What the manifest says of an archive that is replaced, as the last one of a smaller set, ceases to be true.
      if (fs::exists(path)) write_json_file(manifest_path, manifest);
      file.commit();
      shard = index_shard(path, first);
      ++report.written;
    }
    index += shard.rows;
    sounds.merge(shard.sounds);
    shards.push_back({{"file", path.filename().string()}, {"examples", shard.examples}, {"bytes", shard.bytes}});
    report.bytes += shard.bytes;
    frames = shard.frames;
  }
  const double seconds = static_cast<double>(frames) / sequence.sample_rate();
  report.hours = seconds * static_cast<double>(options.count) / 3600;
  json origins = json::array();
  for (const SoundOrigin& sound : sounds) origins.push_back({{"source", sound.source}, {"licence", sound.licence}});
  manifest["count"] = options.count;
  manifest["seconds"] = seconds;
  manifest["hours"] = report.hours;
  manifest["sounds"] = origins;
  manifest["shards"] = shards;
  write_file_atomically(options.folder / kShardIndex, index);
  write_json_file(manifest_path, manifest);
  return report;
}

}  // namespace instructme
