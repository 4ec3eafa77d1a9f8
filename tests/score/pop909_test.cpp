#include "instructme/score/pop909.h"

#include <cmath>
#include <cstdlib>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/process.h"
#include "instructme/base/strings.h"
#include "instructme/score/midi_file.h"
#include "instructme/score/mma_arranger.h"
#include "instructme/score/song_maker.h"
#include "score_checks.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

// Sixteen bars of four beats, 0.6 s each from 0.3 s on, with an upbeat, a bar of two beats, and a slower end; the
// melody plays the beat's number in the chart, as a pitch, half way after every beat.
struct Tree {
  std::string beats, chords, key = "1.0 50.0 Eb:maj\n50.0 60.0 C:min\n";
  MidiFile midi;
  std::vector<int> chart_beat;
};

Tree tree() {
  Tree tree;
  const int pattern[] = {1, 4, 4, 2, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};
  std::vector<double> times;
  std::vector<bool> down;
  double time = 0.3;
  int bar = 0;
  for (size_t b = 0; b < std::size(pattern); ++b, ++bar)
    for (int i = 0; i < pattern[b]; ++i) {
      tree.chart_beat.push_back(4 * bar + (b == 0 ? 3 : i));
      down.push_back(b > 0 && i == 0);
      times.push_back(time);
      time += b > 13 ? 0.7 : 0.6;
    }
  for (size_t i = 0; i < times.size(); ++i)
    tree.beats += format("%.6f %d.0 %d.0\n", times[i], i % 2 == 0, down[i] ? 1 : 0);
  const char* labels[] = {"N", "Eb:maj", "C:min7/b7", "Ab:sus4(b7)", "Bb:7", "Eb:maj/3"};
  for (size_t i = 0, k = 0; i + 1 < times.size(); ++k) {
    const size_t end = std::min(times.size() - 1, i + (k == 0 ? 1 : k % 2 ? 2 : 4));
    tree.chords += format("%.6f\t%.6f\t%s\n", times[i], times[end], k == 8 ? "N" : labels[k == 0 ? 0 : 1 + k % 5]);
    i = end;
  }
  // 500 000 µs a quarter of 480 ticks: 960 ticks a second.
  tree.midi.tracks.resize(4);
  tree.midi.tracks[0].events = {{0, MidiKind::kTempo, 0, 500000, 0, ""}};
  const char* names[] = {"MELODY", "BRIDGE", "PIANO"};
  for (size_t t = 1; t < 4; ++t) {
    auto& track = tree.midi.tracks[t];
    track.events.push_back({0, MidiKind::kText, 0, 3, 0, names[t - 1]});
    for (size_t i = 0; i + 1 < times.size(); ++i) {
      const auto on = static_cast<uint32_t>(std::lround(960 * (times[i] + times[i + 1]) / 2));
      const int pitch = t == 1 ? 30 + tree.chart_beat[i] : 50 + static_cast<int>(t);
      track.events.push_back({on, MidiKind::kNoteOn, 0, pitch, 90, ""});
      track.events.push_back({on + 200, MidiKind::kNoteOff, 0, pitch, 0, ""});
    }
    track.end_tick = track.events.back().tick;
  }
  return tree;
}

void write(const fs::path& folder, const Tree& tree) {
  fs::create_directories(folder);
  write_file_atomically(folder / "beat_midi.txt", tree.beats);
  write_file_atomically(folder / "chord_midi.txt", tree.chords);
  write_file_atomically(folder / "key_audio.txt", tree.key);
  const auto bytes = write_midi(tree.midi);
  write_file_atomically(folder / (folder.filename().string() + ".mid"), std::string(bytes.begin(), bytes.end()));
}

TEST(Pop909, NotesStayBetweenTheirBeats) {
  const TempDir folder;
  const Tree source = tree();
  write(folder.path() / "007", source);
  const Pop909Song song = read_pop909_song(folder.path() / "007");
  EXPECT_EQ(song.name, "007");
  EXPECT_EQ(song.chart.beats_per_bar, 4);
  EXPECT_EQ(song.chart.tempo_bpm, 100);
  EXPECT_EQ(key_label(song.chart.key), "Eb:major");
  // The bar of the upbeat has no chord and is left out.
  EXPECT_EQ(song.chart.bars.size(), 16u);
  ASSERT_EQ(song.parts.size(), 3u);
  EXPECT_EQ(song.parts[0].role, Role::kMelody);
  EXPECT_EQ(song.parts[1].role, Role::kCounterMelody);
  EXPECT_EQ(song.parts[2].role, Role::kChords);
  EXPECT_GT(song.parts[0].notes.size(), 50u);
  const double length = song.chart.duration_s();
  for (const Part& part : song.parts) expect_sound_part(part, length);
  for (const Note& note : song.parts[0].notes) {
    const double beat = note.onset_s / song.chart.beat_seconds();
    EXPECT_EQ(static_cast<int>(std::floor(beat)), note.pitch - 30 - 4);
    EXPECT_NEAR(beat - std::floor(beat), 0.5, 0.01);
  }
}

TEST(Pop909, ChordsAreThoseOfTheFiles) {
  const TempDir folder;
  write(folder.path() / "007", tree());
  const Chart chart = read_pop909_song(folder.path() / "007").chart;
  for (const auto& bar : chart.bars) {
    ASSERT_FALSE(bar.empty());
    EXPECT_EQ(bar.front().beat, 0);
    for (size_t i = 1; i < bar.size(); ++i) EXPECT_GT(bar[i].beat, bar[i - 1].beat);
  }
  // Two beats of C:min7/b7, then four of Ab:sus4(b7), Bb:7, Eb:maj/3, … ; the short third bar is filled up.
  EXPECT_EQ(chart.bars[0][0].spelling, "Cm7/Bb");
  ASSERT_EQ(chart.bars[0].size(), 2u);
  EXPECT_EQ(chart.bars[0][1].beat, 2);
  EXPECT_EQ(chart.bars[0][1].spelling, "Ab7sus");
  EXPECT_EQ(chart.bars[0][1].chord, Chord::of(8, ChordQuality::kSus));
  EXPECT_EQ(chart.bars[1][0].spelling, "Ab7sus");
  EXPECT_EQ(chart.bars[1][1].spelling, "Bb7");
  EXPECT_EQ(chart.bars[2].size(), 1u);
  EXPECT_EQ(chart.bars[2][0].spelling, "Eb/G");
  for (const ChordSpan& span : chord_spans(chart)) EXPECT_FALSE(span.chord.none);
}

TEST(Pop909, BrokenSongsAreRefusedByName) {
  const TempDir folder;
  const fs::path root = folder.path() / "POP909";
  write(root / "001", tree());
  write(root / "002", tree());
  fs::remove(root / "002" / "chord_midi.txt");
  Tree broken = tree();
  broken.beats = "0.1 1.0 1.0\n0.0 1.0 1.0\n";
  write(root / "003", broken);
  broken = tree();
  broken.chords = "0.0 1.0 H:maj\n";
  write(root / "004", broken);
  broken = tree();
  broken.midi.tracks.erase(broken.midi.tracks.begin() + 1);
  write(root / "005", broken);
  broken = tree();
  broken.beats = "";
  for (int i = 0; i < 60; ++i) broken.beats += format("%d 0.0 %d.0\n", i, i % 7 == 0 || i % 11 == 0);
  write(root / "006", broken);
  write(root / "007", tree());
  write_file_atomically(root / "007" / "007.mid", "MThd");
  const Pop909 all = load_pop909(folder.path());
  ASSERT_EQ(all.songs.size(), 1u);
  EXPECT_EQ(all.songs[0].name, "001");
  ASSERT_EQ(all.refused.size(), 6u);
  const char* reasons[] = {"chord_midi.txt", "not in order", "H:maj", "MELODY", "irregular", "MIDI"};
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_THAT(all.refused[i], testing::HasSubstr(format("song 00%zu", i + 2)));
    EXPECT_THAT(all.refused[i], testing::HasSubstr(reasons[i]));
  }
  expect_error(ErrorKind::kInput, "song 002", [&] { read_pop909_song(root / "002"); });
}

TEST(Pop909, IsReadFromAnArchiveAndSplit) {
  const TempDir folder;
  for (int i = 1; i <= 40; ++i) write(folder.path() / "POP909" / format("%03d", i), tree());
  const Pop909 all = load_pop909(folder.path() / "POP909");
  EXPECT_EQ(all.songs.size(), 40u);
  const Pop909 train = load_pop909(folder.path(), GrooveSplit::kTrain),
               held = load_pop909(folder.path(), GrooveSplit::kHeldOut);
  EXPECT_EQ(train.songs.size() + held.songs.size(), 40u);
  EXPECT_GE(held.songs.size(), 1u);
  EXPECT_LE(held.songs.size(), 10u);
  for (const Pop909Song& song : held.songs) EXPECT_TRUE(pop909_held_out(song.name));
  for (const Pop909Song& song : train.songs) EXPECT_FALSE(pop909_held_out(song.name));
  EXPECT_NE(train.hash, all.hash);

  if (!program_exists("tar") || !program_exists("xz")) GTEST_SKIP() << "needs tar and xz";
  const fs::path archive = folder.path() / "songs.tar.xz";
  ASSERT_EQ(run_process({"tar", "-cJf", archive.string(), "-C", folder.path().string(), "POP909"}).exit_code, 0);
  const Pop909 unpacked = load_pop909(archive);
  EXPECT_EQ(unpacked.songs.size(), 40u);
  EXPECT_EQ(unpacked.hash, all.hash);
  write_file_atomically(folder.path() / "broken.tar.xz", "no archive");
  expect_error(ErrorKind::kInput, "cannot be unpacked", [&] { load_pop909(folder.path() / "broken.tar.xz"); });
  // Without xz the message names it.
  const std::string path = std::getenv("PATH");
  fs::create_directory(folder.path() / "bin");
  ASSERT_EQ(run_process({"ln", "-s", "/bin/tar", (folder.path() / "bin" / "tar").string()}).exit_code, 0);
  ::setenv("PATH", (folder.path() / "bin").c_str(), 1);
  expect_error(ErrorKind::kMissing, "'xz'", [&] { load_pop909(archive); });
  ::setenv("PATH", path.c_str(), 1);
}

TEST(Pop909, SaysWhatIsWrong) {
  const TempDir folder;
  expect_error(ErrorKind::kIo, "There is no", [&] { load_pop909(folder.path() / "none"); });
  expect_error(ErrorKind::kInput, "no songs of POP909", [&] { load_pop909(folder.path()); });
}

TEST(Pop909, CutsBeginAtBarLines) {
  const TempDir folder;
  write(folder.path() / "007", tree());
  const Pop909Song song = read_pop909_song(folder.path() / "007"), cut = cut_bars(song, 4, 8);
  EXPECT_EQ(cut.chart.bars.size(), 8u);
  EXPECT_EQ(cut.chart.bars[0][0].spelling, song.chart.bars[4][0].spelling);
  for (const Note& note : cut.parts[0].notes)
    EXPECT_EQ(static_cast<int>(std::floor(note.onset_s / cut.chart.beat_seconds())), note.pitch - 30 - 4 - 16);
  for (const Part& part : cut.parts) expect_sound_part(part, cut.chart.duration_s());
  expect_error(ErrorKind::kInternal, "beyond", [&] { cut_bars(song, 10, 8); });
}

TEST(Pop909, GivenMelodiesTakeThePlaceOfGeneratedOnes) {
  if (!mma_available()) GTEST_SKIP() << "mma is not installed";
  const TempDir folder;
  write(folder.path() / "007", tree());
  const Pop909Song song = read_pop909_song(folder.path() / "007");
  const GrooveInfo& groove = GrooveLibrary::builtin().find("stdlib/folk:Folk");
  int with = 0, counter = 0, piano = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    ArrangeOptions options;
    options.given = song.parts;
    const Score score = arrange(song.chart, GrooveLibrary::builtin(), groove, seed, options);
    for (const Part& part : score.parts) {
      EXPECT_EQ(part.name.find("(counter-melody)"), std::string::npos);
      counter += part.name.find("(bridge)") != std::string::npos;
      piano += part.name.find("(piano)") != std::string::npos;
      if (part.name.find("(melody)") == std::string::npos) continue;
      ++with;
      ASSERT_EQ(part.notes.size(), song.parts[0].notes.size());
      for (size_t i = 0; i < part.notes.size(); ++i) {
        EXPECT_EQ(part.notes[i].onset_s, song.parts[0].notes[i].onset_s);
        EXPECT_EQ(part.notes[i].pitch % 12, song.parts[0].notes[i].pitch % 12);
      }
    }
  }
  EXPECT_GE(with, 4);
  EXPECT_GE(counter, 1);
  EXPECT_LE(piano, 5);
}

// The whole collection, where there is one: INSTRUCTME_POP909=pop909.tar.xz
TEST(Pop909, TheRealCollectionConverts) {
  const char* path = std::getenv("INSTRUCTME_POP909");
  if (path == nullptr) GTEST_SKIP() << "set INSTRUCTME_POP909 to the folder or archive of POP909";
  const Pop909 all = load_pop909(path);
  EXPECT_GE(all.songs.size(), 900u);
  EXPECT_LE(all.refused.size(), 9u);
  double tones[3] = {0, 0, 0}, notes = 0;  // one beat early, right, one beat late
  for (const Pop909Song& song : all.songs)
    for (const Note& note : song.parts[0].notes) {
      notes += 1;
      for (int shift = -1; shift <= 1; ++shift) {
        const double beat = (note.onset_s + 0.03) / song.chart.beat_seconds() + shift;
        const auto chord = chord_pitch_classes(song.chart.chord_at(beat).chord);
        tones[shift + 1] += std::count(chord.begin(), chord.end(), note.pitch % 12) > 0;
      }
    }
  RecordProperty("chord_tones", std::to_string(tones[1] / notes));
  EXPECT_GT(tones[1] / notes, 0.62);
  EXPECT_GT(tones[1], tones[0] * 1.05);
  EXPECT_GT(tones[1], tones[2] * 1.05);
}

}  // namespace
}  // namespace instructme
