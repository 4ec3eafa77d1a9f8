#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "instructme/synth/drum_kit.h"
#include "instructme/synth/plugin_renderer.h"
#include "instructme/synth/singer.h"
#include "instructme/synth/stem_renderer.h"

namespace instructme {

/// A sampled drum kit that plays a part.
struct KitSound {
  std::filesystem::path folder = {};
};

/// What plays a part: a preset of a SoundFont, a drum kit, an LV2 instrument, or a voice.
using PartSound = std::variant<Sound, KitSound, PluginSound, VoiceSound>;

/// The stems of a score.
struct BandStems {
  std::vector<std::vector<float>> stems;  ///< mono, one per part, all of the same length
  std::vector<std::string> failures;      ///< one per part: why its plugin could not play; "" when it could
};

/// Plays the parts of a score whatever their sounds are: all that SoundFonts play in one pass, all else one by
/// one. Not thread-safe: one object per thread.
class BandRenderer {
 public:
  /// Throws kUsage when an option is out of range.
  explicit BandRenderer(const StemRendererOptions& options, PluginHostOptions host = {});

  const StemRendererOptions& options() const { return options_; }
  int64_t frames_of(const Score& score) const;

  /// A function of its arguments alone (as far as plugins are); `seed` is for what kits and voices vary. A plugin that
  /// fails leaves its stem silent and says why. Throws what StemRenderer and KitRenderer throw, kMissing when there is
  /// no host for a plugin.
  BandStems render(const Score& score, const std::vector<PartSound>& sound_of_part, uint64_t seed);
  /// One part alone, played on another sound than that in the band; `part` is its index. A plugin's failure is kInput.
  std::vector<float> render_part(const Score& score, size_t part, const PartSound& sound, uint64_t seed);

 private:
  StemRenderer& fonts();

  StemRendererOptions options_;
  std::optional<StemRenderer> fonts_;  // made when first needed, as a build may lack FluidSynth
  KitRenderer kits_;
  PluginRenderer plugins_;
  Singer singer_;
};

}  // namespace instructme
