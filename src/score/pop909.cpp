#include "instructme/score/pop909.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "held_out.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/process.h"
#include "instructme/base/statistics.h"
#include "instructme/base/strings.h"
#include "instructme/score/midi_file.h"
#include "time_grid.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr double kUnpacking_s = 600;
constexpr int kSectionBars = 8;
constexpr double kMostIrregular = 0.2;  // share of bars

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kInput, what); }

std::vector<std::vector<std::string>> read_table(const fs::path& path, size_t columns) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : split(read_text_file(path), '\n')) {
    std::string clean = line;
    std::replace(clean.begin(), clean.end(), '\t', ' ');
    std::vector<std::string> words = split(trim(clean), ' ');
    std::erase(words, "");
    if (words.empty()) continue;
    if (words.size() != columns)
      refuse(format("%s has a line with %zu columns where %zu are wanted", path.filename().c_str(), words.size(),
                    columns));
    rows.push_back(std::move(words));
  }
  if (rows.empty()) refuse(path.filename().string() + " is empty");
  return rows;
}

double number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) refuse("'" + text.substr(0, 40) + "' is not a number");
  return value;
}

// Where every beat of the recording lies in the chart.
struct BeatMap {
  std::vector<double> times;    // of the recording, and one beat more
  std::vector<int> chart_beat;  // as many
  int beats_per_bar = 4;
  int bars = 0;
  double tempo_bpm = 0;
};

BeatMap read_beats(const fs::path& path) {
  BeatMap map;
  std::vector<size_t> downbeats;
  for (const auto& row : read_table(path, 3)) {
    const double time = number(row[0]);
    if (!map.times.empty() && time <= map.times.back()) refuse("the beats are not in order");
    if (number(row[2]) > 0.5) downbeats.push_back(map.times.size());
    map.times.push_back(time);
  }
  if (downbeats.size() < 5) refuse(format("there are %zu bars where at least 5 are wanted", downbeats.size()));
  std::map<size_t, size_t> lengths;
  for (size_t i = 1; i < downbeats.size(); ++i) ++lengths[downbeats[i] - downbeats[i - 1]];
  const auto usual = std::max_element(lengths.begin(), lengths.end(),
                                      [](const auto& a, const auto& b) { return a.second < b.second; });
  const double irregular = 1 - static_cast<double>(usual->second) / static_cast<double>(downbeats.size() - 1);
  map.beats_per_bar = static_cast<int>(usual->first);
  if (map.beats_per_bar < 2 || map.beats_per_bar > 7 || irregular > kMostIrregular)
    refuse(format("its bars are too irregular: %.0f %% do not have the usual %d beats", 100 * irregular,
                  map.beats_per_bar));

  std::vector<double> gaps;
  for (size_t i = 1; i < map.times.size(); ++i) gaps.push_back(map.times[i] - map.times[i - 1]);
  const double gap = upper_median(gaps);
  map.tempo_bpm = std::round(60 / gap);
  if (map.tempo_bpm < 35 || map.tempo_bpm > 320) refuse(format("a tempo of %.0f beats a minute", map.tempo_bpm));

  // An upbeat takes the end of the first bar; after that every downbeat starts a bar.
  int bar = 0, position = 0;
  if (downbeats.front() > 0)
    position = (map.beats_per_bar - static_cast<int>(downbeats.front()) % map.beats_per_bar) % map.beats_per_bar;
  for (size_t i = 0; i < map.times.size(); ++i) {
    if (position >= map.beats_per_bar || (position > 0 && std::binary_search(downbeats.begin(), downbeats.end(), i))) {
      ++bar;
      position = 0;
    }
    map.chart_beat.push_back(bar * map.beats_per_bar + position);
    ++position;
  }
  map.bars = bar + 1;
  map.times.push_back(map.times.back() + gap);
  map.chart_beat.push_back(map.chart_beat.back() + 1);
  return map;
}

Key read_key(const fs::path& path) {
  std::map<std::string, double> seconds;
  for (const auto& row : read_table(path, 3)) seconds[row[2]] += number(row[1]) - number(row[0]);
  const auto longest = std::max_element(seconds.begin(), seconds.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
  const Chord tonic = parse_chord_label(longest->first);
  if (tonic.none) return {};
  return {tonic.root, tonic.quality == ChordQuality::kMin ? Mode::kMinor : Mode::kMajor};
}

ChartChord chord_of_label(const std::string& label, const Key& key) {
  static const std::map<std::string, const char*> kSuffixes = {
      {"maj", ""},    {"min", "m"},      {"sus2", "sus2"}, {"sus4", "sus4"},   {"sus4(b7)", "7sus"},
      {"maj7", "M7"}, {"min7", "m7"},    {"7", "7"},       {"maj6", "6"},      {"min6", "m6"},
      {"dim", "mb5"}, {"hdim7", "m7b5"}, {"dim7", "dim7"}, {"aug", "aug"},     {"minmaj7", "mM7"},
      {"9", "9"},     {"maj9", "M9"},    {"min9", "m9"},   {"maj(9)", "add9"}, {"min11", "m11"},
      {"13", "13"},   {"aug7", "aug7"},  {"6", "6"}};
  static const std::map<ChordQuality, const char*> kPlain = {{ChordQuality::kMaj, ""},    {ChordQuality::kMin, "m"},
                                                             {ChordQuality::k7, "7"},     {ChordQuality::kMaj7, "M7"},
                                                             {ChordQuality::kMin7, "m7"}, {ChordQuality::kDim, "mb5"},
                                                             {ChordQuality::kAug, "aug"}, {ChordQuality::kSus, "sus4"}};
  const Chord chord = parse_chord_label(label);
  const size_t colon = std::min(label.find(':'), label.size() - 1), slash = std::min(label.find('/'), label.size());
  const auto suffix = kSuffixes.find(label.substr(colon + 1, slash - colon - 1));
  int bass = -1;
  if (slash < label.size()) {
    // The degree is read as if it were an added tone.
    static const std::map<std::string, int> kDegrees = {{"b2", 1}, {"2", 2},   {"9", 2},   {"b3", 3}, {"3", 4},
                                                        {"4", 5},  {"b5", 6},  {"5", 7},   {"#5", 8}, {"b6", 8},
                                                        {"6", 9},  {"b7", 10}, {"bb7", 9}, {"7", 11}};
    const auto degree = kDegrees.find(label.substr(slash + 1));
    if (degree != kDegrees.end()) bass = (chord.root + degree->second) % 12;
  }
  return spell_chord(chord.root, suffix == kSuffixes.end() ? kPlain.at(chord.quality) : suffix->second, key, bass);
}

void read_chords(const fs::path& path, const BeatMap& map, Chart& chart) {
  const TimeGrid grid(map.times);
  std::map<int, ChartChord> at;  // by beat
  double before = -1;
  for (const auto& row : read_table(path, 3)) {
    const double start = number(row[0]);
    if (start < before) refuse("the chords are not in order");
    before = start;
    if (parse_chord_label(row[2]).none) continue;
    // To the nearest beat.
    const double beat = grid.beat_of(start);
    const auto i = static_cast<size_t>(std::clamp(std::round(beat), 0.0, static_cast<double>(map.times.size() - 2)));
    at[map.chart_beat[i]] = chord_of_label(row[2], chart.key);
  }
  if (at.empty()) refuse("it has no chords");
  const ChartChord* current = nullptr;
  for (int bar = 0; bar < map.bars; ++bar) {
    std::vector<ChartChord> chords;
    for (int beat = 0; beat < map.beats_per_bar; ++beat) {
      const auto found = at.find(bar * map.beats_per_bar + beat);
      const bool fresh = found != at.end() && (current == nullptr || found->second.spelling != current->spelling);
      if (found != at.end()) current = &found->second;
      if (current == nullptr || (beat > 0 && !fresh)) continue;
      chords.push_back(*current);
      chords.back().beat = beat;
    }
    chart.bars.push_back(std::move(chords));
  }
}

// Eight bars at a time; a stretch most of whose bars are those of an earlier one has its name.
void find_sections(Chart& chart) {
  const auto equal = [&](int a, int b) {
    const auto &x = chart.bars[static_cast<size_t>(a)], &y = chart.bars[static_cast<size_t>(b)];
    return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                      [](const ChartChord& p, const ChartChord& q) { return p.beat == q.beat && p.chord == q.chord; });
  };
  chart.sections.clear();
  const int bars = static_cast<int>(chart.bars.size());
  char next = 'A';
  for (int first = 0; first < bars; first += kSectionBars) {
    ChartSection section{"", first, std::min(kSectionBars, bars - first)};
    for (const ChartSection& other : chart.sections) {
      int same = 0;
      for (int i = 0; i < std::min(section.bars, other.bars); ++i) same += equal(first + i, other.first_bar + i);
      if (4 * same >= 3 * section.bars) section.name = other.name;
    }
    if (section.name.empty()) section.name = std::string(1, next < 'Z' ? next++ : 'Z');
    chart.sections.push_back(section);
  }
}

// The notes of the tracks of one name; several tracks may share a channel.
std::vector<Note> notes_of_track(const MidiFile& file, const std::string& name) {
  MidiFile alone;
  alone.ppq = file.ppq;
  alone.tracks.emplace_back();
  for (const MidiTrack& track : file.tracks) {
    const bool wanted = std::any_of(track.events.begin(), track.events.end(), [&](const MidiEvent& e) {
      return e.kind == MidiKind::kText && e.a == 3 && trim(e.text) == name;
    });
    if (wanted) alone.tracks.push_back(track);
    if (!wanted)
      for (const MidiEvent& event : track.events)
        if (event.kind == MidiKind::kTempo) alone.tracks.front().events.push_back(event);
  }
  std::vector<Note> notes;
  for (const Part& part : parts_of_midi(alone)) notes.insert(notes.end(), part.notes.begin(), part.notes.end());
  return notes;
}

std::vector<Part> read_parts(const fs::path& path, const BeatMap& map, const Chart& chart) {
  const MidiFile file = load_midi(path.string());
  const TimeGrid grid(map.times);
  const auto moved = [&](double time_s) {
    const double beat = grid.beat_of(time_s);
    const auto i = static_cast<size_t>(std::clamp(std::floor(beat), 0.0, static_cast<double>(grid.beats() - 1)));
    return (map.chart_beat[i] + (beat - static_cast<double>(i))) * chart.beat_seconds();
  };
  std::vector<Part> parts;
  for (const auto& [track, role] : {std::pair{"MELODY", Role::kMelody}, std::pair{"BRIDGE", Role::kCounterMelody},
                                    std::pair{"PIANO", Role::kChords}}) {
    Part part;
    part.name = track;
    part.role = role;
    part.notes = notes_of_track(file, track);
    if (part.notes.empty() && role == Role::kMelody) refuse("it has no track MELODY with notes");
    for (Note& note : part.notes) {
      const double end = moved(note.onset_s + note.duration_s);
      note.onset_s = moved(note.onset_s);
      note.duration_s = std::max(0.03, end - note.onset_s);
    }
    std::erase_if(part.notes,
                  [&](const Note& n) { return n.onset_s < -0.03 || n.onset_s >= chart.duration_s() - 0.02; });
    for (Note& note : part.notes) {
      note.onset_s = std::max(0.0, note.onset_s);
      note.duration_s = std::min(note.duration_s, chart.duration_s() - note.onset_s);
    }
    std::stable_sort(part.notes.begin(), part.notes.end(),
                     [](const Note& a, const Note& b) { return a.onset_s < b.onset_s; });
    if (!part.notes.empty()) parts.push_back(std::move(part));
  }
  return parts;
}

bool is_song(const fs::path& folder) {
  std::error_code failed;
  return fs::is_regular_file(folder / (folder.filename().string() + ".mid"), failed);
}

std::vector<fs::path> songs_below(const fs::path& root) {
  std::vector<fs::path> songs;
  std::error_code failed;
  for (fs::recursive_directory_iterator it(root, fs::directory_options::skip_permission_denied, failed), end;
       !failed && it != end; it.increment(failed)) {
    if (!it->is_directory(failed)) continue;
    const std::string name = it->path().filename().string();
    const bool number =
        name.size() == 3 && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (number) songs.push_back(it->path());
    if (number || it.depth() >= 3) it.disable_recursion_pending();
  }
  // Folders that only look like songs, as when the whole tree lies below one with a number, hold no MIDI file at all.
  if (std::none_of(songs.begin(), songs.end(), is_song)) songs.clear();
  std::sort(songs.begin(), songs.end(),
            [](const fs::path& a, const fs::path& b) { return a.filename() < b.filename(); });
  return songs;
}

void unpack(const fs::path& archive, const fs::path& folder) {
  const bool xz = archive.extension() == ".xz" || archive.extension() == ".txz";
  for (const char* program : {"tar", "xz"})
    if ((xz || std::string(program) == "tar") && !program_exists(program))
      throw Error(ErrorKind::kMissing, "Unpacking '" + archive.string() + "' needs the program '" + program +
                                           "', which is not installed; install tar and xz-utils, or unpack it yourself "
                                           "and give the folder.");
  const ProcessResult result =
      run_process({"tar", "--no-same-owner", "-xf", archive.string(), "-C", folder.string()}, kUnpacking_s);
  if (result.exit_code != 0)
    throw Error(ErrorKind::kInput, "'" + archive.string() +
                                       "' cannot be unpacked: " + trim(result.output.substr(0, 300)) +
                                       "; give an archive of POP909, such as pop909.tar.xz, or its folder.");
}

}  // namespace

Pop909Song read_pop909_song(const fs::path& folder) {
  Pop909Song song;
  song.name = folder.filename().string();
  try {
    const BeatMap map = read_beats(folder / "beat_midi.txt");
    song.chart.key = read_key(folder / "key_audio.txt");
    song.chart.tempo_bpm = map.tempo_bpm;
    song.chart.beats_per_bar = map.beats_per_bar;
    read_chords(folder / "chord_midi.txt", map, song.chart);
    song.parts = read_parts(folder / (song.name + ".mid"), map, song.chart);
  } catch (const Error& error) {
    throw Error(ErrorKind::kInput, "The song " + song.name + " of POP909 cannot be used: " + error.what() + ".");
  }
  // Up to the first chord there is nothing that a band could play.
  int first = 0;
  const int bars = static_cast<int>(song.chart.bars.size());
  while (first < bars && (song.chart.bars[static_cast<size_t>(first)].empty() ||
                          song.chart.bars[static_cast<size_t>(first)].front().beat > 0))
    ++first;
  if (first >= bars)
    throw Error(ErrorKind::kInput, "The song " + song.name + " of POP909 cannot be used: it has no chords.");
  return cut_bars(song, first, bars - first);
}

Pop909Song cut_bars(const Pop909Song& song, int first, int count) {
  ensure(first >= 0 && count > 0 && first + count <= static_cast<int>(song.chart.bars.size()),
         "a cut reaches beyond its song");
  Pop909Song cut;
  cut.name = song.name;
  cut.chart = song.chart;
  cut.chart.bars.assign(song.chart.bars.begin() + first, song.chart.bars.begin() + first + count);
  find_sections(cut.chart);
  const double bar_s = song.chart.beats_per_bar * song.chart.beat_seconds();
  const double from = first * bar_s, end = cut.chart.duration_s();
  for (Part part : song.parts) {
    // A little early is an anticipation of the first beat.
    std::erase_if(part.notes, [&](const Note& n) { return n.onset_s < from - 0.03 || n.onset_s >= from + end - 0.02; });
    for (Note& note : part.notes) {
      note.onset_s = std::max(0.0, note.onset_s - from);
      note.duration_s = std::min(note.duration_s, end - note.onset_s);
    }
    if (!part.notes.empty()) cut.parts.push_back(std::move(part));
  }
  return cut;
}

bool pop909_held_out(const std::string& name) { return is_held_out("POP909 " + name); }

Pop909 load_pop909(const fs::path& path, std::optional<GrooveSplit> split) {
  if (!fs::exists(path))
    throw Error(ErrorKind::kIo, "There is no '" + path.string() + "'; give the folder of POP909 or its archive.");
  std::optional<TempDir> unpacked;
  if (!fs::is_directory(path)) {
    unpacked.emplace("pop909");
    unpack(path, unpacked->path());
  }
  const std::vector<fs::path> folders = songs_below(unpacked ? unpacked->path() : path);
  if (folders.empty())
    throw Error(ErrorKind::kInput, "'" + path.string() +
                                       "' holds no songs of POP909: folders 001, 002, … with 001.mid, "
                                       "chord_midi.txt, beat_midi.txt and key_audio.txt are wanted.");
  Pop909 all;
  std::string hashes;
  for (const fs::path& folder : folders) {
    const std::string name = folder.filename().string();
    if (split && pop909_held_out(name) != (*split == GrooveSplit::kHeldOut)) continue;
    try {
      all.songs.push_back(read_pop909_song(folder));
      for (const std::string& file :
           {name + ".mid", std::string("chord_midi.txt"), std::string("beat_midi.txt"), std::string("key_audio.txt")})
        hashes += hash_text(stable_hash(read_text_file(folder / file)));
    } catch (const Error& error) {
      all.refused.push_back(error.what());
    }
  }
  all.hash = hash_text(stable_hash(hashes));
  return all;
}

}  // namespace instructme
