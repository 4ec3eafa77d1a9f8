#include "instructme/data/data_report.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/palette.h"

namespace instructme {
namespace {

constexpr double kSounds_db = -60;  // blocks of a stem below are pauses
constexpr int kTempoStep = 10;
constexpr double kFastest_bpm = 999;  // whatever a damaged file says

std::string or_unknown(const std::string& text) { return text.empty() ? "not known" : text; }

std::string tempo_range(double tempo_bpm) {
  const int low = static_cast<int>(std::clamp(tempo_bpm, 0.0, kFastest_bpm) / kTempoStep) * kTempoStep;
  return format("%03d-%03d", low, low + kTempoStep - 1);
}

// "POP909" of "POP909 song 398, bars 5 to 15": single songs would drown what a reader wants to see.
std::string collection_of(const std::string& source) {
  size_t end = source.size();
  for (const char* before : {" song ", " file ", ": "}) end = std::min(end, source.find(before));
  return or_unknown(source.substr(0, end));
}

// The last block may be shorter than the others.
double sounding_hours(const StemInfo& stem, double song_hours) {
  double seconds = 0;
  for (size_t b = 0; b < stem.block_levels_db.size(); ++b)
    if (stem.block_levels_db[b] > kSounds_db)
      seconds += std::clamp(3600 * song_hours - static_cast<double>(b) * kLevelBlock_s, 0.0, kLevelBlock_s);
  return seconds / 3600;
}

class Tables {
 public:
  Tables(DataReport& report, const char* counted) : report_(report), counted_(counted) {}

  void add(const char* table, const std::string& row, double hours, const char* counted = nullptr) {
    auto found = std::find_if(report_.tables.begin(), report_.tables.end(),
                              [&](const DataTable& entry) { return entry.name == table; });
    if (found == report_.tables.end())
      found = report_.tables.insert(found, {table, counted != nullptr ? counted : counted_, {}, {}});
    DataCount& count = found->rows[row];
    ++count.count;
    count.hours += hours;
  }

  void find_absent(const Lexicon& lexicon) {
    for (DataTable& table : report_.tables) {
      std::vector<std::string> known;
      if (table.name == "instruments")
        for (const auto& entry : lexicon.instruments()) known.push_back(entry.name);
      if (table.name == "genres")
        for (const auto& entry : lexicon.genres()) known.push_back(entry.name);
      for (const std::string& name : known)
        if (!table.rows.contains(name)) table.absent.push_back(name);
    }
  }

 private:
  DataReport& report_;
  const char* counted_;
};

}  // namespace

std::vector<std::pair<std::string, DataCount>> DataTable::sorted() const {
  std::vector<std::pair<std::string, DataCount>> out(rows.begin(), rows.end());
  if (name != "tempos")
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second.hours, a.second.count) > std::pair(b.second.hours, b.second.count);
    });
  return out;
}

double DataTable::effective_number() const {
  double hours = 0, count = 0, entropy = 0;
  for (const auto& [row, entry] : rows) {
    hours += entry.hours;
    count += static_cast<double>(entry.count);
  }
  if (count <= 0) return 0;
  for (const auto& [row, entry] : rows) {
    const double share = hours > 0 ? entry.hours / hours : static_cast<double>(entry.count) / count;
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

DataReport report_songs(const std::string& name, const SongSet& songs, const Lexicon& lexicon) {
  DataReport report{name, static_cast<int64_t>(songs.size()), 0, 0, 0, {}};
  Tables tables(report, "stems");
  for (size_t i = 0; i < songs.size(); ++i) {
    const SongInfo& song = songs.info(i);
    const double hours = static_cast<double>(song.frames) / song.sample_rate / 3600;
    report.hours += hours;
    for (const ArrangementInfo& arrangement : song.arrangements) {
      tables.add("genres", or_unknown(arrangement.genre), hours, "arrangements");
      for (const VersionInfo& version : arrangement.versions)
        for (const StemInfo& stem : version.stems) {
          report.stem_hours += hours;
          const double sounding = sounding_hours(stem, hours);
          tables.add("instruments", stem.instrument.empty() ? "(no instrument)" : stem.instrument, sounding);
          tables.add("roles", role_name(stem.role), sounding);
          tables.add("sources", or_unknown(stem.source), sounding);
          tables.add("licences", or_unknown(stem.licence), sounding);
          if (!stem.effect_source.empty()) {
            tables.add("effect plugins", stem.effect_source, sounding);
            tables.add("effect licences", or_unknown(stem.effect_licence), sounding);
          }
        }
    }
    tables.add("keys", or_unknown(song.chords.empty() ? "" : key_label(song.key)), hours, "songs");
    tables.add("tempos", or_unknown(song.beats.empty() ? "" : tempo_range(song.tempo_bpm)), hours, "songs");
    tables.add("charts", collection_of(song.source), hours, "songs");
  }
  tables.find_absent(lexicon);
  return report;
}

DataReport report_shards(const std::string& name, const ShardSet& shards, const Lexicon& lexicon) {
  DataReport report{name, 0, shards.size(), shards.seconds() * static_cast<double>(shards.size()) / 3600, 0, {}};
  report.songs = static_cast<int64_t>(shards.songs().size());
  Tables tables(report, "examples");
  const double hours = shards.seconds() / 3600;
  for (int64_t i = 0; i < shards.size(); ++i) {
    const LabelledTriplet example = shards.labels(i);
    const Triplet& triplet = example.triplet;
    tables.add("operations", operation_name(triplet.instruction.operation), hours);
    std::set<std::string> instruments(triplet.source_instruments.begin(), triplet.source_instruments.end());
    instruments.insert(triplet.target_instruments.begin(), triplet.target_instruments.end());
    for (const std::string& instrument : instruments) tables.add("instruments", instrument, hours);
    for (const std::string& asked : triplet.instruction.instruments) tables.add("instruments asked for", asked, hours);
    tables.add("genres", or_unknown(triplet.source_genre), hours);
    const bool charted = !example.clip.chords.empty();
    tables.add("keys", or_unknown(charted ? key_label(example.clip.key) : ""), hours);
    tables.add("tempos", or_unknown(charted ? tempo_range(example.clip.tempo_bpm) : ""), hours);
    std::set<std::string> sources, licences;
    for (const SoundOrigin& sound : example.clip.sounds) {
      sources.insert(or_unknown(sound.source));
      licences.insert(or_unknown(sound.licence));
    }
    for (const std::string& source : sources) tables.add("sources", source, hours);
    for (const std::string& licence : licences) tables.add("licences", licence, hours);
    tables.add("charts", collection_of(example.clip.origin), hours);
  }
  tables.find_absent(lexicon);
  return report;
}

DataReport report_folder(const std::filesystem::path& folder, const Lexicon& lexicon) {
  return is_shard_folder(folder) ? report_shards(folder.string(), ShardSet(folder), lexicon)
                                 : report_songs(folder.string(), SongSet(folder), lexicon);
}

}  // namespace instructme
