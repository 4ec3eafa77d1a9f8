#include "instructme/data/song_folder.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

#include "instructme/audio/loudness.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/palette.h"
#include "instructme/score/key_label.h"
#include "stem_file.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kFormat = "instructme-song";
constexpr int kFormatVersion = 1;
constexpr const char* kInfoFile = "song.json";
constexpr int kLevelDecimals = 1, kTimeDecimals = 6;

// Doubles near a decimal print with few digits, which keeps song.json small.
double decimals(double value, int digits) {
  const double scale = std::pow(10.0, digits);
  return std::round(value * scale) / scale;
}

json stem_json(const StemInfo& stem) {
  json levels = json::array();
  for (float level : stem.block_levels_db) levels.push_back(decimals(level, kLevelDecimals));
  json value{{"file", stem.file},
             {"part", stem.part},
             {"instrument", stem.instrument},
             {"role", role_name(stem.role)},
             {"program", stem.program},
             {"bank", stem.bank},
             {"source", stem.source},
             {"preset", stem.preset},
             {"licence", stem.licence},
             {"effects", stem.effects},
             {"level_db", decimals(stem.level_db, 2)},
             {"block_levels_db", levels}};
  if (!stem.effect_source.empty()) {
    value["effect_source"] = stem.effect_source;
    value["effect_licence"] = stem.effect_licence;
  }
  return value;
}

json song_json(const SongInfo& info) {
  json beats = json::array(), chords = json::array(), arrangements = json::array();
  for (const Beat& beat : info.beats) beats.push_back({decimals(beat.time_s, kTimeDecimals), beat.bar, beat.position});
  for (const ChordSpan& span : info.chords)
    chords.push_back(
        {decimals(span.start_s, kTimeDecimals), decimals(span.end_s, kTimeDecimals), chord_label(span.chord)});
  for (const ArrangementInfo& arrangement : info.arrangements) {
    json versions = json::array();
    for (const VersionInfo& version : arrangement.versions) {
      json stems = json::array();
      for (const StemInfo& stem : version.stems) stems.push_back(stem_json(stem));
      versions.push_back({{"stems", stems}, {"bus", version.bus}});
    }
    arrangements.push_back({{"genre", arrangement.genre}, {"groove", arrangement.groove}, {"versions", versions}});
  }
  return {{"format", kFormat},
          {"version", kFormatVersion},
          {"seed", info.seed},
          {"title", info.title},
          {"source", info.source},
          {"tempo_bpm", info.tempo_bpm},
          {"beats_per_bar", info.beats_per_bar},
          {"key", key_label(info.key)},
          {"sample_rate", info.sample_rate},
          {"frames", info.frames},
          {"beats", beats},
          {"chords", chords},
          {"arrangements", arrangements}};
}

void require(bool condition, const std::string& context, const std::string& what) {
  if (!condition) throw Error(ErrorKind::kInput, context + ": " + what);
}

StemInfo read_stem_info(const json& value, const std::string& context, int64_t blocks) {
  ConfigReader config(value, context);
  StemInfo stem;
  std::string role;
  config.require("file", stem.file);
  config.require("part", stem.part);
  config.require("instrument", stem.instrument);
  config.require("role", role);
  config.require("program", stem.program);
  config.require("bank", stem.bank);
  config.require("source", stem.source);
  config.read("preset", stem.preset);
  config.read("licence", stem.licence);
  config.read("effects", stem.effects);
  config.read("effect_source", stem.effect_source);
  config.read("effect_licence", stem.effect_licence);
  config.require("level_db", stem.level_db);
  config.require("block_levels_db", stem.block_levels_db);
  config.finish();
  stem.role = parse_role(role);
  require(!stem.file.empty() && fs::path(stem.file).filename() == stem.file, context,
          "the stem file '" + stem.file + "' is not a plain file name.");
  require(static_cast<int64_t>(stem.block_levels_db.size()) == blocks, context,
          format("'%s' has %zu block levels where its length needs %lld.", stem.file.c_str(),
                 stem.block_levels_db.size(), static_cast<long long>(blocks)));
  return stem;
}

ArrangementInfo read_arrangement(const json& value, const std::string& context, int64_t blocks) {
  ConfigReader config(value, context);
  ArrangementInfo arrangement;
  config.require("genre", arrangement.genre);
  config.read("groove", arrangement.groove);
  const json versions = config.raw("versions");
  config.finish();
  require(versions.is_array() && !versions.empty(), context, "an arrangement needs at least one version.");
  for (const json& entry : versions) {
    ConfigReader version_config(entry, context);
    VersionInfo version;
    const json stems = version_config.raw("stems");
    version_config.read("bus", version.bus);
    version_config.finish();
    require(stems.is_array() && !stems.empty(), context, "a version needs at least one stem.");
    std::set<int> parts;
    for (const json& stem : stems) {
      version.stems.push_back(read_stem_info(stem, context, blocks));
      require(parts.insert(version.stems.back().part).second, context,
              format("part %d occurs twice in one version.", version.stems.back().part));
    }
    arrangement.versions.push_back(std::move(version));
  }
  return arrangement;
}

void read_time_line(ConfigReader& config, SongInfo& info, const std::string& context) {
  try {
    for (const json& beat : config.raw("beats"))
      info.beats.push_back({beat.at(0).get<double>(), beat.at(1).get<int>(), beat.at(2).get<int>()});
    for (const json& span : config.raw("chords"))
      info.chords.push_back(
          {span.at(0).get<double>(), span.at(1).get<double>(), parse_chord_label(span.at(2).get<std::string>())});
  } catch (const json::exception&) {
    throw Error(ErrorKind::kInput, context + ": beats are [time, bar, position], chords [start, end, label].");
  }
  for (size_t i = 0; i < info.chords.size(); ++i)
    require(info.chords[i].end_s > info.chords[i].start_s &&
                (i == 0 || info.chords[i].start_s >= info.chords[i - 1].end_s - 1e-6),
            context, "the chords are not in order.");
}

SongInfo parse_song(const json& value, const std::string& context) {
  ConfigReader config(value, context);
  SongInfo info;
  std::string form, key;
  int version = 0;
  config.require("format", form);
  config.require("version", version);
  require(
      form == kFormat && version == kFormatVersion, context,
      format("wanted format '%s' version %d, found '%s' version %d.", kFormat, kFormatVersion, form.c_str(), version));
  config.require("seed", info.seed);
  config.require("title", info.title);
  config.read("source", info.source);
  config.require("tempo_bpm", info.tempo_bpm);
  config.require("beats_per_bar", info.beats_per_bar);
  config.require("key", key);
  config.require("sample_rate", info.sample_rate);
  config.require("frames", info.frames);
  read_time_line(config, info, context);
  const json arrangements = config.raw("arrangements");
  config.finish();
  info.key = parse_key_label(key, context);
  require(info.sample_rate > 1 && info.frames > 0, context, "sample_rate must be above 1 and frames above 0.");
  require(arrangements.is_array() && !arrangements.empty(), context, "a song needs at least one arrangement.");
  const auto block = static_cast<int64_t>(kLevelBlock_s * info.sample_rate);
  const int64_t blocks = info.frames / block + (info.frames % block > 0 ? 1 : 0);  // of any number of frames
  for (const json& entry : arrangements) info.arrangements.push_back(read_arrangement(entry, context, blocks));
  return info;
}

void check_stem_file(const fs::path& path, const SongInfo& info) {
  if (!fs::is_regular_file(path))
    throw Error(ErrorKind::kIo,
                "The stem '" + path.string() + "' that song.json names is missing; render the song again.");
  const StemFileInfo file = stem_file_info(path);
  require(file.channels == 1 && file.sample_rate == info.sample_rate && file.frames == info.frames, path.string(),
          format("wanted mono, %d Hz, %lld frames; found %d channels, %d Hz, %lld frames.", info.sample_rate,
                 static_cast<long long>(info.frames), file.channels, file.sample_rate,
                 static_cast<long long>(file.frames)));
}

std::string file_word(const std::string& text) {
  std::string word;
  for (char c : lower(text.empty() ? "rest" : text)) word += (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
  return word;
}

}  // namespace

std::string song_folder_name(uint64_t seed) { return format("song-%010llu", static_cast<unsigned long long>(seed)); }

std::vector<float> block_levels_db(const std::vector<float>& signal, int sample_rate) {
  const auto block = static_cast<size_t>(kLevelBlock_s * sample_rate);
  std::vector<float> levels;
  for (size_t start = 0; start < signal.size(); start += block) {
    const size_t end = std::min(signal.size(), start + block);
    double sum = 0;
    for (size_t i = start; i < end; ++i) sum += static_cast<double>(signal[i]) * signal[i];
    const double power = sum / static_cast<double>(end - start);
    levels.push_back(std::max(kSilence_db, static_cast<float>(10 * std::log10(power + 1e-30))));
  }
  return levels;
}

void complete_song(RenderedSong& song) {
  SongInfo& info = song.info;
  ensure(song.audio.size() == info.arrangements.size(), "audio and info of a song differ in arrangements");
  for (size_t a = 0; a < info.arrangements.size(); ++a) {
    ensure(song.audio[a].size() == info.arrangements[a].versions.size(), "audio and info of a song differ in versions");
    for (size_t v = 0; v < song.audio[a].size(); ++v) {
      auto& stems = info.arrangements[a].versions[v].stems;
      ensure(song.audio[a][v].size() == stems.size(), "audio and info of a song differ in stems");
      for (size_t s = 0; s < stems.size(); ++s) {
        const std::vector<float>& samples = song.audio[a][v][s];
        ensure(static_cast<int64_t>(samples.size()) == info.frames, "a stem is not as long as its song");
        stems[s].block_levels_db = block_levels_db(samples, info.sample_rate);
        for (float& level : stems[s].block_levels_db) level = static_cast<float>(decimals(level, kLevelDecimals));
        stems[s].level_db =
            std::max<double>(kSilence_db, 20 * std::log10(active_rms(samples, info.sample_rate) + 1e-15));
      }
    }
  }
  for (Beat& beat : info.beats) beat.time_s = decimals(beat.time_s, kTimeDecimals);
  for (ChordSpan& span : info.chords) {
    span.start_s = decimals(span.start_s, kTimeDecimals);
    span.end_s = decimals(span.end_s, kTimeDecimals);
  }
  // Chords of less than a microsecond have no length now, and would be refused when the song is read.
  std::erase_if(info.chords, [](const ChordSpan& span) { return span.end_s <= span.start_s; });
}

void write_song(const fs::path& folder, RenderedSong song, bool flac) {
  SongInfo& info = song.info;
  complete_song(song);
  const size_t thread = std::hash<std::thread::id>{}(std::this_thread::get_id()) % 1000000;
  const fs::path temporary =
      folder.parent_path() / format(".%s.part-%d-%zu", folder.filename().c_str(), static_cast<int>(getpid()), thread);
  std::error_code code;
  fs::remove_all(temporary, code);
  make_folder(temporary);
  try {
    for (size_t a = 0; a < info.arrangements.size(); ++a) {
      for (size_t v = 0; v < song.audio[a].size(); ++v) {
        auto& stems = info.arrangements[a].versions[v].stems;
        for (size_t s = 0; s < stems.size(); ++s) {
          std::vector<float>& samples = song.audio[a][v][s];
          stems[s].file =
              format("a%zuv%zu_%02zu_%s.%s", a, v, s, file_word(stems[s].instrument).c_str(), flac ? "flac" : "wav");
          write_stem(temporary / stems[s].file, std::move(samples), info.sample_rate);
        }
      }
    }
    write_file_atomically(temporary / kInfoFile, json_text(song_json(info)) + "\n");
    fs::remove_all(folder, code);
    fs::rename(temporary, folder);
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(temporary, code);
    throw Error(ErrorKind::kIo,
                "The song folder '" + folder.string() + "' cannot be written: " + error.code().message() + ".");
  } catch (...) {
    fs::remove_all(temporary, code);
    throw;
  }
}

bool is_song_folder(const fs::path& folder) { return fs::is_regular_file(folder / kInfoFile); }

SongInfo read_song_info(const fs::path& folder) {
  const fs::path path = folder / kInfoFile;
  if (!fs::is_regular_file(path))
    throw Error(ErrorKind::kIo, "The folder '" + folder.string() + "' is no song: it has no song.json.");
  SongInfo info;
  try {
    info = parse_song(read_json_file(path), path.string());
  } catch (const Error& error) {
    // The strict reader speaks of configurations; here the file is data.
    if (error.kind() == ErrorKind::kModel) throw Error(ErrorKind::kInput, error.what());
    throw;
  }
  for (const ArrangementInfo& arrangement : info.arrangements)
    for (const VersionInfo& version : arrangement.versions)
      for (const StemInfo& stem : version.stems) check_stem_file(folder / stem.file, info);
  return info;
}

bool holds_whole_song(const fs::path& folder) {
  if (!is_song_folder(folder)) return false;
  try {
    read_song_info(folder);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput && error.kind() != ErrorKind::kIo) throw;
    return false;
  }
}

std::string key_and_tempo(const std::vector<ChordSpan>& chords, const Key& key, double tempo_bpm) {
  return chords.empty() ? "" : format("%s, %.0f beats per minute", key_label(key).c_str(), tempo_bpm);
}

std::vector<int> chord_classes(const std::vector<ChordSpan>& chords, double start_s, int frames, double frame_rate) {
  std::vector<int> classes(static_cast<size_t>(std::max(0, frames)), chord_class(Chord::no_chord()));
  size_t span = 0;
  for (size_t i = 0; i < classes.size(); ++i) {
    const double time = start_s + (static_cast<double>(i) + 0.5) / frame_rate;
    while (span < chords.size() && chords[span].end_s <= time) ++span;
    if (span == chords.size()) break;
    if (chords[span].start_s <= time) classes[i] = chord_class(chords[span].chord);
  }
  return classes;
}

}  // namespace instructme
