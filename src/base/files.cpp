#include "instructme/base/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <vector>

#include "instructme/base/error.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

[[noreturn]] void throw_io(const std::string& what, int code) {
  throw Error(ErrorKind::kIo, what + ": " + std::strerror(code));
}

}  // namespace

AtomicFile::AtomicFile(fs::path target) : target_(std::move(target)) {
  const std::string cannot = "cannot write " + target_.string() + ": ";
  const fs::path folder = target_.has_parent_path() ? target_.parent_path() : fs::path(".");
  std::error_code code;
  if (const fs::file_status place = fs::status(folder, code); !fs::is_directory(place)) {
    const bool unknown = place.type() == fs::file_type::none;
    throw Error(ErrorKind::kIo, cannot + "the folder " + folder.string() +
                                    (unknown ? " cannot be reached: " + code.message() : " does not exist"));
  }
  const fs::file_status there = fs::status(target_, code);
  if (fs::is_directory(there)) throw Error(ErrorKind::kIo, cannot + "it is a folder, a file name was wanted");
  // The rename would put a plain file in the place of a device such as /dev/null.
  if (fs::exists(there) && !fs::is_regular_file(there))
    throw Error(ErrorKind::kIo, cannot + "it is not a regular file");
  // The extension stays last because audio libraries choose the format by it.
  const std::string ending = ".part-" + std::to_string(::getpid()) + target_.extension().string();
  constexpr size_t kLongestName = 255;
  const size_t room = kLongestName - std::min(kLongestName, ending.size() + 1);
  temporary_ = folder / ("." + target_.stem().string().substr(0, room) + ending);
  const int file = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) throw_io("cannot write " + target_.string(), errno);
  ::close(file);
}

AtomicFile::~AtomicFile() {
  if (!committed_) {
    std::error_code ignored;
    fs::remove(temporary_, ignored);
  }
}

void AtomicFile::commit() {
  const int file = ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw_io("cannot write " + target_.string(), errno);
  const int synced = ::fsync(file);
  const int reason = errno;
  ::close(file);
  if (synced != 0) throw_io("cannot write " + target_.string(), reason);
  std::error_code code;
  fs::rename(temporary_, target_, code);
  if (code) throw Error(ErrorKind::kIo, "cannot write " + target_.string() + ": " + code.message());
  committed_ = true;
}

TempDir::TempDir(std::string_view prefix) {
  std::error_code code;
  const fs::path place = fs::temp_directory_path(code);
  if (code)
    throw Error(ErrorKind::kIo, "cannot make a temporary folder: the place for them cannot be used (" + code.message() +
                                    "); let TMPDIR name a folder");
  std::string pattern = (place / (std::string(prefix) + "-XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) throw_io("cannot make a temporary folder " + pattern, errno);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string own_name(const std::filesystem::path& place) {
  const fs::path whole = fs::absolute(place).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

std::string read_text_file(const fs::path& path) {
  std::error_code code;
  if (fs::is_directory(path, code)) throw Error(ErrorKind::kIo, "cannot read " + path.string() + ": it is a folder");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw_io("cannot read " + path.string(), errno);
  std::string content;
  std::vector<char> piece(1 << 16);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0)
    content.append(piece.data(), static_cast<size_t>(in.gcount()));
  if (in.bad()) throw_io("cannot read " + path.string(), errno);
  return content;
}

void write_file_atomically(const fs::path& path, std::string_view content) {
  AtomicFile file(path);
  {
    std::ofstream out(file.temporary(), std::ios::binary | std::ios::trunc);
    out.write(content.data(), static_cast<std::streamsize>(content.size()));
    out.flush();
    if (!out) throw_io("cannot write " + path.string(), errno);
  }
  file.commit();
}

void make_folder(const fs::path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) throw Error(ErrorKind::kIo, "cannot make the folder " + path.string() + ": " + code.message());
}

}  // namespace instructme
