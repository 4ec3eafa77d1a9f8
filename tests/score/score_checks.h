#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "instructme/score/score.h"

namespace instructme {

inline void expect_sound_part(const Part& part, double duration_s) {
  SCOPED_TRACE(part.name);
  double last = 0;
  for (const Note& note : part.notes) {
    EXPECT_GE(note.onset_s, last);
    last = note.onset_s;
    EXPECT_GT(note.duration_s, 0);
    EXPECT_LE(note.onset_s + note.duration_s, duration_s + 1e-6);
    EXPECT_GE(note.pitch, 0);
    EXPECT_LE(note.pitch, 127);
    EXPECT_GE(note.velocity, 1);
    EXPECT_LE(note.velocity, 127);
  }
}

inline void expect_sound_labels(const Score& score) {
  ASSERT_FALSE(score.chords.empty());
  EXPECT_EQ(score.chords.front().start_s, 0);
  EXPECT_NEAR(score.chords.back().end_s, score.duration_s, 1e-9);
  for (size_t i = 0; i < score.chords.size(); ++i) {
    EXPECT_LT(score.chords[i].start_s, score.chords[i].end_s);
    if (i > 0) {
      EXPECT_EQ(score.chords[i].start_s, score.chords[i - 1].end_s);
    }
  }
  ASSERT_FALSE(score.beats.empty());
  for (size_t i = 1; i < score.beats.size(); ++i) {
    EXPECT_GT(score.beats[i].time_s, score.beats[i - 1].time_s);
    EXPECT_EQ(score.beats[i].position, (score.beats[i - 1].position + 1) % score.beats_per_bar);
  }
  EXPECT_LT(score.beats.back().time_s, score.duration_s);
}

inline bool operator==(const Note& a, const Note& b) {
  return a.onset_s == b.onset_s && a.duration_s == b.duration_s && a.pitch == b.pitch && a.velocity == b.velocity;
}

inline bool same_part(const Part& a, const Part& b) {
  return a.name == b.name && a.role == b.role && a.program == b.program && a.drums == b.drums &&
         a.controls.size() == b.controls.size() &&
         std::equal(a.notes.begin(), a.notes.end(), b.notes.begin(), b.notes.end(),
                    [](const Note& x, const Note& y) { return x == y; });
}

inline bool same_parts(const Score& a, const Score& b) {
  return std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(), same_part);
}

}  // namespace instructme
