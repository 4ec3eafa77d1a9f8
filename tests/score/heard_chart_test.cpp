#include "instructme/score/heard_chart.h"

#include <gtest/gtest.h>

#include <cmath>

#include "expect_error.h"

namespace instructme {
namespace {

/// Beats at a steady tempo; `lead` of them come before the first downbeat.
std::vector<Beat> steady(int count, int bar, double first_s, double gap_s, int lead = 0) {
  std::vector<Beat> beats;
  for (int i = 0; i < count; ++i) {
    const int place = i - lead;
    beats.push_back(
        {first_s + i * gap_s, place < 0 ? 0 : place / bar + (lead > 0), place < 0 ? bar + place : place % bar});
  }
  return beats;
}

TEST(HeardChart, WritesDownWhatIsHeard) {
  const Chord c = Chord::of(0, ChordQuality::kMaj), g7 = Chord::of(7, ChordQuality::k7);
  HeardMusic music{.duration_s = 8.2, .beats = steady(16, 4, 0.2, 0.5)};
  music.chords = {{0, 2.25, c}, {2.25, 5.2, g7}, {5.2, 8.2, c}};
  const HeardChart heard(music);
  const Chart& chart = heard.chart();
  EXPECT_EQ(chart.beats_per_bar, 4);
  ASSERT_EQ(chart.bars.size(), 4u);
  EXPECT_NEAR(chart.tempo_bpm, 120, 1e-9);
  EXPECT_EQ(chart.chord_at(3.5).chord, c);
  EXPECT_EQ(chart.chord_at(4).chord, g7);  // most of the beat from 2.2 s
  EXPECT_EQ(chart.chord_at(9.5).chord, g7);
  EXPECT_EQ(chart.chord_at(10).chord, c);
  ASSERT_EQ(chart.bars[2].size(), 2u);
  EXPECT_EQ(chart.bars[2][1].beat, 2);
  EXPECT_EQ(chart.bars[1].front().tones, (std::vector<int>{7, 11, 2, 5}));
  EXPECT_NEAR(heard.seconds(0), 0.2, 1e-9);
  EXPECT_NEAR(heard.seconds(5.5), 2.95, 1e-9);
  EXPECT_NEAR(heard.seconds(-1), -0.3, 1e-9);
}

TEST(HeardChart, MusicMayBeginWithinABar) {
  const HeardChart heard({.duration_s = 5, .beats = steady(9, 4, 0.1, 0.5, 1)});
  EXPECT_EQ(heard.chart().bars.size(), 3u);
  EXPECT_NEAR(heard.seconds(3), 0.1, 1e-9);  // the one beat before the first downbeat
  EXPECT_NEAR(heard.seconds(4), 0.6, 1e-9);
}

TEST(HeardChart, AnUnusualBarIsSpreadEvenly) {
  // The tracker missed a beat of the second of four bars in three.
  std::vector<Beat> beats = steady(12, 3, 0, 0.6);
  beats.erase(beats.begin() + 4);
  beats[4].position = 1;
  const HeardChart heard({.duration_s = 8, .beats = beats});
  EXPECT_EQ(heard.chart().beats_per_bar, 3);
  ASSERT_EQ(heard.chart().bars.size(), 4u);
  for (int beat = 0; beat < 12; ++beat) EXPECT_NEAR(heard.seconds(beat), beat * 0.6, 1e-9);
}

TEST(HeardChart, LongBarsAreCutAndKeepTheirBeats) {
  for (const auto& [counted, bar] : {std::pair{12, 6}, std::pair{8, 4}, std::pair{9, 3}, std::pair{6, 6}}) {
    const auto beats = steady(3 * counted, counted, 0.1, 0.3);
    const HeardChart heard({.duration_s = 12, .beats = beats});
    EXPECT_EQ(heard.chart().beats_per_bar, bar);
    EXPECT_EQ(static_cast<int>(heard.chart().bars.size()), 3 * counted / bar);
    for (size_t i = 0; i < beats.size(); ++i)
      EXPECT_NEAR(heard.seconds(static_cast<double>(i)), beats[i].time_s, 1e-9) << counted << " " << i;
  }
}

TEST(HeardChart, ADownbeatThatIsNotKnownHalvesNoTempo) {
  std::vector<Beat> beats = steady(20, 4, 0.1, 0.5);
  for (size_t i = 8; i < 12; ++i) beats[i].position += 4;  // of one bar of eight
  const HeardChart heard({.duration_s = 11, .beats = beats});
  EXPECT_EQ(heard.chart().beats_per_bar, 4);
  EXPECT_EQ(heard.chart().bars.size(), 5u);
  for (size_t i = 0; i < beats.size(); ++i)
    EXPECT_NEAR(heard.seconds(static_cast<double>(i)), beats[i].time_s, 1e-9) << i;
}

TEST(HeardChart, TempoMayChange) {
  HeardMusic music{.duration_s = 20};
  double time = 0;
  for (int i = 0; i < 16; ++i) {
    music.beats.push_back({time, i / 4, i % 4});
    time += 0.5 + 0.02 * i;
  }
  const HeardChart heard(music);
  Part part;
  const double beat_s = heard.chart().beat_seconds();
  for (int i = 0; i < 16; ++i) part.notes.push_back({i * beat_s, beat_s, 60, 90});
  const Part placed = heard.in_music(part);
  ASSERT_EQ(placed.notes.size(), 16u);
  for (size_t i = 0; i + 1 < 16; ++i) {
    EXPECT_NEAR(placed.notes[i].onset_s, music.beats[i].time_s, 1e-9);
    EXPECT_NEAR(placed.notes[i].duration_s, music.beats[i + 1].time_s - music.beats[i].time_s, 1e-9);
  }
}

TEST(HeardChart, PartsStayWithinTheMusic) {
  const HeardChart heard({.duration_s = 1.9, .beats = steady(4, 4, 0.5, 0.5, 2)});
  Part part;
  for (int i = 0; i < 16; ++i) part.notes.push_back({0.25 * i, 0.25, 60, 90});
  part.controls = {{-1, 11, 90}};
  const Part placed = heard.in_music(part);
  ASSERT_FALSE(placed.notes.empty());
  for (const Note& note : placed.notes) {
    EXPECT_GE(note.onset_s, 0);
    EXPECT_LE(note.onset_s + note.duration_s, 1.9 + 1e-9);
    EXPECT_GT(note.duration_s, 0);
  }
  EXPECT_EQ(placed.controls[0].time_s, 0);
}

TEST(HeardChart, WhatIsHeldFromBeforeTheMusicSounds) {
  const HeardChart heard({.duration_s = 3, .beats = steady(6, 4, 0.5, 0.5, 2)});  // the first bar begins at -0.5 s
  Part part;
  part.notes = {{0, 4, 48, 90}, {0, 0.25, 60, 90}, {0.25, 0.5, 62, 90}, {1, 0.5, 64, 90}};
  const Part placed = heard.in_music(part);
  ASSERT_EQ(placed.notes.size(), 2u);
  EXPECT_EQ(placed.notes[0].pitch, 48);
  EXPECT_EQ(placed.notes[0].onset_s, 0);
  EXPECT_NEAR(placed.notes[0].duration_s, 3, 1e-9);
  EXPECT_EQ(placed.notes[1].pitch, 64);
  EXPECT_NEAR(placed.notes[1].onset_s, 0.5, 1e-9);
}

TEST(HeardChart, PartsStopWhereTheMusicDoes) {
  HeardMusic music{.duration_s = 8, .beats = steady(16, 4, 0, 0.5)};
  music.silences = {{2.2, 4.0}, {7, 8}};
  Part part;
  for (int i = 0; i < 16; ++i) part.notes.push_back({0.5 * i, 0.45, 60, 90});
  const Part placed = HeardChart(music).in_music(part);
  std::vector<double> onsets;
  for (const Note& note : placed.notes) {
    onsets.push_back(note.onset_s);
    for (const TimeSpan& silence : music.silences)
      EXPECT_FALSE(note.onset_s < silence.end_s - 1e-9 && note.onset_s + note.duration_s > silence.start_s + 1e-9);
  }
  EXPECT_EQ(onsets, (std::vector<double>{0, 0.5, 1, 1.5, 2, 4, 4.5, 5, 5.5, 6, 6.5}));
  part.notes = {{0, 8, 48, 90}};
  const Part held = HeardChart(music).in_music(part);
  ASSERT_EQ(held.notes.size(), 2u);
  EXPECT_NEAR(held.notes[0].duration_s, 2.2, 1e-9);
  EXPECT_NEAR(held.notes[1].onset_s, 4, 1e-9);
  EXPECT_NEAR(held.notes[1].duration_s, 3, 1e-9);
}

TEST(HeardChart, WithoutChordsItStaysOnTheTonic) {
  const HeardChart minor({.duration_s = 4, .beats = steady(8, 4, 0, 0.5), .key = Key{9, Mode::kMinor}});
  EXPECT_EQ(minor.chart().chord_at(5).chord, Chord::of(9, ChordQuality::kMin));
  // Beats without a chord go on with the one before, the first ones begin with the one after.
  HeardMusic music{.duration_s = 4, .beats = steady(8, 4, 0, 0.5)};
  music.chords = {{0, 1, Chord::no_chord()}, {1, 2, Chord::of(5, ChordQuality::kMaj)}, {2, 4, Chord::no_chord()}};
  const HeardChart held(music);
  for (int beat = 0; beat < 8; ++beat)
    EXPECT_EQ(held.chart().chord_at(beat).chord, Chord::of(5, ChordQuality::kMaj)) << beat;
}

TEST(HeardChart, BadBeatsAreRefused) {
  expect_error(ErrorKind::kInput, "two beats", [] { HeardChart({.duration_s = 4, .beats = {{1, 0, 0}}}); });
  expect_error(ErrorKind::kInput, "must rise", [] { HeardChart({.duration_s = 4, .beats = {{1, 0, 0}, {1, 0, 1}}}); });
}

}  // namespace
}  // namespace instructme
