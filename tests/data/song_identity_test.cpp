#include "instructme/data/song_identity.h"

#include "data_test_support.h"
#include "expect_error.h"

namespace instructme {
namespace {

SongSet songs(std::vector<uint64_t> seeds) {
  std::vector<RenderedSong> made;
  for (const uint64_t seed : seeds) made.push_back(test_song(seed));
  return SongSet(std::move(made));
}

TEST(SongIdentity, FindsTheMusicThatTwoSetsShare) {
  const auto training = songs_of(songs({1, 2, 3}));
  EXPECT_EQ(training.size(), 3u);
  EXPECT_NO_THROW(require_different_songs(training, songs_of(songs({4, 5}))));
  expect_error(ErrorKind::kInput, "1 of the songs", [&] {
    require_different_songs(training, songs_of(songs({5, 2})));
  });
  expect_error(ErrorKind::kInput, song_folder_name(2), [&] {
    require_different_songs(training, songs_of(songs({5, 2})));
  });
}

TEST(SongIdentity, OfMusicOfOthersIsThatMusicWhateverThePlaceAndTheSeed) {
  SongInfo a = test_song(1).info, b = test_song(2).info;
  for (const auto& [one, other] :
       {std::pair{"recording: a from b.wav from 12.3 s", "recording: a from b.wav from 0.0 s"},
        {"POP909 song 398, bars 5 to 15, MMA grooves", "POP909 song 398, bars 1 to 9, MMA grooves"},
        {"MIDI file x.mid (0a1b)", "MIDI file x.mid (0a1b)"}}) {
    a.source = one, b.source = other;
    EXPECT_EQ(song_identity(a), song_identity(b));
  }
  a.source = "recording: a.wav from 12.3 s", b.source = "recording: b.wav from 12.3 s";
  EXPECT_NE(song_identity(a), song_identity(b));
  a.source = b.source = "own chart, own patterns";
  EXPECT_NE(song_identity(a), song_identity(b));
}

TEST(SongIdentity, IsThePlaceAndTheSeed) {
  SongInfo a = test_song(1).info, b = a;
  b.title = "another title";
  EXPECT_EQ(song_identity(a), song_identity(b));
  b.source = "another place";
  EXPECT_NE(song_identity(a), song_identity(b));
  a.source = "a\ttab\nand a line";
  EXPECT_EQ(song_identity(a), "a tab and a line #1");
  const TempDir folder;
  write_song(folder.path() / "mine", test_song(7));
  EXPECT_EQ(songs_of(SongSet(folder.path())).begin()->second, (folder.path() / "mine").string());
}

}  // namespace
}  // namespace instructme
