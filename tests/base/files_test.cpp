#include "instructme/base/files.h"

#include <cstdlib>
#include <fstream>

#include "expect_error.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  return names;
}

void put(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  const TempDir folder;
  const fs::path target = folder.path() / "a.wav";
  {
    AtomicFile file(target);
    put(file.temporary(), "new");
    EXPECT_FALSE(fs::exists(target));
    EXPECT_EQ(file.temporary().parent_path(), folder.path()) << "a rename must not cross file systems";
    EXPECT_EQ(file.temporary().extension(), ".wav");
    file.commit();
  }
  EXPECT_EQ(read_text_file(target), "new");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a.wav"});
}

TEST(AtomicFile, AFailureLeavesNothingAndKeepsTheOldFile) {
  const TempDir folder;
  const fs::path target = folder.path() / "a.txt";
  put(target, "old");
  try {
    AtomicFile file(target);
    put(file.temporary(), "half of the n");
    throw std::runtime_error("the writer failed");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(read_text_file(target), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a.txt"});
}

TEST(AtomicFile, AFailedCommitLeavesNothing) {
  const TempDir folder;
  const fs::path target = folder.path() / "a.txt";
  {
    AtomicFile file(target);
    put(file.temporary(), "new");
    fs::create_directories(target / "in the way");
    expect_error(ErrorKind::kIo, "cannot write " + target.string(), [&] { file.commit(); });
  }
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"a.txt"});
  AtomicFile vanished(folder.path() / "b.txt");
  fs::remove(vanished.temporary());
  expect_error(ErrorKind::kIo, "b.txt", [&] { vanished.commit(); });
}

TEST(AtomicFile, TheLongestNamesHaveRoomForItsOwn) {
  const TempDir folder;
  const fs::path path = folder.path() / (std::string(251, 'a') + ".wav");
  write_file_atomically(path, "x");
  EXPECT_EQ(read_text_file(path), "x");
}

TEST(AtomicFile, RefusesImpossibleTargets) {
  const TempDir folder;
  expect_error(ErrorKind::kIo, "does not exist", [&] { AtomicFile(folder.path() / "nowhere" / "a.txt"); });
  expect_error(ErrorKind::kIo, "it is a folder", [&] { AtomicFile{folder.path()}; });
  fs::create_symlink("/dev/null", folder.path() / "device");
  expect_error(ErrorKind::kIo, "not a regular file", [&] { AtomicFile(folder.path() / "device"); });
  fs::create_symlink("circle", folder.path() / "circle");
  expect_error(ErrorKind::kIo, "circle cannot be reached", [&] { AtomicFile(folder.path() / "circle" / "a.txt"); });
}

TEST(TempDir, IsItsOwnAndGoesAwayWithItsContent) {
  fs::path path;
  {
    const TempDir one("prefix"), two("prefix");
    path = one.path();
    EXPECT_NE(one.path(), two.path());
    EXPECT_TRUE(path.filename().string().starts_with("prefix-"));
    fs::create_directories(path / "a/b");
    put(path / "a/b/c", "x");
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(TempDir, SaysWhenThereIsNoPlaceForIt) {
  const char* variable = std::getenv("TMPDIR");
  const std::string before = variable == nullptr ? "" : variable;
  ::setenv("TMPDIR", "/nowhere/at/all", 1);
  expect_error(ErrorKind::kIo, "let TMPDIR name a folder", [] { const TempDir folder; });
  if (variable == nullptr)
    ::unsetenv("TMPDIR");
  else
    ::setenv("TMPDIR", before.c_str(), 1);
}

TEST(TextFile, AnyBytesSurvive) {
  const TempDir folder;
  const fs::path path = folder.path() / "a";
  std::string bytes;
  for (int i = 0; i < 70000; ++i) bytes += static_cast<char>(i % 256);
  for (const std::string& content : {std::string(), std::string("\r\n\0x", 4), bytes}) {
    write_file_atomically(path, content);
    EXPECT_EQ(read_text_file(path), content);
  }
}

TEST(TextFile, Errors) {
  const TempDir folder;
  expect_error(ErrorKind::kIo, "No such file", [&] { read_text_file(folder.path() / "absent"); });
  expect_error(ErrorKind::kIo, "it is a folder", [&] { read_text_file(folder.path()); });
  // Its first page cannot be read.
  if (fs::exists("/proc/self/mem"))
    expect_error(ErrorKind::kIo, "cannot read /proc/self/mem", [] { read_text_file("/proc/self/mem"); });
  expect_error(ErrorKind::kIo, "does not exist",
               [&] { write_file_atomically(folder.path() / "nowhere" / "a", "text"); });
}

TEST(MakeFolder, NestedExistingAndImpossible) {
  const TempDir folder;
  make_folder(folder.path() / "a/b");
  make_folder(folder.path() / "a/b");
  EXPECT_TRUE(fs::is_directory(folder.path() / "a/b"));
  put(folder.path() / "file", "x");
  expect_error(ErrorKind::kIo, "cannot make the folder", [&] { make_folder(folder.path() / "file/a"); });
}

}  // namespace
}  // namespace instructme
