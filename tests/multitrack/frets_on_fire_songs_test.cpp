#include <gtest/gtest.h>

#include "instructme/data/song_set.h"
#include "instructme/multitrack/collection_report.h"
#include "instructme/multitrack/song_import.h"
#include "multitrack_test_support.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

// Recordings of a band, guitar apart from the rest (Debian: fretsonfire-songs-sectoid, MIT).
const fs::path kSongs = "/usr/share/games/fretsonfire/data/songs/sectoid";

TEST(FretsOnFireSongs, RealRecordings) {
  if (!fs::exists(kSongs)) GTEST_SKIP() << "needs " << kSongs << " (apt install fretsonfire-songs-sectoid)";
  ASSERT_EQ(detect_collection(kSongs, lexicon()), CollectionKind::kFretsOnFire);
  FindOptions find_options;
  find_options.licence = "MIT";
  auto songs = find(kSongs, find_options);
  ASSERT_THAT(ids_of(songs),
              testing::ElementsAre("Escape from chaosland", "Feelings", "Metal madness", "War of freedom"));
  EXPECT_EQ(songs[2].title, "Composed and performed by Sectoid - Metal madness");
  const CollectionReport report = examine_songs(songs);
  EXPECT_EQ(report.usable_songs, 4);
  EXPECT_NEAR(report.hours * 60, 13.5, 0.5);  // minutes, as measured with another program
  EXPECT_EQ(report.instruments.at("electric guitar").stems, 4);
  EXPECT_EQ(report.unnamed.at("song"), 4);

  const TempDir out;
  ImportOptions options;
  options.folder = out.path();
  options.flac = true;
  options.keep_unnamed = false;
  options.validation_share = options.test_share = 0;
  songs.erase(songs.begin() + 3);
  songs.erase(songs.begin(), songs.begin() + 2);  // the shortest is enough
  const ImportReport imported = import_songs(songs, options, lexicon());
  EXPECT_EQ(imported.imported, 1);
  const SongSet set(out.path() / "train");
  ASSERT_EQ(set.size(), 1u);
  EXPECT_GT(set.info(0).frames, 60 * 24000);
  const StemInfo& guitar = set.info(0).arrangements[0].versions[0].stems.at(0);
  EXPECT_EQ(guitar.instrument, "electric guitar");
  EXPECT_EQ(guitar.licence, "MIT");
  EXPECT_NEAR(guitar.level_db, options.mix_level_db, 0.5);  // alone, it is the mix
}

}  // namespace
}  // namespace instructme
