#include "instructme/accompanist/accompanist.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "expect_error.h"
#include "instructme/score/mma_arranger.h"
#include "small_font.h"

namespace instructme {
namespace {

HeardMusic two_chords() {
  HeardMusic music{.duration_s = 8};
  for (int i = 0; i < 16; ++i) music.beats.push_back({0.5 * i, i / 4, i % 4});
  music.chords = {{0, 4, Chord::of(0, ChordQuality::kMaj)}, {4, 8, Chord::of(5, ChordQuality::kMin)}};
  return music;
}

Accompanist with_small_font() { return Accompanist({.fonts = {small_font()}}); }

double loudest(const std::vector<float>& wave, size_t from, size_t to) {
  double peak = 0;
  for (size_t i = from; i < to; ++i) peak = std::max(peak, std::abs(static_cast<double>(wave[i])));
  return peak;
}

TEST(Accompanist, PlaysInstrumentsOfAllRoles) {
  SKIP_WITHOUT_SMALL_FONT();
  Accompanist player = with_small_font();
  for (const char* name :
       {"piano", "bass", "drum kit", "electric drum kit", "percussion", "acoustic guitar", "violin", "harp", "tuba"}) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(player.plays(name));
    const PlayedPart part = player.play(two_chords(), name, 1, 24000);
    EXPECT_EQ(part.samples.size(), 8u * 24000u);
    EXPECT_GT(loudest(part.samples, 0, part.samples.size()), 0.001);
    EXPECT_FALSE(part.notes.notes.empty());
    EXPECT_EQ(part.source, "TimGM6mb.sf2");
    EXPECT_FALSE(part.sound.empty());
  }
}

TEST(Accompanist, SingsWhereThereAreVoices) {
  Accompanist singer({.voices = true});
  ASSERT_TRUE(singer.plays("vocals"));
  const PlayedPart part = singer.play(two_chords(), "vocals", 1, 24000);
  EXPECT_GT(loudest(part.samples, 0, part.samples.size()), 0.001);
  EXPECT_EQ(part.sound.rfind("a voice (", 0), 0u) << part.sound;
  EXPECT_FALSE(Accompanist({.may_be_empty = true}).plays("vocals"));
}

TEST(Accompanist, PlaysOnTheBeatsOfTheMusic) {
  SKIP_WITHOUT_SMALL_FONT();
  Accompanist player = with_small_font();
  HeardMusic music = two_chords();
  for (Beat& beat : music.beats) beat.time_s += 0.37;
  for (ChordSpan& span : music.chords) span.end_s = span.start_s < 1 ? 4.37 : (span.start_s = 4.37, 9);
  music.duration_s = 9;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const PlayedPart bass = player.play(music, "bass", seed, 24000);
    EXPECT_EQ(loudest(bass.samples, 0, static_cast<size_t>(0.3 * 24000)), 0);
    for (const double downbeat : {0.37, 4.37}) {
      const int root = downbeat < 1 ? 0 : 5;
      EXPECT_TRUE(std::any_of(bass.notes.notes.begin(), bass.notes.notes.end(), [&](const Note& note) {
        return std::abs(note.onset_s - downbeat) < 0.04 && note.pitch % 12 == root;
      })) << seed;
    }
  }
}

TEST(Accompanist, SameSeedSamePart) {
  SKIP_WITHOUT_SMALL_FONT();
  Accompanist player = with_small_font();
  const auto first = player.play(two_chords(), "piano", 1, 44100), other = player.play(two_chords(), "piano", 2, 44100);
  EXPECT_EQ(player.play(two_chords(), "piano", 1, 44100).samples, first.samples);
  EXPECT_NE(other.samples, first.samples);
}

TEST(Accompanist, AnyRateOfTheMusic) {
  SKIP_WITHOUT_SMALL_FONT();
  Accompanist player = with_small_font();
  for (const int rate : {8000, 11025, 44100, 192000}) {
    const PlayedPart part = player.play(two_chords(), "organ", 1, rate);
    EXPECT_EQ(part.samples.size(), static_cast<size_t>(8 * rate)) << rate;
    EXPECT_GT(loudest(part.samples, 0, part.samples.size()), 0.001) << rate;
  }
  expect_error(ErrorKind::kInput, "not at 10 Hz", [&] { player.play(two_chords(), "organ", 1, 10); });
}

TEST(Accompanist, PlaysNotesOfOtherInstruments) {
  SKIP_WITHOUT_SMALL_FONT();
  Accompanist player = with_small_font();
  const std::vector<Note> chords = {{1, 0.8, 48, 80}, {1, 0.8, 64, 80}, {1, 0.8, 67, 80}, {3, 0.8, 50, 80}};
  const auto pitches = [&](const char* name) {
    SCOPED_TRACE(name);
    const PlayedPart part = player.play_notes(chords, name, 5, 24000);
    EXPECT_EQ(part.samples.size(), 5u * 24000u);
    EXPECT_LT(loudest(part.samples, 0, static_cast<size_t>(0.98 * 24000)), 1e-9);
    EXPECT_GT(loudest(part.samples, 24000, 30000), 0.001);
    EXPECT_EQ(part.notes.name, name);
    std::vector<int> all;
    for (const Note& note : part.notes.notes) all.push_back(note.pitch);
    return all;
  };
  EXPECT_EQ(pitches("piano"), (std::vector<int>{48, 64, 67, 50}));
  EXPECT_EQ(pitches("string sections"), (std::vector<int>{48, 64, 67, 50}));
  EXPECT_EQ(pitches("bass"), (std::vector<int>{48, 50}));
  EXPECT_EQ(pitches("violin"), (std::vector<int>{79, 62}));
  EXPECT_TRUE(player.play_notes({}, "violin", 1, 24000).notes.notes.empty());
  expect_error(ErrorKind::kUsage, "played by 'drum kit'", [&] { player.play_notes(chords, "drum kit", 5, 24000); });
  expect_error(ErrorKind::kUsage, "no sound for 'vocals'", [&] { player.play_notes(chords, "vocals", 5, 24000); });
}

TEST(Accompanist, PlaysBandsOfGenres) {
  SKIP_WITHOUT_SMALL_FONT();
  Accompanist player = with_small_font();
  for (const char* genre : {"rock", "latin", "jazz", "waltz"}) {
    SCOPED_TRACE(genre);
    if (!player.plays_genre(genre)) {
      EXPECT_FALSE(mma_available());  // the own patterns have but a few genres
      continue;
    }
    const std::vector<PlayedPart> band = player.play_band(two_chords(), genre, 3, 24000);
    EXPECT_GE(band.size(), 2u);
    for (const PlayedPart& part : band) {
      EXPECT_NE(part.notes.role, Role::kMelody);
      EXPECT_FALSE(part.notes.notes.empty());
      EXPECT_EQ(part.samples.size(), 8u * 24000u);
    }
    EXPECT_EQ(player.play_band(two_chords(), genre, 3, 24000).front().samples, band.front().samples);
  }
  EXPECT_FALSE(player.plays_genre("no such genre"));
  expect_error(ErrorKind::kUsage, "no band for polka", [&] { player.play_band(two_chords(), "polka", 1, 24000); });
}

TEST(Accompanist, SaysWhatItCannotPlay) {
  SKIP_WITHOUT_SMALL_FONT();
  Accompanist player = with_small_font();
  EXPECT_FALSE(player.plays("vocals"));
  EXPECT_FALSE(player.plays("no such thing"));
  EXPECT_FALSE(Accompanist({}).plays("piano"));
  expect_error(ErrorKind::kUsage, "no sound for 'vocals'", [&] { player.play(two_chords(), "vocals", 1, 24000); });
  expect_error(ErrorKind::kMissing, "/nowhere/none.sf2", [] { Accompanist({.fonts = {"/nowhere/none.sf2"}}); });
  expect_error(ErrorKind::kInput, "two beats", [&] { player.play({.duration_s = 3}, "piano", 1, 24000); });
}

}  // namespace
}  // namespace instructme
