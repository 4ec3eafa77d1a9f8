#include "sound_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>

namespace instructme {
namespace {

constexpr size_t kMostPlaced = 8;

/// Which channel of WAV each one of Ogg is; nothing where both have the same order.
std::vector<size_t> wav_channels(int channels) {
  switch (channels) {
    case 3: return {0, 2, 1};
    case 5: return {0, 2, 1, 3, 4};
    case 6: return {0, 2, 1, 4, 5, 3};
    case 7: return {0, 2, 1, 5, 6, 4, 3};
    case 8: return {0, 2, 1, 6, 7, 4, 5, 3};
    default: return {};
  }
}

/// Channel c of every frame becomes what its channel from[c] was; `from` empty: nothing.
void reorder(std::span<float> samples, const std::vector<size_t>& from) {
  std::array<float, kMostPlaced> frame{};
  for (size_t start = 0; !from.empty() && start + from.size() <= samples.size(); start += from.size()) {
    for (size_t c = 0; c < from.size(); ++c) frame[c] = samples[start + from[c]];
    std::copy_n(frame.begin(), from.size(), samples.begin() + static_cast<std::ptrdiff_t>(start));
  }
}

}  // namespace

void to_wav_order(std::span<float> ogg, int channels) {
  const std::vector<size_t> wav = wav_channels(channels);
  std::vector<size_t> back(wav.size());
  for (size_t c = 0; c < wav.size(); ++c) back[wav[c]] = c;
  reorder(ogg, back);
}

void to_ogg_order(std::span<float> wav, int channels) { reorder(wav, wav_channels(channels)); }

bool has_ogg_order(int format) {
  const int codec = format & SF_FORMAT_SUBMASK;
  return (format & SF_FORMAT_TYPEMASK) == SF_FORMAT_OGG && (codec == SF_FORMAT_VORBIS || codec == SF_FORMAT_OPUS);
}

OutputStream::OutputStream(const std::filesystem::path& path)
    : file_(::open(path.c_str(), O_RDWR | O_TRUNC | O_CLOEXEC)) {
  if (file_ < 0) error_ = errno;
}

OutputStream::~OutputStream() {
  if (file_ >= 0) ::close(file_);
}

SF_VIRTUAL_IO OutputStream::callbacks() const { return {&length, &seek, &read, &write, &tell}; }

sf_count_t OutputStream::length(void* self) {
  struct stat status {};
  return ::fstat(static_cast<OutputStream*>(self)->file_, &status) == 0 ? status.st_size : 0;
}

sf_count_t OutputStream::seek(sf_count_t offset, int whence, void* self) {
  return ::lseek(static_cast<OutputStream*>(self)->file_, offset, whence);
}

sf_count_t OutputStream::read(void* data, sf_count_t bytes, void* self) {
  const ssize_t got = ::read(static_cast<OutputStream*>(self)->file_, data, static_cast<size_t>(bytes));
  return got < 0 ? 0 : got;
}

sf_count_t OutputStream::write(const void* data, sf_count_t bytes, void* self) {
  auto& stream = *static_cast<OutputStream*>(self);
  const char* next = static_cast<const char*>(data);
  for (sf_count_t left = bytes; left > 0 && stream.error_ == 0;) {
    const ssize_t written = ::write(stream.file_, next, static_cast<size_t>(left));
    if (written < 0) {
      if (errno != EINTR) stream.error_ = errno;
      continue;
    }
    next += written;
    left -= written;
  }
  // Some encoders repeat a refused write for ever, so they are told that it worked; the caller looks at
  // error() after every block.
  return bytes;
}

sf_count_t OutputStream::tell(void* self) { return ::lseek(static_cast<OutputStream*>(self)->file_, 0, SEEK_CUR); }

const std::vector<std::pair<const char*, int>>& sound_file_tags() {
  static const std::vector<std::pair<const char*, int>> table = {
      {"title", SF_STR_TITLE},      {"artist", SF_STR_ARTIST},       {"album", SF_STR_ALBUM},
      {"genre", SF_STR_GENRE},      {"date", SF_STR_DATE},           {"tracknumber", SF_STR_TRACKNUMBER},
      {"comment", SF_STR_COMMENT},  {"copyright", SF_STR_COPYRIGHT}, {"license", SF_STR_LICENSE},
      {"software", SF_STR_SOFTWARE}};
  return table;
}

int64_t quantise(std::span<const float> in, int bits, std::vector<int>& out) {
  const double scale = std::ldexp(1.0, bits - 1);
  int64_t clipped = 0;
  out.resize(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    if (std::abs(in[i]) > 1.0f) ++clipped;
    // +1 itself has no code; the highest one is as near as a format can come.
    const double level = std::clamp(std::nearbyint(in[i] * scale), -scale, scale - 1);
    out[i] = static_cast<int>(static_cast<int64_t>(level) * (int64_t{1} << (32 - bits)));
  }
  return clipped;
}

}  // namespace instructme
