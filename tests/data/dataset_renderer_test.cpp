#include "instructme/data/dataset_renderer.h"

#include <atomic>
#include <map>

#include "data_test_support.h"
#include "expect_error.h"
#include "instructme/base/config_reader.h"
#include "instructme/data/song_set.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

class DatasetRenderer : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_SMALL_FONT();
    options_.folder = folder_.path() / "set";
    options_.count = 3;
    options_.first_seed = 10;
    options_.jobs = 2;
    options_.palette.fonts = {small_font()};
    options_.composer = {{"name", "test"}};
  }
  DatasetReport render(const ProgressCallback& progress = {}, const CancelToken& cancel = {}) {
    return render_dataset(options_, compose_test_song, Lexicon::builtin(), progress, cancel);
  }
  TempDir folder_;
  DatasetOptions options_;
};

// Everything that a data set holds, as one text.
std::string contents(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder)] = read_text_file(entry.path());
  std::string all;
  for (const auto& [name, bytes] : files) all += name + bytes;
  return all;
}

TEST_F(DatasetRenderer, PluginEffectsAreTheSameForAnyNumberOfThreads) {
  if (find_plugin_host().empty()) GTEST_SKIP() << "built without lilv";
  if (find_plugin_bundle("mda.lv2").empty()) GTEST_SKIP() << "needs mda-lv2 (apt install mda-lv2)";
  options_.count = 2;
  options_.palette.plugins = true;
  options_.render.versions = 1;
  options_.render.plugin_effect_probability = 1;
  const DatasetReport report = render();
  EXPECT_EQ(report.plugin_failures, std::set<std::string>());
  const std::string two_threads = contents(options_.folder);
  EXPECT_NE(two_threads.find("effect_licence"), std::string::npos);
  options_.folder = folder_.path() / "again";
  options_.jobs = 1;
  render();
  EXPECT_EQ(contents(options_.folder), two_threads);
}

TEST_F(DatasetRenderer, RendersResumesAndGrows) {
  std::vector<int64_t> done;
  DatasetReport report = render([&](const Progress& p) {
    done.push_back(p.done);
    EXPECT_EQ(p.total, 3);
  });
  EXPECT_EQ(report.rendered, 3);
  EXPECT_EQ(done, (std::vector<int64_t>{1, 2, 3}));
  const nlohmann::json manifest = read_json_file(options_.folder / "dataset.json");
  EXPECT_EQ(manifest.at("count"), 3);
  EXPECT_EQ(manifest.at("split"), "train");
  EXPECT_EQ(manifest.at("fonts"), nlohmann::json({"TimGM6mb.sf2"}));

  const fs::path second = options_.folder / song_folder_name(11);
  const std::string before = read_text_file(options_.folder / song_folder_name(10) / "song.json");
  const auto audio_time = fs::last_write_time(options_.folder / song_folder_name(10) / "song.json");
  const std::string lost = read_text_file(second / "song.json");
  fs::remove_all(second);
  fs::create_directory(options_.folder / ".song-0000000099.part-1-1");  // what a killed run leaves
  options_.count = 4;
  report = render();
  EXPECT_EQ(report.rendered, 2);
  EXPECT_EQ(report.kept, 2);
  EXPECT_EQ(fs::last_write_time(options_.folder / song_folder_name(10) / "song.json"), audio_time);
  EXPECT_EQ(read_text_file(options_.folder / song_folder_name(10) / "song.json"), before);
  EXPECT_EQ(read_text_file(second / "song.json"), lost);  // made again, the same
  const SongSet set(options_.folder);
  EXPECT_EQ(set.size(), 4u);
  EXPECT_EQ(set.name(3), song_folder_name(13));
}

TEST_F(DatasetRenderer, RefusesToMixSetsOfDifferentOptions) {
  options_.count = 1;
  render();
  options_.render.mix_level_db = -12;
  expect_error(ErrorKind::kUsage, "render", [&] { render(); });
  options_.render.mix_level_db = -18;
  options_.first_seed = 11;
  expect_error(ErrorKind::kUsage, "first_seed", [&] { render(); });
  options_.first_seed = 10;
  options_.render.plugin_effect_probability = 0.5;
  expect_error(ErrorKind::kUsage, "render", [&] { render(); });
}

TEST_F(DatasetRenderer, GoesOnWhereNamesAreNoUtf8) {
  options_.count = 1;
  options_.composer = {{"name", "Caf\xe9"}};  // Latin-1, as a folder of MIDI files may be called
  EXPECT_EQ(render().rendered, 1);
  EXPECT_EQ(render().kept, 1);
}

TEST_F(DatasetRenderer, MakesDamagedSongsAgain) {
  options_.count = 2;
  render();
  const std::string before = contents(options_.folder);
  for (const auto& entry : fs::directory_iterator(options_.folder / song_folder_name(11)))
    if (entry.path().extension() == ".wav") fs::resize_file(entry.path(), 100);
  const DatasetReport report = render();
  EXPECT_EQ(report.kept, 1);
  EXPECT_EQ(report.rendered, 1);
  EXPECT_EQ(contents(options_.folder), before);
}

TEST_F(DatasetRenderer, StopsWhenAsked) {
  std::atomic<bool> stop{false};
  options_.count = 50;
  expect_error(ErrorKind::kCancelled, "", [&] { render([&](const Progress&) { stop = true; }, CancelToken(&stop)); });
  // What is there is complete.
  EXPECT_LT(SongSet(options_.folder).size(), 5u);
}

TEST_F(DatasetRenderer, GoesOnAfterASongThatCannotBeMade) {
  const Composer composer = [](uint64_t seed) {
    if (seed == 11) throw Error(ErrorKind::kInput, "no chart for eleven");
    return compose_test_song(seed);
  };
  const DatasetReport report = render_dataset(options_, composer, Lexicon::builtin());
  EXPECT_EQ(report.rendered, 2);
  EXPECT_THAT(report.refused, testing::ElementsAre(testing::HasSubstr("seed 11: no chart")));
  const Composer broken = [](uint64_t) -> ComposedSong { throw Error(ErrorKind::kMissing, "no mma"); };
  options_.count = 9;
  expect_error(ErrorKind::kMissing, "no mma", [&] { render_dataset(options_, broken, Lexicon::builtin()); });
}

TEST_F(DatasetRenderer, ChecksItsOptions) {
  options_.count = 0;
  expect_error(ErrorKind::kUsage, "song", [&] { render(); });
  options_.count = 1;
  options_.jobs = 0;
  expect_error(ErrorKind::kUsage, "threads", [&] { render(); });
}

}  // namespace
}  // namespace instructme
