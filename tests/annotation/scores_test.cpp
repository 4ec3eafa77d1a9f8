#include <gtest/gtest.h>

#include "instructme/annotation/beat_scores.h"
#include "instructme/annotation/chord_scores.h"
#include "instructme/annotation/key_scores.h"
#include "instructme/annotation/note_scores.h"

namespace instructme {
namespace {

Chord chord(const std::string& label) { return parse_chord_label(label); }

// 1 agrees, 0 does not, -1 is not judged: as mir_eval's comparisons return.
int agree(const std::string& truth, const std::string& other, ChordRule rule) {
  const auto answer = chords_agree(chord(truth), chord(other), rule);
  return answer ? static_cast<int>(*answer) : -1;
}

TEST(ChordRules, FollowTheDefinitions) {
  struct Case {
    const char *truth, *other;
    int root, thirds, triads, tetrads, majmin, sevenths, mirex;
  };
  const std::vector<Case> cases = {
      {"C:maj", "C:maj", 1, 1, 1, 1, 1, 1, 1},   {"C:maj", "C:min", 1, 0, 0, 0, 0, 0, 0},
      {"C:maj", "C:maj7", 1, 1, 1, 0, 1, 0, 1},  {"C:7", "C:maj", 1, 1, 1, 0, 1, 0, 1},
      {"C:maj", "A:min7", 0, 0, 0, 0, 0, 0, 1},  // C E G in A C E G
      {"C:maj", "A:min", 0, 0, 0, 0, 0, 0, 0},   {"C:maj7", "C:7", 1, 1, 1, 0, 1, 0, 1},
      {"D:dim", "D:min", 1, 1, 0, 0, -1, -1, 0}, {"D:dim", "D:dim", 1, 1, 1, 1, -1, -1, 1},
      {"D:min", "D:dim", 1, 1, 0, 0, 0, 0, 0},   {"C:sus4", "C:maj", 1, 1, 0, 0, -1, -1, 0},
      {"C:maj", "C:sus4", 1, 1, 0, 0, 0, 0, 0},  {"C:aug", "E:aug", 0, 0, 0, 0, -1, -1, 1},
      {"N", "N", 1, 1, 1, 1, 1, 1, 1},           {"N", "C:maj", 0, 0, 0, 0, 0, 0, 0},
      {"C:min7", "N", 0, 0, 0, 0, 0, 0, 0},      {"C:maj", "D:maj", 0, 0, 0, 0, 0, 0, 0}};
  for (const Case& c : cases) {
    const std::string pair = std::string(c.truth) + " against " + c.other;
    EXPECT_EQ(agree(c.truth, c.other, ChordRule::kRoot), c.root) << pair;
    EXPECT_EQ(agree(c.truth, c.other, ChordRule::kThirds), c.thirds) << pair;
    EXPECT_EQ(agree(c.truth, c.other, ChordRule::kTriads), c.triads) << pair;
    EXPECT_EQ(agree(c.truth, c.other, ChordRule::kTetrads), c.tetrads) << pair;
    EXPECT_EQ(agree(c.truth, c.other, ChordRule::kMajMin), c.majmin) << pair;
    EXPECT_EQ(agree(c.truth, c.other, ChordRule::kSevenths), c.sevenths) << pair;
    EXPECT_EQ(agree(c.truth, c.other, ChordRule::kMirex), c.mirex) << pair;
  }
}

TEST(ChordOverlap, WeighsByTheTimeOfTheTruth) {
  const std::vector<ChordSpan> truth = {
      {1, 3, chord("C:maj")}, {3, 4, chord("D:dim")}, {4, 8, chord("G:7")}, {8, 10, chord("N")}};
  const std::vector<ChordSpan> other = {{0, 2, chord("C:maj")}, {2, 5, chord("C:min")}, {5, 7, chord("G:maj")}};
  // C 1 of 2 s; the diminished chord is not judged; G 2 of 4 s as a triad; the end has no label, so "no chord" agrees.
  const ChordOverlap majmin = chord_overlap(truth, other, ChordRule::kMajMin);
  EXPECT_DOUBLE_EQ(majmin.judged_s, 8.0);
  EXPECT_DOUBLE_EQ(majmin.agreeing_s, 5.0);
  const ChordOverlap sevenths = chord_overlap(truth, other, ChordRule::kSevenths);
  EXPECT_DOUBLE_EQ(sevenths.share(), 3.0 / 8.0);
  const ChordOverlap root = chord_overlap(truth, other, ChordRule::kRoot);
  EXPECT_DOUBLE_EQ(root.judged_s, 9.0);
  EXPECT_DOUBLE_EQ(root.agreeing_s, 2.0 + 2.0 + 2.0);
  ChordOverlap both = majmin;
  both += root;
  EXPECT_DOUBLE_EQ(both.share(), 11.0 / 17.0);
  EXPECT_DOUBLE_EQ(chord_overlap({}, other, ChordRule::kRoot).share(), 0.0);
}

TEST(BeatScore, CountsEveryBeatOnce) {
  // Two found beats near one true beat count once; 70 ms is inside, 71 ms is not.
  const FScore score = score_beats({6.0, 7.0, 8.0, 9.0}, {5.98, 6.02, 7.07, 8.071}, 0.07);
  EXPECT_EQ(score.matched, 2u);
  EXPECT_DOUBLE_EQ(score.precision(), 0.5);
  EXPECT_DOUBLE_EQ(score.recall(), 0.5);
  EXPECT_DOUBLE_EQ(score.f1(), 0.5);
  // Off-beats are all wrong; twice the tempo has half the precision.
  EXPECT_DOUBLE_EQ(score_beats({6, 7, 8}, {6.5, 7.5, 8.5}).f1(), 0.0);
  EXPECT_DOUBLE_EQ(score_beats({6, 7, 8}, {6, 6.5, 7, 7.5, 8, 8.5}).f1(), 2.0 / 3.0);
}

TEST(BeatScore, LeavesOutTheBeginning) {
  EXPECT_DOUBLE_EQ(score_beats({1, 2, 3, 6}, {6}).f1(), 1.0);
  EXPECT_DOUBLE_EQ(score_beats({1, 2, 3, 6}, {6}, 0.07, 0.0).f1(), 0.4);
  EXPECT_DOUBLE_EQ(score_beats({}, {}).f1(), 0.0);
  const std::vector<Beat> beats = {{0.5, 0, 3}, {1, 1, 0}, {1.5, 1, 1}, {2, 2, 0}};
  EXPECT_EQ(downbeat_times(beats), (std::vector<double>{1, 2}));
  EXPECT_EQ(beat_times(beats).size(), 4u);
}

TEST(BeatScore, MatchesAsManyAsCanBe) {
  // The nearest partner of 6.00 is 6.05, but taking it would leave 6.10 alone.
  EXPECT_EQ(score_beats({6.0, 6.1}, {5.94, 6.05}).matched, 2u);
}

TEST(KeyScore, FollowsMirex) {
  const Key c{0, Mode::kMajor}, a_minor{9, Mode::kMinor};
  EXPECT_DOUBLE_EQ(key_score(c, c), 1.0);
  EXPECT_DOUBLE_EQ(key_score(c, Key{7, Mode::kMajor}), 0.5);
  EXPECT_DOUBLE_EQ(key_score(c, Key{5, Mode::kMajor}), 0.0);
  EXPECT_DOUBLE_EQ(key_score(c, a_minor), 0.3);
  EXPECT_DOUBLE_EQ(key_score(a_minor, c), 0.3);
  EXPECT_DOUBLE_EQ(key_score(c, Key{0, Mode::kMinor}), 0.2);
  EXPECT_DOUBLE_EQ(key_score(a_minor, Key{4, Mode::kMinor}), 0.5);
  EXPECT_DOUBLE_EQ(key_score(a_minor, Key{7, Mode::kMajor}), 0.0);
  EXPECT_DOUBLE_EQ(key_score(Key{2, Mode::kDorian}, Key{2, Mode::kMinor}), 1.0);
  EXPECT_DOUBLE_EQ(key_score(Key{7, Mode::kMixolydian}, Key{7, Mode::kMajor}), 1.0);
}

TEST(KeyScore, WeighsByTime) {
  const std::vector<KeySpan> truth = {{0, 10, {0, Mode::kMajor}, 1}, {10, 20, {2, Mode::kMajor}, 1}};
  const std::vector<KeySpan> found = {{0, 15, {0, Mode::kMajor}, 1}, {15, 25, {2, Mode::kMinor}, 1}};
  EXPECT_DOUBLE_EQ(key_score(truth, found), (10 * 1.0 + 5 * 0.0 + 5 * 0.2) / 20);
  EXPECT_DOUBLE_EQ(key_score(truth, {}), 0.0);
}

TEST(NoteScore, WantsPitchAndOnset) {
  const std::vector<Note> truth = {{0.0, 1, 60, 90}, {0.5, 1, 64, 90}, {1.0, 1, 60, 90}};
  const std::vector<Note> found = {{0.52, 1, 64, 50}, {0.04, 2, 60, 50}, {1.06, 1, 60, 50}, {0.0, 1, 72, 50}};
  const FScore score = score_note_onsets(truth, found);
  EXPECT_EQ(score.matched, 2u);
  EXPECT_DOUBLE_EQ(score.precision(), 0.5);
  EXPECT_DOUBLE_EQ(score.recall(), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(score.f1(), 4.0 / 7.0);
  EXPECT_DOUBLE_EQ(score_note_onsets(truth, {}).f1(), 0.0);
}

}  // namespace
}  // namespace instructme
