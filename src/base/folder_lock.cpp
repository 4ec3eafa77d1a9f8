#include "instructme/base/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "instructme/base/error.h"

namespace instructme {

FolderLock::FolderLock(const std::filesystem::path& folder, const std::string& what) {
  const std::filesystem::path path = folder / "lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file_ < 0) throw Error(ErrorKind::kIo, "cannot open " + path.string() + ": " + std::strerror(errno));
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  ::close(file_);
  if (reason == EWOULDBLOCK)
    throw Error(ErrorKind::kInput, what + " " + folder.string() + " is in use by another process: wait for its end");
  throw Error(ErrorKind::kIo, "cannot lock " + path.string() + ": " + std::strerror(reason));
}

FolderLock::~FolderLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace instructme
