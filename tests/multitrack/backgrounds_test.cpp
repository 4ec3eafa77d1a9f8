#include "instructme/multitrack/backgrounds.h"

#include <algorithm>

#include "expect_error.h"
#include "instructme/base/rng.h"
#include "instructme/data/song_set.h"
#include "multitrack_test_support.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr int kRate = 24000;

class Backgrounds : public testing::Test {
 protected:
  Backgrounds() {
    write_song_with("violin", "bass");
    write_tone(folder_.path() / "music/one.wav", {.hz = 500, .amplitude = 0.2, .seconds = 8, .channels = 2});
    write_text(folder_.path() / "music/list.tsv", "file\theard\tsource\tlicence\none.wav\tbass, drums\tA game\tCC0\n");
    options_.folder = folder_.path() / "out";
    options_.songs = {folder_.path() / "songs"};
    options_.count = 4;
    options_.seconds = 2;
  }

  void write_song_with(const std::string& first, const std::string& second) {
    RenderedSong song;
    song.info.title = "two";
    song.info.sample_rate = kRate;
    song.info.frames = 5 * kRate;
    VersionInfo version;
    std::vector<std::vector<float>> audio;
    for (const std::string& name : {first, second}) {
      StemInfo stem;
      stem.part = static_cast<int>(audio.size());
      stem.instrument = name;
      stem.source = "sines";
      version.stems.push_back(stem);
      audio.emplace_back();
      for (int i = 0; i < 5 * kRate; ++i)
        audio.back().push_back(
            static_cast<float>(0.1 * std::sin(0.05 * (1.0 + static_cast<double>(audio.size())) * i)));
    }
    song.info.arrangements.push_back({"rock", "", {version}});
    song.audio.push_back({audio});
    write_song(folder_.path() / "songs/a", song);
  }

  std::vector<Recording> recordings() const {
    return read_recordings(folder_.path() / "music/list.tsv", Lexicon::builtin());
  }
  /// An MP3 file of noise and then silence, without the header that counts its frames.
  void write_mp3_of_no_length(const std::string& name, int rate, int noise_s, int silence_s) const {
    AudioBuffer sound{rate, 2, {}};
    Rng rng(5);
    for (int i = 0; i < 2 * noise_s * rate; ++i) sound.samples.push_back(static_cast<float>(rng.uniform(-0.2, 0.2)));
    sound.samples.resize(sound.samples.size() + static_cast<size_t>(2 * silence_s * rate));
    write_audio(folder_.path() / "music" / name, sound);
    std::string bytes = read_text_file(folder_.path() / "music" / name);
    bytes.replace(std::min(bytes.find("Xing"), bytes.find("Info")), 4, 4, '\0');
    write_file_atomically(folder_.path() / "music" / name, bytes);
  }
  bool tells_length(const std::string& name) const { return probe_audio(folder_.path() / "music" / name).frames >= 0; }
  void list(const std::string& text) const { write_text(folder_.path() / "music/list.tsv", text); }

  TempDir folder_;
  BackgroundOptions options_;
};

TEST_F(Backgrounds, OnlyInstrumentsThatAreNotHeardAreLaidOver) {
  const BackgroundReport report = make_background_songs(recordings(), options_);
  EXPECT_EQ(report.made, 4);
  EXPECT_EQ(report.instruments, (std::map<std::string, int64_t>{{"violin", 4}}));
  const SongSet songs(options_.folder);
  ASSERT_EQ(songs.size(), 4u);
  EXPECT_EQ(songs.sample_rate(), kRate);
  for (size_t i = 0; i < songs.size(); ++i) {
    const SongInfo& song = songs.info(i);
    EXPECT_EQ(song.frames, 2 * kRate);
    EXPECT_THAT(song.source, testing::HasSubstr("recording: one.wav from"));
    const auto& stems = song.arrangements[0].versions[0].stems;
    ASSERT_EQ(stems.size(), 2u);
    EXPECT_EQ(stems[0].instrument, "violin");
    EXPECT_EQ(stems[0].source, "sines");
    EXPECT_EQ(stems[1].instrument, "");
    EXPECT_EQ(stems[1].source, "A game");
    EXPECT_EQ(stems[1].licence, "CC0");
    // Relative level as asked for.
    EXPECT_GT(stems[0].block_levels_db[1], stems[1].block_levels_db[1] + options_.stem_low_db - 0.5);
    EXPECT_LT(stems[0].block_levels_db[1], stems[1].block_levels_db[1] + options_.stem_high_db + 0.5);
  }
}

TEST_F(Backgrounds, SameSeedsSameBytesWhateverTheThreadsAndAStoppedRunGoesOn) {
  make_background_songs(recordings(), options_);
  BackgroundOptions other = options_;
  other.folder = folder_.path() / "other";
  other.jobs = 3;
  make_background_songs(recordings(), other);
  for (int seed = 0; seed < 4; ++seed)
    for (const auto& entry : fs::directory_iterator(options_.folder / song_folder_name(static_cast<uint64_t>(seed))))
      EXPECT_EQ(read_text_file(entry.path()),
                read_text_file(other.folder / song_folder_name(static_cast<uint64_t>(seed)) / entry.path().filename()))
          << entry.path();
  fs::remove_all(options_.folder / song_folder_name(2));
  const BackgroundReport report = make_background_songs(recordings(), options_);
  EXPECT_EQ(report.made, 1);
  EXPECT_EQ(report.kept, 3);
  options_.seconds = 3;
  expect_error(ErrorKind::kUsage, "made with another 'seconds'",
               [&] { make_background_songs(recordings(), options_); });
}

TEST_F(Backgrounds, DamagedSongsAreMadeAgain) {
  make_background_songs(recordings(), options_);
  const fs::path song = options_.folder / song_folder_name(1);
  const std::string before = read_text_file(song / "song.json");
  fs::remove(song / read_song_info(song).arrangements[0].versions[0].stems[0].file);
  const BackgroundReport report = make_background_songs(recordings(), options_);
  EXPECT_EQ(report.made, 1);
  EXPECT_EQ(report.kept, 3);
  EXPECT_EQ(read_text_file(song / "song.json"), before);
}

TEST_F(Backgrounds, AStoppedRunGoesOnHoweverItsPathsAndTableAreWritten) {
  list("file\theard\tsource\tlicence\none.wav\tbass, drums\tCaf\xe9\tCC0\n");  // Latin-1
  options_.count = 1;
  EXPECT_EQ(make_background_songs(recordings(), options_).made, 1);
  options_.songs = {folder_.path() / "songs" / ""};
  EXPECT_EQ(make_background_songs(recordings(), options_).kept, 1);
}

TEST_F(Backgrounds, FamiliesAndNothingAreUnderstood) {
  list("heard\tfile\nstrings\tone.wav\nnothing\tone.wav\n");
  const auto found = recordings();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_TRUE(found[0].heard.contains("violin"));
  EXPECT_TRUE(found[1].heard.empty());
}

TEST_F(Backgrounds, FilesThatDoNotTellTheirLengthAreUsed) {
  write_tone(folder_.path() / "music/mute.flac", {.hz = 500, .amplitude = 0.2, .seconds = 8});
  forget_length(folder_.path() / "music/mute.flac");
  write_mp3_of_no_length("mute.mp3", 24000, 4, 0);
  ASSERT_FALSE(tells_length("mute.flac"));
  for (const auto& [name, seconds] : {std::pair{"mute.flac", 8.0}, std::pair{"mute.mp3", 4.0}}) {
    list(std::string("file\theard\n") + name + "\tbass\n");
    const auto found = recordings();
    EXPECT_NEAR(static_cast<double>(found.at(0).frames) / found[0].sample_rate, seconds, 0.2) << name;
    options_.folder = folder_.path() / "out of" / name;
    const BackgroundReport report = make_background_songs(found, options_);
    EXPECT_EQ(report.made, 4) << name << ": " << (report.refused.empty() ? "" : report.refused[0]);
  }
}

TEST_F(Backgrounds, FilesThatCannotBeReadAreToldWithTheirLine) {
  write_text(folder_.path() / "music/text.wav", "this is not music\n");
  list("file\theard\none.wav\tbass\ntext.wav\tbass\n");
  expect_error(ErrorKind::kInput, "list.tsv, line 3: cannot use", [&] { recordings(); });
  // Much to say at first, and little after that: the first frames are no measure of the others.
  write_mp3_of_no_length("short.mp3", 44100, 2, 28);
  if (tells_length("short.mp3")) GTEST_SKIP() << "this libsndfile finds the length out by itself";
  list("file\theard\nshort.mp3\tbass\n");
  for (const char* part : {"list.tsv, line 2: ", "convert it to WAV"})
    expect_error(ErrorKind::kInput, part, [&] { recordings(); });
}

TEST_F(Backgrounds, RecordingsThatAreTooShortAreLeftOutUnlessAllAre) {
  write_tone(folder_.path() / "music/short.wav", {.seconds = 1});
  std::string text = "file\theard\n";
  for (int i = 0; i < 60; ++i) text += "short.wav\tbass\n";
  list(text);
  expect_error(ErrorKind::kInput, "None of the recordings is longer than 2 s",
               [&] { make_background_songs(recordings(), options_); });
  EXPECT_FALSE(fs::exists(options_.folder));
  list(text + "one.wav\tbass\n");
  EXPECT_EQ(make_background_songs(recordings(), options_).made, 4);
}

TEST_F(Backgrounds, ListsMayComeFromWindows) {
  list(
      "\xEF\xBB\xBF"
      "file\theard\tsource\r\none.wav\tbass\tA game\r\n");
  const auto found = recordings();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].source, "A game");
}

TEST_F(Backgrounds, WhatCannotBeUsed) {
  list("file\theard\none.wav\tviolin, bass\n");
  const BackgroundReport nothing_left = make_background_songs(recordings(), options_);
  EXPECT_EQ(nothing_left.made, 0);
  ASSERT_EQ(nothing_left.refused.size(), 4u);
  EXPECT_THAT(nothing_left.refused[0], testing::HasSubstr("not heard in 'one.wav'"));

  list("file\theard\none.wav\tviolinn\n");
  expect_error(ErrorKind::kInput, "line 2: 'violinn' is no instrument", [&] { recordings(); });
  list("file\theard\ntwo.wav\tviolin\n");
  expect_error(ErrorKind::kInput, "line 2: there is no file", [&] { recordings(); });
  list("file\thears\none.wav\tviolin\n");
  expect_error(ErrorKind::kInput, "unknown column 'hears' (did you mean 'heard'", [&] { recordings(); });
  list("file\none.wav\n");
  expect_error(ErrorKind::kInput, "'heard' is missing", [&] { recordings(); });
  list("file\theard\n");
  expect_error(ErrorKind::kInput, "lists no recording", [&] { recordings(); });
  list("file\theard\none.wav\tbass\n");
  options_.seconds = 60;
  expect_error(ErrorKind::kInput, "as long as 60 s", [&] { make_background_songs(recordings(), options_); });
  options_.seconds = 2;
  options_.most_stems = 0;
  expect_error(ErrorKind::kUsage, "1 stem", [&] { make_background_songs(recordings(), options_); });
}

}  // namespace
}  // namespace instructme
