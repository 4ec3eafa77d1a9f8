#pragma once

#include "instructme/audio/audio_buffer.h"
#include "instructme/plugins/plugin_host.h"

namespace instructme {

/// Sends stems through LV2 effects, each time in a process of its own. Thread-safe.
class PluginEffect {
 public:
  /// Throws kUsage when an option is out of range.
  explicit PluginEffect(PluginHostOptions host = {});

  /// A whole stem of one or two channels through a plugin with one or two inputs and outputs, in place; length and time
  /// stay, that is, the latency is taken out and a tail beyond the end is cut. One channel goes to all inputs and is
  /// the mean of the outputs. Plugins run at plugin_oversampling times the sample rate. Silence stays silence.
  ///
  /// Throws what PluginHost::run throws, and kInput, naming the plugin, when what comes out is 60 dB softer or 20 dB
  /// louder than what went in; kUsage for other numbers of channels or rates outside 8000..96000 Hz. The buffer is then
  /// as it was, so that the caller can leave the effect out.
  void apply(const PluginSettings& plugin, AudioBuffer& buffer) const;

 private:
  PluginHost host_;
};

}  // namespace instructme
