#include "instructme/archive/tar.h"

#include <gtest/gtest.h>

#include <fstream>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/process.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

class Tar : public testing::Test {
 protected:
  std::vector<TarEntry> write() {
    TarWriter writer(path_);
    std::vector<TarEntry> entries;
    for (const auto& [name, content] : files_) entries.push_back(writer.add(name, content));
    writer.finish();
    return entries;
  }
  void overwrite(int64_t offset, char value) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset);
    file.put(value);
  }
  TempDir folder_;
  fs::path path_ = folder_.path() / "a.tar";
  std::vector<std::pair<std::string, std::string>> files_{
      {"one.json", "{\"a\": 1}"}, {"empty", ""}, {"block.bin", std::string(512, 'x')}, {std::string(100, 'n'), "end"}};
};

TEST_F(Tar, ReadsBackWhatWasWritten) {
  const auto written = write();
  const TarReader reader(path_);
  const auto read = reader.entries();
  ASSERT_EQ(read.size(), files_.size());
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].name, files_[i].first);
    EXPECT_EQ(read[i].offset, written[i].offset);
    EXPECT_EQ(reader.read(read[i]), files_[i].second);
    EXPECT_EQ(reader.read(reader.entry_at(written[i].offset)), files_[i].second);
  }
  EXPECT_EQ(fs::file_size(path_) % 10240, 0u);
}

TEST_F(Tar, SameContentsGiveTheSameBytes) {
  write();
  const std::string first = read_text_file(path_);
  write();
  EXPECT_EQ(read_text_file(path_), first);
}

TEST_F(Tar, TheProgramTarAgrees) {
  if (!program_exists("tar")) GTEST_SKIP() << "needs the program tar";
  write();
  const ProcessResult result = run_process({"tar", "-C", folder_.path().string(), "-xvf", path_.string()});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  for (const auto& [name, content] : files_) EXPECT_EQ(read_text_file(folder_.path() / name), content);

  fs::create_directory(folder_.path() / "deep");
  write_file_atomically(folder_.path() / "deep/file", "inside");
  const fs::path other = folder_.path() / "b.tar";
  ASSERT_EQ(run_process({"tar", "-C", folder_.path().string(), "-cf", other.string(), "deep", "one.json"}).exit_code,
            0);
  const TarReader reader(other);
  const auto entries = reader.entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].name, "deep/file");
  EXPECT_EQ(reader.read(entries[0]), "inside");
}

TEST_F(Tar, RefusesWhatIsTruncatedOrDamaged) {
  const auto written = write();
  expect_error(ErrorKind::kInput, "no file at byte", [&] { TarReader(path_).entry_at(written.back().next()); });
  expect_error(ErrorKind::kInput, "no valid header", [&] { TarReader(path_).entry_at(written[0].offset + 512); });
  expect_error(ErrorKind::kInput, "truncated", [&] { TarReader(path_).entry_at(INT64_MAX); });
  for (const int64_t size : {written[2].offset + 600, written[1].offset, int64_t{100}, int64_t{0}}) {
    write();
    fs::resize_file(path_, static_cast<uintmax_t>(size));
    expect_error(ErrorKind::kInput, "truncated", [&] { TarReader(path_).entries(); });
  }
  write();
  overwrite(written[1].offset + 3, 'Z');
  expect_error(ErrorKind::kInput, "no valid header at byte 1024", [&] { TarReader(path_).entries(); });
  write();
  for (int64_t i = 0; i < 512; ++i) overwrite(written[1].offset + i, '\0');
  expect_error(ErrorKind::kInput, "no valid header at byte 1024", [&] { TarReader(path_).entries(); });
  write_file_atomically(path_, std::string(2048, 'q'));
  expect_error(ErrorKind::kInput, "damaged", [&] { TarReader(path_).entries(); });
  expect_error(ErrorKind::kIo, "nowhere.tar", [&] { TarReader(folder_.path() / "nowhere.tar"); });
  expect_error(ErrorKind::kIo, "regular file", [&] { TarReader(folder_.path()); });
}

TEST_F(Tar, OneBlockOfZerosEndsAnArchiveToo) {
  const auto written = write();
  fs::resize_file(path_, static_cast<uintmax_t>(written.back().next() + 512));
  EXPECT_EQ(TarReader(path_).entries().size(), files_.size());
}

TEST_F(Tar, SaysWhenTheDiskRefuses) {
  expect_error(ErrorKind::kIo, "No space left", [] { TarWriter("/dev/full").add("name", "content"); });
  expect_error(ErrorKind::kIo, "cannot write", [] { TarWriter("/nowhere/at/all.tar"); });
  expect_error(ErrorKind::kInternal, "does not fit", [&] { TarWriter(path_).add(std::string(101, 'n'), ""); });
}

}  // namespace
}  // namespace instructme
