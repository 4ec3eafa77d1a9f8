#include <unistd.h>

#include "expect_error.h"
#include "multitrack_test_support.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

TEST(Collection, NamesRoundTrip) {
  for (const char* name : {"slakh", "musdb", "moisesdb", "medleydb", "fretsonfire", "folders"})
    EXPECT_STREQ(collection_name(parse_collection_name(name)), name);
  expect_error(ErrorKind::kUsage, "musdb", [] { parse_collection_name("musbd"); });
}

TEST(Collection, RefusesWhatIsNoCollection) {
  const TempDir folder;
  const auto detect = [&](const fs::path& path) { return detect_collection(path, lexicon()); };
  expect_error(ErrorKind::kInput, "holds no songs", [&] { detect(folder.path()); });
  expect_error(ErrorKind::kInput, "not a folder", [&] { detect(folder.path() / "nowhere"); });
  write_text(folder.path() / "notes.txt", "no music");
  expect_error(ErrorKind::kInput, "not a folder", [&] { detect(folder.path() / "notes.txt"); });
  // An album of whole songs is no song in stems.
  write_tone(folder.path() / "album" / "01 Yesterday.wav");
  write_tone(folder.path() / "album" / "02 Tomorrow.wav");
  expect_error(ErrorKind::kInput, "holds no songs", [&] { detect(folder.path()); });
}

TEST(Collection, AsksForAnotherFormOfMusdb) {
  const TempDir folder;
  write_text(folder.path() / "train" / "Artist - Title.stem.mp4", "mp4");
  expect_error(ErrorKind::kInput, "MUSDB18-HQ", [&] { detect_collection(folder.path(), lexicon()); });
}

TEST(Collection, SeparatedMusicIsNotMusdb) {
  const TempDir folder;
  make_musdb_song(folder.path() / "song");
  fs::remove(folder.path() / "song" / "mixture.wav");
  EXPECT_EQ(detect_collection(folder.path(), lexicon()), CollectionKind::kFolders);
}

TEST(Collection, AnotherKindThanThereIs) {
  const TempDir folder;
  make_musdb_song(folder.path() / "train" / "A - B");
  expect_error(ErrorKind::kInput, "no song of the kind 'slakh'",
               [&] { find_songs(folder.path(), CollectionKind::kSlakh, lexicon()); });
  expect_error(ErrorKind::kInput, "not a folder",
               [&] { find_songs(folder.path() / "x", CollectionKind::kSlakh, lexicon()); });
}

TEST(Collection, InstrumentsByTheCallersWords) {
  const TempDir folder;
  make_musdb_song(folder.path() / "train" / "A - B");
  FindOptions options;
  options.instruments = {{"OTHER", "pianos"}, {"bass", ""}};
  options.licence = "unused: MUSDB states its own";
  const auto songs = find(folder.path(), options);
  EXPECT_THAT(stems_of(songs.at(0)), testing::ElementsAre("drums=drum kit", "bass=", "vocals=", "other=piano"));
  EXPECT_THAT(songs[0].licence, testing::HasSubstr("MUSDB18"));
  options.instruments = {{"other", "pianno"}};
  expect_error(ErrorKind::kUsage, "did you mean 'piano'", [&] { find(folder.path(), options); });
}

TEST(Collection, AFolderWithoutPermissionIsAProblemAndDoesNotStopTheOthers) {
  const TempDir folder;
  make_musdb_song(folder.path() / "musdb" / "train" / "A - B");
  make_slakh_track(folder.path() / "slakh" / "train" / "Track00001", "a");
  for (const char* name : {"drums.wav", "bass.wav"}) write_tone(folder.path() / "folders" / "song" / name);
  const auto close = [&](const char* name) {
    const fs::path closed = folder.path() / name / "closed";
    make_folder(closed);
    fs::permissions(closed, fs::perms::none);
    return closed;
  };
  const fs::path alone = close("alone");
  if (::access(alone.c_str(), R_OK) == 0) GTEST_SKIP() << "needs a user who may not read everything";
  expect_error(ErrorKind::kIo, "alone/closed'", [&] { detect_collection(alone.parent_path(), lexicon()); });
  expect_error(ErrorKind::kIo, "cannot be read", [&] { detect_collection(alone, lexicon()); });
  for (const char* name : {"musdb", "slakh", "folders"}) {
    close(name);
    EXPECT_STREQ(collection_name(detect_collection(folder.path() / name, lexicon())), name);
    const auto songs = find(folder.path() / name);
    EXPECT_EQ(songs.size(), 2u) << name;
    for (const MultitrackSong& song : songs) EXPECT_EQ(song.problems.size(), song.id == "closed" ? 1u : 0u) << song.id;
  }
  for (const char* name : {"alone", "musdb", "slakh", "folders"})  // so that they can be removed
    fs::permissions(folder.path() / name / "closed", fs::perms::owner_all);
}

TEST(Slakh, ReadsTracksSplitsAndPrograms) {
  const TempDir folder;
  make_slakh_track(folder.path() / "train" / "Track00001", "aaa");
  make_slakh_track(folder.path() / "validation" / "Track01501", "bbb");
  make_slakh_track(folder.path() / "test" / "Track01876", "ccc");
  make_slakh_track(folder.path() / "omitted" / "Track00002", "ddd");
  ASSERT_EQ(detect_collection(folder.path(), lexicon()), CollectionKind::kSlakh);
  const auto songs = find(folder.path());
  EXPECT_THAT(ids_of(songs), testing::ElementsAre("Track00001", "Track00002", "Track01501", "Track01876"));
  EXPECT_THAT(stems_of(songs[0]), testing::ElementsAre("Electric Bass (finger)=bass", "Drums=drum kit", "Seashore="));
  EXPECT_EQ(songs[0].title, "aaa");
  EXPECT_EQ(songs[0].collection, "slakh");
  EXPECT_EQ(songs[0].stems[1].files.at(0).path, folder.path() / "train" / "Track00001" / "stems" / "S01.flac");
  EXPECT_EQ(songs[0].mix, folder.path() / "train" / "Track00001" / "mix.flac");
  EXPECT_EQ(songs[0].split, "train");
  EXPECT_EQ(songs[1].split, "omitted");
  EXPECT_EQ(songs[2].split, "validation");
  EXPECT_EQ(songs[3].split, "test");
  for (const MultitrackSong& song : songs) EXPECT_TRUE(song.problems.empty());
}

TEST(Slakh, SplitsByNumberWithoutFolders) {
  const TempDir folder;
  for (const char* track : {"Track01500", "Track01501", "Track01875", "Track01876"})
    make_slakh_track(folder.path() / "babyslakh_16k" / track, track, ".wav");
  const auto songs = find(folder.path());
  ASSERT_EQ(songs.size(), 4u);
  EXPECT_EQ(songs[0].split, "train");
  EXPECT_EQ(songs[1].split, "validation");
  EXPECT_EQ(songs[2].split, "validation");
  EXPECT_EQ(songs[3].split, "test");
  EXPECT_EQ(songs[0].stems[0].files[0].path.filename(), "S00.wav");
  // One track alone is a collection too.
  EXPECT_EQ(find(folder.path() / "babyslakh_16k" / "Track01876").at(0).split, "test");
  EXPECT_EQ(find(folder.path() / "babyslakh_16k" / "Track01876" / "").at(0).id, "Track01876");
}

TEST(Slakh, BadMetadataIsAProblemOfItsSong) {
  const TempDir folder;
  for (const char* track : {"Track00001", "Track00002", "Track00003", "Track00004", "Track00005"})
    make_slakh_track(folder.path() / track, track);
  fs::remove(folder.path() / "Track00001" / "metadata.yaml");
  write_text(folder.path() / "Track00002" / "metadata.yaml", "stems:\n  S00: {audio_rendered: true\n  S01: [");
  write_text(folder.path() / "Track00003" / "metadata.yaml", "UUID: x\nstems: many\n");
  write_text(folder.path() / "Track00004" / "metadata.yaml", "stems:\n  S00: {is_drum: false, program_num: bass}\n");
  const auto songs = find(folder.path());
  ASSERT_EQ(songs.size(), 5u);
  const char* const parts[] = {"missing", "no valid YAML", "'stems'", "'program_num'"};
  for (size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(songs[i].problems.size(), 1u) << i;
    EXPECT_THAT(songs[i].problems[0], testing::HasSubstr(parts[i]));
    EXPECT_TRUE(songs[i].stems.empty());
  }
  EXPECT_TRUE(songs[4].problems.empty());
}

TEST(Slakh, MetadataThatHoldsItselfIsAProblemOfItsSong) {
  const TempDir folder;
  make_slakh_track(folder.path() / "Track00001", "a");
  write_text(folder.path() / "Track00001" / "metadata.yaml", "UUID: a\nstems: &all\n  S00: *all\n");
  EXPECT_THAT(find(folder.path()).at(0).problems, testing::ElementsAre(testing::HasSubstr("inside of each other")));
}

TEST(Slakh, WhatTheDiskRefusesIsAProblemOfItsSong) {
  const TempDir folder;
  for (const char* track : {"Track00001", "Track00002", "Track00003", "Track00004"})
    make_slakh_track(folder.path() / track, track);
  const fs::path bad[] = {"metadata.yaml", "mix.flac", "stems/S00.flac"};
  for (size_t i = 0; i < 3; ++i) make_unreachable(folder.path() / format("Track0000%zu", i + 1) / bad[i]);
  ASSERT_EQ(detect_collection(folder.path(), lexicon()), CollectionKind::kSlakh);
  const auto songs = find(folder.path());
  ASSERT_EQ(songs.size(), 4u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(songs[i].problems, testing::ElementsAre(testing::HasSubstr(bad[i].string() + "' cannot be read")));
    EXPECT_TRUE(songs[i].stems.empty());
  }
  EXPECT_TRUE(songs[3].problems.empty());
}

TEST(Slakh, ASecondSongOfOneNameIsNotUsed) {
  const TempDir folder;
  for (const char* copy : {"flac", "wav"}) make_slakh_track(folder.path() / copy / "Track00001", "a");
  const auto songs = find(folder.path());
  EXPECT_THAT(ids_of(songs), testing::ElementsAre("Track00001", "Track00001"));
  EXPECT_THAT(songs[0].problems, testing::IsEmpty());
  EXPECT_EQ(songs[0].mix.parent_path().parent_path().filename(), "flac");
  EXPECT_THAT(songs[1].problems, testing::ElementsAre(testing::HasSubstr("the same name")));
  EXPECT_TRUE(songs[1].stems.empty());
}

TEST(Slakh, MetadataCannotNameFilesElsewhere) {
  const TempDir folder;
  make_slakh_track(folder.path() / "Track00001", "a");
  write_text(folder.path() / "Track00001" / "metadata.yaml",
             "stems:\n  ../../S00: {audio_rendered: true, is_drum: false, program_num: 33}\n");
  write_tone(folder.path() / "S00.flac");
  EXPECT_THAT(find(folder.path()).at(0).problems, testing::ElementsAre(testing::HasSubstr("plain file name")));
}

TEST(Musdb, ReadsSongsAndSplits) {
  const TempDir folder;
  make_musdb_song(folder.path() / "train" / "A Classic Education - NightOwl");
  make_musdb_song(folder.path() / "train" / "Meaxic - Take A Step");
  make_musdb_song(folder.path() / "test" / "Al James - Schoolboy Facination");
  ASSERT_EQ(detect_collection(folder.path(), lexicon()), CollectionKind::kMusdb);
  const auto songs = find(folder.path());
  EXPECT_THAT(ids_of(songs), testing::ElementsAre("A Classic Education - NightOwl", "Al James - Schoolboy Facination",
                                                  "Meaxic - Take A Step"));
  EXPECT_EQ(songs[0].split, "train");
  EXPECT_EQ(songs[1].split, "test");
  EXPECT_EQ(songs[2].split, "validation");
  EXPECT_EQ(songs[0].title, "A Classic Education - NightOwl");
  EXPECT_EQ(songs[0].mix.filename(), "mixture.wav");
  // Singing and "other" are part of the music, but nothing that can be asked for.
  EXPECT_THAT(stems_of(songs[0]), testing::ElementsAre("drums=drum kit", "bass=bass", "vocals=", "other="));
}

TEST(Musdb, WhatTheDiskRefusesIsAProblemOfItsSong) {
  const TempDir folder;
  for (const char* song : {"train/A - B", "train/C - D"}) make_musdb_song(folder.path() / song);
  make_unreachable(folder.path() / "train/A - B/mixture.wav");
  ASSERT_EQ(detect_collection(folder.path(), lexicon()), CollectionKind::kMusdb);
  const auto songs = find(folder.path());
  EXPECT_THAT(ids_of(songs), testing::ElementsAre("A - B", "C - D"));
  EXPECT_THAT(songs[0].problems, testing::ElementsAre(testing::HasSubstr("mixture.wav' cannot be read")));
  EXPECT_TRUE(songs[1].problems.empty());
}

}  // namespace
}  // namespace instructme
