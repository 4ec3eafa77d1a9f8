#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

namespace instructme {

/// A safetensors file assembled by hand: header length as 8 little-endian bytes, header, data.
inline std::string file_bytes(std::string_view header, std::string_view data) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8)
    bytes += static_cast<char>((static_cast<uint64_t>(header.size()) >> shift) & 0xff);
  return bytes.append(header).append(data);
}

inline void write_bytes(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace instructme
