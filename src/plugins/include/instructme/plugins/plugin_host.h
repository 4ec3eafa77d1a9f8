#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "instructme/base/error.h"

namespace instructme {

/// An LV2 plugin as it is to be set up.
struct PluginSettings {
  std::string name = {};                        ///< for messages
  std::filesystem::path bundle = {};            ///< folder with manifest.ttl
  std::string plugin = {};                      ///< URI
  std::string preset = {};                      ///< URI; "" for the plugin's defaults
  std::map<std::string, double> controls = {};  ///< by port symbol, set after the preset
};

struct PluginHostOptions {
  /// The program instructme-lv2-host; "" looks for it beside the running program, then in ../libexec/instructme from
  /// there.
  std::filesystem::path program = {};
  double time_limit_s = 60;    ///< for starting and the first second of sound
  double time_limit_rate = 4;  ///< and this much more for every second of sound
};

/// The default place of the host program; "" when there is none.
std::filesystem::path find_plugin_host();
/// The bundle's folder in $LV2_PATH, else in the usual places; "" when it is not installed.
std::filesystem::path find_plugin_bundle(const std::string& name);

/// How many times `sample_rate` plugins run at: the least multiple that is 44.1 kHz or more, which they are written
/// for. Below, they alias and their filters are off.
int plugin_oversampling(int sample_rate);

/// Something is wrong with a plugin: kInput, naming it.
Error plugin_failure(const PluginSettings& plugin, const std::string& what);

/// What a plugin is to do, for F frames of C channels.
struct PluginTask {
  int sample_rate = 48000;  ///< Hz, 8000 to 384000
  int channels = 1;         ///< 1 or 2; the mean of the outputs, or left and right
  int64_t frames = 0;
  /// For an instrument: [frame, status, data…], sorted by frame.
  std::vector<std::vector<int64_t>> events = {};
  /// For an effect: [F * C] interleaved; empty for an instrument.
  std::span<const float> input = {};
};

/// Runs plugins, each in a process of its own with a time limit, so that nothing a plugin does harms this one.
/// Thread-safe.
class PluginHost {
 public:
  /// Throws kUsage when an option is out of range.
  explicit PluginHost(PluginHostOptions options = {});

  /// Returns [F * C] finite samples, interleaved; what the plugin reports as its latency is taken out. Throws kMissing
  /// when there is no host program; kInput, naming the plugin, when it crashes, takes too long, cannot be loaded, or
  /// makes values that are not finite.
  std::vector<float> run(const PluginSettings& plugin, const PluginTask& task) const;

 private:
  PluginHostOptions options_;
};

}  // namespace instructme
