#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "instructme/data/shards.h"
#include "instructme/data/song_set.h"

namespace instructme {

struct DataCount {
  int64_t count = 0;
  double hours = 0;
};

/// How often each member of a class occurs.
struct DataTable {
  std::string name;     ///< "instruments", "genres", "keys", "tempos", "sources", "licences", "roles", "operations",
                        ///< "effect plugins" …
  std::string counted;  ///< what `count` counts: "stems", "songs", "examples" …
  std::map<std::string, DataCount> rows;
  std::vector<std::string> absent;  ///< of the lexicon and never there

  /// Rows, the most frequent first; tempos in their order.
  std::vector<std::pair<std::string, DataCount>> sorted() const;
  /// The number of equally frequent members that would be as varied: exp of the entropy of the hours (of the counts,
  /// where nothing has a length); 0 without rows.
  double effective_number() const;
};

/// What a data set holds.
struct DataReport {
  std::string name;
  int64_t songs = 0, examples = 0;
  double hours = 0;       ///< of songs, or of examples
  double stem_hours = 0;  ///< of all stems of all versions, pauses included
  std::vector<DataTable> tables;
};

/// Songs: hours of instruments, roles, sources and licences are of stems that sound, by their level blocks. Keys of
/// songs without chords and tempos of songs without beats are not known.
DataReport report_songs(const std::string& name, const SongSet& songs, const Lexicon& lexicon);
/// Shards: all counts are of examples. Keys and tempos of examples without chords are not known.
DataReport report_shards(const std::string& name, const ShardSet& shards, const Lexicon& lexicon);
/// Either, by what the folder is. Throws what opening it throws.
DataReport report_folder(const std::filesystem::path& folder, const Lexicon& lexicon);

nlohmann::json to_json(const DataReport& report);
/// Aligned tables for people; at most `most_rows` rows of each.
std::string to_text(const DataReport& report, size_t most_rows = 60);
/// A bar chart for every table, as `<table>.png` in `folder`; returns the files. Throws kMissing without libpng.
std::vector<std::filesystem::path> write_charts(const DataReport& report, const std::filesystem::path& folder);

}  // namespace instructme
