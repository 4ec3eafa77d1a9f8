#include "expect_error.h"
#include "multitrack_test_support.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

TEST(Folders, NamesMixesAndClicks) {
  const TempDir folder;
  for (const char* name : {"01_Drums.wav", "02 bass.flac", "elec gtr.WAV", "Vox.wav", "Full Mix.wav", "click.wav",
                           "Piano mix.wav", "cover.txt"})
    if (std::string(name).ends_with("txt"))
      write_text(folder.path() / "song" / name, "");
    else
      write_tone(folder.path() / "song" / name);
  ASSERT_EQ(detect_collection(folder.path(), lexicon()), CollectionKind::kFolders);
  FindOptions options;
  options.licence = "CC0";
  const auto songs = find(folder.path(), options);
  ASSERT_EQ(songs.size(), 1u);
  EXPECT_EQ(songs[0].id, "song");
  EXPECT_EQ(songs[0].licence, "CC0");
  EXPECT_EQ(songs[0].mix.filename(), "Full Mix.wav");
  EXPECT_THAT(stems_of(songs[0]), testing::ElementsAre("01_Drums=drum kit", "02 bass=bass", "Piano mix=piano",
                                                       "Vox=", "elec gtr=electric guitar"));
}

TEST(Folders, AMixThatTheCallerNamesIsAStem) {
  const TempDir folder;
  for (const char* name : {"drums", "bass", "Guitar Mix"}) write_tone(folder.path() / (std::string(name) + ".wav"));
  EXPECT_EQ(find(folder.path()).at(0).mix.filename(), "Guitar Mix.wav");  // the lexicon cannot tell
  FindOptions options;
  options.instruments = {{"guitar mix", "electric guitar"}};
  const MultitrackSong song = find(folder.path(), options).at(0);
  EXPECT_TRUE(song.mix.empty());
  EXPECT_THAT(stems_of(song), testing::ElementsAre("Guitar Mix=electric guitar", "bass=bass", "drums=drum kit"));
}

TEST(Folders, KitsAndPairsAreOneStem) {
  const TempDir folder;
  for (const char* name : {"kick.wav", "snare.wav", "OH L.wav", "OH R.wav", "piano_L.wav", "piano_R.wav",
                           "gtr elec 1.wav", "gtr elec 2.wav", "violin left.wav"})
    write_tone(folder.path() / name);
  const auto songs = find(folder.path());
  ASSERT_EQ(songs.size(), 1u);
  EXPECT_EQ(songs[0].id, folder.path().filename());
  EXPECT_EQ(find(folder.path() / "").at(0).id, folder.path().filename());
  EXPECT_THAT(stems_of(songs[0]),
              testing::ElementsAre("OH L=drum kit", "gtr elec 1=electric guitar", "gtr elec 2=electric guitar",
                                   "piano_L=piano", "violin left=violin"));
  const auto gains = [](const MultitrackStem& stem) {
    std::vector<double> list;
    for (const StemPart& part : stem.files) list.push_back(part.gain);
    return list;
  };
  EXPECT_THAT(gains(songs[0].stems[0]), testing::ElementsAre(0.5, 0.5, 1, 1));  // OH L, OH R, kick, snare
  EXPECT_THAT(gains(songs[0].stems[3]), testing::ElementsAre(0.5, 0.5));
  EXPECT_THAT(gains(songs[0].stems[4]), testing::ElementsAre(1));
}

TEST(Folders, SplitsAndNestedSongs) {
  const TempDir folder;
  for (const char* song : {"train/band/one", "valid/two", "test/three", "bonus/four"}) {
    write_tone(folder.path() / song / "drums.wav");
    write_tone(folder.path() / song / "bass.wav");
  }
  write_tone(folder.path() / "train" / "alone" / "drums.wav");  // one file is no song in stems
  make_folder(folder.path() / "empty");
  const auto songs = find(folder.path());
  EXPECT_THAT(ids_of(songs), testing::ElementsAre("bonus/four", "test/three", "train/band/one", "valid/two"));
  EXPECT_EQ(songs[0].split, "");
  EXPECT_EQ(songs[1].split, "test");
  EXPECT_EQ(songs[2].split, "train");
  EXPECT_EQ(songs[2].title, "one");
  EXPECT_EQ(songs[3].split, "validation");
}

TEST(Folders, SplitsAreFoundAtAnyLevelFromTheFolderThatWasGiven) {
  const TempDir folder;
  for (const char* song : {"mine/test/one", "mine/train/band/two", "mine/demos/Test"}) {
    write_tone(folder.path() / song / "drums.wav");
    write_tone(folder.path() / song / "bass.wav");
  }
  const auto splits_of = [&](const fs::path& root) {
    std::vector<std::string> splits;
    for (const MultitrackSong& song : find(root)) splits.push_back(song.id + ": " + song.split);
    return splits;
  };
  EXPECT_THAT(splits_of(folder.path()), testing::ElementsAre("mine/demos/Test: ",  // a song may be called so
                                                             "mine/test/one: test", "mine/train/band/two: train"));
  EXPECT_THAT(splits_of(folder.path() / "mine/test"), testing::ElementsAre("one: test"));
  EXPECT_THAT(splits_of(folder.path() / "mine/train/"), testing::ElementsAre("band/two: train"));
  EXPECT_THAT(splits_of(folder.path() / "mine/demos/Test"), testing::ElementsAre("Test: "));
}

TEST(Folders, LooseFilesDoNotHideTheSongsBesideThem) {
  const TempDir folder;
  for (const char* file :
       {"demo 1.wav", "demo 2.wav", "Mixed/mix.wav", "Mixed/master.wav", "Mixed/click.wav", "Mixed/stems/drums.wav",
        "Mixed/stems/bass.wav", "Named/piano demo.wav", "Named/violin demo.wav", "Named/song/drums.wav",
        "Named/song/bass.wav", "Named/song/flute.wav", "Whole/drums.wav", "Whole/bass.wav", "Whole/flute.wav",
        "Whole/takes/drums 2.wav", "Whole/takes/bass 2.wav", "Finished/mix.wav", "Finished/master.wav"})
    write_tone(folder.path() / file);
  ASSERT_EQ(detect_collection(folder.path(), lexicon()), CollectionKind::kFolders);
  const auto songs = find(folder.path());
  EXPECT_THAT(ids_of(songs), testing::ElementsAre("Mixed/stems", "Named/song", "Whole"));
  EXPECT_EQ(songs[0].title, "Mixed");
  EXPECT_THAT(stems_of(songs[0]), testing::ElementsAre("bass=bass", "drums=drum kit"));
  // What the caller calls a stem counts as one.
  FindOptions options;
  options.instruments = {{"demo 1", "piano"}, {"demo 2", "flute"}};
  EXPECT_EQ(find(folder.path(), options).size(), 3u) << "two stems, where a song below has three";
}

TEST(Folders, AFolderCalledStemsHasTheTitleOfTheOneAbove) {
  const TempDir folder;
  for (const char* song : {"one/stems", "two/Audio Files/WAV", "three/live"}) {
    write_tone(folder.path() / song / "drums.wav");
    write_tone(folder.path() / song / "bass.wav");
  }
  const auto songs = find(folder.path());
  EXPECT_THAT(ids_of(songs), testing::ElementsAre("one/stems", "three/live", "two/Audio Files/WAV"));
  std::vector<std::string> titles;
  for (const MultitrackSong& song : songs) titles.push_back(song.title);
  EXPECT_THAT(titles, testing::ElementsAre("one", "live", "two"));
}

TEST(FretsOnFire, GuitarAndTheRest) {
  const TempDir folder;
  const fs::path song = folder.path() / "songs" / "One";
  for (const char* name : {"guitar.ogg", "song.ogg", "rhythm.ogg", "preview.ogg"}) write_tone(song / name);
  write_text(song / "song.ini", "[song]\r\nname = Metal madness\r\nartist = Sectoid\r\ngenre = Heavy Metal\r\n");
  const fs::path broken = folder.path() / "songs" / "Two";
  write_tone(broken / "song.ogg");
  write_text(broken / "song.ini", "[song]\n");
  ASSERT_EQ(detect_collection(folder.path(), lexicon()), CollectionKind::kFretsOnFire);
  const auto songs = find(folder.path());
  ASSERT_EQ(songs.size(), 2u);
  EXPECT_EQ(songs[0].title, "Sectoid - Metal madness");
  EXPECT_EQ(songs[0].genre, "metal");
  EXPECT_THAT(stems_of(songs[0]), testing::ElementsAre("guitar=electric guitar", "rhythm=", "song="));
  EXPECT_THAT(songs[1].problems, testing::ElementsAre(testing::HasSubstr("no guitar.ogg")));
  make_unreachable(broken / "guitar.ogg");
  EXPECT_THAT(find(folder.path()).at(1).problems, testing::ElementsAre(testing::HasSubstr("cannot be read")));
  FindOptions options;
  options.instruments = {{"guitar", "distorted guitar"}, {"rhythm", "bass"}};
  EXPECT_THAT(stems_of(find(folder.path(), options).at(0)),
              testing::ElementsAre("guitar=distorted guitar", "rhythm=bass", "song="));
}

}  // namespace
}  // namespace instructme
