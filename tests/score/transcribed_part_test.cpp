#include "instructme/score/transcribed_part.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "score_checks.h"

namespace instructme {
namespace {

std::vector<int> pitches(const std::vector<Note>& notes) {
  std::vector<int> out;
  for (const Note& note : notes) out.push_back(note.pitch);
  return out;
}

/// A tune over a bass and held chords.
std::vector<Note> two_hands() {
  std::vector<Note> notes;
  for (int bar = 0; bar < 2; ++bar) {
    notes.push_back({2.0 * bar, 1.9, 40 + bar, 60});
    notes.push_back({2.0 * bar, 1.9, 55 + bar, 60});
    for (int i = 0; i < 4; ++i) notes.push_back({2.0 * bar + 0.5 * i, 0.48, 72 + i, 70});
  }
  return notes;
}

TEST(SureNotes, AreNeitherShortNorMuchSofterThanMost) {
  const std::vector<Note> notes =
      sure_notes({{0, 0.5, 60, 70}, {0, 0.5, 72, 30}, {0.5, 0.05, 62, 70}, {1, 0.5, 64, 60}, {1.5, 0.5, 65, 80}});
  EXPECT_EQ(pitches(notes), (std::vector<int>{60, 64, 65}));
  EXPECT_TRUE(sure_notes({}).empty());
}

TEST(TranscribedPart, KeepsTimesAndAllTonesWhereTheInstrumentPlaysChords) {
  const std::vector<Note> notes = two_hands();
  const Part part = make_transcribed_part(notes, Voices::kAll, 0);
  expect_sound_part(part, 4);
  ASSERT_EQ(part.notes.size(), notes.size());
  for (size_t i = 0; i < notes.size(); ++i) {
    EXPECT_EQ(part.notes[i].onset_s, notes[i].onset_s);
    EXPECT_EQ(part.notes[i].duration_s, notes[i].duration_s);
    EXPECT_EQ(part.notes[i].pitch, notes[i].pitch);
  }
  EXPECT_EQ(part.notes.front().velocity, 69);  // 60 of 70, the median, which becomes 80
}

TEST(TranscribedPart, OneVoiceIsTheTuneOrTheBass) {
  const Part flute = make_transcribed_part(two_hands(), Voices::kHighest, 73);
  EXPECT_EQ(pitches(flute.notes), (std::vector<int>{72, 73, 74, 75, 72, 73, 74, 75}));
  EXPECT_EQ(flute.role, Role::kMelody);
  const Part bass = make_transcribed_part(two_hands(), Voices::kLowest, 33);
  EXPECT_EQ(pitches(bass.notes), (std::vector<int>{40, 41}));
  EXPECT_EQ(bass.role, Role::kBass);
}

TEST(TranscribedPart, OneVoiceGoesFromNoteToNote) {
  // A falling tune whose notes are held a little too long, and a faint overtone above it.
  const Part part = make_transcribed_part({{0, 0.6, 76, 80}, {0.5, 0.6, 74, 80}, {0.52, 0.5, 93, 50}, {1, 0.5, 72, 80}},
                                          Voices::kHighest, 40);
  EXPECT_EQ(pitches(part.notes), (std::vector<int>{76, 74, 72}));
  for (size_t i = 1; i < part.notes.size(); ++i)
    EXPECT_NEAR(part.notes[i - 1].onset_s + part.notes[i - 1].duration_s, part.notes[i].onset_s, 1e-9);
  // A chord that is struck from below.
  EXPECT_EQ(
      pitches(
          make_transcribed_part({{0, 1, 60, 80}, {0.02, 1, 64, 80}, {0.04, 1, 67, 80}}, Voices::kHighest, 40).notes),
      (std::vector<int>{67}));
}

TEST(TranscribedPart, GoesToTheRangeByOctavesKeepingItsShape) {
  const std::vector<Note> low = {{0, 1, 36, 80}, {1, 1, 40, 80}, {2, 1, 43, 80}, {3, 1, 36, 80}};
  EXPECT_EQ(pitches(make_transcribed_part(low, Voices::kHighest, 73).notes), (std::vector<int>{60, 64, 67, 60}));
  // What lies outside all the same goes there alone.
  std::vector<Note> wide = low;
  wide.push_back({4, 0.5, 84, 80});
  EXPECT_EQ(pitches(make_transcribed_part(wide, Voices::kAll, 33).notes), (std::vector<int>{36, 40, 43, 36, 60}));
  for (int program = 0; program < 120; ++program)
    for (const Voices voices : {Voices::kAll, Voices::kHighest, Voices::kLowest}) {
      SCOPED_TRACE(program);
      std::vector<Note> all;
      for (int i = 0; i < 88; ++i) all.push_back({0.1 * i, 0.3, 21 + i, 40 + i});
      const Part part = make_transcribed_part(all, voices, program);
      expect_sound_part(part, 10);
      EXPECT_FALSE(part.notes.empty());
    }
}

TEST(TranscribedPart, OfNothingIsNothing) {
  EXPECT_TRUE(make_transcribed_part({}, Voices::kHighest, 40).notes.empty());
}

}  // namespace
}  // namespace instructme
