#include "instructme/base/hash.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

TEST(StableHash, NeverChanges) {
  // Splits of data sets depend on it.
  EXPECT_EQ(hash_text(stable_hash("")), "14650fb067f80c33");
  EXPECT_EQ(hash_text(stable_hash("a")), "44bd8ad4377013d2");
  EXPECT_EQ(hash_text(stable_hash("songs/train/song-0000100000")), "bc86e22e4bd80c12");
  EXPECT_EQ(hash_text(255), "00000000000000ff");
}

TEST(FolderHash, DependsOnNamesAndContentsOnly) {
  const TempDir a, b;
  for (const auto& folder : {a.path(), b.path()}) {
    make_folder(folder / "inner");
    write_file_atomically(folder / "x", "1");
    write_file_atomically(folder / "inner" / "y", "2");
  }
  EXPECT_EQ(folder_hash(a.path()), folder_hash(b.path()));
  write_file_atomically(b.path() / "x", "2");
  EXPECT_NE(folder_hash(a.path()), folder_hash(b.path()));
  write_file_atomically(b.path() / "x", "1");
  std::filesystem::rename(b.path() / "x", b.path() / "z");
  EXPECT_NE(folder_hash(a.path()), folder_hash(b.path()));
  expect_error(ErrorKind::kIo, "cannot read the folder", [] { folder_hash("/nowhere/at/all"); });
}

}  // namespace
}  // namespace instructme
