#include "instructme/data/song_renderer.h"

#include <map>

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/audio/loudness.h"

namespace instructme {
namespace {

RenderedSong render(uint64_t seed, RenderOptions options = {}, const Composer& composer = compose_test_song) {
  SongRenderer renderer(options, composer, small_palette(), Lexicon::builtin());
  return renderer.render(seed);
}

TEST(SongRenderer, MakesVersionsAndASecondArrangement) {
  SKIP_WITHOUT_SMALL_FONT();
  const RenderedSong song = render(1);
  ASSERT_EQ(song.info.arrangements.size(), 2u);
  EXPECT_EQ(song.info.arrangements[0].versions.size(), 2u);
  EXPECT_EQ(song.info.arrangements[1].versions.size(), 1u);
  EXPECT_EQ(song.info.arrangements[0].genre, "rock");
  EXPECT_EQ(song.info.arrangements[1].genre, "funk");
  EXPECT_EQ(song.info.frames, 24000 * 11 / 2);  // 4 s and 1.5 s of tail
  EXPECT_EQ(song.info.beats.size(), 8u);
  for (size_t a = 0; a < song.audio.size(); ++a)
    for (size_t v = 0; v < song.audio[a].size(); ++v) {
      const auto& stems = song.info.arrangements[a].versions[v].stems;
      ASSERT_EQ(stems.size(), song.audio[a][v].size());
      EXPECT_EQ(stems.size(), 5u);  // drums, bass, piano, flute and the tambourine; not the empty part
      bool percussion = false;
      for (size_t s = 0; s < stems.size(); ++s) {
        EXPECT_EQ(static_cast<int64_t>(song.audio[a][v][s].size()), song.info.frames);
        EXPECT_NE(Lexicon::builtin().find_instrument(stems[s].instrument), nullptr) << stems[s].instrument;
        EXPECT_EQ(stems[s].source, "TimGM6mb.sf2");
        percussion = percussion || stems[s].instrument == "percussion";
      }
      EXPECT_TRUE(percussion);
    }
}

TEST(SongRenderer, MelodiesAreSungWhereThereAreVoices) {
  SKIP_WITHOUT_SMALL_FONT();
  PaletteOptions sounds;
  sounds.fonts = {small_font()};
  sounds.voices = true;
  const auto palette = std::make_shared<const Palette>(Palette::scan(sounds, Lexicon::builtin()));
  for (const double probability : {0.0, 1.0}) {
    RenderOptions options;
    options.sung_probability = probability;
    options.keep_probability = 1;
    SongRenderer renderer(options, compose_test_song, palette, Lexicon::builtin());
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const RenderedSong song = renderer.render(seed);
      for (const StemInfo& stem : song.info.arrangements[0].versions[0].stems)
        EXPECT_EQ(stem.instrument == "vocals", probability == 1 && stem.role == Role::kMelody) << stem.instrument;
    }
  }
  RenderOptions wrong;
  wrong.sung_probability = 1.5;
  expect_error(ErrorKind::kUsage, "singer", [&] { render(1, wrong); });
}

TEST(SongRenderer, IsNormalisedFiniteAndNeverClips) {
  SKIP_WITHOUT_SMALL_FONT();
  for (uint64_t seed = 0; seed < 4; ++seed) {
    const RenderedSong song = render(seed);
    for (const auto& arrangement : song.audio)
      for (const auto& stems : arrangement) {
        std::vector<float> mix(stems.front().size());
        for (const auto& stem : stems)
          for (size_t i = 0; i < mix.size(); ++i) {
            ASSERT_TRUE(std::isfinite(stem[i]));
            ASSERT_LE(std::abs(stem[i]), 0.99f);
            mix[i] += stem[i];
          }
        for (float x : mix) ASSERT_LE(std::abs(x), 0.99f);
        const double level = 20 * std::log10(active_rms(mix, 24000));
        EXPECT_LE(level, -17.9);
        EXPECT_GE(level, -27);
        EXPECT_EQ(mix.back(), 0.0f);
      }
  }
}

TEST(SongRenderer, IsDeterministicInTheSeed) {
  SKIP_WITHOUT_SMALL_FONT();
  SongRenderer renderer({}, compose_test_song, small_palette(), Lexicon::builtin());
  const auto first = renderer.render(5).audio;
  EXPECT_NE(renderer.render(6).audio, first);
  EXPECT_EQ(renderer.render(5).audio, first);
  EXPECT_EQ(render(5).audio, first);
}

TEST(SongRenderer, VersionsChangeInstrumentsAsOftenAsAskedFor) {
  SKIP_WITHOUT_SMALL_FONT();
  for (double probability : {0.0, 1.0}) {
    RenderOptions options;
    options.change_probability = options.rhythm_change_probability = probability;
    for (uint64_t seed = 0; seed < 3; ++seed) {
      const auto versions = render(seed, options).info.arrangements[0].versions;
      std::map<int, StemInfo> before;
      for (const StemInfo& stem : versions[0].stems) before[stem.part] = stem;
      for (const StemInfo& stem : versions[1].stems) {
        EXPECT_EQ(stem.role, before.at(stem.part).role);
        if (stem.instrument == "percussion") continue;  // there is nothing else to play it
        EXPECT_EQ(stem.instrument == before.at(stem.part).instrument, probability == 0) << stem.instrument;
      }
    }
  }
}

TEST(SongRenderer, VersionsPlayTheSameNotes) {
  SKIP_WITHOUT_SMALL_FONT();
  RenderOptions options;
  options.effects = 0;
  options.bus_probability = 0;
  options.level_spread_db = 0;
  const RenderedSong song = render(3, options);
  const auto stem_of = [&](size_t a, size_t v, Role role) -> const std::vector<float>& {
    const auto& stems = song.info.arrangements[a].versions[v].stems;
    for (size_t s = 0; s < stems.size(); ++s)
      if (stems[s].role == role && stems[s].instrument != "percussion") return song.audio[a][v][s];
    throw Error(ErrorKind::kInternal, "no such stem");
  };
  // The bass note is C in the first arrangement and C sharp in the second, whatever plays it.
  const auto more_c_than_c_sharp = [](const std::vector<float>& x) {
    double c = 0, c_sharp = 0;
    for (double octave : {65.406, 130.813, 261.626})
      c += sine_amplitude(x, octave, 24000), c_sharp += sine_amplitude(x, octave * std::pow(2, 1.0 / 12), 24000);
    return c > c_sharp;
  };
  EXPECT_TRUE(more_c_than_c_sharp(stem_of(0, 0, Role::kBass)));
  EXPECT_TRUE(more_c_than_c_sharp(stem_of(0, 1, Role::kBass)));
  EXPECT_FALSE(more_c_than_c_sharp(stem_of(1, 0, Role::kBass)));
  EXPECT_NE(stem_of(0, 0, Role::kBass), stem_of(0, 1, Role::kBass));
  EXPECT_NE(stem_of(0, 0, Role::kDrums), stem_of(0, 1, Role::kDrums));
}

TEST(SongRenderer, AllBassPartsOfAVersionAreOneInstrument) {
  SKIP_WITHOUT_SMALL_FONT();
  const Composer two_basses = [](uint64_t seed) {
    ComposedSong song = compose_test_song(seed);
    for (Score& score : song.arrangements) score.parts.push_back(score.parts[1]);
    return song;
  };
  for (uint64_t seed = 0; seed < 2; ++seed)
    for (const ArrangementInfo& arrangement : render(seed, {}, two_basses).info.arrangements)
      for (const VersionInfo& version : arrangement.versions) {
        std::vector<std::pair<std::string, int>> basses;
        for (const StemInfo& stem : version.stems)
          if (stem.role == Role::kBass) basses.emplace_back(stem.instrument, stem.program);
        ASSERT_EQ(basses.size(), 2u);
        EXPECT_EQ(basses[0], basses[1]);
      }
}

TEST(SongRenderer, SaysWhatIsWrong) {
  SKIP_WITHOUT_SMALL_FONT();
  const Composer silent = [](uint64_t seed) {
    ComposedSong song = compose_test_song(seed);
    for (Score& score : song.arrangements) score.parts.clear();
    return song;
  };
  expect_error(ErrorKind::kInput, "another seed", [&] { render(1, {}, silent); });
  RenderOptions options;
  options.versions = 0;
  expect_error(ErrorKind::kUsage, "versions", [&] { render(1, options); });
}

}  // namespace
}  // namespace instructme
