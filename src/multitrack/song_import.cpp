#include "instructme/multitrack/song_import.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/base/strings.h"
#include "instructme/data/mix_gain.h"
#include "instructme/data/palette.h"
#include "instructme/data/set_manifest.h"
#include "instructme/data/song_folder.h"
#include "instructme/data/song_threads.h"
#include "instructme/multitrack/stem_name.h"
#include "stem_audio.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kManifest = "import.json";
constexpr double kNotedPadding_s = 0.01;
constexpr size_t kLongestName = 60;

bool is_split(const std::string& name) { return name == "train" || name == "validation" || name == "test"; }

uint64_t hash_of(const std::string& text) { return Rng(0).fork(text).next(); }

std::string source_of(const MultitrackSong& song) { return song.collection + ": " + song.id; }

void check_options(const ImportOptions& options) {
  check_jobs(options.jobs);
  if (options.sample_rate < 8000 || options.sample_rate > 192000)
    throw Error(ErrorKind::kUsage, format("Songs can have 8000 to 192000 Hz, not %d.", options.sample_rate));
  if (!(options.mix_level_db <= 0) || options.mix_level_db < -100)
    throw Error(ErrorKind::kUsage, "The level of a mix is at most 0 dBFS and at least -100 dBFS.");
  if (!(options.validation_share >= 0) || !(options.test_share >= 0) ||
      !(options.validation_share + options.test_share <= 1))
    throw Error(ErrorKind::kUsage, "The shares of validation and test are at least 0, and together at most 1.");
  if (options.folder.empty()) throw Error(ErrorKind::kUsage, "An import needs a folder to write to.");
}

// Everything that changes what a song becomes must stay as it was.
void write_manifest(const ImportOptions& options, const std::set<std::string>& collections) {
  const fs::path path = options.folder / kManifest;
  json manifest{{"format", "instructme-import"},        {"version", 1},
                {"sample_rate", options.sample_rate},   {"flac", options.flac},
                {"keep_unnamed", options.keep_unnamed}, {"with_bleed", options.with_bleed},
                {"mix_level_db", options.mix_level_db}, {"validation_share", options.validation_share},
                {"test_share", options.test_share}};
  std::set<std::string> all = collections;
  const json before = earlier_manifest(path, manifest, "songs imported with");
  if (before.contains("collections") && before["collections"].is_array())
    for (const json& name : before["collections"])
      if (name.is_string()) all.insert(name.get<std::string>());
  manifest["collections"] = all;
  write_json_file(path, manifest);
}

// The stems of the song folder: named ones as they are, the others as one.
std::vector<MultitrackStem> stems_to_write(const MultitrackSong& song, bool keep_unnamed) {
  std::vector<MultitrackStem> stems;
  MultitrackStem rest;
  std::vector<std::string> names;
  for (const MultitrackStem& stem : song.stems) {
    if (!stem.instrument.empty()) {
      stems.push_back(stem);
      continue;
    }
    names.push_back(stem.name);
    rest.files.insert(rest.files.end(), stem.files.begin(), stem.files.end());
  }
  if (stems.empty()) throw Error(ErrorKind::kInput, "none of its stems has an instrument of the lexicon.");
  rest.name = join(names, ", ");
  if (keep_unnamed && !rest.files.empty()) stems.push_back(rest);
  return stems;
}

StemInfo stem_info(const MultitrackSong& song, const MultitrackStem& stem, int part, const Lexicon& lexicon) {
  StemInfo info;
  info.part = part;
  info.instrument = stem.instrument;
  info.source = source_of(song);
  info.preset = stem.name;
  info.licence = song.licence;
  if (const InstrumentEntry* entry = lexicon.find_instrument(stem.instrument)) {
    if (!entry->roles.empty()) info.role = parse_role(entry->roles.front());
    if (!entry->programs.empty()) info.program = entry->programs.front();
    if (entry->family == "drums") info.bank = 128;
  }
  return info;
}

// `note` says what was changed, or stays empty.
RenderedSong convert(const MultitrackSong& song, const ImportOptions& options, const Lexicon& lexicon,
                     const CancelToken& cancel, std::string& note) {
  const std::vector<MultitrackStem> wanted = stems_to_write(song, options.keep_unnamed);
  std::vector<std::vector<float>> audio;
  size_t frames = 0;
  for (const MultitrackStem& stem : wanted) {
    cancel.check();
    audio.push_back(read_stem_sum(stem, options.sample_rate));
    frames = std::max(frames, audio.back().size());
  }
  const double gain = mix_gain(audio, options.mix_level_db, options.sample_rate);
  if (!(gain > 0)) throw Error(ErrorKind::kInput, "nothing in it sounds.");
  RenderedSong result;
  SongInfo& info = result.info;
  info.seed = hash_of(source_of(song));
  info.title = song.title;
  info.source = source_of(song);
  info.sample_rate = options.sample_rate;
  info.frames = static_cast<int64_t>(frames);
  VersionInfo version;
  int padded = 0;
  double most_padding_s = 0;
  for (size_t s = 0; s < wanted.size(); ++s) {
    StemInfo stem = stem_info(song, wanted[s], static_cast<int>(s), lexicon);
    stem.effects = format("gain(%.1f dB)", 20 * std::log10(gain));
    const double padding_s = static_cast<double>(frames - audio[s].size()) / options.sample_rate;
    if (padding_s > kNotedPadding_s) {
      stem.effects += format(" padding(%.2f s)", padding_s);
      ++padded;
      most_padding_s = std::max(most_padding_s, padding_s);
    }
    audio[s].resize(frames);
    for (float& x : audio[s]) x = static_cast<float>(x * gain);
    version.stems.push_back(std::move(stem));
  }
  if (padded > 0)
    note = format("%d of %zu stems were padded by up to %.2f s of silence.", padded, wanted.size(), most_padding_s);
  info.arrangements.push_back({song.genre, "", {version}});
  result.audio.push_back({std::move(audio)});
  return result;
}

// As song.json gives it back: bytes that are no UTF-8 are replaced there.
std::string as_stored(const std::string& text) { return json::parse(json_text(text)).get<std::string>(); }

enum class Present { kNo, kYes, kAnother, kOtherStems };

// Whether the stems of a song folder are called as they would be now.
bool has_stems(const SongInfo& info, const std::vector<MultitrackStem>& wanted) {
  const std::vector<StemInfo>& stems = info.arrangements.front().versions.front().stems;
  return std::equal(stems.begin(), stems.end(), wanted.begin(), wanted.end(),
                    [](const StemInfo& a, const MultitrackStem& b) { return a.instrument == b.instrument; });
}

// A folder with the name of the song may hold another one, of another collection with the same names.
Present present_song(const fs::path& folder, const MultitrackSong& song, const ImportOptions& options) {
  if (!is_song_folder(folder)) return Present::kNo;
  try {
    const SongInfo info = read_song_info(folder);
    MultitrackSong written = song;
    written.stems = stems_to_write(song, options.keep_unnamed);
    const SongHeaders headers = read_headers(written);
    bool exact = true;
    for (const auto& stem : headers.stems)
      for (const SongHeaders::File& file : stem) {
        if (!file.error.empty()) return Present::kYes;  // the originals are gone; what was made of them is not
        exact = exact && file.exact;
      }
    const double seconds = static_cast<double>(info.frames) / info.sample_rate;
    const bool same = info.source == as_stored(source_of(song)) && info.title == as_stored(song.title) &&
                      (!exact || std::abs(seconds - headers.longest()) < 2.0 / options.sample_rate);
    if (!same) return Present::kAnother;
    return has_stems(info, written.stems) ? Present::kYes : Present::kOtherStems;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInput || error.kind() == ErrorKind::kIo) return Present::kNo;  // damaged
    throw;
  }
}

void refuse_present(Present present, const fs::path& folder) {
  if (present == Present::kAnother)
    throw Error(ErrorKind::kInput, "'" + folder.string() +
                                       "' holds another song of this name; import this collection into a folder of "
                                       "its own.");
  if (present == Present::kOtherStems)
    throw Error(ErrorKind::kInput, "'" + folder.string() +
                                       "' holds this song with other instruments for its stems; remove that folder, "
                                       "or import into another one.");
}

// A hidden folder until it was read back: SongSet passes over hidden ones.
void write_checked(const fs::path& folder, RenderedSong song, bool flac) {
  const fs::path staging = folder.parent_path() / (".import-" + folder.filename().string());
  std::error_code code;
  fs::remove_all(staging, code);
  try {
    write_song(staging, std::move(song), flac);
    read_song_info(staging);
    fs::remove_all(folder, code);
    fs::rename(staging, folder);
  } catch (const fs::filesystem_error& error) {
    fs::remove_all(staging, code);
    throw Error(ErrorKind::kIo,
                "The song folder '" + folder.string() + "' cannot be written: " + error.code().message() + ".");
  } catch (...) {
    fs::remove_all(staging, code);
    throw;
  }
}

bool bleeds(const MultitrackSong& song) {
  return std::any_of(song.stems.begin(), song.stems.end(), [](const MultitrackStem& stem) { return stem.has_bleed; });
}

}  // namespace

std::string import_split(const MultitrackSong& song, double validation_share, double test_share) {
  if (!song.split.empty()) return song.split;
  const double place = Rng(0).fork("split of " + plain_words(song.title)).uniform();
  return place < test_share ? "test" : place < test_share + validation_share ? "validation" : "train";
}

std::string import_folder_name(const MultitrackSong& song) {
  std::string name;
  for (char c : lower(song.collection + "-" + song.id)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  if (name.size() > kLongestName) name.resize(kLongestName);
  return format("%s-%08x", name.c_str(), static_cast<unsigned>(hash_of(source_of(song)) & 0xffffffffU));
}

ImportReport import_songs(const std::vector<MultitrackSong>& songs, const ImportOptions& options,
                          const Lexicon& lexicon, const ProgressCallback& progress, const CancelToken& cancel) {
  check_options(options);
  make_folder(options.folder);
  std::set<std::string> collections;
  for (const MultitrackSong& song : songs) collections.insert(song.collection);
  write_manifest(options, collections);

  ImportReport report;
  std::mutex mutex;  // guards the report and the progress callback
  int64_t done = 0;
  const auto finish = [&](const MultitrackSong& song, const std::function<void()>& record) {
    const std::lock_guard lock(mutex);
    record();
    ++done;
    if (progress) progress({"importing songs", done, static_cast<int64_t>(songs.size()), song.id});
  };
  for_each_song(songs.size(), options.jobs, cancel, [&](size_t i) {
    const MultitrackSong& song = songs[i];
    const std::string split = import_split(song, options.validation_share, options.test_share);
    if (!is_split(split) || (!options.with_bleed && bleeds(song))) {
      finish(song, [&] { ++report.left_out; });
      return;
    }
    try {
      if (!song.problems.empty()) throw Error(ErrorKind::kInput, song.problems.front());
      const fs::path folder = options.folder / split / import_folder_name(song);
      const Present present = present_song(folder, song, options);
      refuse_present(present, folder);
      std::string note;
      if (present == Present::kNo) {
        make_folder(folder.parent_path());
        write_checked(folder, convert(song, options, lexicon, cancel, note), options.flac);
      }
      finish(song, [&] {
        ++(present == Present::kYes ? report.kept : report.imported);
        ++report.splits[split];
        if (!note.empty()) report.notes.push_back(song.id + ": " + note);
      });
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInput) throw;
      finish(song, [&] { report.refused.push_back(song.id + ": " + error.what()); });
    }
  });
  // Threads finish in any order.
  std::sort(report.refused.begin(), report.refused.end());
  std::sort(report.notes.begin(), report.notes.end());
  return report;
}

}  // namespace instructme
