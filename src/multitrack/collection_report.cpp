#include "instructme/multitrack/collection_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <mutex>
#include <optional>
#include <set>

#include "instructme/audio/audio_buffer.h"
#include "instructme/base/error.h"
#include "instructme/base/rng.h"
#include "instructme/base/strings.h"
#include "instructme/data/song_threads.h"
#include "instructme/multitrack/stem_name.h"
#include "stem_audio.h"

namespace instructme {
namespace {

constexpr double kLengthTolerance_s = 0.01;
constexpr double kSilence_dbfs = -80;
// Blocks over a file that tell it from others without reading it all.
constexpr int kFingerprintBlocks = 8;
constexpr std::streamsize kFingerprintBytes = 16384;
// Nobody hears what is above half of this, and one rate for all makes the comparison simple.
constexpr int kCompareRate = 16000;

// One song's part of the report, found by one thread.
struct Examined {
  std::vector<CollectionProblem> problems;
  double seconds = 0;
  std::vector<double> stem_seconds;
  uint64_t fingerprint = 0;  // of the first stem's file; 0 when it cannot be read

  bool usable() const {
    return std::none_of(problems.begin(), problems.end(), [](const CollectionProblem& p) { return p.fatal; });
  }
};

uint64_t fingerprint_of(const std::filesystem::path& path) {
  std::error_code code;
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path, code));
  std::ifstream file(path, std::ios::binary);
  if (code || !file) return 0;
  std::string bytes = std::to_string(size) + ":";
  std::string block(static_cast<size_t>(kFingerprintBytes), '\0');
  for (int i = 0; i < kFingerprintBlocks; ++i) {
    file.clear();
    file.seekg(size * i / kFingerprintBlocks);
    file.read(block.data(), kFingerprintBytes);
    bytes.append(block, 0, static_cast<size_t>(file.gcount()));
  }
  return Rng(0).fork(bytes).next();
}

class SongExaminer {
 public:
  SongExaminer(const MultitrackSong& song, const ExamineOptions& options) : song_(song), options_(options) {}

  Examined examine() {
    for (const std::string& problem : song_.problems) add(ProblemKind::kMetadata, problem, true);
    if (!song_.problems.empty()) return result_;
    const bool named = std::any_of(song_.stems.begin(), song_.stems.end(),
                                   [](const MultitrackStem& stem) { return !stem.instrument.empty(); });
    if (!named) add(ProblemKind::kUnnamed, unnamed_message(), true);
    headers_ = read_headers(song_);
    check_files();
    if (!result_.usable()) return result_;
    result_.seconds = headers_.longest();
    for (size_t s = 0; s < song_.stems.size(); ++s) result_.stem_seconds.push_back(headers_.seconds(s));
    check_lengths_and_rates();
    result_.fingerprint = fingerprint_of(song_.stems.front().files.front().path);
    if (options_.thorough) {
      try {
        check_sound();
      } catch (const Error& error) {
        add(ProblemKind::kUnreadable, error.what(), true);
      }
    }
    return result_;
  }

 private:
  void add(ProblemKind kind, const std::string& message, bool fatal = false) {
    result_.problems.push_back({song_.id, kind, message, fatal});
  }

  std::string unnamed_message() const {
    if (song_.stems.empty()) return "It has no stems.";
    std::vector<std::string> names;
    for (const MultitrackStem& stem : song_.stems) names.push_back("'" + stem.name + "'");
    const size_t count = names.size();
    if (count > 5) names.resize(5);
    return format("None of its %zu stems has an instrument of the lexicon (%s%s); say what they are, or leave it out.",
                  count, join(names, ", ").c_str(), count > 5 ? ", …" : "");
  }

  void check_files() {
    for (const auto& stem : headers_.stems)
      for (const SongHeaders::File& file : stem)
        if (!file.error.empty()) add(file.missing ? ProblemKind::kMissing : ProblemKind::kUnreadable, file.error, true);
  }

  void check_lengths_and_rates() {
    std::optional<size_t> longest, shortest;  // of those whose length the headers tell
    std::set<int> rates;
    for (size_t s = 0; s < headers_.stems.size(); ++s) {
      for (const SongHeaders::File& file : headers_.stems[s]) rates.insert(file.sample_rate);
      if (headers_.seconds(s) <= 0 && !headers_.exact(s)) continue;
      if (!longest || headers_.seconds(s) > headers_.seconds(*longest)) longest = s;
      if (!shortest || headers_.seconds(s) < headers_.seconds(*shortest)) shortest = s;
    }
    if (longest && headers_.seconds(*longest) - headers_.seconds(*shortest) > kLengthTolerance_s)
      add(ProblemKind::kLengths,
          format("Its stems differ in length: '%s' has %.2f s, '%s' %.2f s.", song_.stems[*longest].name.c_str(),
                 headers_.seconds(*longest), song_.stems[*shortest].name.c_str(), headers_.seconds(*shortest)));
    if (rates.size() > 1)
      add(ProblemKind::kRates,
          format("Its files have different sampling rates, from %d to %d Hz.", *rates.begin(), *rates.rbegin()));
  }

  void check_sound() {
    std::vector<float> sum;
    for (const MultitrackStem& stem : song_.stems) {
      const std::vector<float> part = read_stem_sum(stem, kCompareRate);
      if (peak(part) <= std::pow(10.0, kSilence_dbfs / 20))
        add(ProblemKind::kSilentStem, "Its stem '" + stem.name + "' is silent.");
      add_to(sum, part);
    }
    if (!song_.mix.empty()) compare_with_mix(sum);
  }

  // A mastered or normalised mix may be louder or softer as a whole, so the best factor is taken out.
  void compare_with_mix(std::vector<float>& sum) {
    std::vector<float> mix;
    try {
      mix = read_mono(song_.mix, kCompareRate);
    } catch (const Error& error) {
      add(ProblemKind::kUnreadable, std::string("The mix: ") + error.what());
      return;
    }
    mix.resize(std::max(mix.size(), sum.size()));
    sum.resize(mix.size());
    double cross = 0, sum_power = 0, mix_power = 0;
    for (size_t i = 0; i < mix.size(); ++i) {
      cross += static_cast<double>(mix[i]) * sum[i];
      sum_power += static_cast<double>(sum[i]) * sum[i];
      mix_power += static_cast<double>(mix[i]) * mix[i];
    }
    const double rest = mix_power - (sum_power > 0 ? cross * cross / sum_power : 0);
    // 100 dB is more than 16 bit resolve.
    const double ratio_db = 10 * std::log10(std::max(mix_power, 1e-30) / std::max(rest, 1e-10 * mix_power + 1e-30));
    if (ratio_db < options_.mix_tolerance_db || cross < 0)
      add(ProblemKind::kMixMismatch,
          format("Its stems do not sum to its mix: what is left of the mix is only %.1f dB below it.", ratio_db));
  }

  const MultitrackSong& song_;
  const ExamineOptions& options_;
  SongHeaders headers_;
  Examined result_;
};

// Compared after all songs are known; the first of them in order is the original.
void find_duplicates(const std::vector<MultitrackSong>& songs, std::vector<Examined>& examined) {
  std::map<std::string, size_t> titles;
  std::map<uint64_t, size_t> stems;
  for (size_t i = 0; i < songs.size(); ++i) {
    if (!examined[i].usable()) continue;
    const auto add = [&](size_t other, const char* what) {
      const bool leaks = songs[other].split != songs[i].split;
      examined[i].problems.push_back(
          {songs[i].id, ProblemKind::kDuplicate,
           format(
               "Its %s is that of '%s'%s.", what, songs[other].id.c_str(),
               leaks ? (", which is in the split '" + songs[other].split + "' and not '" + songs[i].split + "'").c_str()
                     : ""),
           false});
    };
    // A title without letters and digits, as "?", is no word to tell songs by.
    const std::string words = plain_words(songs[i].title);
    const size_t titled = words.empty() ? i : titles.emplace(words, i).first->second;
    if (titled != i) add(titled, "title");
    if (examined[i].fingerprint == 0) continue;
    const auto [stem, new_stem] = stems.emplace(examined[i].fingerprint, i);
    if (!new_stem && titled == i) add(stem->second, "first stem");
  }
}

void count_song(const MultitrackSong& song, const Examined& examined, CollectionReport& report) {
  for (const MultitrackStem& stem : song.stems)
    if (stem.instrument.empty()) ++report.unnamed[stem.name];
  if (!examined.usable()) return;
  ++report.usable_songs;
  ++report.splits[song.split];
  report.hours += examined.seconds / 3600;
  std::set<std::string> heard;
  bool bleed = false;
  for (size_t s = 0; s < song.stems.size(); ++s) {
    bleed |= song.stems[s].has_bleed;
    const std::string& instrument = song.stems[s].instrument;
    if (instrument.empty()) continue;
    InstrumentCount& count = report.instruments[instrument];
    ++count.stems;
    count.hours += examined.stem_seconds.at(s) / 3600;
    if (heard.insert(instrument).second) ++count.songs;
  }
  if (bleed) ++report.songs_with_bleed;
}

}  // namespace

const char* problem_kind_name(ProblemKind kind) {
  static constexpr std::array kNames{"metadata",      "missing file", "unreadable audio",
                                     "no instrument", "lengths",      "sampling rates",
                                     "duplicate",     "silent stem",  "mix is not the sum"};
  return kNames.at(static_cast<size_t>(kind));
}

CollectionReport examine_songs(const std::vector<MultitrackSong>& songs, const ExamineOptions& options,
                               const ProgressCallback& progress, const CancelToken& cancel) {
  if (!std::isfinite(options.mix_tolerance_db))
    throw Error(ErrorKind::kUsage, "The tolerance of a mix must be a number of dB.");
  std::vector<Examined> examined(songs.size());
  std::mutex mutex;
  int64_t done = 0;
  for_each_song(songs.size(), options.jobs, cancel, [&](size_t i) {
    examined[i] = SongExaminer(songs[i], options).examine();
    const std::lock_guard lock(mutex);
    ++done;
    if (progress) progress({"examining songs", done, static_cast<int64_t>(songs.size()), songs[i].id});
  });
  find_duplicates(songs, examined);
  CollectionReport report;
  report.thorough = options.thorough;
  report.songs = static_cast<int64_t>(songs.size());
  if (!songs.empty()) report.collection = songs.front().collection;
  for (size_t i = 0; i < songs.size(); ++i) {
    count_song(songs[i], examined[i], report);
    report.problems.insert(report.problems.end(), examined[i].problems.begin(), examined[i].problems.end());
  }
  return report;
}

}  // namespace instructme
