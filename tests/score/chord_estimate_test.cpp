#include "instructme/score/chord_estimate.h"

#include <gtest/gtest.h>

#include "instructme/annotation/chord_scores.h"
#include "instructme/score/accompaniment.h"
#include "score_checks.h"

namespace instructme {
namespace {

Score band(const Chart& chart, uint64_t seed, bool melody) {
  Score score;
  score.beats = chart_beats(chart);
  score.beats_per_bar = chart.beats_per_bar;
  score.duration_s = chart.duration_s();
  Rng comping = Rng(seed).fork("comping"), bass = Rng(seed).fork("bass"), tune = Rng(seed).fork("tune");
  PartOptions options;
  options.low = 48, options.high = 79;
  score.parts.push_back(make_comping(comping, chart, options));
  options.low = 28, options.high = 48;
  score.parts.push_back(make_bass(bass, chart, static_cast<BassStyle>(seed % 6), options));
  options.low = 60, options.high = 84;
  if (melody) score.parts.push_back(make_melody(tune, chart, options));
  return score;
}

struct Overlap {
  double chord = 0, triad = 0, root = 0;
};

Overlap measure(const std::string& genre, int pieces, int beats_per_bar = 4) {
  Overlap sum;
  for (int i = 0; i < pieces; ++i) {
    const auto seed = static_cast<uint64_t>(1000 + i);
    Rng rng(seed);
    const Chart chart = make_chart(rng, {.bars = 24, .beats_per_bar = beats_per_bar, .genre = genre});
    const Score score = band(chart, seed, true);
    const auto truth = chord_spans(chart), found = estimate_chords(score);
    sum.chord += chord_overlap(truth, found, ChordRule::kTetrads).share() / pieces;
    sum.triad += chord_overlap(truth, found, ChordRule::kTriads).share() / pieces;
    sum.root += chord_overlap(truth, found, ChordRule::kRoot).share() / pieces;
  }
  return sum;
}

// Measured here: class 0.82, triad 0.86, root 0.89.
TEST(ChordEstimate, FindsTheChordsOfComposedCharts) {
  Overlap mean;
  const std::vector<std::string> genres = {"pop", "rock", "jazz", "folk", "latin", "classical", "ballad"};
  for (const std::string& genre : genres) {
    const Overlap here = measure(genre, 12);
    EXPECT_GT(here.root, 0.72) << genre;
    mean.chord += here.chord / static_cast<double>(genres.size());
    mean.triad += here.triad / static_cast<double>(genres.size());
    mean.root += here.root / static_cast<double>(genres.size());
  }
  RecordProperty("class", std::to_string(mean.chord));
  RecordProperty("triad", std::to_string(mean.triad));
  RecordProperty("root", std::to_string(mean.root));
  EXPECT_GT(mean.chord, 0.74);
  EXPECT_GT(mean.triad, 0.81);
  EXPECT_GT(mean.root, 0.83);
  for (int beats : {3, 6}) EXPECT_GT(measure("", 12, beats).root, 0.75) << beats;
}

TEST(ChordEstimate, PlainChordsOfEveryQualityAreFound) {
  for (int root = 0; root < 12; ++root)
    for (int quality = 0; quality < kChordQualities; ++quality) {
      const Chord chord = Chord::of(root, static_cast<ChordQuality>(quality));
      if (chord.quality == ChordQuality::kAug) continue;  // its root cannot be heard without the bass
      Score score;
      score.duration_s = 8;
      for (int i = 0; i < 16; ++i) score.beats.push_back({0.5 * i, i / 4, i % 4});
      Part chords, bass;
      bass.role = Role::kBass;
      for (double t = 0; t < 8; t += 0.5) {
        for (int pc : chord_pitch_classes(chord)) chords.notes.push_back({t, 0.4, 60 + pc, 80});
        bass.notes.push_back({t, 0.4, 36 + root, 90});
      }
      score.parts = {chords, bass};
      const auto found = estimate_chords(score);
      ASSERT_EQ(found.size(), 1u) << chord_label(chord);
      EXPECT_EQ(chord_label(found[0].chord), chord_label(chord));
      EXPECT_EQ(found[0].start_s, 0);
      EXPECT_EQ(found[0].end_s, 8);
    }
}

TEST(ChordEstimate, DrumsAndSilenceHaveNoChord) {
  Score score;
  score.duration_s = 16;
  for (int i = 0; i < 32; ++i) score.beats.push_back({0.5 * i, i / 4, i % 4});
  Part drums;
  drums.drums = true;
  drums.role = Role::kDrums;
  for (double t = 0; t < 16; t += 0.5) drums.notes.push_back({t, 0.1, 36, 100});
  score.parts = {drums};
  auto found = estimate_chords(score);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].chord.none);
  // A long rest after a chord is none as well, a short one is not.
  Part chords;
  for (double t = 0; t < 4; t += 1)
    for (int pitch : {60, 64, 67}) chords.notes.push_back({t, 0.4, pitch, 80});
  score.parts.push_back(chords);
  found = estimate_chords(score);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(chord_label(found[0].chord), "C:maj");
  EXPECT_TRUE(found[1].chord.none);
}

TEST(KeyEstimate, FindsMajorAndMinor) {
  int right = 0, related = 0, all = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed);
    const Chart chart = make_chart(rng, {.bars = 24, .genre = "pop"});
    if (chart.key.mode != Mode::kMajor && chart.key.mode != Mode::kMinor) continue;
    const Key key = estimate_key(band(chart, seed, true));
    const auto relative = [](const Key& k) { return (k.tonic + (k.mode == Mode::kMinor ? 3 : 0)) % 12; };
    right += key.tonic == chart.key.tonic && key.mode == chart.key.mode;
    related += relative(key) == relative(chart.key);
    ++all;
  }
  EXPECT_GT(right, all * 6 / 10);
  EXPECT_GT(related, all * 8 / 10);
  EXPECT_EQ(estimate_key(Score{}).tonic, 0);
}

}  // namespace
}  // namespace instructme
