#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "instructme/audio/audio_buffer.h"

namespace instructme {

/// Whether there is nothing to hear: an RMS below -80 dBFS, from which on networks take sound for silence.
bool is_silence(std::span<const float> mono);

/// Where the first and behind the last block of so many samples that is no silence, in samples; twice 0 when there is
/// none. The last block may be shorter.
std::pair<int64_t, int64_t> sounding_part(std::span<const float> mono, int64_t block);

/// How much of the channels of some music is left of them when they are mixed. Music may come in pieces.
class ChannelBalance {
 public:
  /// All pieces have the same number of channels. Throws kInternal when there is none.
  void add(const AudioBuffer& piece);
  /// The loudest channel where the mean of all is more than 20 dB below them, as they cancel each other; else none.
  std::optional<int> channel_to_hear() const;

 private:
  std::vector<double> energies_;  // of each channel
  double energy_of_sum_ = 0;
};

/// What is listened to, [F] at the rate of the music: the mean of the channels, or the loudest where they cancel each
/// other. Throws kInternal when there is no channel.
std::vector<float> mono_to_hear(const AudioBuffer& audio);

}  // namespace instructme
