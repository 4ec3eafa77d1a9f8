#include <gtest/gtest.h>

#include <algorithm>

#include "expect_error.h"
#include "instructme/score/midi_file.h"
#include "instructme/score/pattern_arranger.h"
#include "score_checks.h"

namespace instructme {
namespace {

MidiFile file_of(std::vector<MidiEvent> events, uint32_t end, int ppq = 100) {
  MidiFile file;
  file.format = 0;
  file.ppq = ppq;
  file.tracks = {{std::move(events), end}};
  return file;
}

TEST(MidiParts, TempoChangesBendTime) {
  const MidiFile file =
      file_of({{0, MidiKind::kTempo, 0, 1000000, 0, ""}, {100, MidiKind::kTempo, 0, 500000, 0, ""}}, 300);
  const TempoMap map(file);
  EXPECT_DOUBLE_EQ(map.seconds(50), 0.5);
  EXPECT_DOUBLE_EQ(map.seconds(100), 1.0);
  EXPECT_DOUBLE_EQ(map.seconds(300), 2.0);
  EXPECT_DOUBLE_EQ(TempoMap(file_of({}, 0)).seconds(100), 0.5);
}

TEST(MidiParts, SplitByChannelAndProgram) {
  const MidiFile file = file_of({{0, MidiKind::kText, 0, 3, 0, "Band"},
                                 {0, MidiKind::kController, 1, 7, 90, ""},
                                 {0, MidiKind::kProgram, 1, 33, 0, ""},
                                 {0, MidiKind::kNoteOn, 1, 40, 80, ""},
                                 {0, MidiKind::kNoteOn, 9, 36, 99, ""},
                                 {50, MidiKind::kNoteOn, 9, 36, 0, ""},
                                 {100, MidiKind::kNoteOff, 1, 40, 0, ""},
                                 {100, MidiKind::kProgram, 1, 0, 0, ""},
                                 {100, MidiKind::kNoteOn, 1, 60, 70, ""},
                                 {150, MidiKind::kController, 1, 64, 127, ""},
                                 {150, MidiKind::kNoteOn, 1, 60, 71, ""}},
                                400);
  const auto parts = parts_of_midi(file);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].name, "Band");
  EXPECT_EQ(parts[0].role, Role::kBass);
  ASSERT_EQ(parts[0].controls.size(), 1u);
  EXPECT_EQ(parts[0].controls[0].value, 90);
  EXPECT_TRUE(parts[1].drums);
  EXPECT_DOUBLE_EQ(parts[1].notes.at(0).duration_s, 0.25);
  // Struck again while it sounds: the first ends there, the last with the track.
  ASSERT_EQ(parts[2].notes.size(), 2u);
  EXPECT_DOUBLE_EQ(parts[2].notes[0].duration_s, 0.25);
  EXPECT_DOUBLE_EQ(parts[2].notes[1].duration_s, 1.25);
  // The volume set before the change of program still holds; the pedal is new.
  ASSERT_EQ(parts[2].controls.size(), 2u);
  EXPECT_EQ(parts[2].controls[1].controller, 64);
  const auto tones = tones_of_midi(file);
  ASSERT_EQ(tones.size(), 3u);
  EXPECT_EQ(tones[0].pitch, 40);
  EXPECT_DOUBLE_EQ(tones[2].onset_s, 0.75);
}

TEST(MidiParts, NotesWithoutLengthDoNotGoOnSounding) {
  const auto on = [](uint32_t tick, int pitch) { return MidiEvent{tick, MidiKind::kNoteOn, 0, pitch, 90, ""}; };
  const auto off = [](uint32_t tick, int pitch) { return MidiEvent{tick, MidiKind::kNoteOff, 0, pitch, 0, ""}; };
  // 60 is struck without length three times, the last while it is held; 64 is struck again before it is released, at
  // the same tick; 67 is released for safety's sake before it begins.
  const MidiFile file =
      file_of({on(0, 60), off(0, 60), on(100, 60), off(100, 60), on(200, 60), off(300, 60), on(300, 60), off(300, 60),
               on(400, 64), on(500, 64), off(500, 64), off(600, 64), off(700, 67), on(700, 67), off(800, 67)},
              2000);
  std::vector<std::pair<double, double>> lengths;
  for (const Note& note : tones_of_midi(file)) lengths.emplace_back(note.onset_s, note.duration_s);
  const std::vector<std::pair<double, double>> wanted = {{0, 0.05}, {0.5, 0.05}, {1, 0.5},  {1.5, 0.05},
                                                         {2, 0.5},  {2.5, 0.5},  {3.5, 0.5}};
  ASSERT_EQ(lengths.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_DOUBLE_EQ(lengths[i].first, wanted[i].first);
    EXPECT_NEAR(lengths[i].second, wanted[i].second, 1e-9) << lengths[i].first;
  }
}

TEST(MidiParts, NotesThatAreNeverReleasedEndWithTheirTrack) {
  MidiFile file;
  file.ppq = 100;
  file.tracks = {MidiTrack{{}, 4000}, MidiTrack{{{0, MidiKind::kNoteOn, 0, 60, 90, ""}}, 300}};
  EXPECT_DOUBLE_EQ(tones_of_midi(file).at(0).duration_s, 1.5);
  EXPECT_TRUE(parts_of_midi(MidiFile{}).empty());
}

TEST(MidiParts, BeatsFollowTheTimeSignature) {
  const MidiFile file =
      file_of({{0, MidiKind::kTimeSignature, 0, 3, 4, ""}, {300, MidiKind::kTimeSignature, 0, 6, 8, ""}}, 600);
  const auto beats = beats_of_midi(file);
  ASSERT_EQ(beats.size(), 9u);
  EXPECT_EQ(beats[2].position, 2);
  EXPECT_EQ(beats[3].bar, 1);
  EXPECT_DOUBLE_EQ(beats[3].time_s, 1.5);
  EXPECT_DOUBLE_EQ(beats[4].time_s, 1.75);
  EXPECT_EQ(beats[8].position, 5);
  MidiFile endless = file_of({}, 1u << 30, 1);
  expect_error(ErrorKind::kInput, "a million beats", [&] { beats_of_midi(endless); });
}

TEST(MidiParts, AScoreSurvivesAsAMidiFile) {
  Rng rng(5);
  const Chart chart = make_chart(rng, {.bars = 8, .tempo_low = 120, .tempo_high = 120});
  const Score score = pattern_song(chart, "rock", 11);
  const Score again = score_of_midi(read_midi(write_midi(midi_of_score(score))));
  EXPECT_NEAR(again.tempo_bpm, 120, 0.01);
  EXPECT_NEAR(again.duration_s, score.duration_s, 0.01);
  EXPECT_EQ(again.beats_per_bar, 4);
  EXPECT_EQ(again.beats.size(), score.beats.size());
  ASSERT_EQ(again.parts.size(), score.parts.size());
  for (const Part& part : score.parts) {
    const auto same =
        std::find_if(again.parts.begin(), again.parts.end(), [&](const Part& p) { return p.name == part.name; });
    ASSERT_NE(same, again.parts.end()) << part.name;
    EXPECT_EQ(same->program, part.program);
    ASSERT_EQ(same->notes.size(), part.notes.size()) << part.name;
    for (size_t i = 0; i < part.notes.size(); ++i) EXPECT_NEAR(same->notes[i].onset_s, part.notes[i].onset_s, 0.002);
  }
  Score crowd = score;
  crowd.parts.assign(17, score.parts.back());
  expect_error(ErrorKind::kInput, "15 parts", [&] { midi_of_score(crowd); });
}

}  // namespace
}  // namespace instructme
