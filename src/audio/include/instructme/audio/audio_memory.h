#pragma once

#include <string>
#include <string_view>

#include "instructme/audio/audio_buffer.h"

namespace instructme {

/// The bytes of a FLAC file of 16 or 24 bits, as `write_audio` would write it; the same sound gives the same bytes.
/// Values beyond full scale are clipped. Throws kInternal for an empty buffer, NaN or another number of bits.
std::string encode_flac(const AudioBuffer& buffer, int bits = 16);

/// Decodes the bytes of a FLAC file. `name` is what error messages call it. Throws kInput when they are damaged or
/// truncated, or hold no sound.
AudioBuffer decode_flac(std::string_view bytes, const std::string& name);

/// Name and version of the library that encodes, e.g. "libsndfile-1.2.0".
std::string audio_library_version();

}  // namespace instructme
