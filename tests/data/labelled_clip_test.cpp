#include "instructme/data/labelled_clip.h"

#include <set>

#include "data_test_support.h"
#include "expect_error.h"

namespace instructme {
namespace {

SongSet test_songs() {
  std::vector<RenderedSong> songs;
  songs.push_back(test_song(1));
  return SongSet(std::move(songs));
}

TEST(LabelledClip, AFullMixIsTheSumOfItsStemsWithTheirLabels) {
  const SongSet songs = test_songs();
  LabelledClipOptions options;
  options.seconds = 4;
  const LabelledClipSampler sampler(songs, options);
  const LabelledClip clip = sampler.full_mix(0, 0, 0, 1.0, 4.0);
  ASSERT_EQ(clip.wave.size(), 4u * 8000);
  std::vector<float> sum(clip.wave.size(), 0.0f);
  for (size_t s = 0; s < 5; ++s) {
    const auto stem = songs.clip(0, 0, 0, s, 8000, 4 * 8000);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += stem[i];
  }
  for (size_t i = 0; i < sum.size(); i += 101) EXPECT_NEAR(clip.wave[i], sum[i], 1e-6);
  ASSERT_EQ(clip.chords.size(), 2u);
  EXPECT_DOUBLE_EQ(clip.chords[0].end_s, 1.0);
  EXPECT_EQ(clip.chords[1].chord, Chord::of(9, ChordQuality::kMin7));
  EXPECT_DOUBLE_EQ(clip.chords[1].end_s, 4.0);
  ASSERT_EQ(clip.beats.size(), 8u);
  EXPECT_DOUBLE_EQ(clip.beats[2].time_s, 1.0);
  EXPECT_EQ(clip.beats[2].position, 0);
  EXPECT_EQ(clip.labelled_s, 4.0);
  EXPECT_EQ(clip.key.tonic, 3);
  // The violins are one instrument; the piano falls silent after three seconds of the song.
  ASSERT_EQ(clip.instruments.size(), 4u);
  EXPECT_EQ(clip.instruments[2].instrument, "piano");
  EXPECT_GT(clip.instruments[2].blocks_db[0], -60);
  EXPECT_LT(clip.instruments[2].blocks_db[6], -100);
}

TEST(LabelledClip, AFullMixEndsWithTheSong) {
  const SongSet songs = test_songs();
  const LabelledClip clip = LabelledClipSampler(songs, {.seconds = 2}).full_mix(0, 1, 0, 6.5, 60.0);
  EXPECT_EQ(clip.wave.size(), 12000u);
  EXPECT_DOUBLE_EQ(clip.labelled_s, 1.5);
}

TEST(LabelledClip, DrumsAloneHaveNoChord) {
  RenderedSong song = test_song(1);
  for (auto& stems : song.audio[0])
    for (size_t s = 1; s < stems.size(); ++s) std::fill(stems[s].begin() + 3 * 8000, stems[s].end(), 0.0f);
  std::vector<RenderedSong> one;
  one.push_back(std::move(song));
  const SongSet songs(std::move(one));
  const LabelledClip clip = LabelledClipSampler(songs, {.seconds = 2}).full_mix(0, 0, 0, 0.0, 8.0);
  ASSERT_EQ(clip.chords.size(), 3u);
  EXPECT_EQ(clip.chords[1].chord, Chord::of(9, ChordQuality::kMin7));
  // One block longer than what is played.
  EXPECT_DOUBLE_EQ(clip.chords[1].end_s, 3.5);
  EXPECT_TRUE(clip.chords[2].chord.none);
  EXPECT_DOUBLE_EQ(clip.chords[2].end_s, 8.0);
}

TEST(LabelledClip, DrawsTheSameForTheSameNumbersAndLeavesStemsOut) {
  const SongSet songs = test_songs();
  LabelledClipOptions options;
  options.seconds = 3;
  options.thin_probability = 1;
  options.drop_probability = 0.5;
  const LabelledClipSampler sampler(songs, options);
  size_t fewest = 99, most = 0;
  for (uint64_t i = 0; i < 40; ++i) {
    Rng a(i), b(i);
    const LabelledClip clip = sampler.sample(a);
    EXPECT_EQ(clip.wave, sampler.sample(b).wave);
    ASSERT_EQ(clip.wave.size(), 3u * 8000);
    EXPECT_LE(clip.start_s, 5.0);
    fewest = std::min(fewest, clip.instruments.size());
    most = std::max(most, clip.instruments.size());
  }
  EXPECT_EQ(fewest, 1u);
  EXPECT_EQ(most, 4u);
}

TEST(LabelledClip, PartsOfSeveralArrangementsSoundTogether) {
  const SongSet songs = test_songs();
  const LabelledClipSampler sampler(songs, {.seconds = 3, .thin_probability = 0, .mixed_probability = 1});
  int together = 0;
  for (uint64_t i = 0; i < 40; ++i) {
    Rng a(i), b(i);
    const LabelledClip clip = sampler.sample(a);
    EXPECT_EQ(clip.wave, sampler.sample(b).wave);
    EXPECT_EQ(clip.genre, "");
    std::set<std::string> names;
    for (const InstrumentLevels& heard : clip.instruments) names.insert(heard.instrument);
    // Of two versions of the one arrangement and of the other arrangement.
    for (const auto& pair : {std::pair{"piano", "flute"}, {"organ", "violin"}, {"electric drum kit", "harp"}})
      together += names.count(pair.first) > 0 && names.count(pair.second) > 0 ? 1 : 0;
  }
  EXPECT_GT(together, 3);
}

TEST(LabelledClip, RefusesWhatCannotBeDrawn) {
  const SongSet songs = test_songs();
  expect_error(ErrorKind::kInput, "as long as", [&] { LabelledClipSampler(songs, {.seconds = 9}); });
  expect_error(ErrorKind::kUsage, "half a second", [&] { LabelledClipSampler(songs, {.seconds = 0.1}); });
  expect_error(ErrorKind::kUsage, "probabilities",
               [&] { LabelledClipSampler(songs, {.seconds = 2, .thin_probability = 2}); });
}

}  // namespace
}  // namespace instructme
