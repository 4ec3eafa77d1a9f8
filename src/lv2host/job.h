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

/// What is to be played, as plugins/plugin_host.cpp writes it: notes on an instrument, or sound through an effect.
struct Job {
  std::filesystem::path bundle;
  std::string plugin;                      ///< URI
  std::string preset;                      ///< URI; "" for the defaults
  std::map<std::string, double> controls;  ///< by port symbol, set after the preset
  int sample_rate = 48000;
  int channels = 1;  ///< of the result: the mean of the outputs, or left and right
  int64_t frames = 0;
  std::vector<MidiEvent> events;  ///< for an instrument, sorted by frame
  bool effect = false;
  std::vector<float> input;  ///< for an effect: [frames * channels] interleaved
};

/// Throws kInput naming the key that is wrong.
Job read_job(const std::filesystem::path& path);

}  // namespace instructme::lv2host
