#pragma once

#include "instructme/audio/audio_buffer.h"

namespace instructme {

enum class CodecFormat { kVorbis, kOpus, kMp3 };

struct CodecSettings {
  static constexpr const char* kName = "codec";
  CodecFormat format = CodecFormat::kVorbis;
  double quality = 0.1;  ///< 0 (smallest) to 1, as `WriteOptions::quality`
};

/// The sound after a lossy codec: encoded and decoded in memory, same rate, length and time. Rates that a
/// format does not have are resampled there and back. The delay of the codec is measured with a probe and
/// taken out, to within a frame. Peaks above full scale are kept (the sound is scaled down for the codec). Thread-safe.
/// Throws kUsage for values out of range, kMissing when libsndfile lacks the format.
AudioBuffer through_codec(const AudioBuffer& buffer, const CodecSettings& settings);

}  // namespace instructme
