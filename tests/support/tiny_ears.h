#pragma once

#include <filesystem>

#include "instructme/ears/beat_net.h"
#include "instructme/ears/chord_net.h"

namespace instructme {

/// The least that can listen: small networks for chords and beats, with random weights, in a folder of ears.
inline void save_tiny_ears(const std::filesystem::path& folder) {
  ChordNetOptions chords;
  chords.channels = 4;
  chords.blocks = 1;
  BeatNetOptions beats;
  beats.channels = beats.slow_channels = 8;
  beats.blocks = beats.slow_blocks = 1;
  save_chord_net(ChordNet(chords), folder, 0);
  save_beat_net(BeatNet(beats), folder, 0);
}

}  // namespace instructme
