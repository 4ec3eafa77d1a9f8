#pragma once

#include <cstdint>
#include <string_view>

namespace instructme {

inline constexpr int64_t kTarBlock = 512;
inline constexpr int64_t kTarRecord = 20 * kTarBlock;  ///< archives end on a multiple of it

/// Byte ranges of the header's fields.
struct TarField {
  int64_t start, size;
};
inline constexpr TarField kTarName{0, 100}, kTarMode{100, 8}, kTarUid{108, 8}, kTarGid{116, 8}, kTarSize{124, 12},
    kTarTime{136, 12}, kTarChecksum{148, 8}, kTarMagic{257, 6}, kTarVersion{263, 2}, kTarPrefix{345, 155};
inline constexpr int64_t kTarType = 156;

inline int64_t padded_to(int64_t size, int64_t unit) { return (size + unit - 1) / unit * unit; }

/// The sum of the header's bytes with its checksum taken as spaces.
inline int64_t tar_checksum(std::string_view header) {
  int64_t sum = 0;
  for (int64_t i = 0; i < kTarBlock; ++i) {
    const bool inside = i >= kTarChecksum.start && i < kTarChecksum.start + kTarChecksum.size;
    sum += inside ? ' ' : static_cast<unsigned char>(header[static_cast<size_t>(i)]);
  }
  return sum;
}

}  // namespace instructme
