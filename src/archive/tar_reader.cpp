#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "instructme/archive/tar.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "tar_format.h"

namespace instructme {
namespace {

std::string_view field_of(std::string_view header, const TarField& field) {
  const std::string_view bytes = header.substr(static_cast<size_t>(field.start), static_cast<size_t>(field.size));
  return bytes.substr(0, bytes.find('\0'));
}

/// Octal digits between spaces; nothing else, so the base-256 numbers of files above 8 GiB are not read.
std::optional<int64_t> octal(std::string_view text) {
  const std::string digits = trim(text);
  if (digits.empty() || digits.size() > 12 || digits.find_first_not_of("01234567") != std::string::npos) return {};
  return static_cast<int64_t>(std::stoull(digits, nullptr, 8));
}

}  // namespace

struct TarReader::Header {
  TarEntry entry;
  char type = '\0';  // '\0' at the end of the archive
};

TarReader::TarReader(std::filesystem::path path)
    : path_(std::move(path)), file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (file_ < 0 || ::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
    const std::string reason = file_ < 0 ? std::strerror(errno) : "it is not a regular file";
    if (file_ >= 0) ::close(file_);
    throw Error(ErrorKind::kIo, "cannot read " + path_.string() + ": " + reason);
  }
  size_ = status.st_size;
}

TarReader::~TarReader() { ::close(file_); }

void TarReader::refuse(const std::string& why) const {
  throw Error(ErrorKind::kInput, "cannot use " + path_.string() + ": " + why + "; make it again or fetch it again");
}

std::string TarReader::read_bytes(int64_t offset, int64_t size) const {
  if (offset < 0 || size < 0 || offset > size_ || size > size_ - offset)
    refuse(format("it is truncated: it has %lld bytes, %lld from byte %lld on were wanted",
                  static_cast<long long>(size_), static_cast<long long>(size), static_cast<long long>(offset)));
  std::string bytes(static_cast<size_t>(size), '\0');
  for (int64_t done = 0; done < size;) {
    const ssize_t got = ::pread(file_, bytes.data() + done, static_cast<size_t>(size - done), offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(ErrorKind::kIo, "cannot read " + path_.string() + ": " + std::strerror(errno));
    if (got == 0) refuse("it became shorter while it was read");
    done += got;
  }
  return bytes;
}

TarReader::Header TarReader::header_at(int64_t offset) const {
  const std::string header = read_bytes(offset, kTarBlock);
  if (header.find_first_not_of('\0') == std::string::npos) return {{"", offset, 0}, '\0'};
  const auto place = [&] { return format("at byte %lld", static_cast<long long>(offset)); };
  const auto checksum = octal(field_of(header, kTarChecksum)), size = octal(field_of(header, kTarSize));
  if (!checksum || *checksum != tar_checksum(header) || !size)
    refuse("it is damaged: there is no valid header " + place());
  std::string name(field_of(header, kTarName));
  if (const auto prefix = field_of(header, kTarPrefix); !prefix.empty()) name = std::string(prefix) + "/" + name;
  const char type = header[static_cast<size_t>(kTarType)];
  return {{std::move(name), offset, *size}, type == '\0' ? '0' : type};
}

std::vector<TarEntry> TarReader::entries() const {
  std::vector<TarEntry> found;
  for (int64_t offset = 0;;) {
    Header header = header_at(offset);
    if (header.type == '\0') {
      // Two blocks of zeros are the end. A single one may be a header that was lost, and all files behind it with it.
      if (read_bytes(offset, std::min(2 * kTarBlock, size_ - offset)).find_first_not_of('\0') != std::string::npos)
        refuse(format("it is damaged: there is no valid header at byte %lld", static_cast<long long>(offset)));
      return found;
    }
    offset = header.entry.next();
    if (offset > size_) refuse("it is truncated inside of '" + header.entry.name + "'");
    if (header.type == '0')
      found.push_back(std::move(header.entry));
    else if (std::string_view("xg5").find(header.type) == std::string_view::npos)
      refuse("'" + header.entry.name + "' in it is not a plain file");
  }
}

TarEntry TarReader::entry_at(int64_t offset) const {
  Header header = header_at(offset);
  if (header.type != '0') refuse(format("there is no file at byte %lld", static_cast<long long>(offset)));
  return std::move(header.entry);
}

std::string TarReader::read(const TarEntry& entry) const { return read_bytes(entry.offset + kTarBlock, entry.size); }

}  // namespace instructme
