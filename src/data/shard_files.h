#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "instructme/archive/tar.h"

namespace instructme {

inline constexpr const char* kShardManifest = "manifest.json";
inline constexpr const char* kShardIndex = "index.tsv";
inline constexpr const char* kShardFormat = "instructme-shards";
inline constexpr int kShardVersion = 1;

/// "train-000012.tar"
std::string shard_name(const std::string& split, int64_t shard);
/// The name that the files of an example begin with.
std::string example_key(int64_t index);

/// The files of one example, which follow each other in the archive, by what comes after the key.
struct ExampleEntries {
  std::string key;
  std::map<std::string, TarEntry> files;
};
/// Throws kInput when the files do not come in examples.
std::vector<ExampleEntries> example_entries(const TarReader& archive, const std::string& name);

}  // namespace instructme
