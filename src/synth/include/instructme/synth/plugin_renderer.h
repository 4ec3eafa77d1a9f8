#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "instructme/score/score.h"
#include "instructme/synth/stem_renderer.h"

namespace instructme {

/// An LV2 instrument with its settings.
struct PluginSound {
  std::string name = {};                        ///< for messages
  std::filesystem::path bundle = {};            ///< folder with manifest.ttl
  std::string plugin = {};                      ///< URI
  std::string preset = {};                      ///< URI; "" for the plugin's defaults
  std::map<std::string, double> controls = {};  ///< by port symbol, set after the preset
  std::vector<std::array<int, 3>> setup = {};   ///< MIDI messages sent before the first note, e.g. {192, program, 0}
  int transpose = 0;                            ///< semitones added to every note
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

/// Plays parts on LV2 instruments, each in a process of its own with a time limit, so that nothing a plugin does
/// harms this one. Thread-safe.
class PluginRenderer {
 public:
  /// Throws kUsage when an option is out of range.
  explicit PluginRenderer(const StemRendererOptions& options, PluginHostOptions host = {});

  /// Mono (mean of the outputs), on the grid and of the length of StemRenderer. Plugins run at 44.1 kHz or the next
  /// multiple of the sample rate above it. Throws kMissing when there is no host program; kInput, naming the
  /// plugin, when it crashes, takes too long, cannot be loaded, or is silent or not finite.
  std::vector<float> render(const Score& score, const Part& part, const PluginSound& sound) const;

 private:
  StemRendererOptions options_;
  PluginHostOptions host_;
};

}  // namespace instructme
