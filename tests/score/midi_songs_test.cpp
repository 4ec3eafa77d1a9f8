#include "instructme/score/midi_songs.h"

#include <fstream>

#include "expect_error.h"
#include "instructme/annotation/chord_scores.h"
#include "instructme/base/files.h"
#include "instructme/score/chord_estimate.h"
#include "instructme/score/midi_file.h"
#include "instructme/score/pattern_arranger.h"
#include "score_checks.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

Score piece(uint64_t seed, int bars = 24) {
  Rng rng(seed);
  Score score = pattern_song(make_chart(rng, {.bars = bars}), "rock", seed);
  score.title = "";
  return score;
}

void write(const fs::path& path, const MidiFile& file) {
  fs::create_directories(path.parent_path());
  const auto bytes = write_midi(file);
  write_file_atomically(path, std::string(bytes.begin(), bytes.end()));
}

TEST(MidiSongs, AreFoundSortedAndOnce) {
  const TempDir folder;
  const fs::path root = folder.path();
  write(root / "b" / "second.MID", midi_of_score(piece(1)));
  write(root / "a" / "first.midi", midi_of_score(piece(2)));
  MidiFile twin = midi_of_score(piece(1));
  std::swap(twin.tracks[1], twin.tracks[2]);  // the same notes in another order
  write(root / "c" / "twin.mid", twin);
  MidiFile flat = midi_of_score(piece(3));  // type 0
  MidiFile merged{.format = 0, .ppq = flat.ppq, .tracks = {MidiTrack{}}};
  for (const MidiTrack& track : flat.tracks)
    for (const MidiEvent& event : track.events) merged.tracks[0].events.push_back(event);
  std::stable_sort(merged.tracks[0].events.begin(), merged.tracks[0].events.end(),
                   [](const MidiEvent& x, const MidiEvent& y) { return x.tick < y.tick; });
  merged.tracks[0].end_tick = flat.tracks[0].end_tick + 1000;
  write(root / "type0.mid", merged);
  write_file_atomically(root / "broken.mid", "MThd but no more");
  write_file_atomically(root / "notes.txt", "no music");
  MidiFile lone = midi_of_score(piece(4));
  lone.tracks.resize(2);
  write(root / "lone.mid", lone);
  write(root / "short.mid", midi_of_score(piece(5, 2)));

  const MidiSongs found = find_midi_songs(root);
  std::vector<std::string> names;
  for (const MidiSong& song : found.songs) names.push_back(song.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a/first.midi", "b/second.MID", "type0.mid"}));
  EXPECT_EQ(found.duplicates, 1);
  ASSERT_EQ(found.refused.size(), 3u);
  EXPECT_THAT(found.refused[0], testing::HasSubstr("broken.mid"));
  EXPECT_THAT(found.refused[1], testing::HasSubstr("two parts"));
  EXPECT_THAT(found.refused[2], testing::HasSubstr("short.mid"));
  EXPECT_EQ(find_midi_songs(root).hash, found.hash);
  fs::remove(root / "a" / "first.midi");
  EXPECT_NE(find_midi_songs(root).hash, found.hash);
}

TEST(MidiSongs, ThoseWhoseBeatsAreNotOfTheMusicAreRefused) {
  const TempDir folder;
  const auto stretched = [&](double factor) {
    Score score = piece(6);
    for (Part& part : score.parts)
      for (Note& note : part.notes) note.onset_s *= factor, note.duration_s *= factor;
    return score;
  };
  Score swung = stretched(1);  // somebody's hands, up to 30 ms off the beat
  Rng rng(7);
  for (Part& part : swung.parts)
    for (Note& note : part.notes) note.onset_s = std::max(0.0, note.onset_s + rng.uniform(-0.03, 0.03));
  write(folder.path() / "played.mid", midi_of_score(swung));
  write(folder.path() / "recorded.mid", midi_of_score(stretched(1.37)));  // the beats stay where they were
  const MidiSongs found = find_midi_songs(folder.path());
  ASSERT_EQ(found.songs.size(), 1u);
  EXPECT_EQ(found.songs[0].name, "played.mid");
  ASSERT_EQ(found.refused.size(), 1u);
  EXPECT_THAT(found.refused[0], testing::HasSubstr("recorded.mid: its notes do not keep to its beats"));
}

TEST(MidiSongs, TheSplitGoesByTheNotes) {
  const TempDir folder;
  for (uint64_t i = 0; i < 40; ++i) write(folder.path() / (std::to_string(i) + ".mid"), midi_of_score(piece(i, 12)));
  const size_t all = find_midi_songs(folder.path()).songs.size();
  const auto train = find_midi_songs(folder.path(), GrooveSplit::kTrain).songs;
  const auto held_out = find_midi_songs(folder.path(), GrooveSplit::kHeldOut).songs;
  EXPECT_EQ(train.size() + held_out.size(), all);
  EXPECT_GE(held_out.size(), 1u);
  EXPECT_LE(held_out.size(), 12u);
  for (const MidiSong& song : train)
    for (const MidiSong& other : held_out) EXPECT_NE(song.hash, other.hash);
}

TEST(MidiSongs, WindowsBeginAtBarLinesAndAreLabelled) {
  const TempDir folder;
  const Score written = piece(7, 40);
  write(folder.path() / "song.mid", midi_of_score(written));
  const MidiSongs found = find_midi_songs(folder.path());
  ASSERT_EQ(found.songs.size(), 1u);
  const double bar = 4 * 60 / written.tempo_bpm;
  std::set<std::string> titles;
  double root = 0;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    Rng rng(seed), same(seed);
    const Score score = draw_midi_window(found.songs[0], 20, rng);
    titles.insert(score.title);
    EXPECT_TRUE(same_parts(score, draw_midi_window(found.songs[0], 20, same)));
    EXPECT_EQ(score.genre, "");
    EXPECT_GE(score.duration_s, 20 - 0.01);
    EXPECT_LT(score.duration_s, 20 + 2 * bar);
    EXPECT_EQ(score.beats_per_bar, 4);
    EXPECT_NEAR(score.tempo_bpm, written.tempo_bpm, 0.1);
    expect_sound_labels(score);
    EXPECT_EQ(score.beats.front().bar, 0);
    for (const Part& part : score.parts) expect_sound_part(part, score.duration_s);
    // The true chords of the window.
    int first = 0, last = 0;
    ASSERT_EQ(std::sscanf(score.title.c_str() + score.title.find("bars"), "bars %d to %d", &first, &last), 2);
    const Score truth = cut_bars(written, first - 1, std::min(last, 40) - first + 1);
    root += chord_overlap(truth.chords, score.chords, ChordRule::kRoot).share() / 8;
  }
  EXPECT_GT(titles.size(), 3u);
  EXPECT_GT(root, 0.8);
  Rng rng(1);
  EXPECT_NEAR(draw_midi_window(found.songs[0], 900, rng).duration_s, written.duration_s, 2.0);
}

TEST(MidiSongs, CuttingKeepsWhatSoundsAndControllers) {
  Score score;
  score.duration_s = 8;
  score.chords = {{0, 3, Chord::of(0, ChordQuality::kMaj)}, {3, 8, Chord::of(5, ChordQuality::kMaj)}};
  for (int i = 0; i < 16; ++i) score.beats.push_back({0.5 * i, i / 4, i % 4});
  Part part;
  part.notes = {{0.5, 3.0, 60, 90}, {1.9, 0.15, 61, 90}, {1.98, 1.0, 62, 90}, {3.0, 2.0, 64, 90}, {5.0, 1.0, 65, 90}};
  part.controls = {{0.1, 7, 100}, {2.5, 64, 127}, {5.0, 7, 50}};
  Part other;
  other.notes = {{0.5, 0.5, 60, 90}};
  score.parts = {part, other};
  const Score cut = cut_bars(score, 1, 1);
  ASSERT_EQ(cut.parts.size(), 1u);
  const auto& notes = cut.parts[0].notes;
  ASSERT_EQ(notes.size(), 3u);
  EXPECT_EQ(notes[0].pitch, 60);
  EXPECT_EQ(notes[0].onset_s, 0);
  EXPECT_NEAR(notes[0].duration_s, 1.5, 1e-9);
  EXPECT_EQ(notes[1].pitch, 62);  // an anticipation of the first beat
  EXPECT_NEAR(notes[2].duration_s, 1.0, 1e-9);
  ASSERT_EQ(cut.parts[0].controls.size(), 2u);
  EXPECT_EQ(cut.parts[0].controls[0].value, 100);
  EXPECT_NEAR(cut.parts[0].controls[1].time_s, 0.5, 1e-9);
  expect_sound_labels(cut);
  ASSERT_EQ(cut.chords.size(), 2u);
  EXPECT_NEAR(cut.chords[0].end_s, 1.0, 1e-9);
}

TEST(MidiSongs, SaysWhatIsWrong) {
  const TempDir folder;
  expect_error(ErrorKind::kIo, "no folder", [&] { find_midi_songs(folder.path() / "none"); });
  expect_error(ErrorKind::kInput, "0 files", [&] { find_midi_songs(folder.path()); });
  Rng rng(1);
  expect_error(ErrorKind::kIo, "gone.mid", [&] {
    draw_midi_window({.path = folder.path() / "gone.mid", .name = "gone.mid", .hash = "", .seconds = 30}, 20, rng);
  });
}

}  // namespace
}  // namespace instructme
