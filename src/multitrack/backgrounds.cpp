#include "instructme/multitrack/backgrounds.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "instructme/audio/audio_file.h"
#include "instructme/audio/loudness.h"
#include "instructme/audio/resample.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/base/strings.h"
#include "instructme/data/mix_gain.h"
#include "instructme/data/set_manifest.h"
#include "instructme/data/song_set.h"
#include "instructme/data/song_threads.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kManifest = "backgrounds.json";
constexpr int kPlacesToTry = 20;
constexpr double kSilence_db = -45;  // a stem or recording below this does not sound

std::set<std::string> parse_heard(const std::string& text, const Lexicon& lexicon) {
  std::set<std::string> heard;
  if (trim(text) == "nothing") return heard;
  for (const std::string& item : split(text, ',')) {
    const std::string name = trim(item);
    const InstrumentEntry* named = lexicon.find_instrument(name);
    bool known = named != nullptr;
    if (known) heard.insert(named->name);
    std::vector<std::string> names;
    // A word may be both, as "strings": then all of the family may be meant.
    for (const InstrumentEntry& entry : lexicon.instruments()) {
      names.push_back(entry.name);
      names.push_back(entry.family);
      if (entry.family != name) continue;
      heard.insert(entry.name);
      known = true;
    }
    if (!known)
      throw Error(ErrorKind::kInput, "'" + name + "' is no instrument or family of instruments" +
                                         did_you_mean(name, names) + "; write \"nothing\" where none is heard.");
  }
  return heard;
}

void find_length(Recording& recording) {
  const AudioInfo info = probe_audio(recording.file);
  const bool told = info.frames >= 0;
  // A frame at least, as not all that has a header can be read.
  const AudioBuffer audio = read_audio(recording.file, {.frames = told ? 1 : -1});
  recording.sample_rate = info.sample_rate;
  recording.frames = told ? info.frames : audio.frames();
}

/// A stem of a song that may sound over a recording.
struct Candidate {
  size_t song, arrangement, version, stem;
  int64_t start;  ///< frames
};

class BackgroundMaker {
 public:
  BackgroundMaker(const std::vector<Recording>& recordings, const BackgroundOptions& options)
      : options_(options), songs_(options.songs) {
    frames_ = std::llround(options.seconds * songs_.sample_rate());
    for (size_t i = 0; i < songs_.size(); ++i)
      if (songs_.info(i).frames >= frames_) long_songs_.push_back(i);
    if (long_songs_.empty())
      throw Error(ErrorKind::kInput, format("None of the songs is as long as %g s.", options.seconds));
    for (const Recording& recording : recordings)
      if (recording.frames >= frames_of(recording)) long_recordings_.push_back(&recording);
    if (long_recordings_.empty())
      throw Error(ErrorKind::kInput, format("None of the recordings is longer than %g s.", options.seconds));
  }

  RenderedSong make(uint64_t seed) const {
    Rng rng = Rng(seed).fork("background");
    std::vector<float> background;
    const Recording* recording = nullptr;
    int64_t start = 0;
    for (int i = 0; i < kPlacesToTry && background.empty(); ++i) {
      recording = rng.pick(long_recordings_);
      background = read_part(*recording, rng, start);
    }
    if (background.empty()) throw Error(ErrorKind::kInput, format("%d parts of recordings were silent", kPlacesToTry));
    const double background_rms = active_rms(background, songs_.sample_rate());

    RenderedSong result;
    VersionInfo version;
    std::vector<std::vector<float>> audio;
    std::set<std::string> taken = recording->heard;
    const int64_t stems = rng.integer(1, options_.most_stems);
    while (static_cast<int64_t>(audio.size()) < stems) {
      const auto found = find_stem(taken, rng);
      if (!found) break;
      const SongInfo& song = songs_.info(found->song);
      StemInfo stem = song.arrangements[found->arrangement].versions[found->version].stems[found->stem];
      std::vector<float> wave =
          songs_.clip(found->song, found->arrangement, found->version, found->stem, found->start, frames_);
      const double level_db = rng.uniform(options_.stem_low_db, options_.stem_high_db);
      const double gain = background_rms * std::pow(10.0, level_db / 20) / active_rms(wave, songs_.sample_rate());
      for (float& x : wave) x = static_cast<float>(x * gain);
      taken.insert(stem.instrument);
      stem.part = static_cast<int>(audio.size());
      stem.effects += (stem.effects.empty() ? "" : " ") + format("level(%.1f dB to the recording)", level_db);
      version.stems.push_back(std::move(stem));
      audio.push_back(std::move(wave));
    }
    if (audio.empty())
      throw Error(ErrorKind::kInput, "no song has a stem of an instrument that is not heard in '" +
                                         recording->file.filename().string() + "'");
    StemInfo rest;
    rest.part = static_cast<int>(audio.size());
    rest.source = recording->source.empty() ? recording->file.filename().string() : recording->source;
    rest.preset = recording->file.filename().string();
    rest.licence = recording->licence;
    version.stems.push_back(std::move(rest));
    audio.push_back(std::move(background));
    const double gain = mix_gain(audio, options_.mix_level_db, songs_.sample_rate());
    for (auto& wave : audio)
      for (float& x : wave) x = static_cast<float>(x * gain);

    SongInfo& info = result.info;
    info.seed = seed;
    info.title = recording->file.stem().string();
    info.source = "recording: " + recording->file.filename().string() +
                  format(" from %.1f s", static_cast<double>(start) / songs_.sample_rate());
    info.sample_rate = songs_.sample_rate();
    info.frames = frames_;
    info.arrangements.push_back({"", "", {version}});
    result.audio.push_back({std::move(audio)});
    return result;
  }

 private:
  /// Of a recording that a song takes.
  int64_t frames_of(const Recording& recording) const {
    return static_cast<int64_t>(std::ceil(options_.seconds * recording.sample_rate)) + 1;
  }

  /// `start` in frames of the songs' rate. Empty when silent.
  std::vector<float> read_part(const Recording& recording, Rng& rng, int64_t& start) const {
    const int64_t wanted = frames_of(recording), first = rng.integer(0, recording.frames - wanted);
    start = first * songs_.sample_rate() / recording.sample_rate;
    const AudioBuffer part = read_audio(recording.file, {.start_frame = first, .frames = wanted});
    std::vector<float> mono = resample(mix_to_mono(part), part.sample_rate, songs_.sample_rate());
    mono.resize(static_cast<size_t>(frames_), 0.0f);
    return rms_db(mono) < kSilence_db ? std::vector<float>() : mono;
  }

  std::optional<Candidate> find_stem(const std::set<std::string>& taken, Rng& rng) const {
    const int64_t block = songs_.block_frames(), blocks = frames_ / block;
    for (int i = 0; i < kPlacesToTry; ++i) {
      const size_t song = rng.pick(long_songs_);
      const SongInfo& info = songs_.info(song);
      const size_t a = rng.index(info.arrangements.size());
      const auto& versions = info.arrangements[a].versions;
      const size_t v = rng.index(versions.size());
      const int64_t first = rng.integer(0, (info.frames - frames_) / block);
      std::vector<size_t> fitting;
      for (size_t s = 0; s < versions[v].stems.size(); ++s) {
        const std::string& instrument = versions[v].stems[s].instrument;
        if (!instrument.empty() && !taken.contains(instrument) &&
            songs_.clip_level_db(song, a, v, s, first, blocks) > kSilence_db)
          fitting.push_back(s);
      }
      if (!fitting.empty()) return Candidate{song, a, v, rng.pick(fitting), first * block};
    }
    return std::nullopt;
  }

  const BackgroundOptions& options_;
  SongSet songs_;
  int64_t frames_ = 0;
  std::vector<size_t> long_songs_;
  std::vector<const Recording*> long_recordings_;
};

void check_options(const BackgroundOptions& options) {
  check_jobs(options.jobs);
  if (options.count < 1 || !(options.seconds >= 1) || options.most_stems < 1 ||
      !(options.stem_low_db <= options.stem_high_db) || !(options.mix_level_db <= 0))
    throw Error(
        ErrorKind::kUsage,
        "Songs over recordings want a count, at least 1 s and 1 stem, a range of levels from low to high, and a "
        "mix of at most 0 dBFS.");
}

// What changes a song must stay as it was, or a run that goes on would mix two kinds.
void write_manifest(const std::vector<Recording>& recordings, const BackgroundOptions& options) {
  json list = json::array();
  for (const Recording& r : recordings)
    list.push_back(
        {{"file", r.file.filename().string()}, {"heard", r.heard}, {"source", r.source}, {"licence", r.licence}});
  json songs = json::array();
  for (const auto& folder : options.songs) songs.push_back(own_name(folder));
  const json manifest{{"format", "instructme-backgrounds"},
                      {"version", 1},
                      {"first_seed", options.first_seed},
                      {"seconds", options.seconds},
                      {"most_stems", options.most_stems},
                      {"stem_low_db", options.stem_low_db},
                      {"stem_high_db", options.stem_high_db},
                      {"mix_level_db", options.mix_level_db},
                      {"songs", songs},
                      {"recordings", list}};
  const fs::path path = options.folder / kManifest;
  earlier_manifest(path, manifest, "songs made with");
  write_json_file(path, manifest);
}

}  // namespace

std::vector<Recording> read_recordings(const fs::path& list, const Lexicon& lexicon) {
  const std::vector<std::string> lines = split(without_mark(read_text_file(list)), '\n');
  const std::vector<std::string> known{"file", "heard", "source", "licence"};
  std::map<std::string, size_t> place;
  const std::vector<std::string> heading = split(lines.empty() ? "" : lines.front(), '\t');
  for (size_t i = 0; i < heading.size(); ++i) {
    const std::string column = trim(heading[i]);
    if (std::find(known.begin(), known.end(), column) == known.end())
      throw Error(ErrorKind::kInput, list.string() + ", line 1: unknown column '" + column + "'" +
                                         did_you_mean(column, known) + "; there are file, heard, source, licence.");
    place[column] = i;
  }
  for (const char* needed : {"file", "heard"})
    if (!place.count(needed))
      throw Error(ErrorKind::kInput, list.string() + ", line 1: the column '" + needed + "' is missing.");
  std::vector<Recording> recordings;
  for (size_t i = 1; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    const std::vector<std::string> columns = split(lines[i], '\t');
    const auto value = [&](const std::string& name) {
      return place.count(name) && place[name] < columns.size() ? trim(columns[place[name]]) : std::string();
    };
    const std::string where = format("%s, line %zu: ", list.c_str(), i + 1);
    Recording recording;
    recording.file = list.parent_path() / value("file");
    if (value("file").empty() || !fs::is_regular_file(recording.file))
      throw Error(ErrorKind::kInput, where + "there is no file '" + recording.file.string() + "'.");
    try {
      recording.heard = parse_heard(value("heard"), lexicon);
      find_length(recording);
    } catch (const Error& error) {
      throw Error(error.kind(), where + error.what());
    }
    recording.source = value("source");
    recording.licence = value("licence");
    recordings.push_back(std::move(recording));
  }
  if (recordings.empty()) throw Error(ErrorKind::kInput, list.string() + " lists no recording.");
  return recordings;
}

BackgroundReport make_background_songs(const std::vector<Recording>& recordings, const BackgroundOptions& options,
                                       const ProgressCallback& progress, const CancelToken& cancel) {
  check_options(options);
  if (recordings.empty()) throw Error(ErrorKind::kInput, "There is no recording to lay stems over.");
  const BackgroundMaker maker(recordings, options);
  make_folder(options.folder);
  write_manifest(recordings, options);
  BackgroundReport report;
  std::mutex mutex;  // guards the report and the progress callback
  int64_t done = 0;
  for_each_song(static_cast<size_t>(options.count), options.jobs, cancel, [&](size_t i) {
    const uint64_t seed = options.first_seed + i;
    const fs::path folder = options.folder / song_folder_name(seed);
    const bool there = holds_whole_song(folder);
    std::string refused;
    SongInfo song;
    try {
      if (!there) write_song(folder, maker.make(seed), options.flac);
      song = read_song_info(folder);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInput) throw;
      refused = format("seed %llu: ", static_cast<unsigned long long>(seed)) + error.what();
    }
    const std::lock_guard lock(mutex);
    if (!refused.empty()) {
      report.refused.push_back(refused);
    } else {
      ++(there ? report.kept : report.made);
      for (const StemInfo& stem : song.arrangements.front().versions.front().stems)
        if (!stem.instrument.empty()) ++report.instruments[stem.instrument];
    }
    if (progress) progress({"laying stems over recordings", ++done, options.count, folder.filename().string()});
  });
  std::sort(report.refused.begin(), report.refused.end());
  return report;
}

}  // namespace instructme
