#pragma once

#include <span>
#include <vector>

#include "instructme/audio/audio_buffer.h"

namespace instructme {

/// Changes the sampling rate with libsoxr at its very high quality (linear phase, pass band to 91 % of
/// the lower Nyquist frequency, 28 bits). The result has exactly round(N * to_hz / from_hz) samples and
/// no delay: time t stays at time t. Equal rates return a copy. Thread-safe.
/// Throws kInternal when a rate is not finite and above 0.
std::vector<float> resample(std::span<const float> mono, double from_hz, double to_hz);

/// All channels of a buffer; F becomes round(F * to_hz / sample_rate).
AudioBuffer resample(const AudioBuffer& buffer, int to_hz);

}  // namespace instructme
