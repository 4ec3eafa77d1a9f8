#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace instructme {

/// A whole file mapped read-only. Throws kIo when it cannot be opened or mapped. Shrinking the file
/// while it is mapped makes the system stop the process, as with every mapping.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace instructme
