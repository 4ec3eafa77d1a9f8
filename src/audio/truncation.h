#pragma once

#include <filesystem>

namespace instructme {

/// Whether the end of an audio file is missing by what its container says about its own length: the
/// sample chunk of WAV, RF64 and AIFF, the last page of Ogg, the Xing header of MP3. libsndfile quietly
/// shortens such files. False for other formats and for lengths left open, as programs do that write to
/// a pipe.
bool container_is_truncated(const std::filesystem::path& path);

}  // namespace instructme
