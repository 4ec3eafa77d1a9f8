#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace instructme {

/// A file inside a tar archive.
struct TarEntry {
  std::string name;
  int64_t offset = 0;  ///< of its header in the archive, bytes
  int64_t size = 0;    ///< of its content, bytes
  /// Where the next entry's header is.
  int64_t next() const;
};

/// Writes POSIX tar archives ("ustar") whose bytes depend on names and contents alone: owner, group and time are 0,
/// the mode is 0644. Not thread-safe.
class TarWriter {
 public:
  /// Opens `path` for writing and empties it. Throws kIo.
  explicit TarWriter(std::filesystem::path path);
  ~TarWriter();
  TarWriter(const TarWriter&) = delete;
  TarWriter& operator=(const TarWriter&) = delete;

  /// Appends a file. Throws kIo when the disk refuses, e.g. because it is full; kInternal for a name that is empty or
  /// above 100 bytes, and for 8 GiB or more.
  TarEntry add(const std::string& name, std::string_view content);
  /// Writes the end of the archive and closes it. Without it the archive counts as truncated. Throws kIo.
  void finish();

 private:
  void write(std::string_view bytes);
  std::filesystem::path path_;
  int file_ = -1;
  int64_t end_ = 0;
};

/// Reads tar archives of plain files as TarWriter and the usual programs write them; folders and extended headers are
/// passed over. Immutable after opening; thread-safe.
class TarReader {
 public:
  /// Throws kIo when the archive cannot be read.
  explicit TarReader(std::filesystem::path path);
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;

  /// All files, in order; reads the headers only. Throws kInput when the archive is truncated or damaged.
  std::vector<TarEntry> entries() const;
  /// The file whose header is at `offset`. Throws kInput when there is none.
  TarEntry entry_at(int64_t offset) const;
  /// The content of an entry. Throws kInput when the archive is truncated, kIo.
  std::string read(const TarEntry& entry) const;

 private:
  struct Header;
  Header header_at(int64_t offset) const;
  std::string read_bytes(int64_t offset, int64_t size) const;
  [[noreturn]] void refuse(const std::string& why) const;

  std::filesystem::path path_;
  int file_ = -1;
  int64_t size_ = 0;
};

}  // namespace instructme
