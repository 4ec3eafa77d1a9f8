#include <algorithm>
#include <charconv>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/shards.h"
#include "shard_files.h"

namespace instructme {

namespace fs = std::filesystem;

std::string shard_name(const std::string& split, int64_t shard) {
  return format("%s-%06lld.tar", split.c_str(), static_cast<long long>(shard));
}

std::string example_key(int64_t index) { return format("%08lld", static_cast<long long>(index)); }

std::vector<ExampleEntries> example_entries(const TarReader& archive, const std::string& name) {
  std::vector<ExampleEntries> examples;
  for (const TarEntry& entry : archive.entries()) {
    const size_t dot = entry.name.find('.');
    if (dot == std::string::npos || dot == 0)
      throw Error(ErrorKind::kInput, name + ": the file '" + entry.name + "' belongs to no example.");
    const std::string key = entry.name.substr(0, dot);
    if (examples.empty() || examples.back().key != key) examples.push_back({key, {}});
    examples.back().files[entry.name.substr(dot + 1)] = entry;
  }
  return examples;
}

bool is_shard_folder(const fs::path& folder) { return fs::is_regular_file(folder / kShardManifest); }

ShardSet::ShardSet(fs::path folder) : folder_(std::move(folder)) {
  if (!is_shard_folder(folder_))
    throw Error(ErrorKind::kIo,
                "The folder '" + folder_.string() + "' has no manifest.json; write shards there first.");
  const std::string name = (folder_ / kShardManifest).string();
  const auto refuse = [&](const std::string& why) { throw Error(ErrorKind::kInput, name + ": " + why); };
  try {
    manifest_ = read_json_file(name);
    if (manifest_.at("format") != kShardFormat || manifest_.at("version") != kShardVersion)
      refuse("this is no manifest of shards that this program knows.");
    if (!manifest_.contains("shards")) refuse("the shards are not complete; give the command that writes them again.");
    sample_rate_ = manifest_.at("sample_rate").get<int>();
    seconds_ = manifest_.at("seconds").get<double>();
    for (const auto& shard : manifest_.at("shards")) {
      shards_.push_back(shard.at("file").get<std::string>());
      const fs::path path = folder_ / shards_.back();
      if (fs::path(shards_.back()).filename() != shards_.back()) refuse("'" + shards_.back() + "' is no file name.");
      if (!fs::is_regular_file(path)) throw Error(ErrorKind::kIo, "The shard '" + path.string() + "' is missing.");
      const auto wanted = shard.at("bytes").get<uintmax_t>();
      if (const auto found = fs::file_size(path); found != wanted)
        throw Error(
            ErrorKind::kInput,
            format("The shard '%s' is truncated or damaged: it has %llu bytes where the manifest says %llu.",
                   path.c_str(), static_cast<unsigned long long>(found), static_cast<unsigned long long>(wanted)));
    }
  } catch (const nlohmann::json::exception& error) {
    refuse(std::string("it is damaged: ") + error.what());
  } catch (const Error& error) {
    // The reader speaks of models; here the file is data.
    if (error.kind() == ErrorKind::kModel) throw Error(ErrorKind::kInput, error.what());
    throw;
  }
  read_index();
}

void ShardSet::read_index() {
  const fs::path path = folder_ / kShardIndex;
  const std::vector<std::string> lines = split(read_text_file(path), '\n');
  const auto refuse = [&](size_t line) {
    throw Error(ErrorKind::kInput,
                format("Line %zu of '%s' does not have a key, a shard, an offset and a song.", line + 1, path.c_str()));
  };
  for (size_t i = 1; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    const std::vector<std::string> cells = split(lines[i], '\t');
    if (cells.size() != 4) refuse(i);
    Row row{cells[0], cells[3], 0, 0};
    const auto end = cells[2].data() + cells[2].size();
    const auto [read_to, error] = std::from_chars(cells[2].data(), end, row.offset);
    if (read_to != end || error != std::errc()) refuse(i);
    // In the order of the manifest.
    row.shard = rows_.empty() ? 0 : rows_.back().shard;
    while (row.shard < shards_.size() && shards_[row.shard] != cells[1]) ++row.shard;
    if (row.shard == shards_.size()) refuse(i);
    while (first_of_shard_.size() <= row.shard) first_of_shard_.push_back(rows_.size());
    rows_.push_back(std::move(row));
  }
  first_of_shard_.push_back(rows_.size());
  if (rows_.empty() || first_of_shard_.size() != shards_.size() + 1)
    throw Error(ErrorKind::kInput, "The index '" + path.string() + "' does not list the examples of all shards.");
}

size_t ShardSet::row_of(int64_t index) const {
  ensure(index >= 0, "a set of shards has no examples before the first");
  auto place = static_cast<size_t>(index % size());
  const auto round = static_cast<uint64_t>(index / size());
  if (round == 0) return place;
  std::vector<size_t> order(shards_.size());
  for (size_t s = 0; s < order.size(); ++s) order[s] = s;
  Rng rng = Rng(0).fork("shards").fork(round);
  rng.shuffle(order);
  for (const size_t shard : order) {
    const size_t examples = first_of_shard_[shard + 1] - first_of_shard_[shard];
    if (place < examples) return first_of_shard_[shard] + place;
    place -= examples;
  }
  return 0;
}

LabelledTriplet ShardSet::read(const Row& row, bool with_audio) const {
  const fs::path path = folder_ / shards_[row.shard];
  const TarReader archive(path);
  std::map<std::string, std::string> files;
  int64_t offset = row.offset;
  for (int i = 0; i < 3; ++i) {
    const TarEntry entry = archive.entry_at(offset);
    if (!entry.name.starts_with(row.key + "."))
      throw Error(ErrorKind::kInput, format("The index of '%s' does not fit: '%s' is where '%s' should be.",
                                            path.c_str(), entry.name.c_str(), row.key.c_str()));
    const std::string extension = entry.name.substr(row.key.size() + 1);
    if (with_audio || extension == "json") files[extension] = archive.read(entry);
    offset = entry.next();
  }
  return decode_example(files, path.string() + ": " + row.key);
}

LabelledTriplet ShardSet::at(int64_t index) { return read(rows_[row_of(index)], true); }
LabelledTriplet ShardSet::labels(int64_t index) const { return read(rows_[row_of(index)], false); }

std::map<std::string, std::string> ShardSet::songs() const {
  std::map<std::string, std::string> songs;
  for (const Row& row : rows_) songs.emplace(row.song, (folder_ / shards_[row.shard]).string() + ": " + row.key);
  return songs;
}

}  // namespace instructme
