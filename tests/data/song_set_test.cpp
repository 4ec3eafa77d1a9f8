#include "instructme/data/song_set.h"

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/data/triplet.h"

namespace instructme {
namespace {

// A song in memory is the song that would be read back.
TEST(SongSet, InMemoryEqualsTheStoredOne) {
  const TempDir folder;
  std::vector<RenderedSong> songs;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    songs.push_back(test_song(seed));
    songs.back().info.chords[0].end_s = songs.back().info.chords[1].start_s = 2.00000049;
    write_song(folder.path() / song_folder_name(seed), songs.back());
  }
  songs[0].audio[0][0][0][5] = 1.5f;  // clipped
  const SongSet stored(folder.path()), memory(std::move(songs));
  ASSERT_EQ(memory.size(), 2u);
  EXPECT_EQ(memory.sample_rate(), stored.sample_rate());
  EXPECT_EQ(memory.name(1), stored.name(1));
  EXPECT_EQ(memory.folder(0), "");
  EXPECT_EQ(stored.folder(0), folder.path() / stored.name(0));
  EXPECT_EQ(memory.clip(1, 1, 0, 2, 4000, 8000), stored.clip(1, 1, 0, 2, 4000, 8000));
  EXPECT_FLOAT_EQ(memory.clip(0, 0, 0, 0, 5, 1)[0], 32767.0f / 32768);
  EXPECT_EQ(memory.clip_level_db(0, 0, 0, 2, 5, 3), stored.clip_level_db(0, 0, 0, 2, 5, 3));
  EXPECT_EQ(memory.chord_matrix(0, 0, 80, 10), stored.chord_matrix(0, 0, 80, 10));

  TripletOptions options;
  options.seconds = 2;
  const TripletSampler from_memory(memory, Lexicon::builtin(), options), from_disk(stored, Lexicon::builtin(), options);
  for (uint64_t i = 10; i < 30; ++i) {
    Rng a(i), b(i);
    const Triplet x = from_memory.sample(a), y = from_disk.sample(b);
    ASSERT_EQ(x.sentence, y.sentence);
    if (x.song == 1) {
      EXPECT_EQ(x.source, y.source);
      EXPECT_EQ(x.target, y.target);
    }
  }
}

TEST(SongSet, RefusesWhatIsNoSetOfSongs) {
  expect_error(ErrorKind::kInput, "no song in memory", [] { SongSet(std::vector<RenderedSong>{}); });
  std::vector<RenderedSong> songs{test_song(1), test_song(2)};
  songs[1].info.sample_rate = 16000;
  expect_error(ErrorKind::kInput, "16000 Hz", [&] { SongSet set(songs); });
  songs[1] = test_song(2);
  songs[1].audio[0][0][0].pop_back();
  expect_error(ErrorKind::kInternal, "not as long", [&] { SongSet set(songs); });
}

}  // namespace
}  // namespace instructme
