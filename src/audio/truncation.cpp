#include "truncation.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "mp3_length.h"

namespace instructme {
namespace {

/// Programs that write to a pipe put 0, 0xFFFFFFFF or about 2 GiB here.
bool length_is_open(uint64_t length) {
  return length == 0 || (length >= 0x7FFFF000u && length <= 0x7FFFFFFFu) || length >= 0xFFFFF000u;
}

class Bytes {
 public:
  explicit Bytes(const std::filesystem::path& path) : in_(path, std::ios::binary) {
    in_.seekg(0, std::ios::end);
    size_ = in_ ? static_cast<uint64_t>(in_.tellg()) : 0;
  }
  uint64_t size() const { return size_; }
  /// Up to `length` bytes; fewer at the end of the file.
  std::string at(uint64_t offset, uint64_t length) {
    if (offset >= size_) return "";
    std::string out(static_cast<size_t>(std::min(length, size_ - offset)), '\0');
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(offset));
    in_.read(out.data(), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<size_t>(std::max<std::streamsize>(0, in_.gcount())));
    return out;
  }

 private:
  std::ifstream in_;
  uint64_t size_ = 0;
};

uint64_t number(std::string_view bytes, bool big_endian) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[big_endian ? i : bytes.size() - 1 - i]);
  return value;
}

/// Walks the chunks of RIFF and IFF files up to the one with the samples.
bool chunks_are_truncated(Bytes& file, std::string_view sample_chunk, bool big_endian) {
  uint64_t long_length = 0;  // of RF64, whose usual field is too small
  for (uint64_t offset = 12; offset + 8 <= file.size();) {
    const std::string head = file.at(offset, 8);
    if (head.size() < 8) return false;
    const uint64_t length = number(head.substr(4), big_endian);
    if (head.starts_with("ds64")) {
      const std::string sizes = file.at(offset + 8, 16);
      if (sizes.size() == 16) long_length = number(std::string_view(sizes).substr(8), big_endian);
    }
    if (head.starts_with(sample_chunk)) {
      if (length == 0xFFFFFFFFu && long_length > 0) return offset + 8 + long_length > file.size();
      return !length_is_open(length) && offset + 8 + length > file.size();
    }
    offset += 8 + length + length % 2;
  }
  return false;
}

/// Ogg (RFC 3533): the last page must be whole.
bool last_page_is_truncated(Bytes& file) {
  constexpr uint64_t kLongestPage = 27 + 255 + 255 * 255;
  const std::string tail = file.at(file.size() - std::min(file.size(), kLongestPage), kLongestPage);
  const size_t page = tail.rfind("OggS");
  if (page == std::string::npos) return false;
  const std::string_view last = std::string_view(tail).substr(page);
  if (last.size() < 27) return true;
  const auto segments = static_cast<unsigned char>(last[26]);
  size_t length = 27u + segments;
  if (last.size() < length) return true;
  for (size_t i = 27; i < 27u + segments; ++i) length += static_cast<unsigned char>(last[i]);
  return last.size() < length;
}

/// The Xing header, in the first MPEG frame after an ID3 tag, counts the bytes from that frame on.
bool mp3_is_truncated(Bytes& file) {
  const uint64_t start = id3_length(file.at(0, 10));
  const std::string head = file.at(start, 4096);
  size_t frame = 0;
  while (frame + 1 < head.size() && !(static_cast<unsigned char>(head[frame]) == 0xFF &&
                                      (static_cast<unsigned char>(head[frame + 1]) & 0xE0) == 0xE0))
    ++frame;
  // 4 bytes of header and 9 to 32 of side information come first.
  const std::string_view first = std::string_view(head).substr(std::min(frame, head.size()), 64);
  const size_t at = std::min(first.find("Xing"), first.find("Info"));
  if (at == std::string_view::npos || first.size() < at + 16) return false;
  const uint64_t flags = number(first.substr(at + 4, 4), true);
  if ((flags & 2) == 0) return false;
  const uint64_t bytes = number(first.substr(at + ((flags & 1) != 0 ? 12 : 8), 4), true);
  // Some encoders do not count the frame with the header itself, so less is never an error.
  return start + frame + bytes > file.size();
}

}  // namespace

bool container_is_truncated(const std::filesystem::path& path) {
  Bytes file(path);
  const std::string magic = file.at(0, 12);
  if (magic.size() < 4) return false;
  const std::string_view kind = magic.size() == 12 ? std::string_view(magic).substr(8) : std::string_view();
  if ((magic.starts_with("RIFF") || magic.starts_with("RF64")) && kind == "WAVE")
    return chunks_are_truncated(file, "data", false);
  if (magic.starts_with("RIFX") && kind == "WAVE") return chunks_are_truncated(file, "data", true);
  if (magic.starts_with("FORM") && (kind == "AIFF" || kind == "AIFC")) return chunks_are_truncated(file, "SSND", true);
  if (magic.starts_with("OggS")) return last_page_is_truncated(file);
  const bool mpeg_sync =
      static_cast<unsigned char>(magic[0]) == 0xFF && (static_cast<unsigned char>(magic[1]) & 0xE0) == 0xE0;
  if (magic.starts_with("ID3") || mpeg_sync) return mp3_is_truncated(file);
  return false;
}

}  // namespace instructme
