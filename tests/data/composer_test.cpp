#include "instructme/data/composer.h"

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/score/mma_arranger.h"

namespace instructme {
namespace {

void expect_pair_of_one_chart(const ComposedSong& song, double seconds) {
  ASSERT_EQ(song.arrangements.size(), 2u);
  const Score &a = song.arrangements[0], &b = song.arrangements[1];
  EXPECT_NE(a.genre, b.genre);
  EXPECT_EQ(a.tempo_bpm, b.tempo_bpm);
  EXPECT_EQ(a.beats_per_bar, b.beats_per_bar);
  ASSERT_EQ(a.chords.size(), b.chords.size());
  for (size_t i = 0; i < a.chords.size(); ++i) {
    EXPECT_EQ(a.chords[i].chord, b.chords[i].chord);
    EXPECT_NEAR(a.chords[i].start_s, b.chords[i].start_s, 1e-6);
  }
  for (const Score* score : {&a, &b}) {
    EXPECT_GE(score->duration_s, seconds - 0.01);
    EXPECT_GE(score->parts.size(), 2u);
    EXPECT_FALSE(score->genre.empty());
  }
}

TEST(Composer, OwnPatternsMakeARemixPair) {
  ComposerOptions options;
  options.seconds = 20;
  options.mma = false;
  const Composer composer = make_composer(options);
  for (uint64_t seed = 0; seed < 5; ++seed) expect_pair_of_one_chart(composer(seed), options.seconds);
  EXPECT_EQ(composer(3).arrangements[0].parts[0].notes.size(), composer(3).arrangements[0].parts[0].notes.size());
  options.second_arrangement = false;
  EXPECT_EQ(make_composer(options)(1).arrangements.size(), 1u);
  options.seconds = 0;
  expect_error(ErrorKind::kUsage, "seconds", [&] { make_composer(options); });
}

TEST(Composer, MmaMakesARemixPairFromTheSplitAskedFor) {
  if (!mma_available()) GTEST_SKIP() << "needs mma (apt install mma)";
  ComposerOptions options;
  options.seconds = 20;
  for (GrooveSplit split : {GrooveSplit::kTrain, GrooveSplit::kHeldOut}) {
    options.split = split;
    const std::vector<std::string> files = GrooveLibrary::builtin().split(split).files();
    const ComposedSong song = make_composer(options)(4);
    expect_pair_of_one_chart(song, options.seconds);
    for (const Score& score : song.arrangements)
      EXPECT_TRUE(std::any_of(files.begin(), files.end(), [&](const std::string& file) {
        return score.groove.starts_with(file + ":");
      })) << score.groove;
  }
}

}  // namespace
}  // namespace instructme
