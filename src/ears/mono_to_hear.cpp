#include "instructme/ears/mono_to_hear.h"

#include <algorithm>
#include <numeric>

#include "instructme/base/error.h"

namespace instructme {

bool is_silence(std::span<const float> mono) { return rms_db(mono) < -80; }

std::pair<int64_t, int64_t> sounding_part(std::span<const float> mono, int64_t block) {
  const auto samples = static_cast<int64_t>(mono.size());
  std::pair<int64_t, int64_t> part{0, 0};
  for (int64_t first = 0; first < samples; first += block) {
    const int64_t end = std::min(samples, first + block);
    if (is_silence(mono.subspan(static_cast<size_t>(first), static_cast<size_t>(end - first)))) continue;
    if (part.second == 0) part.first = first;
    part.second = end;
  }
  return part;
}

void ChannelBalance::add(const AudioBuffer& piece) {
  ensure(piece.channels > 0, "a buffer without channels has no balance");
  const auto channels = static_cast<size_t>(piece.channels);
  energies_.resize(channels);
  for (size_t frame = 0; frame + channels <= piece.samples.size(); frame += channels) {
    double sum = 0;
    for (size_t c = 0; c < channels; ++c) {
      const double sample = piece.samples[frame + c];
      energies_[c] += sample * sample;
      sum += sample;
    }
    energy_of_sum_ += sum * sum;
  }
}

std::optional<int> ChannelBalance::channel_to_hear() const {
  constexpr double kLeast = 0.01;  // -20 dB; independent channels, up to 8 of them, lose 9 dB at most
  const auto channels = static_cast<double>(energies_.size());
  const double of_channels = std::accumulate(energies_.begin(), energies_.end(), 0.0) * channels;
  if (energy_of_sum_ >= kLeast * of_channels) return std::nullopt;
  return static_cast<int>(std::max_element(energies_.begin(), energies_.end()) - energies_.begin());
}

std::vector<float> mono_to_hear(const AudioBuffer& audio) {
  ChannelBalance balance;
  balance.add(audio);
  const auto channel = balance.channel_to_hear();
  return channel ? extract_channel(audio, *channel) : mix_to_mono(audio);
}

}  // namespace instructme
