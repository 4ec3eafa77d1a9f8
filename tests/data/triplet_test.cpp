#include "instructme/data/triplet.h"

#include <algorithm>
#include <set>

#include "data_test_support.h"
#include "expect_error.h"

namespace instructme {
namespace {

constexpr int kRate = 8000;
constexpr double kSeconds = 2;

using Names = std::vector<std::string>;

class Triplets : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<TempDir>();
    for (uint64_t seed = 1; seed <= 3; ++seed)
      write_song(folder_->path() / ("song" + std::to_string(seed)), test_song(seed));
    songs_ = std::make_unique<SongSet>(folder_->path());
  }
  static void TearDownTestSuite() {
    songs_.reset();
    folder_.reset();
  }
  static TripletSampler sampler(TripletOptions options = {}) {
    options.seconds = kSeconds;
    return TripletSampler(*songs_, Lexicon::builtin(), options);
  }

  // Frequencies of the sines that sound in `x`, i.e. exactly which stems are in it.
  static std::set<double> heard(const std::vector<float>& x) {
    std::set<double> found;
    for (const auto& versions : test_stems())
      for (const auto& stems : versions)
        for (const TestStem& stem : stems)
          if (sine_amplitude(x, stem.hz, kRate) > 1e-3) found.insert(stem.hz);
    return found;
  }
  static std::string instrument_at(double hz) {
    for (const auto& versions : test_stems())
      for (const auto& stems : versions)
        for (const TestStem& stem : stems)
          if (stem.hz == hz) return stem.instrument;
    return "";
  }
  static Names instruments_heard(const std::vector<float>& x) {
    std::set<std::string> names;
    for (double hz : heard(x)) names.insert(instrument_at(hz));
    return {names.begin(), names.end()};
  }
  static Names minus(const Names& a, const Names& b) {
    Names rest;
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
    return rest;
  }
  static Names sorted(Names names) {
    std::sort(names.begin(), names.end());
    return names;
  }

  static std::unique_ptr<TempDir> folder_;
  static std::unique_ptr<SongSet> songs_;
};
std::unique_ptr<TempDir> Triplets::folder_;
std::unique_ptr<SongSet> Triplets::songs_;

TEST_F(Triplets, AreWhatTheirLabelsSay) {
  const TripletSampler s = sampler();
  Rng rng(1);
  for (int i = 0; i < 150; ++i) {
    const Triplet t = s.sample(rng);
    ASSERT_EQ(t.source.size(), static_cast<size_t>(kSeconds * kRate));
    ASSERT_EQ(t.target.size(), t.source.size());
    EXPECT_NEAR(20 * std::log10(rms(t.source)), -20, 0.01);
    EXPECT_LT(20 * std::log10(rms(t.target)), -4.9);
    if (t.instruction.operation == Operation::kRemix) {
      EXPECT_NEAR(20 * std::log10(rms(t.target)), -20, 0.01);
    }
    EXPECT_EQ(instruments_heard(t.source), t.source_instruments) << t.sentence;
    EXPECT_EQ(instruments_heard(t.target), t.target_instruments) << t.sentence;
    EXPECT_FALSE(t.sentence.empty());
    EXPECT_EQ(parse_instruction(t.sentence, Lexicon::builtin()), t.instruction) << t.sentence;
  }
}

TEST_F(Triplets, OperationsDoWhatTheySay) {
  const TripletSampler s = sampler();
  Rng rng(2);
  for (int i = 0; i < 40; ++i)
    for (Operation operation : {Operation::kExtract, Operation::kRemove, Operation::kAdd, Operation::kAccompany}) {
      const Triplet t = s.sample(operation, rng);
      const Names x = sorted(t.instruction.instruments);
      ASSERT_FALSE(x.empty());
      EXPECT_EQ(t.source_genre, t.target_genre);
      if (operation == Operation::kExtract) {
        EXPECT_EQ(t.target_instruments, x);
      }
      if (operation == Operation::kRemove) {
        EXPECT_EQ(t.target_instruments, minus(t.source_instruments, x));
      }
      if (operation == Operation::kAdd) {
        EXPECT_EQ(t.source_instruments, minus(t.target_instruments, x));
      }
      if (operation == Operation::kAccompany) {
        EXPECT_EQ(t.target_instruments, x);
      }
      const bool in_source = operation == Operation::kExtract || operation == Operation::kRemove;
      EXPECT_EQ(minus(x, t.source_instruments).empty(), in_source) << t.sentence;
      EXPECT_FALSE(t.source_instruments.empty());
      EXPECT_FALSE(t.target_instruments.empty());
    }
}

// The same random stream makes the same clip and subsets for these four operations, so they complete each other.
TEST_F(Triplets, SiblingsNameOtherPartsOfTheSameMix) {
  TripletOptions options;
  options.most_rise_db = 100;
  options.siblings = 3;
  options.proportions = {{"extract", 1.0}, {"remove", 1.0}, {"add", 1.0}};
  const TripletSampler s = sampler(options);
  size_t largest = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Rng rng(seed), same(seed);
    const std::vector<Triplet> group = s.sample_group(rng), again = s.sample_group(same);
    ASSERT_GE(group.size(), 1u);
    ASSERT_LE(group.size(), 3u);
    largest = std::max(largest, group.size());
    std::set<std::string> named;
    for (size_t i = 0; i < group.size(); ++i) {
      for (size_t k = 0; k < group[0].source.size(); ++k)  // parts may add up in another order
        ASSERT_NEAR(group[i].source[k], group[0].source[k], 1e-6);
      EXPECT_EQ(group[i].target, again[i].target);
      EXPECT_TRUE(named.insert(group[i].instruction.instruments[0]).second);
      if (group.size() > 1) {
        EXPECT_NE(group[i].instruction.operation, Operation::kAdd);
      }
    }
  }
  EXPECT_GE(largest, 2u);
  options.siblings = 0;
  expect_error(ErrorKind::kUsage, "at least 1 sibling", [&] { sampler(options); });
}

TEST_F(Triplets, ExtractAndRemoveMakeTheSourceAddAndAccompanyTheReverse) {
  TripletOptions options;
  options.most_rise_db = 100;
  const TripletSampler s = sampler(options);
  for (uint64_t seed = 0; seed < 25; ++seed) {
    Rng r1(seed), r2(seed), r3(seed), r4(seed);
    const Triplet extract = s.sample(Operation::kExtract, r1), remove = s.sample(Operation::kRemove, r2);
    const Triplet add = s.sample(Operation::kAdd, r3), accompany = s.sample(Operation::kAccompany, r4);
    EXPECT_EQ(extract.source, remove.source);
    EXPECT_EQ(add.source, accompany.source);
    // The pairs differ in what is brought to −20 dBFS: the whole or the background.
    const double gain = rms(remove.source) / rms(add.target);
    for (size_t i = 0; i < extract.source.size(); ++i) {
      ASSERT_NEAR(extract.target[i] + remove.target[i], extract.source[i], 1e-6);
      ASSERT_NEAR(accompany.target[i] + accompany.source[i], add.target[i], 1e-6);
      ASSERT_NEAR(gain * add.target[i], remove.source[i], 1e-5);
      ASSERT_NEAR(gain * add.source[i], remove.target[i], 1e-5);
      ASSERT_NEAR(gain * accompany.target[i], extract.target[i], 1e-5);
    }
  }
}

TEST_F(Triplets, ReplaceKeepsTheRest) {
  for (double probability : {0.0, 1.0}) {
    TripletOptions options;
    options.part_probability = probability;
    const TripletSampler s = sampler(options);
    Rng rng(3);
    for (int i = 0; i < 40; ++i) {
      const Triplet t = s.sample(Operation::kReplace, rng);
      ASSERT_EQ(t.instruction.instruments.size(), 1u);
      ASSERT_EQ(t.instruction.replacements.size(), 1u);
      const std::string x = t.instruction.instruments[0], y = t.instruction.replacements[0];
      EXPECT_NE(x, y);
      EXPECT_EQ(x.find("drum kit") == std::string::npos, y.find("drum kit") == std::string::npos) << t.sentence;
      EXPECT_EQ(minus(t.source_instruments, t.target_instruments), Names{x});
      EXPECT_EQ(minus(t.target_instruments, t.source_instruments), Names{y});
      std::set<int> parts_x, parts_y;
      for (double hz : heard(t.source))
        if (instrument_at(hz) != x) {
          EXPECT_NEAR(sine_amplitude(t.source, hz, kRate), sine_amplitude(t.target, hz, kRate), 1e-4) << t.sentence;
        }
      if (probability == 1) {
        for (const auto& stems : test_stems()[0])
          for (const TestStem& stem : stems) {
            if (heard(t.source).contains(stem.hz) && stem.instrument == x) parts_x.insert(stem.part);
            if (heard(t.target).contains(stem.hz) && stem.instrument == y) parts_y.insert(stem.part);
          }
        EXPECT_EQ(parts_x, parts_y) << t.sentence;
      }
    }
  }
}

TEST_F(Triplets, RemixGoesToAnotherArrangementOrSubset) {
  for (double probability : {0.0, 1.0}) {
    TripletOptions options;
    options.genre_probability = probability;
    const TripletSampler s = sampler(options);
    Rng rng(4);
    for (int i = 0; i < 40; ++i) {
      const Triplet t = s.sample(Operation::kRemix, rng);
      if (probability == 1) {
        EXPECT_EQ(t.instruction.genre, t.target_genre);
        EXPECT_NE(t.source_genre, t.target_genre);
        EXPECT_TRUE(t.instruction.instruments.empty());
      } else {
        EXPECT_FALSE(t.instruction.genre.has_value());
        EXPECT_EQ(sorted(t.instruction.instruments), t.target_instruments);
        EXPECT_LE(t.target_instruments.size(), 5u);
      }
      const std::set<double> a = heard(t.source), b = heard(t.target);
      for (double hz : a) EXPECT_FALSE(b.contains(hz)) << t.sentence;
    }
  }
}

TEST_F(Triplets, SilentStemsAreNeverNamedNorHeard) {
  const TripletSampler s = sampler();
  Rng rng(5);
  int late = 0;
  for (int i = 0; i < 400; ++i) {
    const Triplet t = s.sample(rng);
    const double start_s = static_cast<double>(t.start_frame) / kRate;
    if (start_s < 3.0 || t.source_genre != "rock" || t.target_genre != "rock") continue;
    ++late;  // the piano has ended
    for (const Names* names : {&t.instruction.instruments, &t.instruction.replacements, &t.source_instruments})
      EXPECT_EQ(std::count(names->begin(), names->end(), "piano"), 0) << t.sentence << " at " << start_s;
  }
  EXPECT_GT(late, 20);
}

// Levels are known by half seconds: a stem may begin in the part of the last one that is not in the clip.
TEST_F(Triplets, WhatBeginsBehindTheEndOfTheClipIsNotHeard) {
  RenderedSong song = test_song(1);
  song.info.arrangements.resize(1), song.audio.resize(1);
  song.info.arrangements[0].versions.resize(1), song.audio[0].resize(1);
  std::vector<float>& bass = song.audio[0][0][1];
  std::fill(bass.begin(), bass.begin() + 34000, 0.0f);  // 4.25 s
  const SongSet songs(std::vector<RenderedSong>{std::move(song)});
  TripletOptions options;
  options.seconds = 1.25;
  const TripletSampler s(songs, Lexicon::builtin(), options);
  ASSERT_GT(songs.clip_level_db(0, 0, 0, 1, 6, 3), options.silence_db) << "the blocks of the clip from 3 s on";
  Rng rng(11);
  bool there = false;
  for (int i = 0; i < 300; ++i) {
    const Triplet t = s.sample(rng);
    there = there || t.start_frame == 3 * kRate;
    for (const HeardStem& stem : t.source_stems)
      ASSERT_GT(rms(songs.clip(0, 0, 0, stem.stem, t.start_frame, s.frames())), 1e-3) << t.sentence;
  }
  EXPECT_TRUE(there) << "the clip without a bass is still drawn";
}

TEST_F(Triplets, FollowTheProportionsAndTheSeed) {
  TripletOptions options;
  options.proportions = {{"remix", 3}, {"extract", 1}};
  const TripletSampler s = sampler(options);
  Rng rng(6), same(6);
  int remixes = 0;
  const int n = 400;
  for (int i = 0; i < n; ++i) {
    const Triplet t = s.sample(rng), u = s.sample(same);
    EXPECT_EQ(t.sentence, u.sentence);
    EXPECT_EQ(t.source, u.source);
    EXPECT_EQ(t.target, u.target);
    EXPECT_EQ(t.chords, u.chords);
    EXPECT_TRUE(t.instruction.operation == Operation::kRemix || t.instruction.operation == Operation::kExtract);
    remixes += t.instruction.operation == Operation::kRemix;
  }
  EXPECT_NEAR(remixes, 0.75 * n, 5 * std::sqrt(n * 0.75 * 0.25));
}

TEST_F(Triplets, ChordsAreThoseOfTheSource) {
  const TripletSampler s = sampler();
  Rng rng(7);
  bool drums_only = false;
  for (int i = 0; i < 200; ++i) {
    const Triplet t = s.sample(rng);
    EXPECT_EQ(t.chord_frames, 25);
    ASSERT_EQ(t.chords.size(), 25u * kChordClasses);
    const bool pitched =
        t.source_instruments != Names{"drum kit"} && t.source_instruments != Names{"electric drum kit"};
    drums_only = drums_only || !pitched;
    for (int f = 0; f < t.chord_frames; ++f) {
      const double time = static_cast<double>(t.start_frame) / kRate + (f + 0.5) / 12.5;
      const Chord chord = time < 2   ? Chord::of(0, ChordQuality::kMaj)
                          : time < 6 ? Chord::of(9, ChordQuality::kMin7)
                                     : Chord::no_chord();
      const int expected = pitched ? chord_class(chord) : 0;
      for (int c = 0; c < kChordClasses; ++c)
        ASSERT_EQ(t.chords[static_cast<size_t>(f * kChordClasses + c)], c == expected ? 1.0f : 0.0f) << time;
    }
  }
  EXPECT_TRUE(drums_only);
}

TEST_F(Triplets, MixesForTheVaeGoFromOneStemToAll) {
  const TripletSampler s = sampler();
  Rng rng(8), same(8);
  std::set<size_t> counts;
  for (int i = 0; i < 100; ++i) {
    const std::vector<float> mix = s.sample_mix(rng, 1.0);
    EXPECT_EQ(mix, s.sample_mix(same, 1.0));
    ASSERT_EQ(mix.size(), 8000u);
    const double level = 20 * std::log10(rms(mix));
    EXPECT_GE(level, -28.1);
    EXPECT_LE(level, -13.9);
    counts.insert(heard(mix).size());
  }
  EXPECT_TRUE(counts.contains(1));
  EXPECT_TRUE(counts.contains(5));
}

TEST_F(Triplets, SayWhatIsWrong) {
  TripletOptions options;
  options.proportions = {{"remixx", 1}};
  expect_error(ErrorKind::kUsage, "did you mean 'remix'", [&] { sampler(options); });
  options.proportions = {{"remix", -1}};
  expect_error(ErrorKind::kUsage, "remix", [&] { sampler(options); });
  options.proportions = {{"remix", 0}};
  expect_error(ErrorKind::kUsage, "above 0", [&] { sampler(options); });
  options = {};
  options.mix_low_db = 0;
  expect_error(ErrorKind::kUsage, "levels of mixes", [&] { sampler(options); });
  options = {};
  options.separate_clips = true;
  for (const double seconds : {1e-5, -1.0, std::nan("")}) {  // the first is less than a sample
    options.seconds = seconds;
    expect_error(ErrorKind::kUsage, "a sample or more", [&] { TripletSampler(*songs_, Lexicon::builtin(), options); });
  }
  options = {};
  options.seconds = 20;
  expect_error(ErrorKind::kInput, "20 s", [&] { TripletSampler(*songs_, Lexicon::builtin(), options); });

  TempDir folder;
  RenderedSong song = test_song(1);  // one arrangement, one version, one stem
  song.info.arrangements.resize(1), song.audio.resize(1);
  song.info.arrangements[0].versions.resize(1), song.audio[0].resize(1);
  song.info.arrangements[0].versions[0].stems.resize(1), song.audio[0][0].resize(1);
  write_song(folder.path() / "s", song);
  const SongSet lonely(folder.path());
  options.seconds = 2;
  const TripletSampler s(lonely, Lexicon::builtin(), options);
  Rng rng(9);
  for (int i = 0; i < kOperations; ++i)
    expect_error(ErrorKind::kInput, operation_name(static_cast<Operation>(i)),
                 [&] { s.sample(static_cast<Operation>(i), rng); });
  expect_error(ErrorKind::kInput, "any of the operations", [&] { s.sample(rng); });
  expect_error(ErrorKind::kInput, "any of the operations", [&] { s.sample_group(rng); });
}

TEST_F(Triplets, AnOperationThatTheSongsDoNotAllowIsReplacedByAnother) {
  TripletOptions options;
  options.seconds = kSeconds;
  options.siblings = 2;
  RenderedSong song = test_song(1);  // as recordings are: one arrangement in one version
  song.info.arrangements.resize(1), song.audio.resize(1);
  song.info.arrangements[0].versions.resize(1), song.audio[0].resize(1);
  const SongSet recordings(std::vector<RenderedSong>{std::move(song)});
  const TripletSampler s(recordings, Lexicon::builtin(), options);
  Rng rng(10);
  std::set<Operation> drawn;
  for (int i = 0; i < 60; ++i) {
    drawn.insert(s.sample(rng).instruction.operation);
    for (const Triplet& t : s.sample_group(rng)) drawn.insert(t.instruction.operation);
  }
  EXPECT_NE(s.sample_or_another(Operation::kRemix, rng).instruction.operation, Operation::kRemix);
  EXPECT_EQ(drawn, (std::set<Operation>{Operation::kExtract, Operation::kRemove, Operation::kAdd, Operation::kReplace,
                                        Operation::kAccompany}));
}

TEST(TripletLevels, FilesHoldThemWithoutClipping) {
  Triplet t;
  t.source = {0.5f, -0.25f};
  t.target = {-1.0f, 0.5f};
  t.source_stems = t.target_stems = {HeardStem{0, 0, 3, "piano", 0.8}};
  keep_within_full_scale(t);
  EXPECT_EQ(t.target, (std::vector<float>{-1.0f, 0.5f}));
  t.target = {-2.0f, 1.0f};
  keep_within_full_scale(t);
  EXPECT_EQ(t.source, (std::vector<float>{0.25f, -0.125f}));
  EXPECT_EQ(t.target, (std::vector<float>{-1.0f, 0.5f}));
  EXPECT_EQ(t.source_stems[0].gain, 0.4);
  EXPECT_EQ(t.target_stems[0].gain, 0.4);
}

TEST_F(Triplets, TheSetRefusesBadFolders) {
  expect_error(ErrorKind::kInput, "not a folder", [] { SongSet("/nowhere/at/all"); });
  TempDir folder;
  expect_error(ErrorKind::kInput, "no song", [&] { SongSet(folder.path()); });
  write_song(folder.path() / "a", test_song(1));
  EXPECT_EQ(SongSet(std::vector<std::filesystem::path>{folder.path(), folder.path()}).size(), 2u);
  std::filesystem::remove(folder.path() / "a" / "a0v0_00_drum-kit.wav");
  expect_error(ErrorKind::kIo, "a0v0_00_drum-kit.wav", [&] { SongSet(folder.path()); });
  expect_error(ErrorKind::kInternal, "outside", [] { songs_->clip(0, 0, 0, 0, 63000, 2000); });
}

}  // namespace
}  // namespace instructme
