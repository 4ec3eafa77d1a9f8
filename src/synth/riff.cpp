#include "riff.h"

#include <cctype>

#include "instructme/base/error.h"

namespace instructme::riff {

void require(bool good, const std::string& name) {
  if (!good) throw Error(ErrorKind::kInput, name + " is a damaged SoundFont; get it again");
}

std::vector<Chunk> chunks(std::string_view data, const std::string& name) {
  std::vector<Chunk> found;
  size_t at = 0;
  while (at + 8 <= data.size()) {
    const size_t length = number(data, at + 4, 4);
    require(at + 8 + length <= data.size(), name);
    found.push_back({std::string(data.substr(at, 4)), data.substr(at + 8, length)});
    at += 8 + length;
    // Some files leave the zero after an odd length out.
    if (length % 2 != 0 && at < data.size() && std::isalnum(static_cast<unsigned char>(data[at])) == 0) ++at;
  }
  return found;
}

std::string_view find(const std::vector<Chunk>& chunks, std::string_view id, const std::string& name) {
  for (const Chunk& chunk : chunks)
    if (chunk.id == id) return chunk.data;
  require(false, name);
  return {};
}

std::string chunk(const std::string& id, std::string data) {
  std::string out = id + std::string(4, '\0');
  put(out, 4, data.size() + data.size() % 2, 4);
  if (data.size() % 2 != 0) data += '\0';
  return out + data;
}

size_t number(std::string_view data, size_t at, int bytes) {
  size_t value = 0;
  if (at + static_cast<size_t>(bytes) > data.size()) return 0;
  for (int i = 0; i < bytes; ++i)
    value |= static_cast<size_t>(static_cast<unsigned char>(data[at + static_cast<size_t>(i)])) << (8 * i);
  return value;
}

void put(std::string& data, size_t at, size_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) data[at + static_cast<size_t>(i)] = static_cast<char>(value >> (8 * i) & 0xff);
}

}  // namespace instructme::riff
