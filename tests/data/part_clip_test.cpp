#include "instructme/data/part_clip.h"

#include <cmath>

#include "data_test_support.h"
#include "expect_error.h"

namespace instructme {
namespace {

SongSet two_songs() {
  std::vector<RenderedSong> songs;
  songs.push_back(test_song(1));
  songs.push_back(test_song(2));
  return SongSet(std::move(songs));
}

/// Whether any stem of that instrument is heard in the wave.
bool is_heard(const LabelledClip& clip, const std::string& instrument) {
  for (const auto& arrangement : test_stems())
    for (const auto& version : arrangement)
      for (const TestStem& stem : version)
        if (stem.instrument == instrument && sine_amplitude(clip.wave, stem.hz, 8000) > 1e-3) return true;
  return false;
}

bool is_named(const LabelledClip& clip, const std::string& instrument) {
  for (const InstrumentLevels& levels : clip.instruments)
    if (levels.instrument == instrument && levels.blocks_db.front() > -70) return true;
  return false;
}

TEST(PartClip, HasOneToAllPartsAndNamesThoseThatAreHeard) {
  const SongSet songs = two_songs();
  for (const double foreign : {0.0, 1.0}) {
    const PartClipSampler sampler(songs, {.seconds = 2, .parts = 3, .gain_db = 6, .foreign = foreign});
    std::vector<int> counts(4, 0);
    for (uint64_t i = 0; i < 60; ++i) {
      Rng rng(i);
      const LabelledClip clip = sampler.sample(rng);
      ASSERT_EQ(clip.wave.size(), 16000u);
      ASSERT_GE(clip.instruments.size(), 1u);
      ASSERT_LE(clip.instruments.size(), 3u);
      ++counts[clip.instruments.size()];
      for (const char* name : {"bass", "piano", "violin", "flute", "harp", "organ", "drum kit"})
        EXPECT_EQ(is_named(clip, name), is_heard(clip, name)) << name << " in clip " << i;
      EXPECT_EQ(clip.genre.empty(), foreign > 0);
      EXPECT_EQ(clip.tempo_bpm, foreign > 0 ? 0.0 : 120.0);
    }
    for (size_t n = 1; n <= 3; ++n) EXPECT_GT(counts[n], 0);
  }
}

TEST(PartClip, LevelsAreThoseOfTheWave) {
  const SongSet songs = two_songs();
  const PartClipSampler sampler(songs, {.seconds = 3, .parts = 1, .gain_db = 10, .foreign = 0});
  for (uint64_t i = 0; i < 20; ++i) {
    Rng rng(i);
    const LabelledClip clip = sampler.sample_song(i % 2, rng);
    EXPECT_EQ(clip.song, i % 2);
    ASSERT_EQ(clip.instruments.size(), 1u);
    double power = 0;
    for (size_t s = 0; s < 4000; ++s) power += clip.wave[s] * clip.wave[s] / 4000;
    if (power > 1e-6) {
      EXPECT_NEAR(clip.instruments[0].blocks_db[0], 10 * std::log10(power), 0.3);
    }
  }
}

TEST(PartClip, BeginsWhereItSaysAtOddRatesToo) {
  std::vector<RenderedSong> made{test_song(1)};
  made[0].info.sample_rate = 8001;  // blocks of 4000 samples are shorter than half a second
  const SongSet songs(std::move(made));
  const PartClipSampler sampler(songs, {.seconds = 2, .foreign = 0});
  double last_s = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    Rng rng(i);
    last_s = std::max(last_s, sampler.sample_song(0, rng).start_s);
  }
  EXPECT_GT(last_s, 4);
  EXPECT_NEAR(std::remainder(last_s * 8001, 4000), 0, 1e-6);
}

TEST(PartClip, RefusesBadNumbersAndShortSongs) {
  const SongSet songs = two_songs();
  expect_error(ErrorKind::kUsage, "at least one part", [&] { PartClipSampler(songs, {.parts = 0}); });
  expect_error(ErrorKind::kUsage, "foreign lies in 0..1", [&] { PartClipSampler(songs, {.foreign = 2}); });
  expect_error(ErrorKind::kInput, "as long as a clip of 20.0 s", [&] { PartClipSampler(songs, {.seconds = 20}); });
}

}  // namespace
}  // namespace instructme
