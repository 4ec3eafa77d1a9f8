#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gmock/gmock.h>

#include "expect_error.h"
#include "instructme/analysis/ear_scores.h"
#include "music.h"

namespace instructme {
namespace {

// Two stems, known chords, key and beats.
RenderedSong known_song(int rate) {
  const Analysis truth = heard_by_hand();
  RenderedSong song;
  song.info.key = {0, Mode::kMajor};
  song.info.sample_rate = rate;
  song.info.frames = static_cast<int64_t>(rate * 9.6);
  song.info.chords = truth.hearing.chord_spans;
  song.info.beats = truth.hearing.beats;
  StemInfo bass, piano;
  bass.instrument = "bass";
  piano.instrument = "piano";
  song.info.arrangements = {{"jazz", "", {{{bass, piano}, ""}}}};
  song.audio = {{{std::vector<float>(static_cast<size_t>(song.info.frames), 0.25f),
                  std::vector<float>(static_cast<size_t>(song.info.frames), -0.125f)}}};
  complete_song(song);
  return song;
}

TEST(EarScores, ComparesWithWhatIsKnown) {
  const SongSet songs(std::vector<RenderedSong>{known_song(kAnalysisRate)});
  const AudioBuffer mix = mix_for_analysis(songs, 0);
  EXPECT_NEAR(mix.samples[1000], 0.125f, 1e-3);
  Analysis analysis = heard_by_hand();
  analysis.hearing.key = {7, Mode::kMajor};
  analysis.note_chords = {{0, 9.6, Chord::of(0, ChordQuality::k7)}};
  EarScores scores;
  scores.add(songs.info(0), analysis);
  EXPECT_DOUBLE_EQ(scores.heard.sevenths.share(), 1.0);
  EXPECT_NEAR(scores.from_notes.majmin.share(), 5.6 / 9.6, 1e-6);
  EXPECT_NEAR(scores.from_notes.sevenths.share(), 0.0, 1e-6);
  EXPECT_NEAR(scores.between_judges.root.share(), 5.6 / 9.6, 1e-6);
  EXPECT_DOUBLE_EQ(scores.beats.f1(), 1.0);
  EXPECT_DOUBLE_EQ(scores.downbeats.f1(), 1.0);
  EXPECT_DOUBLE_EQ(scores.key_sum, 0.5);
  for (const char* part : {"1 songs", "heard", "from notes against heard", "key, MIREX weighted           0.500",
                           "downbeats, F at 70 ms         1.000"})
    EXPECT_THAT(scores.text(), testing::HasSubstr(part));
  expect_error(ErrorKind::kInput, "wanted 24000 Hz",
               [] { mix_for_analysis(SongSet(std::vector<RenderedSong>{known_song(22050)}), 0); });
}

}  // namespace
}  // namespace instructme
