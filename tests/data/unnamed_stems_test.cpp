#include <gtest/gtest.h>

#include <algorithm>

#include "data_test_support.h"
#include "instructme/data/song_set.h"
#include "instructme/data/triplet.h"

namespace instructme {
namespace {

constexpr int kRate = 8000;
constexpr double kSinging = 300;  // Hz, without an instrument

/// A song of 4 s: the named stems at 1000 Hz, 1100 Hz … and singing.
RenderedSong sung_song(const std::vector<std::string>& instruments) {
  RenderedSong song;
  song.info.sample_rate = kRate;
  song.info.frames = 4 * kRate;
  song.info.chords = {{0, 4, Chord::of(2, ChordQuality::kMin)}};
  VersionInfo version;
  song.audio.emplace_back(1);
  const auto add = [&](const std::string& instrument, double hz) {
    StemInfo stem;
    stem.part = static_cast<int>(version.stems.size());
    stem.instrument = instrument;
    version.stems.push_back(stem);
    song.audio[0][0].push_back(sine(hz, kRate, 4, 0.1));
  };
  double hz = 1000;
  for (const std::string& instrument : instruments) add(instrument, hz), hz += 100;
  add("", kSinging);
  song.info.arrangements.push_back({"pop", "", {version}});
  return song;
}

class UnnamedStems : public testing::Test {
 protected:
  void write(const std::vector<std::string>& instruments) { write_song(folder_.path() / "s", sung_song(instruments)); }
  static bool sung(const std::vector<float>& x) { return sine_amplitude(x, kSinging, kRate) > 1e-3; }
  static TripletOptions seconds(double seconds, double unnamed_probability = 0.8) {
    TripletOptions options;
    options.seconds = seconds;
    options.unnamed_probability = unnamed_probability;
    return options;
  }
  TempDir folder_;
};

TEST_F(UnnamedStems, RoundTrip) {
  write({"piano"});
  const SongInfo info = read_song_info(folder_.path() / "s");
  const StemInfo& stem = info.arrangements[0].versions[0].stems.at(1);
  EXPECT_EQ(stem.instrument, "");
  EXPECT_EQ(stem.file, "a0v0_01_rest.wav");
}

TEST_F(UnnamedStems, AreHeardAndNeverAskedFor) {
  write({"drum kit", "piano", "violin"});
  const SongSet songs(folder_.path());
  const TripletSampler sampler(songs, Lexicon::builtin(), seconds(2));
  int with = 0, without = 0;
  for (const Operation operation :
       {Operation::kExtract, Operation::kRemove, Operation::kAdd, Operation::kAccompany, Operation::kReplace}) {
    Rng rng(3);
    for (int i = 0; i < 40; ++i) {
      const Triplet t = sampler.sample(operation, rng);
      for (const auto& names : {t.instruction.instruments, t.source_instruments, t.target_instruments})
        EXPECT_EQ(std::count(names.begin(), names.end(), ""), 0) << t.sentence;
      EXPECT_EQ(t.unnamed, sung(t.source)) << t.sentence;
      const bool kept = operation != Operation::kExtract && operation != Operation::kAccompany;
      EXPECT_EQ(sung(t.target), kept && t.unnamed) << t.sentence;
      ++(t.unnamed ? with : without);
    }
  }
  // Replace always has it; of the 160 others a fifth has not: 32, and three standard deviations are 15.
  EXPECT_NEAR(without, 32, 15);
  EXPECT_EQ(with + without, 200);
}

TEST_F(UnnamedStems, AreCompanyEnoughForOneInstrument) {
  write({"drum kit"});
  const SongSet songs(folder_.path());
  const TripletSampler sampler(songs, Lexicon::builtin(), seconds(2, 0));
  Rng rng(5);
  for (int i = 0; i < 10; ++i) {
    const Triplet t = sampler.sample(Operation::kAdd, rng);
    EXPECT_TRUE(t.source_instruments.empty());
    EXPECT_EQ(t.target_instruments, std::vector<std::string>{"drum kit"});
    EXPECT_TRUE(sung(t.source));
    // Singing has chords, though drums have none.
    EXPECT_EQ(t.chords.at(static_cast<size_t>(chord_class(Chord::of(2, ChordQuality::kMin)))), 1.0f);
  }
}

TEST_F(UnnamedStems, AreInWholeMixesOfTheVae) {
  write({"drum kit", "piano"});
  const SongSet songs(folder_.path());
  const TripletSampler sampler(songs, Lexicon::builtin(), seconds(2));
  Rng rng(7);
  int whole = 0;
  for (int i = 0; i < 60; ++i) {
    const std::vector<float> mix = sampler.sample_mix(rng, 2);
    const bool all = sine_amplitude(mix, 1000, kRate) > 1e-3 && sine_amplitude(mix, 1100, kRate) > 1e-3;
    EXPECT_EQ(sung(mix), all);
    whole += all ? 1 : 0;
  }
  EXPECT_GT(whole, 15);
}

}  // namespace
}  // namespace instructme
