#include "instructme/data/data_report.h"

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/data/triplet_stream.h"
#include "instructme/plot/image.h"

namespace instructme {
namespace {

const DataTable& table(const DataReport& report, const std::string& name) {
  for (const DataTable& entry : report.tables)
    if (entry.name == name) return entry;
  throw std::out_of_range(name);
}

SongSet two_songs() {
  std::vector<RenderedSong> songs{test_song(1), test_song(2)};
  songs[1].info.tempo_bpm = 97;
  StemInfo& stem = songs[1].info.arrangements[0].versions[0].stems[0];
  stem.licence = "CC0";
  stem.effect_source = "Phaser";
  stem.effect_licence = "MIT";
  return SongSet(std::move(songs));
}

TEST(DataReport, CountsWhatIsInSongs) {
  const DataReport report = report_songs("mine", two_songs(), Lexicon::builtin());
  EXPECT_EQ(report.songs, 2);
  EXPECT_NEAR(report.hours, 16.0 / 3600, 1e-9);
  EXPECT_NEAR(report.stem_hours, 2 * 13 * 8.0 / 3600, 1e-9);
  const auto& instruments = table(report, "instruments").rows;
  EXPECT_EQ(instruments.at("violin").count, 4);
  EXPECT_EQ(instruments.at("piano").count, 2);
  EXPECT_NEAR(instruments.at("piano").hours, 2 * 3.0 / 3600, 1e-9);  // silent from the third second on
  EXPECT_EQ(table(report, "genres").rows.at("jazz").count, 2);
  EXPECT_EQ(table(report, "tempos").rows.at("090-099").count, 1);
  EXPECT_EQ(table(report, "tempos").rows.at("120-129").count, 1);
  EXPECT_EQ(table(report, "keys").rows.at("Eb:minor").count, 2);
  EXPECT_EQ(table(report, "licences").rows.at("CC0").count, 1);
  EXPECT_EQ(table(report, "licences").rows.at("not known").count, 25);
  EXPECT_EQ(table(report, "effect plugins").rows.at("Phaser").count, 1);
  EXPECT_EQ(table(report, "effect licences").rows.at("MIT").count, 1);
  EXPECT_EQ(table(report, "charts").rows.at("test").count, 2);
  const auto& absent = table(report, "instruments").absent;
  EXPECT_NE(std::find(absent.begin(), absent.end(), "choir"), absent.end());
  EXPECT_EQ(std::find(absent.begin(), absent.end(), "piano"), absent.end());
}

TEST(DataReport, KeysAndTemposOfRecordingsAreNotKnown) {
  const TempDir folder;
  std::vector<RenderedSong> made{test_song(1)};
  made[0].info.beats.clear();
  made[0].info.chords.clear();
  const auto songs = std::make_shared<const SongSet>(std::move(made));
  StreamOptions options;
  options.triplets.seconds = 2;
  TripletStream stream(options, stored_songs(songs), Lexicon::builtin());
  ShardOptions shards;
  shards.folder = folder.path() / "shards";
  shards.count = 4;
  write_shards(shards, stream);
  for (const DataReport& report : {report_songs("mine", *songs, Lexicon::builtin()),
                                   report_shards("mine", ShardSet(shards.folder), Lexicon::builtin())})
    for (const char* name : {"keys", "tempos"}) {
      ASSERT_EQ(table(report, name).rows.size(), 1u) << name;
      EXPECT_EQ(table(report, name).rows.begin()->first, "not known") << name;
    }
}

TEST(DataReport, TemposThatMakeNoSenseAreCountedAtTheEnds) {
  std::vector<RenderedSong> songs{test_song(1), test_song(2)};
  songs[0].info.tempo_bpm = 1e300;
  songs[1].info.tempo_bpm = -5;
  const DataReport report = report_songs("mine", SongSet(std::move(songs)), Lexicon::builtin());
  EXPECT_EQ(table(report, "tempos").rows.at("990-999").count, 1);
  EXPECT_EQ(table(report, "tempos").rows.at("000-009").count, 1);
}

TEST(DataReport, TheLastBlockCountsAsLongAsItIs) {
  std::vector<RenderedSong> songs{test_song(1)};
  constexpr int64_t kFrames = 60800;  // 7.6 s
  songs[0].info.frames = kFrames;
  for (auto& versions : songs[0].audio)
    for (auto& stems : versions)
      for (auto& stem : stems) stem.resize(kFrames);
  const DataReport report = report_songs("mine", SongSet(std::move(songs)), Lexicon::builtin());
  EXPECT_NEAR(table(report, "instruments").rows.at("organ").hours, 7.6 / 3600, 1e-9);
}

TEST(DataReport, TellsHowBalancedClassesAre) {
  DataTable even{"x", "y", {{"a", {1, 2.0}}, {"b", {9, 2.0}}, {"c", {1, 2.0}}}, {}};
  EXPECT_NEAR(even.effective_number(), 3, 1e-9);
  even.rows["a"].hours = 1e9;
  EXPECT_NEAR(even.effective_number(), 1, 1e-6);
  EXPECT_EQ(DataTable{}.effective_number(), 0);
}

TEST(DataReport, ShowsTablesAndCharts) {
  const TempDir folder;
  const DataReport report = report_songs("mine", two_songs(), Lexicon::builtin());
  const std::string text = to_text(report, 3);
  EXPECT_NE(text.find("mine: 2 songs"), std::string::npos);
  EXPECT_NE(text.find("and 6 more\n"), std::string::npos) << text;
  const nlohmann::json json = to_json(report);
  EXPECT_EQ(json.at("tables").at("roles").at("rows").at("bass").at("count"), 6);
  if (!can_write_png()) GTEST_SKIP() << "needs libpng";
  for (const auto& file : write_charts(report, folder.path() / "charts"))
    EXPECT_GT(std::filesystem::file_size(file), 500u) << file;
  EXPECT_TRUE(std::filesystem::exists(folder.path() / "charts/tempos.png"));
}

TEST(DataReport, CountsWhatIsInShards) {
  const TempDir folder;
  StreamOptions options;
  options.triplets.seconds = 2;
  TripletStream stream(options, stored_songs(std::make_shared<const SongSet>(two_songs())), Lexicon::builtin());
  ShardOptions shards;
  shards.folder = folder.path() / "shards";
  shards.count = 20;
  write_shards(shards, stream);
  const DataReport report = report_folder(shards.folder, Lexicon::builtin());
  EXPECT_EQ(report.examples, 20);
  EXPECT_EQ(report.songs, 2);
  int64_t operations = 0;
  for (const auto& [name, count] : table(report, "operations").rows) operations += count.count;
  EXPECT_EQ(operations, 20);
  EXPECT_EQ(table(report, "sources").rows.at("sines").count, 20);
  expect_error(ErrorKind::kInput, "no song", [&] { report_folder(folder.path(), Lexicon::builtin()); });
}

}  // namespace
}  // namespace instructme
