#pragma once

#include <filesystem>
#include <string>

namespace instructme {

/// Keeps other processes, and other locks of this one, out of a folder for as long as it lives; the system lets go of
/// it when the process ends, however it ends. That holds where flock() does, so between machines only on file systems
/// that pass it on. Leaves a file `lock` in the folder.
class FolderLock {
 public:
  /// `what` names the folder in errors: "the session". Throws kInput when another process holds it, kIo when there can
  /// be none.
  FolderLock(const std::filesystem::path& folder, const std::string& what);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_ = -1;
};

}  // namespace instructme
