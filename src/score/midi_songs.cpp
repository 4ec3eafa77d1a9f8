#include "instructme/score/midi_songs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <numbers>
#include <set>
#include <vector>

#include "held_out.h"
#include "instructme/base/error.h"
#include "instructme/base/statistics.h"
#include "instructme/base/strings.h"
#include "instructme/score/chord_estimate.h"
#include "instructme/score/midi_file.h"
#include "time_grid.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr double kShortest_s = 15, kLongest_s = 3 * 3600;
constexpr size_t kFewestNotes = 8;       // of a part that counts
constexpr double kWorthKeeping_s = 0.1;  // rest of a note that began before a cut
constexpr int kTries = 12;
// Of a hundred files from two collections all whose beats are those of the music had 0.57 or more, all others 0.12 or
// less.
constexpr double kLeastAlignment = 0.3;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kInput, what); }

std::string hash_of_notes(const Score& score) {
  // Sorted, as the order of tracks says nothing about the music; drums are told from pitches.
  std::vector<std::array<int64_t, 3>> notes;
  for (const Part& part : score.parts)
    for (const Note& note : part.notes)
      notes.push_back(
          {std::llround(note.onset_s * 50), note.pitch + (part.drums ? 128 : 0), std::llround(note.duration_s * 10)});
  std::sort(notes.begin(), notes.end());
  std::string text;
  for (const auto& note : notes)
    text += format("%lld,%lld,%lld;", static_cast<long long>(note[0]), static_cast<long long>(note[1]),
                   static_cast<long long>(note[2]));
  return hash_text(stable_hash(text));
}

// The score without silence at its ends' bars that would count as length: a file may end hours after its last note.
Score read_score(const fs::path& path) {
  Score score = score_of_midi(load_midi(path.string()));
  double end = 0;
  for (const Part& part : score.parts)
    for (const Note& note : part.notes) end = std::max(end, note.onset_s + note.duration_s);
  std::erase_if(score.beats, [&](const Beat& beat) { return beat.time_s >= end - 1e-3; });
  if (score.beats.empty()) refuse("it has no notes");
  score.duration_s = end;
  return score;
}

/// How well notes keep to the beats: the length of the mean of their places in a beat, or in a half, third, quarter or
/// sixth of one, as points on a circle. 1: all begin at the same place; 0: anywhere.
double alignment(const Score& score) {
  const TimeGrid grid(score);
  std::vector<double> places;
  for (const Part& part : score.parts)
    for (const Note& note : part.notes) places.push_back(grid.beat_of(note.onset_s));
  double best = 0;
  for (const int pieces : {1, 2, 3, 4, 6}) {
    std::complex<double> sum = 0;
    for (const double place : places) sum += std::polar(1.0, 2 * std::numbers::pi * pieces * place);
    best = std::max(best, std::abs(sum) / std::max(1.0, static_cast<double>(places.size())));
  }
  return best;
}

MidiSong examine(const fs::path& path, const std::string& name) {
  const Score score = read_score(path);
  MidiSong song{path, name, "", score.duration_s};
  const auto parts = std::count_if(score.parts.begin(), score.parts.end(),
                                   [](const Part& part) { return part.notes.size() >= kFewestNotes; });
  if (parts < 2) refuse("it has fewer than two parts, so there is nothing to take apart");
  if (song.seconds < kShortest_s) refuse(format("it lasts %.1f s where %.0f are wanted", song.seconds, kShortest_s));
  if (song.seconds > kLongest_s) refuse(format("it lasts %.0f hours", song.seconds / 3600));
  for (size_t i = 1; i < score.beats.size(); ++i)
    if (score.beats[i].time_s - score.beats[i - 1].time_s < 0.02) refuse("its beats follow each other too fast");
  if (alignment(score) < kLeastAlignment)
    refuse(
        "its notes do not keep to its beats, as in files that were recorded, or converted from a format without beats, "
        "so its labels would be wrong");
  song.hash = hash_of_notes(score);
  return song;
}

bool is_midi(const fs::path& path) {
  const std::string extension = lower(path.extension().string());
  return extension == ".mid" || extension == ".midi";
}

int heard_parts(const Score& score) {
  return static_cast<int>(std::count_if(score.parts.begin(), score.parts.end(),
                                        [](const Part& part) { return part.notes.size() >= kFewestNotes / 2; }));
}

}  // namespace

MidiSongs find_midi_songs(const fs::path& folder, std::optional<GrooveSplit> split, const ProgressCallback& progress,
                          const CancelToken& cancel) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed))
    throw Error(ErrorKind::kIo, "There is no folder '" + folder.string() + "'; give one with MIDI files.");
  std::vector<std::pair<std::string, fs::path>> files;
  for (fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, failed), end;
       !failed && it != end; it.increment(failed))
    if (is_midi(it->path()) && it->is_regular_file(failed))
      files.emplace_back(it->path().lexically_relative(folder).generic_string(), it->path());
  std::sort(files.begin(), files.end());
  MidiSongs found;
  std::set<std::string> known;
  std::string hashes;
  for (size_t i = 0; i < files.size(); ++i) {
    cancel.check();
    const auto& [name, path] = files[i];
    if (progress)
      progress({"looking at MIDI files", static_cast<int64_t>(i), static_cast<int64_t>(files.size()), name});
    try {
      MidiSong song = examine(path, name);
      if (!known.insert(song.hash).second) {
        ++found.duplicates;
        continue;
      }
      if (split && is_held_out(song.hash) != (*split == GrooveSplit::kHeldOut)) continue;
      hashes += song.hash;
      found.songs.push_back(std::move(song));
    } catch (const Error& error) {
      found.refused.push_back(name + ": " + error.what());
    }
  }
  if (found.songs.empty())
    throw Error(ErrorKind::kInput, format("'%s' holds no MIDI file that can be a song%s: %zu files were found%s%s.",
                                          folder.string().c_str(), split ? " of this part of the split" : "",
                                          files.size(), found.refused.empty() ? "" : ", first ",
                                          found.refused.empty() ? "" : found.refused.front().c_str()));
  found.hash = hash_text(stable_hash(hashes));
  return found;
}

Score cut_bars(const Score& score, int first, int count) {
  const std::vector<double> lines = bar_lines(score);
  ensure(first >= 0 && count > 0 && first + count < static_cast<int>(lines.size()), "a cut reaches beyond its score");
  const double from = lines[static_cast<size_t>(first)], to = lines[static_cast<size_t>(first + count)];
  Score cut = score;
  cut.duration_s = to - from;
  cut.parts.clear();
  cut.beats.clear();
  cut.chords.clear();
  const int bar_before = score.beats.front().bar;
  std::map<int, int> lengths;  // beats of a bar -> bars
  int bar = -1, last = bar_before - 1, length = 0;
  for (const Beat& beat : score.beats) {
    if (beat.time_s < from - 1e-9 || beat.time_s >= to - 1e-9) continue;
    if (cut.beats.empty() || beat.bar != last) {
      if (length > 0) ++lengths[length];
      length = 0;
      ++bar;
    }
    last = beat.bar;
    ++length;
    cut.beats.push_back({beat.time_s - from, bar, beat.position});
  }
  ++lengths[length];
  cut.beats_per_bar = std::max_element(lengths.begin(), lengths.end(), [](const auto& a, const auto& b) {
                        return a.second < b.second;
                      })->first;
  for (ChordSpan span : score.chords) {
    span.start_s = std::max(0.0, span.start_s - from);
    span.end_s = std::min(cut.duration_s, span.end_s - from);
    if (span.end_s > span.start_s) cut.chords.push_back(span);
  }
  for (const Part& part : score.parts) {
    Part kept = part;
    kept.notes.clear();
    kept.controls.clear();
    for (Note note : part.notes) {
      const double end = std::min(to, note.onset_s + note.duration_s);
      if (note.onset_s >= to - 0.02 || end <= from + (note.onset_s < from - 0.03 ? kWorthKeeping_s : 0.0)) continue;
      note.onset_s = std::max(0.0, note.onset_s - from);
      note.duration_s = end - from - note.onset_s;
      kept.notes.push_back(note);
    }
    std::map<int, ControlChange> state;
    for (const ControlChange& change : part.controls) {
      if (change.time_s <= from) state[change.controller] = change;
    }
    for (auto& [number, change] : state) kept.controls.push_back({0, number, change.value});
    for (const ControlChange& change : part.controls)
      if (change.time_s > from && change.time_s < to)
        kept.controls.push_back({change.time_s - from, change.controller, change.value});
    if (!kept.notes.empty()) cut.parts.push_back(std::move(kept));
  }
  std::vector<double> gaps;
  for (size_t i = 1; i < cut.beats.size(); ++i) gaps.push_back(cut.beats[i].time_s - cut.beats[i - 1].time_s);
  if (!gaps.empty()) cut.tempo_bpm = 60 / upper_median(gaps);
  return cut;
}

Score draw_midi_window(const MidiSong& song, double seconds, Rng& rng) {
  const Score whole = read_score(song.path);
  const std::vector<double> lines = bar_lines(whole);
  const int bars = static_cast<int>(lines.size()) - 1;
  // The last bar from which `seconds` are left, and how many bars that is from each.
  int last = 0;
  while (last + 1 < bars && lines.back() - lines[static_cast<size_t>(last + 1)] >= seconds) ++last;
  Score score;
  for (int attempt = 0; attempt < kTries && heard_parts(score) < 2; ++attempt) {
    const int first = static_cast<int>(rng.integer(0, last));
    int end = first + 1;
    while (end < bars && lines[static_cast<size_t>(end)] - lines[static_cast<size_t>(first)] < seconds - 1e-6) ++end;
    score = cut_bars(whole, first, end - first);
    if (score.title.empty()) score.title = song.name;
    score.title += format(", bars %d to %d", first + 1, end);
  }
  if (heard_parts(score) < 2)
    refuse("'" + song.name + "': fewer than two parts are heard at the places that were drawn.");
  score.key = estimate_key(score);
  score.chords = estimate_chords(score);
  return score;
}

}  // namespace instructme
