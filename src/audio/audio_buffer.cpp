#include "instructme/audio/audio_buffer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "instructme/base/error.h"

namespace instructme {

std::vector<float> mix_to_mono(const AudioBuffer& buffer) {
  ensure(buffer.channels > 0, "a buffer without channels cannot be mixed to mono");
  if (buffer.channels == 1) return buffer.samples;
  const auto channels = static_cast<size_t>(buffer.channels);
  std::vector<float> mono(static_cast<size_t>(buffer.frames()));
  for (size_t i = 0; i < mono.size(); ++i) {
    double sum = 0;
    for (size_t c = 0; c < channels; ++c) sum += buffer.samples[i * channels + c];
    mono[i] = static_cast<float>(sum / static_cast<double>(channels));
  }
  return mono;
}

std::vector<float> extract_channel(const AudioBuffer& buffer, int channel) {
  ensure(channel >= 0 && channel < buffer.channels, "channel " + std::to_string(channel) + " of a buffer with " +
                                                        std::to_string(buffer.channels) + " channels was asked for");
  const auto channels = static_cast<size_t>(buffer.channels);
  std::vector<float> out(static_cast<size_t>(buffer.frames()));
  for (size_t i = 0; i < out.size(); ++i) out[i] = buffer.samples[i * channels + static_cast<size_t>(channel)];
  return out;
}

AudioBuffer from_planar(const std::vector<std::vector<float>>& channels, int sample_rate) {
  ensure(!channels.empty(), "a buffer needs at least one channel");
  AudioBuffer buffer;
  buffer.sample_rate = sample_rate;
  buffer.channels = static_cast<int>(channels.size());
  const size_t frames = channels.front().size();
  buffer.samples.resize(frames * channels.size());
  for (size_t c = 0; c < channels.size(); ++c) {
    ensure(channels[c].size() == frames, "the channels of a buffer must have equal lengths");
    for (size_t i = 0; i < frames; ++i) buffer.samples[i * channels.size() + c] = channels[c][i];
  }
  return buffer;
}

AudioBuffer from_mono(std::vector<float> mono, int sample_rate) { return {sample_rate, 1, std::move(mono)}; }

float peak(std::span<const float> samples) {
  float highest = 0;
  for (const float sample : samples) highest = std::max(highest, std::abs(sample));
  return highest;
}

double rms_db(std::span<const float> samples) {
  double energy = 0;
  for (const float sample : samples) energy += static_cast<double>(sample) * sample;
  if (energy <= 0) return -std::numeric_limits<double>::infinity();
  return 10.0 * std::log10(energy / static_cast<double>(samples.size()));
}

bool is_silent(const AudioBuffer& buffer, double threshold_db) {
  return peak(buffer.samples) <= std::pow(10.0, threshold_db / 20.0);
}

}  // namespace instructme
