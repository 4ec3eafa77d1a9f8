#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace instructme {

/// A file that appears under its name only when complete. Write to `temporary()`, then `commit()`;
/// without a commit the temporary file is removed, so a crash or an error leaves nothing behind but
/// at most a hidden `.name.part-<pid>` beside the target.
class AtomicFile {
 public:
  /// Throws kIo when the folder does not exist, is not writable, or the target is a folder or a device.
  explicit AtomicFile(std::filesystem::path target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }
  /// Flushes to disk and renames. Throws kIo.
  void commit();

 private:
  std::filesystem::path target_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

/// A folder of its own under the system's temporary folder, removed with everything in it.
class TempDir {
 public:
  /// Throws kIo when there is no place for it.
  explicit TempDir(std::string_view prefix = "instructme");
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The last part of a path as a name, for "songs/" and "." too.
std::string own_name(const std::filesystem::path& place);
/// The whole file. Throws kIo with the reason.
std::string read_text_file(const std::filesystem::path& path);
/// Throws kIo; the target is either the old or the new content, never half of it.
void write_file_atomically(const std::filesystem::path& path, std::string_view content);
/// Like std::filesystem::create_directories, but throws kIo with a sentence.
void make_folder(const std::filesystem::path& path);

}  // namespace instructme
