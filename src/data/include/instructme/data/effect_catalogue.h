#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "instructme/base/rng.h"
#include "instructme/plugins/plugin_host.h"

namespace instructme {

/// What a control of a plugin may be set to.
struct ControlRange {
  enum class Scale { kLinear, kOctaves, kWhole };
  std::string symbol;
  double low = 0, high = 0;  ///< equal for a value that is always the same
  Scale scale = Scale::kLinear;

  double draw(Rng& rng) const;
};

/// An LV2 effect that stems may be sent through.
struct EffectSource {
  std::string name;
  std::string kind;                   ///< one of effect_kinds()
  std::string package;                ///< of Debian
  std::string licence;                ///< of the plugin's program
  std::string bundle;                 ///< name of its folder, see find_plugin_bundle
  std::string plugin;                 ///< URI
  std::vector<std::string> families;  ///< of effect_families(): whose stems it suits; empty for all
  std::vector<ControlRange> controls;

  bool suits(const std::string& family) const;
  /// The plugin in `folder`, its bundle, with controls drawn at random.
  PluginSettings draw(const std::filesystem::path& folder, Rng& rng) const;
};

/// "chorus", "reverb", "compressor" …
const std::vector<std::string>& effect_kinds();

/// The LV2 effects that the project knows (data/effects.json, compiled into the library). Immutable; safe to share
/// between threads.
class EffectCatalogue {
 public:
  static const EffectCatalogue& builtin();
  /// Throws kModel (file, key, what is wrong): besides unknown keys, for an unknown kind or family, an empty range, and
  /// a name that two effects share.
  static EffectCatalogue parse(const std::string& json, const std::string& context);

  const std::vector<EffectSource>& effects() const { return effects_; }

 private:
  std::vector<EffectSource> effects_;
};

}  // namespace instructme
