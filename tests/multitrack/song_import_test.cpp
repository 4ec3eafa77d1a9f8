#include "instructme/multitrack/song_import.h"

#include <atomic>

#include "expect_error.h"
#include "instructme/audio/loudness.h"
#include "instructme/base/config_reader.h"
#include "instructme/data/song_set.h"
#include "instructme/data/triplet.h"
#include "multitrack_test_support.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

/// Amplitude of the sine at `hz` in all of `x`.
double amplitude(const std::vector<float>& x, double hz, int rate) {
  double c = 0, s = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double phase = 2 * M_PI * hz * static_cast<double>(i) / rate;
    c += x[i] * std::cos(phase), s += x[i] * std::sin(phase);
  }
  return 2 * std::hypot(c, s) / static_cast<double>(x.size());
}

class SongImport : public testing::Test {
 protected:
  void SetUp() override { options_.folder = out(); }
  fs::path root() const { return folder_.path() / "collection"; }
  fs::path out() const { return folder_.path() / "songs"; }
  ImportReport import(const ProgressCallback& progress = {}, const CancelToken& cancel = {}) {
    return import_songs(find(root()), options_, lexicon(), progress, cancel);
  }
  TempDir folder_;
  ImportOptions options_;
};

TEST_F(SongImport, WritesSongsThatSongSetReads) {
  make_slakh_track(root() / "train" / "Track00001", "aaa");
  make_slakh_track(root() / "test" / "Track01876", "bbb");
  make_slakh_track(root() / "omitted" / "Track00002", "ccc");
  options_.jobs = 2;
  options_.keep_unnamed = false;
  std::vector<int64_t> done;
  const ImportReport report = import([&](const Progress& progress) { done.push_back(progress.done); });
  EXPECT_EQ(report.imported, 2);
  EXPECT_EQ(report.left_out, 1);
  EXPECT_THAT(report.refused, testing::IsEmpty());
  EXPECT_THAT(report.notes, testing::IsEmpty());
  EXPECT_THAT(report.splits, testing::ElementsAre(testing::Pair("test", 1), testing::Pair("train", 1)));
  EXPECT_THAT(done, testing::ElementsAre(1, 2, 3));

  const SongSet set(out() / "train");
  ASSERT_EQ(set.size(), 1u);
  const SongInfo& info = set.info(0);
  EXPECT_EQ(info.title, "aaa");
  EXPECT_EQ(info.source, "slakh: Track00001");
  EXPECT_EQ(info.sample_rate, 24000);
  EXPECT_EQ(info.frames, 48000);
  EXPECT_TRUE(info.chords.empty());
  EXPECT_TRUE(info.beats.empty());
  ASSERT_EQ(info.arrangements.size(), 1u);
  ASSERT_EQ(info.arrangements[0].versions.size(), 1u);
  const std::vector<StemInfo>& stems = info.arrangements[0].versions[0].stems;
  ASSERT_EQ(stems.size(), 2u);  // the seashore is left out
  EXPECT_EQ(stems[0].instrument, "bass");
  EXPECT_EQ(stems[0].role, Role::kBass);
  EXPECT_EQ(stems[0].program, 33);
  EXPECT_EQ(stems[0].source, "slakh: Track00001");
  EXPECT_EQ(stems[0].preset, "Electric Bass (finger)");
  EXPECT_EQ(stems[0].licence, "CC BY 4.0 (Slakh2100)");
  EXPECT_EQ(stems[1].instrument, "drum kit");
  EXPECT_EQ(stems[1].bank, 128);

  const std::vector<float> bass = set.clip(0, 0, 0, 0, 0, info.frames), drums = set.clip(0, 0, 0, 1, 0, info.frames);
  const double level = amplitude(bass, 100, 24000);
  EXPECT_NEAR(amplitude(drums, 1000, 24000), level, 1e-3 * level);  // one gain for all
  EXPECT_LT(amplitude(bass, 1000, 24000), 1e-3 * level);
  std::vector<float> mix(bass.size());
  for (size_t i = 0; i < mix.size(); ++i) mix[i] = bass[i] + drums[i];
  EXPECT_NEAR(20 * std::log10(active_rms(mix, 24000)), options_.mix_level_db, 0.05);
}

TEST_F(SongImport, GivesTrainingExamplesWithoutChords) {
  make_slakh_track(root() / "Track00001", "aaa");
  import();
  const SongSet set(out() / "train");
  TripletOptions options;
  options.seconds = 1;
  const TripletSampler sampler(set, lexicon(), options);
  Rng rng(1);
  const Triplet triplet = sampler.sample(Operation::kExtract, rng);
  EXPECT_THAT(triplet.source_instruments, testing::ElementsAre("bass", "drum kit"));
  for (int frame = 0; frame < triplet.chord_frames; ++frame)
    EXPECT_EQ(triplet.chords.at(static_cast<size_t>(frame) * kChordClasses), 1.0f);
}

TEST_F(SongImport, GoesOnWhereItWas) {
  make_slakh_track(root() / "Track00001", "aaa");
  make_slakh_track(root() / "Track00002", "bbb");
  const auto songs = find(root());
  EXPECT_EQ(import().imported, 2);
  const fs::path first = out() / "train" / import_folder_name(songs[0]);
  const fs::path second = out() / "train" / import_folder_name(songs[1]);
  const auto time = fs::last_write_time(first / "song.json");
  const std::string before = read_text_file(second / "song.json");
  write_text(second / read_song_info(second).arrangements[0].versions[0].stems[0].file, "damaged");
  make_folder(out() / "train" / (".import-" + import_folder_name(songs[0])));  // what a killed run leaves
  const ImportReport report = import();
  EXPECT_EQ(report.kept, 1);
  EXPECT_EQ(report.imported, 1);
  EXPECT_EQ(report.splits.at("train"), 2);
  EXPECT_EQ(fs::last_write_time(first / "song.json"), time);
  EXPECT_EQ(read_text_file(second / "song.json"), before);
  EXPECT_EQ(SongSet(out() / "train").size(), 2u);
  // What was imported stays when the originals are gone.
  fs::remove_all(root() / "Track00001" / "stems");
  EXPECT_EQ(import_songs(songs, options_, lexicon()).kept, 2);
}

TEST_F(SongImport, KeepsSongsWhoseNamesAreNoUtf8) {
  write_tone(root() / "one" / "drums.wav");
  write_tone(root() / "one" / "bass.wav");
  auto songs = find(root());
  songs[0].id = "Bj\xf6rk";  // Latin-1, as old archives have it
  songs[0].title = "Bj\xf6rk - J\xf3ga";
  EXPECT_EQ(import_songs(songs, options_, lexicon()).imported, 1);
  const ImportReport report = import_songs(songs, options_, lexicon());
  EXPECT_EQ(report.kept, 1);
  EXPECT_THAT(report.refused, testing::IsEmpty());
}

TEST_F(SongImport, RefusesToMixOptionsAndSongsOfOneName) {
  write_tone(root() / "one" / "drums.wav");
  write_tone(root() / "one" / "bass.wav");
  import();
  options_.sample_rate = 16000;
  expect_error(ErrorKind::kUsage, "sample_rate", [&] { import(); });
  options_.sample_rate = 24000;
  options_.validation_share = 0.5;
  expect_error(ErrorKind::kUsage, "validation_share", [&] { import(); });
  options_.validation_share = 0.05;
  write_tone(root() / "one" / "drums.wav", {.seconds = 1});
  write_tone(root() / "one" / "bass.wav", {.seconds = 1});
  EXPECT_THAT(import().refused, testing::ElementsAre(testing::HasSubstr("another song of this name")));
  EXPECT_EQ(read_json_file(out() / "import.json").at("collections"), nlohmann::json({"folders"}));
}

TEST_F(SongImport, RefusesSongsWhoseStemsHadOtherInstruments) {
  make_musdb_song(root() / "train" / "A - B");
  import();
  const auto again = [&](const FindOptions& options) {
    return import_songs(find(root(), options), options_, lexicon());
  };
  EXPECT_EQ(again({}).kept, 1);
  for (const auto& [stem, instrument] : {std::pair{"bass", "synth bass"}, std::pair{"other", "piano"}}) {
    FindOptions options;
    options.instruments[stem] = instrument;
    EXPECT_THAT(again(options).refused, testing::ElementsAre(testing::HasSubstr("other instruments for its stems")));
  }
}

TEST_F(SongImport, KeepsSongsOfALengthThatNoHeaderTells) {
  for (const char* name : {"drums.flac", "bass.flac"}) {
    write_tone(root() / "s" / name);
    forget_length(root() / "s" / name);
  }
  EXPECT_EQ(import().imported, 1);
  const ImportReport report = import();
  EXPECT_EQ(report.kept, 1);
  EXPECT_THAT(report.refused, testing::IsEmpty());
}

TEST_F(SongImport, PadsResamplesAndMixesDown) {
  // The left channel alone is half as loud in mono; the pair of halves is as loud as each.
  write_tone(root() / "s" / "drums.wav", {.hz = 1000, .seconds = 1, .sample_rate = 48000});
  write_tone(root() / "s" / "bass.flac", {.hz = 100, .channels = 2, .only_channel = 0});
  write_tone(root() / "s" / "piano_L.wav", {.hz = 300});
  write_tone(root() / "s" / "piano_R.wav", {.hz = 300});
  options_.validation_share = options_.test_share = 0;
  const ImportReport report = import();
  EXPECT_THAT(report.notes, testing::ElementsAre("s: 1 of 3 stems were padded by up to 1.00 s of silence."));
  const SongSet set(out() / "train");
  const auto& stems = set.info(0).arrangements[0].versions[0].stems;
  ASSERT_EQ(stems.size(), 3u);
  EXPECT_EQ(stems[1].instrument, "drum kit");
  EXPECT_THAT(stems[1].effects, testing::HasSubstr("padding(1.00 s)"));
  EXPECT_THAT(stems[0].effects, testing::Not(testing::HasSubstr("padding")));
  const std::vector<float> bass = set.clip(0, 0, 0, 0, 0, 48000);
  const std::vector<float> drums = set.clip(0, 0, 0, 1, 0, 24000), pad = set.clip(0, 0, 0, 1, 24000, 24000);
  const std::vector<float> piano = set.clip(0, 0, 0, 2, 0, 48000);
  const double full = amplitude(piano, 300, 24000);
  EXPECT_NEAR(amplitude(bass, 100, 24000), 0.5 * full, 5e-3 * full);
  EXPECT_NEAR(amplitude(drums, 1000, 24000), full, 5e-3 * full);
  EXPECT_EQ(peak(pad), 0.0f);
}

TEST_F(SongImport, TwoStemsOfOneInstrumentStayTwo) {
  for (const char* name : {"gtr elec 1", "gtr elec 2", "kick", "snare"})
    write_tone(root() / "s" / (std::string(name) + ".wav"));
  options_.validation_share = options_.test_share = 0;
  import();
  const SongSet set(out() / "train");
  std::vector<std::string> instruments;
  for (const StemInfo& stem : set.info(0).arrangements[0].versions[0].stems) instruments.push_back(stem.instrument);
  EXPECT_THAT(instruments, testing::ElementsAre("electric guitar", "electric guitar", "drum kit"));
}

TEST_F(SongImport, WhatHasNoInstrumentIsHeardAndNeverAskedFor) {
  make_musdb_song(root() / "train" / "A - B");  // drums 100 Hz, bass 200, vocals 400, other 800
  EXPECT_EQ(import().imported, 1);
  const SongSet set(out() / "train");
  const auto& stems = set.info(0).arrangements[0].versions[0].stems;
  ASSERT_EQ(stems.size(), 3u);
  EXPECT_EQ(stems[2].instrument, "");
  EXPECT_EQ(stems[2].preset, "vocals, other");
  TripletOptions options;
  options.seconds = 1;
  options.unnamed_probability = 1;
  const TripletSampler sampler(set, lexicon(), options);
  Rng rng(1);
  for (int i = 0; i < 20; ++i) {
    const Triplet triplet = sampler.sample(Operation::kRemove, rng);
    EXPECT_THAT(triplet.instruction.instruments, testing::Each(testing::AnyOf("bass", "drum kit")));
    EXPECT_TRUE(triplet.unnamed);
    for (const double hz : {400.0, 800.0}) {
      EXPECT_GT(amplitude(triplet.source, hz, 24000), 0.01);
      EXPECT_GT(amplitude(triplet.target, hz, 24000), 0.01);
    }
  }
}

TEST_F(SongImport, LoudStemsDoNotClip) {
  for (const char* name : {"drums", "bass", "piano"})
    write_tone(root() / "s" / (std::string(name) + ".wav"), {.amplitude = 0.99});
  options_.mix_level_db = 0;
  options_.validation_share = options_.test_share = 0;
  import();
  const SongSet set(out() / "train");
  std::vector<float> mix(48000);
  for (size_t s = 0; s < 3; ++s) {
    const std::vector<float> stem = set.clip(0, 0, 0, s, 0, 48000);
    for (size_t i = 0; i < mix.size(); ++i) mix[i] += stem[i];
  }
  EXPECT_NEAR(peak(mix), 0.98, 1e-3);  // as far as it can go
}

TEST_F(SongImport, GoesOnAfterBadSongs) {
  for (const char* song : {"bad", "good", "nameless", "silent"}) {
    write_tone(root() / song / "drums.wav", {.amplitude = std::string(song) == "silent" ? 0.0 : 0.1});
    write_tone(root() / song / "bass.wav", {.amplitude = std::string(song) == "silent" ? 0.0 : 0.1});
  }
  write_text(root() / "bad" / "bass.wav", "no sound");
  fs::rename(root() / "nameless" / "drums.wav", root() / "nameless" / "this.wav");
  fs::rename(root() / "nameless" / "bass.wav", root() / "nameless" / "that.wav");
  options_.validation_share = options_.test_share = 0;
  const ImportReport report = import();
  EXPECT_EQ(report.imported, 1);
  EXPECT_THAT(report.refused,
              testing::ElementsAre(testing::AllOf(testing::StartsWith("bad: "), testing::HasSubstr("bass.wav")),
                                   testing::StartsWith("nameless: none of its stems"),
                                   testing::StartsWith("silent: nothing in it sounds")));
  EXPECT_EQ(std::distance(fs::directory_iterator(out() / "train"), fs::directory_iterator()), 1);
}

TEST_F(SongImport, LeavesOutBleedWhenAsked) {
  write_tone(root() / "s" / "drums.wav");
  write_tone(root() / "s" / "bass.wav");
  auto songs = find(root());
  songs[0].stems[1].has_bleed = true;
  options_.with_bleed = false;
  const ImportReport report = import_songs(songs, options_, lexicon());
  EXPECT_EQ(report.left_out, 1);
  EXPECT_EQ(report.imported, 0);
}

TEST_F(SongImport, StopsWhenAsked) {
  for (int i = 0; i < 5; ++i) make_slakh_track(root() / format("Track0000%d", i), format("u%d", i));
  std::atomic<bool> stop{false};
  expect_error(
      ErrorKind::kCancelled, "", [&] { import([&](const Progress&) {
                                         stop = true; }, CancelToken(&stop));
});
EXPECT_EQ(SongSet(out() / "train").size(), 1u);  // complete
}

TEST_F(SongImport, ChecksItsOptions) {
  const std::vector<MultitrackSong> none;
  const auto refuse = [&](const std::string& part, const ImportOptions& options) {
    expect_error(ErrorKind::kUsage, part, [&] { import_songs(none, options, lexicon()); });
  };
  refuse("Hz", {.folder = out(), .sample_rate = 10});
  refuse("dBFS", {.folder = out(), .mix_level_db = 3});
  refuse("shares", {.folder = out(), .validation_share = 0.7, .test_share = 0.7});
  refuse("folder", {});
  refuse("threads", {.folder = out(), .jobs = 0});
  EXPECT_FALSE(fs::exists(out()));
}

TEST(ImportSplit, KeepsSplitsAndDrawsTheOthersByTitle) {
  MultitrackSong song;
  song.split = "validation";
  EXPECT_EQ(import_split(song, 0, 0), "validation");
  std::map<std::string, int> counts;
  for (int i = 0; i < 2000; ++i) {
    song.split = "";
    song.title = format("Song %d", i);
    song.id = format("x%d", i);
    const std::string split = import_split(song, 0.05, 0.05);
    ++counts[split];
    song.id = "another";
    song.title = format("song_%d", i);
    EXPECT_EQ(import_split(song, 0.05, 0.05), split);
    // A larger share moves songs out of training, and none between test and training.
    if (split == "test") {
      EXPECT_EQ(import_split(song, 0.3, 0.05), "test");
    }
  }
  // Three standard deviations of a binomial of 2000 with 0.05: 29.
  EXPECT_NEAR(counts["test"], 100, 29);
  EXPECT_NEAR(counts["validation"], 100, 29);
}

TEST(ImportFolderName, IsPlainAndUnique) {
  MultitrackSong song;
  song.collection = "musdb";
  song.id = "Johnny Lokke - Promises & Lies";
  EXPECT_THAT(import_folder_name(song), testing::MatchesRegex("musdb-johnny-lokke-promises-lies-[0-9a-f]{8}"));
  const std::string name = import_folder_name(song);
  song.id = "Johnny Lokke - Promises + Lies";
  EXPECT_NE(import_folder_name(song), name);
  song.id = std::string(300, 'x');
  EXPECT_LT(import_folder_name(song).size(), 80u);
}

}  // namespace
}  // namespace instructme
