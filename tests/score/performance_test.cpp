#include "instructme/score/performance.h"

#include <cmath>
#include <set>

#include "expect_error.h"
#include "instructme/score/pattern_arranger.h"
#include "score_checks.h"

namespace instructme {
namespace {

Score piece(uint64_t seed = 1, int bars = 32, const std::string& feel = "rock") {
  Rng rng(seed);
  ChartOptions options;
  options.bars = bars;
  options.tempo_low = options.tempo_high = 100;
  return pattern_song(make_chart(rng, options), feel, seed);
}

bool same_labels(const Score& a, const Score& b) {
  return a.duration_s == b.duration_s &&
         std::equal(a.beats.begin(), a.beats.end(), b.beats.begin(), b.beats.end(),
                    [](const Beat& x, const Beat& y) {
                      return x.time_s == y.time_s && x.bar == y.bar && x.position == y.position;
                    }) &&
         std::equal(a.chords.begin(), a.chords.end(), b.chords.begin(), b.chords.end(),
                    [](const ChordSpan& x, const ChordSpan& y) {
                      return x.start_s == y.start_s && x.end_s == y.end_s && x.chord == y.chord;
                    });
}

PerformanceOptions none() { return PerformanceOptions::of(0); }

double bar_time(const Score& score, int bar) {
  for (const Beat& beat : score.beats)
    if (beat.bar == bar) return beat.time_s;
  return score.duration_s;
}

// Share of pitched notes of chord parts that are tones of the label, sampled in the middle of the attack.
double on_the_chord(const Score& score) {
  double right = 0, all = 0;
  for (const Part& part : score.parts) {
    if (part.role != Role::kChords && part.role != Role::kBass) continue;
    for (const Note& note : part.notes)
      for (const ChordSpan& span : score.chords) {
        const double at = note.onset_s + std::min(note.duration_s / 2, 0.1);
        if (at < span.start_s || at >= span.end_s) continue;
        const auto tones = chord_pitch_classes(span.chord);
        right += std::count(tones.begin(), tones.end(), note.pitch % 12) > 0;
        all += 1;
      }
  }
  return right / all;
}

TEST(Performance, NothingChangesAtIntensityZero) {
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const Score before = piece(seed);
    Score after = before;
    const Performance performance = draw_performance(Rng(seed), before, none());
    EXPECT_TRUE(performance.stretch.empty() && performance.stops.empty() && performance.breakdowns.empty());
    EXPECT_EQ(performance.semitones, 0);
    perform(after, performance, none(), Rng(seed));
    EXPECT_TRUE(same_parts(before, after));
    EXPECT_TRUE(same_labels(before, after));
  }
}

TEST(Performance, IsSoundAndDeterministicWhateverHappens) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto options = PerformanceOptions::of(2);
    const Score before = piece(seed, 20 + static_cast<int>(seed), seed % 2 ? "funk" : "ballad");
    Score score = before, again = before;
    perform(score, draw_performance(Rng(seed), before, options), options, Rng(seed).fork("a"));
    perform(again, draw_performance(Rng(seed), before, options), options, Rng(seed).fork("a"));
    EXPECT_TRUE(same_parts(score, again));
    EXPECT_TRUE(same_labels(score, again));
    expect_sound_labels(score);
    EXPECT_GE(score.duration_s, before.duration_s - 1e-6);
    EXPECT_EQ(score.beats.size(), before.beats.size());
    for (const Part& part : score.parts) {
      EXPECT_FALSE(part.notes.empty()) << part.name;
      expect_sound_part(part, score.duration_s);
    }
    EXPECT_GT(on_the_chord(score), on_the_chord(before) - 0.06) << seed;
  }
}

TEST(Performance, ShortPiecesAndPiecesWithoutPartsAreFine) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto options = PerformanceOptions::of(2);
    Score score = piece(seed, 1 + static_cast<int>(seed) % 6);
    perform(score, draw_performance(Rng(seed), score, options), options, Rng(seed));
    expect_sound_labels(score);
    score.parts.clear();
    perform(score, draw_performance(Rng(seed), score, options), options, Rng(seed));
  }
}

TEST(Performance, ArrangementsOfOnePieceKeepCommonLabels) {
  Rng rng(3);
  const Chart chart = make_chart(rng, {.bars = 40});
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Score a = pattern_song(chart, "rock", 1), b = pattern_song(chart, "bossa", 2);
    const auto options = PerformanceOptions::of(2);
    const Performance performance = draw_performance(Rng(seed), a, options);
    perform(a, performance, options, Rng(seed).fork(uint64_t{0}));
    perform(b, performance, options, Rng(seed).fork(uint64_t{1}));
    EXPECT_TRUE(same_labels(a, b));
  }
}

TEST(Performance, TempoDriftsByAFewPerCentAndSlowsDownAtTheEnd) {
  PerformanceOptions options = none();
  options.tempo = 1;
  int drifted = 0, slowed = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    const Score before = piece(1);
    Score score = before;
    perform(score, draw_performance(Rng(seed), before, options), options, Rng(seed));
    const double beat = before.beats[1].time_s;
    double most = 0;
    for (size_t i = 1; i + 14 < score.beats.size(); ++i)
      most = std::max(most, std::abs((score.beats[i].time_s - score.beats[i - 1].time_s) / beat - 1));
    EXPECT_LT(most, 0.09);
    drifted += most > 0.002;
    const double last = (score.duration_s - score.beats.back().time_s) / beat;
    slowed += last > 1.12;
    EXPECT_LT(last, 1.8);
    // A note stays where it is between its beats.
    const Part &drums = score.parts[0], &straight = before.parts[0];
    ASSERT_EQ(drums.notes.size(), straight.notes.size());
    for (size_t i = 0; i < drums.notes.size(); i += 17) {
      const auto place = [](const Score& s, double t) {
        size_t k = 0;
        while (k + 1 < s.beats.size() && s.beats[k + 1].time_s <= t) ++k;
        const double end = k + 1 < s.beats.size() ? s.beats[k + 1].time_s : s.duration_s;
        return static_cast<double>(k) + (t - s.beats[k].time_s) / (end - s.beats[k].time_s);
      };
      EXPECT_NEAR(place(score, drums.notes[i].onset_s), place(before, straight.notes[i].onset_s), 1e-6);
    }
  }
  EXPECT_GT(drifted, 30);
  EXPECT_LT(drifted, 60);
  EXPECT_GT(slowed, 8);
  EXPECT_LT(slowed, 35);
}

TEST(Performance, TimingDriftsPartByPartAndKeepsChordsTogether) {
  PerformanceOptions options = none();
  options.timing = 1;
  const Score before = piece(2);
  Score score = before;
  perform(score, draw_performance(Rng(5), before, options), options, Rng(5));
  EXPECT_TRUE(same_labels(score, before));
  std::set<int64_t> means;
  for (size_t p = 0; p < score.parts.size(); ++p) {
    const auto &a = before.parts[p].notes, &b = score.parts[p].notes;
    // Two strokes on one key within milliseconds may become one.
    EXPECT_LE(b.size(), a.size());
    EXPECT_GE(b.size(), a.size() * 95 / 100);
    if (a.size() != b.size()) continue;
    std::vector<double> shift;
    double mean = 0, velocity = 0;
    for (size_t i = 1; i < a.size(); ++i) {
      if (a[i].onset_s - a[i - 1].onset_s < 0.02) continue;
      shift.push_back(b[i].onset_s - a[i].onset_s);
      mean += shift.back();
      velocity += std::abs(a[i].velocity - b[i].velocity);
      EXPECT_LT(std::abs(shift.back()), 0.08);
    }
    const auto count = static_cast<double>(shift.size());
    mean /= count;
    means.insert(std::llround(mean * 1e4));
    EXPECT_GT(velocity / count, 0.3);
    double variance = 0, neighbours = 0;
    for (size_t i = 0; i < shift.size(); ++i) variance += (shift[i] - mean) * (shift[i] - mean);
    for (size_t i = 1; i < shift.size(); ++i) neighbours += (shift[i] - mean) * (shift[i - 1] - mean);
    EXPECT_GT(variance, 0);
    if (count > 60) {
      EXPECT_GT(neighbours / variance, 0.2) << "white noise in " << score.parts[p].name;
    }
  }
  EXPECT_GT(means.size(), 2u);
  // Notes struck at once stay together: what strums or spreads them comes later.
  Score chord = before;
  chord.parts = {{.name = "c", .role = Role::kChords, .program = 0, .drums = false, .notes = {}, .controls = {}}};
  for (int i = 0; i < 60; ++i)
    for (int pitch : {60, 64, 67}) chord.parts[0].notes.push_back({0.6 * i, 0.5, pitch, 80});
  perform(chord, {}, options, Rng(1));
  for (size_t i = 0; i < chord.parts[0].notes.size(); i += 3)
    EXPECT_EQ(chord.parts[0].notes[i].onset_s, chord.parts[0].notes[i + 2].onset_s);
}

TEST(Performance, AStopSilencesEverybodyAndHasNoChord) {
  Score score = piece(4);
  score.parts[2].controls = {{1.0, 64, 127}};
  Performance performance;
  performance.stops = {{8, 2}};
  perform(score, performance, none(), Rng(1));
  const double from = bar_time(score, 8), to = bar_time(score, 10);
  for (const Part& part : score.parts)
    for (const Note& note : part.notes)
      EXPECT_TRUE(note.onset_s + note.duration_s <= from + 1e-9 || note.onset_s >= to - 0.031)
          << part.name << " " << note.onset_s;
  bool found = false;
  for (const ChordSpan& span : score.chords)
    if (span.start_s < to - 1e-6 && span.end_s > from + 1e-6) {
      EXPECT_TRUE(span.chord.none);
      found = true;
    }
  EXPECT_TRUE(found);
  expect_sound_labels(score);
  const auto& pedal = score.parts[2].controls;
  ASSERT_EQ(pedal.size(), 3u);
  EXPECT_EQ(pedal[1].value, 0);
  EXPECT_NEAR(pedal[1].time_s, from, 1e-9);
  EXPECT_EQ(pedal[2].value, 127);
}

TEST(Performance, BreakdownsLeaveOneOrTwoParts) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Score score = piece(seed);
    Performance performance;
    performance.breakdowns = {{8, 4}};
    perform(score, performance, PerformanceOptions::of(0), Rng(seed));
    int playing = 0;
    for (const Part& part : score.parts)
      playing += std::any_of(part.notes.begin(), part.notes.end(), [&](const Note& n) {
        return n.onset_s > bar_time(score, 8) && n.onset_s < bar_time(score, 12) - 0.03;
      });
    EXPECT_GE(playing, 1);
    EXPECT_LE(playing, 2);
  }
}

TEST(Performance, AKeyChangeMovesPitchedPartsAndChordsFromItsBarOn) {
  const Score before = piece(6);
  Score score = before;
  Performance performance;
  performance.key_change_bar = 16;
  performance.semitones = 2;
  perform(score, performance, none(), Rng(1));
  const double from = bar_time(before, 16);
  EXPECT_EQ(score.key.tonic, before.key.tonic);
  for (size_t p = 0; p < score.parts.size(); ++p)
    for (size_t i = 0; i < score.parts[p].notes.size(); ++i) {
      const Note &a = before.parts[p].notes[i], &b = score.parts[p].notes[i];
      const bool moved = !score.parts[p].drums && a.onset_s >= from - 0.03;
      EXPECT_EQ(b.pitch, a.pitch + (moved ? 2 : 0));
      if (!moved && !score.parts[p].drums) {
        EXPECT_LE(b.onset_s + b.duration_s, std::max(from, b.onset_s + 0.02) + 1e-9);
      }
    }
  const auto at = [](const Score& s, double t) {
    for (const ChordSpan& span : s.chords)
      if (t >= span.start_s && t < span.end_s) return span.chord;
    return Chord::no_chord();
  };
  for (double t = 0.1; t < score.duration_s; t += 0.37) {
    const Chord a = at(before, t), b = at(score, t);
    EXPECT_EQ(b.root, t < from ? a.root : (a.root + 2) % 12) << t;
    EXPECT_EQ(b.quality, a.quality);
  }
  EXPECT_NEAR(on_the_chord(score), on_the_chord(before), 0.02);
}

TEST(Performance, PartsDropOutAndEnterOneAfterTheOther) {
  PerformanceOptions options = none();
  options.entries = 2;
  int entered = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Score score = piece(1);
    perform(score, draw_performance(Rng(seed), score, options), options, Rng(seed));
    int late = 0;
    for (const Part& part : score.parts) late += part.notes.front().onset_s > bar_time(score, 1) - 0.1;
    entered += late >= 2;
  }
  EXPECT_GT(entered, 4);
  EXPECT_LT(entered, 25);
  options = none();
  options.dropouts = 2;
  int fewer = 0, parts = 0;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const Score before = piece(1);
    Score score = before;
    perform(score, draw_performance(Rng(seed), score, options), options, Rng(seed));
    for (size_t p = 0; p < score.parts.size(); ++p) fewer += score.parts[p].notes.size() < before.parts[p].notes.size();
    parts += static_cast<int>(score.parts.size());
  }
  EXPECT_GT(fewer, parts / 6);
  EXPECT_LT(fewer, parts * 2 / 3);
}

TEST(Performance, SwingMovesOffBeatsAndHalfTimeTheDrums) {
  PerformanceOptions options = none();
  options.swing = 2;
  int swung = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Score before = piece(7);
    Score score = before;
    perform(score, {}, options, Rng(seed));
    if (same_parts(score, before)) continue;
    ++swung;
    EXPECT_TRUE(same_labels(score, before));
    const Part &a = before.parts[0], &b = score.parts[0];
    const double beat = before.beats[1].time_s;
    for (size_t i = 0; i < a.notes.size(); ++i) {
      const double place = a.notes[i].onset_s / beat, inside = place - std::floor(place);
      const double moved = (b.notes[i].onset_s - a.notes[i].onset_s) / beat;
      EXPECT_GE(moved, -1e-9);
      EXPECT_LT(moved, 0.2);
      if (inside < 0.02) {
        EXPECT_LT(moved, 0.02);
      }
    }
  }
  EXPECT_GT(swung, 3);
  EXPECT_LT(swung, 20);
  options = none();
  options.half_time = 2;
  int changed = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const Score before = piece(7);
    Score score = before;
    perform(score, {}, options, Rng(seed));
    for (size_t p = 1; p < score.parts.size(); ++p) EXPECT_TRUE(same_part(score.parts[p], before.parts[p]));
    const auto hats = [](const Score& s) {
      return std::count_if(s.parts[0].notes.begin(), s.parts[0].notes.end(),
                           [](const Note& n) { return n.pitch >= 42 && n.pitch % 2 == 0 && n.pitch < 47; });
    };
    changed += !same_parts(score, before);
    EXPECT_EQ(hats(score), hats(before));
  }
  EXPECT_GT(changed, 3);
  EXPECT_LT(changed, 20);
}

TEST(Performance, BadIntensitiesAndForeignPerformancesAreRefused) {
  Score score = piece(1);
  PerformanceOptions options;
  options.swing = 2.5;
  expect_error(ErrorKind::kUsage, "2.5", [&] { draw_performance(Rng(1), score, options); });
  options.swing = -1;
  expect_error(ErrorKind::kUsage, "-1", [&] { perform(score, {}, options, Rng(1)); });
  Performance performance;
  performance.stretch = {1.0};
  expect_error(ErrorKind::kInternal, "another piece", [&] { perform(score, performance, {}, Rng(1)); });
}

}  // namespace
}  // namespace instructme
