#include "instructme/score/chart.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "expect_error.h"

namespace instructme {
namespace {

const std::vector<std::string> kGenres = {"",       "jazz",    "latin",      "rock",     "country", "folk",
                                          "ballad", "blues",   "funk",       "soul",     "r&b",     "disco",
                                          "metal",  "hip-hop", "electronic", "waltz",    "pop",     "march",
                                          "fusion", "reggae",  "broadway",   "classical"};

TEST(Chart, EveryBarIsFilledInEveryMetreAndGenre) {
  uint64_t seed = 0;
  for (const std::string& genre : kGenres)
    for (int beats = 2; beats <= 7; ++beats)
      for (const int bars : {1, 2, 3, 7, 16, 33}) {
        Rng rng(++seed);
        const Chart chart = make_chart(rng, {.bars = bars, .beats_per_bar = beats, .genre = genre});
        ASSERT_EQ(chart.bars.size(), static_cast<size_t>(bars));
        EXPECT_EQ(chart.beats_per_bar, beats);
        for (const auto& bar : chart.bars) {
          ASSERT_FALSE(bar.empty());
          ASSERT_LE(bar.size(), 4u);
          EXPECT_EQ(bar.front().beat, 0);
          for (size_t i = 0; i < bar.size(); ++i) {
            if (i > 0) {
              EXPECT_GT(bar[i].beat, bar[i - 1].beat);
            }
            EXPECT_LT(bar[i].beat, beats);
            EXPECT_FALSE(bar[i].spelling.empty());
            EXPECT_EQ(bar[i].tones.front(), bar[i].chord.root);
            EXPECT_FALSE(bar[i].chord.none);
          }
        }
        int covered = 0;
        for (const ChartSection& section : chart.sections) {
          EXPECT_EQ(section.first_bar, covered);
          EXPECT_GT(section.bars, 0);
          covered += section.bars;
        }
        EXPECT_EQ(covered, bars);
      }
}

TEST(Chart, SpansAndBeatsCoverThePiece) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed);
    const Chart chart = make_chart(rng, {.bars = 20, .beats_per_bar = seed % 2 ? 4 : 3});
    const auto spans = chord_spans(chart);
    ASSERT_FALSE(spans.empty());
    EXPECT_EQ(spans.front().start_s, 0);
    EXPECT_DOUBLE_EQ(spans.back().end_s, chart.duration_s());
    for (size_t i = 1; i < spans.size(); ++i) {
      EXPECT_EQ(spans[i].start_s, spans[i - 1].end_s);
      EXPECT_FALSE(spans[i].chord == spans[i - 1].chord);
    }
    EXPECT_EQ(chart_beats(chart).size(), static_cast<size_t>(chart.total_beats()));
    for (const ChartSpan& span : chart_spans(chart)) {
      EXPECT_EQ(&chart.chord_at(span.start_beat), span.chord);
      EXPECT_EQ(&chart.chord_at(span.end_beat - 0.01), span.chord);
    }
  }
}

TEST(Chart, SameSeedSameChart) {
  const ChartOptions options{.bars = 32, .genre = "jazz"};
  Rng a(9), b(9), c(10);
  const Chart first = make_chart(a, options), second = make_chart(b, options), third = make_chart(c, options);
  EXPECT_EQ(first.tempo_bpm, second.tempo_bpm);
  bool differs = false;
  for (size_t bar = 0; bar < first.bars.size(); ++bar) {
    ASSERT_EQ(first.bars[bar].size(), second.bars[bar].size());
    for (size_t i = 0; i < first.bars[bar].size(); ++i)
      EXPECT_EQ(first.bars[bar][i].spelling, second.bars[bar][i].spelling);
    differs |=
        first.bars[bar].size() != third.bars[bar].size() || first.bars[bar][0].spelling != third.bars[bar][0].spelling;
  }
  EXPECT_TRUE(differs);
}

TEST(Chart, AllKeysModesAndQualitiesAreReached) {
  std::set<int> tonics, modes, qualities;
  std::set<std::string> contents;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    Rng rng(seed);
    const Chart chart = make_chart(rng, {.bars = 16, .genre = kGenres[seed % kGenres.size()]});
    tonics.insert(chart.key.tonic);
    modes.insert(static_cast<int>(chart.key.mode));
    std::string text;
    for (const auto& bar : chart.bars)
      for (const ChartChord& chord : bar) {
        qualities.insert(static_cast<int>(chord.chord.quality));
        text += chord.spelling + " ";
      }
    contents.insert(text);
  }
  EXPECT_EQ(tonics.size(), 12u);
  EXPECT_EQ(modes.size(), 6u);
  EXPECT_EQ(qualities.size(), static_cast<size_t>(kChordQualities));
  EXPECT_GT(contents.size(), 495u);
}

TEST(Chart, HarmonyIsMostlyDiatonicAndComesHome) {
  double diatonic = 0, all = 0, home = 0;
  const int charts = 300;
  for (uint64_t seed = 0; seed < charts; ++seed) {
    Rng rng(seed);
    const Chart chart = make_chart(rng, {.bars = 16, .genre = "pop"});
    const auto scale = scale_pitch_classes(chart.key);
    const std::set<int> in_key(scale.begin(), scale.end());
    for (const auto& bar : chart.bars)
      for (const ChartChord& chord : bar) {
        bool inside = true;
        for (const int tone : chord_pitch_classes(chord.chord)) inside &= in_key.count(tone) > 0;
        diatonic += inside;
        all += 1;
      }
    home += chart.bars.back().back().chord.root == chart.key.tonic;
  }
  EXPECT_GT(diatonic / all, 0.75);
  EXPECT_LT(diatonic / all, 0.99);
  EXPECT_GT(home / charts, 0.6);
}

TEST(Chart, GenresDiffer) {
  const auto rich_share = [](const std::string& genre) {
    double rich = 0, all = 0;
    for (uint64_t seed = 0; seed < 60; ++seed) {
      Rng rng(seed);
      for (const auto& bar : make_chart(rng, {.bars = 16, .genre = genre}).bars)
        for (const ChartChord& chord : bar) {
          rich += chord.tones.size() > 3;
          all += 1;
        }
    }
    return rich / all;
  };
  EXPECT_GT(rich_share("jazz"), 0.8);
  EXPECT_LT(rich_share("metal"), 0.35);
}

TEST(Chart, TempoRangeIsKept) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed);
    const double tempo = make_chart(rng, {.tempo_low = 99.5, .tempo_high = 104}).tempo_bpm;
    EXPECT_GE(tempo, 99.5);
    EXPECT_LE(tempo, 104);
  }
}

TEST(Chart, OptionsOutOfRangeAreRefused) {
  Rng rng(1);
  expect_error(ErrorKind::kUsage, "0 bars", [&] { make_chart(rng, {.bars = 0}); });
  expect_error(ErrorKind::kUsage, "8 beats", [&] { make_chart(rng, {.beats_per_bar = 8}); });
  expect_error(ErrorKind::kUsage, "tonic 12", [&] { make_chart(rng, {.tonic = 12}); });
  expect_error(ErrorKind::kUsage, "tempo range", [&] { make_chart(rng, {.tempo_low = 130, .tempo_high = 120}); });
}

TEST(ChordSpelling, TonesContainTheLabel) {
  const Key key{5, Mode::kMajor};
  for (const std::string& suffix : chord_suffixes())
    for (int root = 0; root < 12; ++root) {
      const ChartChord chord = spell_chord(root, suffix, key);
      const std::set<int> tones(chord.tones.begin(), chord.tones.end());
      EXPECT_EQ(tones.size(), chord.tones.size()) << suffix;
      if (suffix == "5" || suffix == "sus2" || suffix == "aug7") continue;
      for (const int tone : chord_pitch_classes(chord.chord)) EXPECT_TRUE(tones.count(tone)) << chord.spelling;
    }
  EXPECT_EQ(spell_chord(10, "m7b5", key).spelling, "Bbm7b5");
  EXPECT_EQ(spell_chord(0, "", key, 4).spelling, "C/E");
  EXPECT_EQ(spell_chord(6, "7", Key{2, Mode::kMajor}).spelling, "F#7");
  expect_error(ErrorKind::kInternal, "nonsense", [&] { spell_chord(0, "nonsense", key); });
}

}  // namespace
}  // namespace instructme
