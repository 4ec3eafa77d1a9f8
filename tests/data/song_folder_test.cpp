#include "instructme/data/song_folder.h"

#include <cstdint>
#include <fstream>

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/base/config_reader.h"
#include "instructme/data/song_set.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

TEST(SongFolder, RoundTrips) {
  for (bool flac : {false, true}) {
    TempDir folder;
    const RenderedSong song = test_song(7);
    write_song(folder.path() / "s", song, flac);
    const SongInfo info = read_song_info(folder.path() / "s");
    EXPECT_EQ(info.seed, 7u);
    EXPECT_EQ(info.title, "song 7");
    EXPECT_EQ(info.source, "test");
    EXPECT_EQ(info.tempo_bpm, 120);
    EXPECT_EQ(info.key.tonic, 3);
    EXPECT_EQ(info.key.mode, Mode::kMinor);
    EXPECT_EQ(info.frames, 64000);
    ASSERT_EQ(info.beats.size(), 16u);
    EXPECT_EQ(info.beats[5].bar, 1);
    EXPECT_EQ(info.beats[5].position, 1);
    ASSERT_EQ(info.chords.size(), 3u);
    EXPECT_EQ(info.chords[1].chord, Chord::of(9, ChordQuality::kMin7));
    ASSERT_EQ(info.arrangements.size(), 2u);
    EXPECT_EQ(info.arrangements[1].genre, "jazz");
    ASSERT_EQ(info.arrangements[0].versions.size(), 2u);
    const StemInfo& stem = info.arrangements[0].versions[0].stems[2];
    EXPECT_EQ(stem.file, flac ? "a0v0_02_piano.flac" : "a0v0_02_piano.wav");
    EXPECT_EQ(stem.instrument, "piano");
    EXPECT_EQ(stem.role, Role::kChords);
    EXPECT_EQ(stem.part, 2);
    ASSERT_EQ(stem.block_levels_db.size(), 16u);
    EXPECT_GT(stem.block_levels_db[5], -40);
    EXPECT_EQ(stem.block_levels_db[6], kSilence_db);
    const SongSet set(folder.path());
    for (size_t s = 0; s < 5; ++s) {
      const std::vector<float> read = set.clip(0, 0, 0, s, 0, 64000);
      double worst = 0;
      for (size_t i = 0; i < read.size(); ++i)
        worst = std::max<double>(worst, std::abs(read[i] - song.audio[0][0][s][i]));
      EXPECT_LE(worst, 0.51 / 32767);
    }
  }
}

TEST(SongFolder, ReplacesAnOldSongAndLeavesNothingElse) {
  TempDir folder;
  write_song(folder.path() / "s", test_song(1));
  write_song(folder.path() / "s", test_song(2));
  EXPECT_EQ(read_song_info(folder.path() / "s").seed, 2u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(SongFolder, AFailureLeavesNothing) {
  TempDir folder;
  RenderedSong song = test_song(1);
  song.audio[1][0][2].pop_back();
  expect_error(ErrorKind::kInternal, "not as long", [&] { write_song(folder.path() / "s", song); });
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(SongFolder, ChordsThatHaveNoLengthOnceRoundedAreLeftOut) {
  TempDir folder;
  RenderedSong song = test_song(1);
  song.info.chords[0].end_s = song.info.chords[1].start_s = 2.0000001;
  song.info.chords.insert(song.info.chords.begin() + 1,
                          ChordSpan{2.0000001, 2.0000002, Chord::of(5, ChordQuality::kMaj)});
  song.info.chords[2].start_s = 2.0000002;
  write_song(folder.path() / "s", song);
  const SongInfo info = read_song_info(folder.path() / "s");
  ASSERT_EQ(info.chords.size(), 3u);
  EXPECT_EQ(info.chords[0].end_s, info.chords[1].start_s);
  EXPECT_EQ(info.chords[1].chord, Chord::of(9, ChordQuality::kMin7));
}

class DamagedSong : public testing::Test {
 protected:
  void SetUp() override { write_song(song_, test_song(1)); }
  void change(const std::function<void(json&)>& edit) {
    json value = read_json_file(song_ / "song.json");
    edit(value);
    write_json_file(song_ / "song.json", value);
  }
  void expect_refused(ErrorKind kind, const std::string& part) {
    expect_error(kind, part, [&] { read_song_info(song_); });
  }
  TempDir folder_;
  fs::path song_ = folder_.path() / "s";
};

TEST_F(DamagedSong, MissingInfo) {
  fs::remove(song_ / "song.json");
  EXPECT_FALSE(is_song_folder(song_));
  expect_refused(ErrorKind::kIo, "song.json");
}

TEST_F(DamagedSong, MissingStem) {
  EXPECT_TRUE(holds_whole_song(song_));
  fs::remove(song_ / "a0v1_02_organ.wav");
  expect_refused(ErrorKind::kIo, "a0v1_02_organ.wav");
  EXPECT_TRUE(is_song_folder(song_));
  EXPECT_FALSE(holds_whole_song(song_));
}

TEST_F(DamagedSong, StemOfAnotherLength) {
  change([](json& v) { v["frames"] = 63999; });
  expect_refused(ErrorKind::kInput, "63999");
}

TEST_F(DamagedSong, StemOfAnotherRate) {
  change([](json& v) { v["sample_rate"] = 8001; });
  expect_refused(ErrorKind::kInput, "8001 Hz");
}

TEST_F(DamagedSong, StemThatIsNoAudio) {
  write_file_atomically(song_ / "a0v0_01_bass.wav", "no sound here");
  expect_refused(ErrorKind::kInput, "a0v0_01_bass.wav");
}

TEST_F(DamagedSong, CutJson) {
  const std::string text = read_text_file(song_ / "song.json");
  write_file_atomically(song_ / "song.json", text.substr(0, text.size() / 2));
  expect_refused(ErrorKind::kInput, "song.json");
}

TEST_F(DamagedSong, UnknownKeyAndMissingKey) {
  change([](json& v) { v["colour"] = "red"; });
  expect_refused(ErrorKind::kInput, "colour");
  change([](json& v) { v.erase("colour"), v.erase("tempo_bpm"); });
  expect_refused(ErrorKind::kInput, "tempo_bpm");
}

TEST_F(DamagedSong, ValuesThatMakeNoSense) {
  const json good = read_json_file(song_ / "song.json");
  const auto refuse = [&](const std::string& part, const std::function<void(json&)>& edit) {
    write_json_file(song_ / "song.json", good);
    change(edit);
    expect_refused(ErrorKind::kInput, part);
  };
  const auto stem = [](json& v) -> json& { return v["arrangements"][0]["versions"][0]["stems"][0]; };
  refuse("plain file name", [&](json& v) { stem(v)["file"] = "../a.wav"; });
  refuse("role", [&](json& v) { stem(v)["role"] = "conductor"; });
  refuse("twice", [&](json& v) { stem(v)["part"] = 1; });
  refuse("block levels", [&](json& v) { stem(v)["block_levels_db"].erase(0); });
  refuse("key", [](json& v) { v["key"] = "H:dur"; });
  refuse("X:maj", [](json& v) { v["chords"][0][2] = "X:maj"; });
  refuse("order", [](json& v) { v["chords"][1][0] = 1.0; });
  refuse("beats", [](json& v) { v["beats"][0] = "one"; });
  refuse("arrangement", [](json& v) { v["arrangements"] = json::array(); });
  refuse("version 2", [](json& v) { v["version"] = 2; });
  refuse("sample_rate", [](json& v) { v["sample_rate"] = 1; });  // a block of levels would have no frames
  refuse("block levels", [](json& v) { v["frames"] = INT64_MAX; });
}

TEST(ChordClasses, TakesTheChordAtTheMiddleOfEachFrame) {
  const std::vector<ChordSpan> chords = test_song(1).info.chords;
  const int c = chord_class(Chord::of(0, ChordQuality::kMaj)), a = chord_class(Chord::of(9, ChordQuality::kMin7));
  EXPECT_EQ(chord_classes(chords, 1.0, 4, 2.0), (std::vector<int>{c, c, a, a}));
  EXPECT_EQ(chord_classes(chords, 5.0, 4, 1.0), (std::vector<int>{a, 0, 0, 0}));
  EXPECT_EQ(chord_classes(chords, -1.0, 2, 1.0), (std::vector<int>{0, c}));
  EXPECT_TRUE(chord_classes(chords, 0, 0, 1).empty());
}

}  // namespace
}  // namespace instructme
