#include "instructme/data/dataset_estimate.h"

#include "data_test_support.h"
#include "expect_error.h"

namespace instructme {
namespace {

DatasetOptions options_for(const std::filesystem::path& folder) {
  DatasetOptions options;
  options.folder = folder;
  options.count = 6;
  options.palette.fonts = {small_font()};
  return options;
}

double bytes_below(const std::filesystem::path& folder) {
  double bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
  return bytes;
}

TEST(DatasetEstimate, IsNearWhatRenderingMakes) {
  SKIP_WITHOUT_SMALL_FONT();
  const TempDir folder;
  const DatasetOptions options = options_for(folder.path() / "set");
  const DatasetEstimate estimate = estimate_dataset(options, compose_test_song, Lexicon::builtin(), 2);
  EXPECT_FALSE(std::filesystem::exists(options.folder)) << "an estimate writes nothing";
  EXPECT_EQ(estimate.songs, 6);
  EXPECT_EQ(estimate.measured, 2);
  EXPECT_NEAR(estimate.music_hours, 6 * 5.5 / 3600, 1e-6);
  EXPECT_NEAR(estimate.stem_hours, 15 * 6 * 5.5 / 3600, 1e-3);  // two versions and a second arrangement of five stems
  EXPECT_GT(estimate.song_seconds, 0);
  EXPECT_NEAR(estimate.hours, estimate.song_seconds * 6 / 3600, 1e-9);
  render_dataset(options, compose_test_song, Lexicon::builtin());
  EXPECT_NEAR(estimate.gigabytes * 1e9 / bytes_below(options.folder), 1, 0.05);
}

TEST(DatasetEstimate, SkipsSongsThatCannotBeMade) {
  SKIP_WITHOUT_SMALL_FONT();
  const TempDir folder;
  const DatasetOptions options = options_for(folder.path() / "set");
  const Composer picky = [](uint64_t seed) {
    if (seed == 0) throw Error(ErrorKind::kInput, "no song from nothing");
    return compose_test_song(seed);
  };
  EXPECT_EQ(estimate_dataset(options, picky, Lexicon::builtin(), 2).measured, 1);
  expect_error(ErrorKind::kInput, "no song from nothing",
               [&] { estimate_dataset(options, picky, Lexicon::builtin(), 1); });
  expect_error(ErrorKind::kUsage, "at least one", [&] { estimate_dataset(options, picky, Lexicon::builtin(), 0); });
}

}  // namespace
}  // namespace instructme
