#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace instructme::lv2host {

/// A MIDI message of at most three bytes.
struct MidiEvent {
  int64_t frame = 0;
  std::array<uint8_t, 3> bytes{};
  uint32_t size = 3;
};

/// What is to be played, as synth/plugin_renderer.cpp writes it.
struct Job {
  std::filesystem::path bundle;
  std::string plugin;                      ///< URI
  std::string preset;                      ///< URI; "" for the defaults
  std::map<std::string, double> controls;  ///< by port symbol, set after the preset
  int sample_rate = 48000;
  int64_t frames = 0;
  std::vector<MidiEvent> events;  ///< sorted by frame
};

/// Throws kInput naming the key that is wrong.
Job read_job(const std::filesystem::path& path);

}  // namespace instructme::lv2host
