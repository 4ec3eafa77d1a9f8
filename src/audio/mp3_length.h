#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace instructme {

/// Bytes of the ID3 tag (version 2) that these bytes begin with; 0 when they begin with none.
uint64_t id3_length(std::string_view bytes);

/// Frames (samples per channel) of all MPEG frames of an MP3 file, by their headers (ISO/IEC 11172-3 and 13818-3, layer
/// III); with those that a decoder leaves out for the encoder's delay. 0 when there are none, or their length is free.
/// Where nothing else tells the length, libsndfile estimates it from the first frames, and reads no further than that.
int64_t mp3_length(const std::filesystem::path& path);

}  // namespace instructme
