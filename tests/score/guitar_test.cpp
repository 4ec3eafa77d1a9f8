#include "instructme/score/guitar.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "score_checks.h"

namespace instructme {
namespace {

constexpr Key kC{0, Mode::kMajor};

Chart chart_of_chords(const std::vector<int>& roots, const std::string& suffix) {
  Chart chart;
  chart.tempo_bpm = 100;
  for (int root : roots) chart.bars.push_back({spell_chord(root, suffix, kC)});
  chart.sections = {{"A", 0, static_cast<int>(roots.size())}};
  return chart;
}

TEST(Capo, TheShapeOfAnotherChordSoundsAsTheChord) {
  const GuitarVoicing g = guitar_voicing(spell_chord(7, "", kC)),
                      b_flat = guitar_voicing(spell_chord(10, "", kC), 0, 3);
  EXPECT_EQ(b_flat.capo, 3);
  EXPECT_EQ(b_flat.frets, g.frets);
  for (int s = 0; s < 6; ++s)
    if (g.pitch(s) >= 0) {
      EXPECT_EQ(b_flat.pitch(s), g.pitch(s) + 3);
    }
  for (const std::string& suffix : chord_suffixes())
    for (int capo = 0; capo <= 5; ++capo) {
      const ChartChord chord = spell_chord(4, suffix, kC);
      const GuitarVoicing grip = guitar_voicing(chord, 0, capo);
      for (int s = 0; s < 6; ++s) {
        if (grip.pitch(s) < 0) continue;
        EXPECT_NE(std::find(chord.tones.begin(), chord.tones.end(), grip.pitch(s) % 12), chord.tones.end())
            << chord.spelling;
      }
    }
}

TEST(Capo, IsPutWhereOpenChordsAre) {
  EXPECT_EQ(best_capo(chart_of_chords({7, 0, 2, 7}, "")), 0);
  EXPECT_EQ(best_capo(chart_of_chords({8, 1, 3, 8}, "")), 1);    // A flat, D flat, E flat as G, C, D
  EXPECT_EQ(best_capo(chart_of_chords({10, 3, 5, 10}, "")), 1);  // B flat, E flat, F as A, D, E
  EXPECT_EQ(best_capo(chart_of_chords({0, 5, 7, 10}, "m")), 3);  // C, F, G, B flat minor; most as Am, Dm, Em
}

// What share of the seeds strums in which way.
TEST(Strumming, KnowsBassAndChordAndMutedStrokesAndBothDirections) {
  int bass_and_chord = 0, muted = 0, upward = 0, pieces = 60;
  for (int seed = 0; seed < pieces; ++seed) {
    Rng rng(static_cast<uint64_t>(seed));
    const Chart chart = chart_of_chords({7, 0, 2, 4, 9, 0, 2, 7}, "");
    PartOptions options;
    options.jitter_s = 0;
    const Part part = make_strum(rng, chart, options);
    expect_sound_part(part, chart.duration_s());
    std::map<int64_t, std::vector<Note>> strokes;  // by sixteenth
    const double step = chart.beat_seconds() / 4;
    for (const Note& note : part.notes) strokes[std::llround((note.onset_s - 0.01) / step)].push_back(note);
    int alone = 0, shorts = 0, ups = 0;
    std::set<int> basses;
    for (const auto& [place, notes] : strokes) {
      if (notes.size() == 1 && notes[0].pitch < 56) {
        ++alone;
        basses.insert(notes[0].pitch);
      }
      if (notes.size() < 3) continue;
      double longest = 0;
      for (const Note& note : notes) longest = std::max(longest, note.duration_s);
      shorts += longest < 0.06;
      ups += notes.front().pitch > notes.back().pitch;
    }
    bass_and_chord += alone >= 8 && basses.size() >= 4;
    muted += shorts >= 3;
    upward += ups >= 4;
  }
  EXPECT_GT(bass_and_chord, pieces / 8);
  EXPECT_LT(bass_and_chord, pieces / 2);
  EXPECT_GT(muted, pieces / 10);
  EXPECT_GT(upward, pieces / 4);
}

TEST(Strumming, TheBassNoteOfAPatternIsTheRootOnTheFirstBeat) {
  int found = 0;
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed);
    const Chart chart = chart_of_chords({7, 0, 2, 4}, "");
    PartOptions options;
    options.jitter_s = 0;
    const Part part = make_strum(rng, chart, options);
    const double bar = 4 * chart.beat_seconds();
    for (size_t i = 0; i + 1 < part.notes.size(); ++i) {
      const Note& note = part.notes[i];
      const double inside = note.onset_s - bar * std::floor((note.onset_s + 1e-6) / bar);
      const bool alone =
          part.notes[i + 1].onset_s - note.onset_s > 0.1 && (i == 0 || note.onset_s - part.notes[i - 1].onset_s > 0.1);
      if (!alone || std::abs(inside) > 1e-6 || note.pitch > 56) continue;
      const int root = chart.bars[static_cast<size_t>((note.onset_s + 1e-6) / bar)][0].bass;
      const int fifth = (root + 7) % 12;
      EXPECT_TRUE(note.pitch % 12 == root || note.pitch % 12 == fifth) << note.pitch;
      ++found;
    }
  }
  EXPECT_GT(found, 10);
}

}  // namespace
}  // namespace instructme
