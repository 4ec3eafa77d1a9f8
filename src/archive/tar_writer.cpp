#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "instructme/archive/tar.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "tar_format.h"

namespace instructme {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 33;  // 11 octal digits

void put(std::string& header, const TarField& field, std::string_view text) {
  header.replace(static_cast<size_t>(field.start), text.size(), text);
}

void put_octal(std::string& header, const TarField& field, int64_t value) {
  put(header, field, format("%0*llo", static_cast<int>(field.size - 1), static_cast<unsigned long long>(value)));
}

std::string header_of(const std::string& name, int64_t size) {
  std::string header(static_cast<size_t>(kTarBlock), '\0');
  put(header, kTarName, name);
  put_octal(header, kTarMode, 0644);
  put_octal(header, kTarUid, 0);
  put_octal(header, kTarGid, 0);
  put_octal(header, kTarSize, size);
  put_octal(header, kTarTime, 0);
  header[static_cast<size_t>(kTarType)] = '0';
  put(header, kTarMagic, std::string_view("ustar\0", 6));
  put(header, kTarVersion, "00");
  put(header, kTarChecksum, format("%06llo", static_cast<unsigned long long>(tar_checksum(header))));
  header[static_cast<size_t>(kTarChecksum.start + 7)] = ' ';
  return header;
}

}  // namespace

int64_t TarEntry::next() const { return offset + kTarBlock + padded_to(size, kTarBlock); }

TarWriter::TarWriter(std::filesystem::path path)
    : path_(std::move(path)), file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {
  if (file_ < 0) throw Error(ErrorKind::kIo, "cannot write " + path_.string() + ": " + std::strerror(errno));
}

TarWriter::~TarWriter() {
  if (file_ >= 0) ::close(file_);
}

void TarWriter::write(std::string_view bytes) {
  ensure(file_ >= 0, "an archive was written to after its end");
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw Error(ErrorKind::kIo, "cannot write " + path_.string() + ": " + std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(written));
    end_ += written;
  }
}

TarEntry TarWriter::add(const std::string& name, std::string_view content) {
  ensure(!name.empty() && static_cast<int64_t>(name.size()) <= kTarName.size,
         "the name '" + name + "' does not fit into an archive");
  const auto size = static_cast<int64_t>(content.size());
  ensure(size < kMostBytes, "'" + name + "' is too large for an archive");
  const TarEntry entry{name, end_, size};
  write(header_of(name, size));
  write(content);
  write(std::string(static_cast<size_t>(padded_to(size, kTarBlock) - size), '\0'));
  return entry;
}

void TarWriter::finish() {
  write(std::string(static_cast<size_t>(padded_to(end_ + 2 * kTarBlock, kTarRecord) - end_), '\0'));
  const int closed = ::close(file_);
  file_ = -1;
  if (closed != 0) throw Error(ErrorKind::kIo, "cannot write " + path_.string() + ": " + std::strerror(errno));
}

}  // namespace instructme
