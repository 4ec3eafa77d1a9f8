#include "instructme/score/pattern_arranger.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "expect_error.h"
#include "score_checks.h"

namespace instructme {
namespace {

TEST(PatternArranger, EveryFeelIsSoundInEveryMetre) {
  for (const std::string& feel : pattern_feels())
    for (int beats = 2; beats <= 7; ++beats) {
      Rng rng(static_cast<uint64_t>(beats));
      const Chart chart = make_chart(rng, {.bars = 12, .beats_per_bar = beats});
      const Score score = pattern_song(chart, feel, 3);
      SCOPED_TRACE(score.title);
      expect_sound_labels(score);
      EXPECT_GE(score.parts.size(), 5u);
      EXPECT_EQ(score.groove, "");
      std::set<Role> roles;
      for (const Part& part : score.parts) {
        expect_sound_part(part, score.duration_s);
        roles.insert(part.role);
      }
      for (const Role role : {Role::kDrums, Role::kBass, Role::kChords, Role::kMelody}) EXPECT_TRUE(roles.count(role));
    }
}

TEST(PatternArranger, SameSeedSameScore) {
  Rng rng(8);
  const Chart chart = make_chart(rng, {.bars = 16});
  EXPECT_TRUE(same_parts(pattern_song(chart, "funk", 5), pattern_song(chart, "funk", 5)));
  EXPECT_FALSE(same_parts(pattern_song(chart, "funk", 5), pattern_song(chart, "funk", 6)));
}

TEST(PatternArranger, DrumsKeepTheBeat) {
  Rng rng(2);
  const Chart chart = make_chart(rng, {.bars = 16});
  const Part drums = make_drums(rng, chart, "rock");
  EXPECT_TRUE(drums.drums);
  int kicks = 0;
  for (const Note& note : drums.notes) {
    EXPECT_TRUE(note.pitch >= 35 && note.pitch <= 81);
    const double bar = note.onset_s / (chart.beat_seconds() * chart.beats_per_bar);
    kicks += note.pitch == 36 && std::abs(bar - std::round(bar)) < 0.02;
  }
  EXPECT_GE(kicks, 14);
}

TEST(PatternArranger, UnknownFeelNamesTheNearest) {
  Rng rng(1);
  const Chart chart = make_chart(rng, {.bars = 4});
  expect_error(ErrorKind::kUsage, "did you mean 'rock'", [&] { pattern_song(chart, "rok", 1); });
}

}  // namespace
}  // namespace instructme
