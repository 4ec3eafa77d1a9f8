#include "instructme/multitrack/collection_report.h"

#include <atomic>

#include "expect_error.h"
#include "multitrack_test_support.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

/// "song: kind" of every problem.
std::vector<std::string> problems_of(const CollectionReport& report) {
  std::vector<std::string> problems;
  for (const CollectionProblem& problem : report.problems)
    problems.push_back(problem.song + ": " + problem_kind_name(problem.kind) + (problem.fatal ? "!" : ""));
  return problems;
}

TEST(CollectionReport, CountsWhatIsThere) {
  const TempDir folder;
  make_slakh_track(folder.path() / "train" / "Track00001", "aaa");
  make_slakh_track(folder.path() / "train" / "Track00003", "bbb");
  make_slakh_track(folder.path() / "test" / "Track01900", "ccc");
  fs::remove(folder.path() / "train" / "Track00003" / "metadata.yaml");
  // Another sound, so that it is no copy of the first.
  write_tone(folder.path() / "test" / "Track01900" / "stems" / "S00.flac", {.hz = 150});
  const CollectionReport report = examine_songs(find(folder.path()));
  EXPECT_EQ(report.collection, "slakh");
  EXPECT_EQ(report.songs, 3);
  EXPECT_EQ(report.usable_songs, 2);
  EXPECT_NEAR(report.hours, 4.0 / 3600, 1e-9);
  EXPECT_THAT(report.splits, testing::ElementsAre(testing::Pair("test", 1), testing::Pair("train", 1)));
  ASSERT_TRUE(report.instruments.contains("bass"));
  EXPECT_EQ(report.instruments.at("bass").songs, 2);
  EXPECT_EQ(report.instruments.at("bass").stems, 2);
  EXPECT_NEAR(report.instruments.at("bass").hours, 4.0 / 3600, 1e-9);
  EXPECT_THAT(report.unnamed, testing::ElementsAre(testing::Pair("Seashore", 2)));
  EXPECT_THAT(problems_of(report), testing::ElementsAre("Track00003: metadata!"));

  const nlohmann::json json = to_json(report);
  EXPECT_EQ(json.at("usable_songs"), 2);
  EXPECT_EQ(json.at("instruments").at("drum kit").at("stems"), 2);
  EXPECT_EQ(json.at("unnamed").at("Seashore"), 2);
  EXPECT_EQ(json.at("problems").at(0).at("kind"), "metadata");
  EXPECT_EQ(json.at("problems").at(0).at("fatal"), true);
  const std::string text = to_text(report);
  EXPECT_THAT(text, testing::HasSubstr("slakh: 3 songs, 2 of them usable"));
  EXPECT_THAT(text, testing::HasSubstr("Seashore 2"));
  EXPECT_THAT(text, testing::HasSubstr("Track00003: "));
  EXPECT_THAT(to_text(report, 0, 0), testing::HasSubstr("and 1 more"));
}

class Damaged : public testing::Test {
 protected:
  void SetUp() override {
    write_tone(song("a") / "drums.wav", {.hz = 100});
    write_tone(song("a") / "bass.wav", {.hz = 200});
  }
  fs::path song(const std::string& name) const { return folder_.path() / name; }
  std::vector<std::string> problems(bool thorough = false) {
    ExamineOptions options;
    options.thorough = thorough;
    options.jobs = 2;
    report_ = examine_songs(find(folder_.path()), options);
    return problems_of(report_);
  }
  TempDir folder_;
  CollectionReport report_;
};

TEST_F(Damaged, NothingToFind) {
  EXPECT_THAT(problems(true), testing::IsEmpty());
  EXPECT_THAT(to_text(report_), testing::HasSubstr("no problems"));
}

TEST_F(Damaged, LengthsAndRates) {
  write_tone(song("a") / "piano.wav", {.seconds = 1.5, .sample_rate = 48000});
  EXPECT_THAT(problems(), testing::ElementsAre("a: lengths", "a: sampling rates"));
  EXPECT_THAT(report_.problems[0].message, testing::HasSubstr("'bass' has 2.00 s, 'piano' 1.50 s"));
  EXPECT_THAT(report_.problems[1].message, testing::HasSubstr("44100 to 48000 Hz"));
  EXPECT_EQ(report_.usable_songs, 1);
}

TEST_F(Damaged, ALengthThatNoHeaderTellsIsNoProblem) {
  write_tone(song("a") / "piano.flac", {.hz = 300});
  forget_length(song("a") / "piano.flac");
  EXPECT_THAT(problems(), testing::IsEmpty());
  EXPECT_EQ(report_.usable_songs, 1);
}

TEST_F(Damaged, UnreadableAndTruncatedFiles) {
  write_text(song("a") / "piano.wav", "no sound here");
  write_tone(song("b") / "drums.wav", {.hz = 300});
  write_tone(song("b") / "flute.wav");
  fs::resize_file(song("b") / "flute.wav", fs::file_size(song("b") / "flute.wav") / 2);
  EXPECT_THAT(problems(), testing::ElementsAre("a: unreadable audio!", "b: unreadable audio!"));
  EXPECT_THAT(report_.problems[0].message, testing::HasSubstr("piano.wav"));
  EXPECT_EQ(report_.usable_songs, 0);
}

TEST_F(Damaged, MissingFiles) {
  make_musdb_song(song("m"));
  fs::remove(song("m") / "bass.wav");
  const auto songs = find_songs(folder_.path(), CollectionKind::kMusdb, lexicon());
  const CollectionReport report = examine_songs(songs);
  EXPECT_THAT(problems_of(report), testing::ElementsAre("m: missing file!"));
  EXPECT_THAT(report.problems[0].message, testing::HasSubstr("bass.wav"));
}

TEST_F(Damaged, SongsThatNobodyCanAskAnythingOf) {
  for (int i = 0; i < 7; ++i) write_tone(song("b") / format("take%d.wav", i));
  EXPECT_THAT(problems(), testing::ElementsAre("b: no instrument!"));
  EXPECT_THAT(report_.problems[0].message, testing::HasSubstr("7 stems"));
  EXPECT_EQ(report_.unnamed.size(), 7u);
}

TEST_F(Damaged, Duplicates) {
  fs::copy(song("a"), song("b"));                          // the same first stem
  write_tone(song("train/a") / "drums.wav", {.hz = 300});  // the same title, in another split
  write_tone(song("train/a") / "bass.wav");
  EXPECT_THAT(problems(), testing::ElementsAre("b: duplicate", "train/a: duplicate"));
  EXPECT_THAT(report_.problems[0].message, testing::HasSubstr("first stem is that of 'a'"));
  EXPECT_THAT(report_.problems[1].message, testing::HasSubstr("title is that of 'a'"));
  EXPECT_THAT(report_.problems[1].message, testing::HasSubstr("split"));
  EXPECT_EQ(report_.usable_songs, 3);
}

TEST_F(Damaged, TitlesWithoutWordsAreNotTheSame) {
  double hz = 300;
  for (const char* title : {"!!!", "+-"})
    for (const char* stem : {"drums.wav", "bass.wav"}) write_tone(song(title) / stem, {.hz = hz += 10});
  EXPECT_THAT(problems(), testing::IsEmpty());
}

TEST_F(Damaged, SilenceOnlyWhenThorough) {
  write_tone(song("a") / "piano.wav", {.amplitude = 0});
  EXPECT_THAT(problems(), testing::IsEmpty());
  EXPECT_THAT(problems(true), testing::ElementsAre("a: silent stem"));
  EXPECT_THAT(report_.problems[0].message, testing::HasSubstr("'piano'"));
}

TEST_F(Damaged, MixesThatAreNotTheSum) {
  // The same balance at another level is the sum; another balance is not.
  write_sum(song("a") / "mix.wav", {{.hz = 100}, {.hz = 200}}, 2.5);
  EXPECT_THAT(problems(true), testing::IsEmpty());
  write_sum(song("a") / "mix.wav", {{.hz = 100}, {.hz = 200, .amplitude = 0.05}});
  EXPECT_THAT(problems(), testing::IsEmpty());
  EXPECT_THAT(problems(true), testing::ElementsAre("a: mix is not the sum"));
  // 0.1 and 0.05 against 0.1 and 0.1: the best factor is 0.75, which leaves (0.025, 0.025) of (0.1, 0.05), 10 dB.
  EXPECT_THAT(report_.problems[0].message, testing::HasSubstr("10.0 dB"));
  EXPECT_EQ(report_.usable_songs, 1);
  write_text(song("a") / "mix.wav", "broken");
  EXPECT_THAT(problems(true), testing::ElementsAre("a: unreadable audio"));
}

TEST_F(Damaged, StopsAndReports) {
  const auto songs = find(folder_.path());
  std::atomic<bool> stop{true};
  expect_error(ErrorKind::kCancelled, "", [&] { examine_songs(songs, {}, {}, CancelToken(&stop)); });
  ExamineOptions options;
  options.jobs = 0;
  expect_error(ErrorKind::kUsage, "threads", [&] { examine_songs(songs, options); });
  std::vector<int64_t> done;
  examine_songs(songs, {}, [&](const Progress& progress) {
    done.push_back(progress.done);
    EXPECT_EQ(progress.total, 1);
    EXPECT_EQ(progress.detail, "a");
  });
  EXPECT_THAT(done, testing::ElementsAre(1));
}

}  // namespace
}  // namespace instructme
