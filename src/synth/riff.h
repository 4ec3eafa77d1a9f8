#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace instructme::riff {

/// A piece of a RIFF file: four letters, a length, data.
struct Chunk {
  std::string id;
  std::string_view data;
};

/// Throws kInput: the SoundFont `name` is damaged.
void require(bool good, const std::string& name);

/// The pieces that follow each other in `data`. Throws kInput when one is longer than what is there.
std::vector<Chunk> chunks(std::string_view data, const std::string& name);

/// Throws kInput when there is none.
std::string_view find(const std::vector<Chunk>& chunks, std::string_view id, const std::string& name);

/// The bytes of a piece; a zero that counts makes an odd length even, as SoundFonts want it.
std::string chunk(const std::string& id, std::string data);

/// Little-endian numbers of so many bytes; 0 for one that is not there.
size_t number(std::string_view data, size_t at, int bytes);
void put(std::string& data, size_t at, size_t value, int bytes);

}  // namespace instructme::riff
