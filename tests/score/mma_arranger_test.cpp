#include "instructme/score/mma_arranger.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "expect_error.h"
#include "instructme/score/song_maker.h"
#include "score_checks.h"

namespace instructme {
namespace {

const GrooveLibrary& library() { return GrooveLibrary::builtin(); }

TEST(MmaArranger, TheSongIsWrittenAsMmaReadsIt) {
  Chart chart;
  chart.key = {3, Mode::kMajor};
  chart.tempo_bpm = 96;
  chart.sections = {{"verse", 0, 2}};
  ChartChord g = spell_chord(10, "7", chart.key);
  g.beat = 2;
  chart.bars = {{spell_chord(3, "M7", chart.key), g}, {spell_chord(3, "", chart.key, 7)}};
  const std::string text = mma_song(chart, library(), library().find("stdlib/swing:Swing"), 5, true);
  EXPECT_EQ(text, "RndSeed 5\nTempo 96\nKeySig 3b\nGroove stdlib/swing:Swing\n1 EbM7 Bb7@3\n2 Eb/G\n");
}

TEST(MmaArranger, MetresMustAgree) {
  Rng rng(1);
  const Chart chart = make_chart(rng, {.bars = 4, .beats_per_bar = 3});
  expect_error(ErrorKind::kUsage, "3 beats a bar",
               [&] { arrange(chart, library(), library().find("stdlib/swing:Swing"), 1); });
}

TEST(MmaArranger, SongsAreSound) {
  if (!mma_available()) GTEST_SKIP() << "mma is not installed";
  std::set<std::string> genres;
  int with_three = 0, melodies = 0;
  const int songs = 10;
  for (uint64_t seed = 0; seed < songs; ++seed) {
    const Score score = make_song(library(), seed, {.seconds = 20});
    SCOPED_TRACE(score.title + " " + score.groove);
    genres.insert(score.genre);
    EXPECT_GE(score.duration_s, 20 - 1e-9);
    EXPECT_LT(score.duration_s, 20 + 2 * score.beats_per_bar * 60 / score.tempo_bpm);
    expect_sound_labels(score);
    bool melody = false;
    for (const Part& part : score.parts) {
      EXPECT_FALSE(part.notes.empty());
      EXPECT_EQ(part.drums, part.role == Role::kDrums);
      expect_sound_part(part, score.duration_s);
      melody |= part.role == Role::kMelody;
    }
    with_three += score.parts.size() >= 3;
    melodies += melody;
  }
  EXPECT_GE(with_three, songs - 1);
  EXPECT_GE(melodies, songs / 2);
  EXPECT_GE(genres.size(), 5u);
}

TEST(MmaArranger, TheBandFollowsTheChart) {
  if (!mma_available()) GTEST_SKIP() << "mma is not installed";
  // Notes of the chords and the bass belong to the label's chord much more often than to the next bar's.
  double right = 0, all = 0;
  for (uint64_t seed = 100; seed < 103; ++seed) {
    const Score score =
        make_song(library(), seed, {.seconds = 20, .genre = "pop", .arrange = {.generated_parts = false}});
    for (const Part& part : score.parts) {
      if (part.role != Role::kChords) continue;
      for (const Note& note : part.notes)
        for (const ChordSpan& span : score.chords) {
          const double middle = note.onset_s + std::min(note.duration_s / 2, 0.1);
          if (middle < span.start_s || middle >= span.end_s) continue;
          const auto tones = chord_pitch_classes(span.chord);
          right += std::find(tones.begin(), tones.end(), note.pitch % 12) != tones.end();
          all += 1;
        }
    }
  }
  ASSERT_GT(all, 100);
  EXPECT_GT(right / all, 0.8);
}

TEST(MmaArranger, SameSeedSameScore) {
  if (!mma_available()) GTEST_SKIP() << "mma is not installed";
  for (const uint64_t seed : {uint64_t{3}}) {
    const Score a = make_song(library(), seed, {.seconds = 15}), b = make_song(library(), seed, {.seconds = 15});
    EXPECT_EQ(a.title, b.title);
    EXPECT_TRUE(same_parts(a, b));
    EXPECT_FALSE(same_parts(a, make_song(library(), seed + 1000, {.seconds = 15})));
  }
}

TEST(MmaArranger, AnotherGrooveKeepsChartAndTune) {
  if (!mma_available()) GTEST_SKIP() << "mma is not installed";
  int compared = 0;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const SongPlan plan = plan_song(library(), seed, {.seconds = 15});
    const auto other = other_groove(library(), plan.chart, plan.groove, seed);
    ASSERT_TRUE(other.has_value());
    EXPECT_NE(other->genre, plan.groove.genre);
    EXPECT_EQ(other->beats_per_bar, plan.groove.beats_per_bar);
    const Score first = arrange(plan.chart, library(), plan.groove, seed);
    const Score second = arrange_again(plan, library(), *other, seed + 1);
    EXPECT_EQ(first.duration_s, second.duration_s);
    ASSERT_EQ(first.chords.size(), second.chords.size());
    for (size_t i = 0; i < first.chords.size(); ++i) EXPECT_TRUE(first.chords[i].chord == second.chords[i].chord);
    const auto tune = [](const Score& score) -> const Part* {
      for (const Part& part : score.parts)
        if (part.name.find("(melody)") != std::string::npos) return &part;
      return nullptr;
    };
    const Part *a = tune(first), *b = tune(second);
    if (a == nullptr || b == nullptr) continue;
    ++compared;
    ASSERT_EQ(a->notes.size(), b->notes.size());
    for (size_t i = 0; i < a->notes.size(); ++i) EXPECT_EQ(a->notes[i].pitch % 12, b->notes[i].pitch % 12);
  }
  EXPECT_GT(compared, 0);
}

TEST(MmaArranger, GroovesWithTheirOwnChordTabsArePlayed) {
  if (!mma_available()) GTEST_SKIP() << "mma is not installed";
  const SongPlan plan = plan_song(library(), 13, {.seconds = 10, .beats_per_bar = 6});
  const Score score = arrange(plan.chart, library(), library().find("zoom/blues34:BLUS04"), 1);
  EXPECT_GE(score.parts.size(), 3u);  // drums by MMA, the rest by the generators
}

TEST(SongMaker, PlansFollowTheOptions) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const SongPlan plan = plan_song(library(), seed, {.seconds = 30, .genre = "jazz", .beats_per_bar = 3});
    EXPECT_EQ(plan.groove.genre, "jazz");
    EXPECT_EQ(plan.chart.beats_per_bar, 3);
    EXPECT_GE(plan.chart.duration_s(), 30 - 1e-9);
  }
  expect_error(ErrorKind::kUsage, "jazz", [] { plan_song(library(), 1, {.genre = "jaz"}); });
  expect_error(ErrorKind::kUsage, "0.5 seconds", [] { plan_song(library(), 1, {.seconds = 0.5}); });
  EXPECT_FALSE(other_groove(GrooveLibrary({}), Chart{}, GrooveInfo{}, 1).has_value());
}

TEST(SongMaker, GroovesForAChartHaveItsMetreAndTempo) {
  std::set<std::string> genres;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Rng rng(seed);
    const int beats = seed % 3 == 0 ? 3 : seed % 3 == 1 ? 4 : 6;
    const Chart chart = make_chart(rng, {.bars = 8, .beats_per_bar = beats, .genre = "pop"});
    const auto groove = groove_for(library(), chart, seed, 1);
    ASSERT_TRUE(groove.has_value());
    EXPECT_EQ(groove->beats_per_bar, beats);
    EXPECT_GE(groove->melodic_tracks, 1);
    const TempoRange range = genre_tempo(groove->genre, beats);
    EXPECT_GE(chart.tempo_bpm, 0.84 * range.low);
    EXPECT_LE(chart.tempo_bpm, 1.16 * range.high);
    genres.insert(groove->genre);
  }
  EXPECT_GE(genres.size(), 8u);
  Rng rng(1);
  Chart slow = make_chart(rng, {.bars = 8, .tempo_low = 30, .tempo_high = 30});
  EXPECT_TRUE(groove_for(library(), slow, 1).has_value());
  EXPECT_FALSE(groove_for(GrooveLibrary({}), slow, 1).has_value());
}

TEST(SongMaker, GenresAreSpread) {
  std::map<std::string, int> count;
  for (uint64_t seed = 0; seed < 2000; ++seed) ++count[plan_song(library(), seed, {.seconds = 10}).groove.genre];
  EXPECT_EQ(count.size(), library().genres().size());
  for (const auto& [genre, n] : count) EXPECT_GT(n, 15) << genre;
}

}  // namespace
}  // namespace instructme
