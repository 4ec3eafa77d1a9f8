#include "mp3_length.h"

#include <array>
#include <fstream>
#include <iterator>
#include <string>

namespace instructme {
namespace {

struct MpegFrame {
  size_t bytes = 0;  // 0: no header of a frame
  int64_t samples = 0;
};

MpegFrame frame_at(const std::string& data, size_t at) {
  constexpr std::array<int, 15> kRates1 = {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
  constexpr std::array<int, 15> kRates2 = {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};  // kbit/s
  constexpr std::array<int, 3> kSampleRates = {44100, 48000, 32000};
  if (at + 4 > data.size()) return {};
  const auto byte = [&](size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(data[at + i])); };
  const unsigned version = byte(1) >> 3 & 3, layer = byte(1) >> 1 & 3, rate = byte(2) >> 4, sampling = byte(2) >> 2 & 3;
  const bool sync = byte(0) == 0xFF && (byte(1) & 0xE0) == 0xE0;
  if (!sync || version == 1 || layer != 1 || rate == 0 || rate == 15 || sampling == 3) return {};
  const bool first = version == 3;  // MPEG 1; else 2 (2) or 2.5 (0)
  const int sample_rate = kSampleRates[sampling] >> (first ? 0 : version == 2 ? 1 : 2);
  const int bits_per_s = 1000 * (first ? kRates1 : kRates2)[rate];
  const int padding = static_cast<int>(byte(2) >> 1 & 1);
  return {static_cast<size_t>((first ? 144 : 72) * bits_per_s / sample_rate + padding), first ? 1152 : 576};
}

}  // namespace

uint64_t id3_length(std::string_view bytes) {
  constexpr size_t kHeader = 10;
  if (bytes.size() < kHeader || !bytes.starts_with("ID3")) return 0;
  uint64_t length = 0;
  for (const char digit : bytes.substr(6, 4)) length = length << 7 | (static_cast<unsigned char>(digit) & 0x7F);
  return kHeader + length;
}

int64_t mp3_length(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string data{std::istreambuf_iterator<char>(file), {}};
  int64_t samples = 0;
  for (size_t at = 0; at < data.size();) {
    if (const uint64_t tag = id3_length(std::string_view(data).substr(at)); tag > 0) {
      at += tag;
      continue;
    }
    const MpegFrame frame = frame_at(data, at);
    const size_t next = at + frame.bytes;
    // Two bytes that look like a header may be anything; with another one where it should be, they are one.
    if (frame.bytes > 0 && (next >= data.size() || frame_at(data, next).bytes > 0 ||
                            data.compare(next, 3, "TAG") == 0 || data.compare(next, 3, "APE") == 0)) {
      samples += frame.samples;
      at = next;
    } else {
      ++at;
    }
  }
  return samples;
}

}  // namespace instructme
