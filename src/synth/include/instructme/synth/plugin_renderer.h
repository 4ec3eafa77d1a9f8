#pragma once

#include <array>
#include <vector>

#include "instructme/plugins/plugin_host.h"
#include "instructme/score/score.h"
#include "instructme/synth/stem_renderer.h"

namespace instructme {

/// An LV2 instrument with its settings.
struct PluginSound : PluginSettings {
  std::vector<std::array<int, 3>> setup = {};  ///< MIDI messages sent before the first note, e.g. {192, program, 0}
  int transpose = 0;                           ///< semitones added to every note
};

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
  PluginHost host_;
};

}  // namespace instructme
