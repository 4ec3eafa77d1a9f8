#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace instructme {

/// Sound in memory: F frames of C channels, `samples` is [F * C] interleaved (frame by frame), full
/// scale is ±1.
struct AudioBuffer {
  int sample_rate = 0;  ///< Hz
  int channels = 0;
  std::vector<float> samples;

  int64_t frames() const { return channels > 0 ? static_cast<int64_t>(samples.size()) / channels : 0; }
  double seconds() const { return sample_rate > 0 ? static_cast<double>(frames()) / sample_rate : 0.0; }
};

/// The mean of the channels, [F]. Throws kInternal when there is no channel.
std::vector<float> mix_to_mono(const AudioBuffer& buffer);

/// One channel, [F]; the first is 0. Throws kInternal when it does not exist.
std::vector<float> extract_channel(const AudioBuffer& buffer, int channel);

/// A buffer from one vector of [F] for each channel. Throws kInternal when there is none or when their
/// lengths differ.
AudioBuffer from_planar(const std::vector<std::vector<float>>& channels, int sample_rate);
AudioBuffer from_mono(std::vector<float> mono, int sample_rate);

/// The largest absolute value; 0 for no samples.
float peak(std::span<const float> samples);

/// 20 log10 of the root mean square, so a full-scale sine is -3.01 dB; -infinity for silence.
double rms_db(std::span<const float> samples);

/// Whether no sample rises above `threshold_db` dB of full scale; true for an empty buffer.
bool is_silent(const AudioBuffer& buffer, double threshold_db = -80.0);

}  // namespace instructme
