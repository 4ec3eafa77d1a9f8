#pragma once

#include <string>
#include <vector>

#include "instructme/synth/plugin_renderer.h"
#include "instructme/text/lexicon.h"

namespace instructme {

/// A preset of a plugin and the lexicon instrument it sounds like.
struct CataloguedPreset {
  std::string instrument;
  std::string name;
  std::string preset;                      ///< URI; "" for the plugin's defaults
  std::map<std::string, double> controls;  ///< as in PluginSound, like the next two
  std::vector<std::array<int, 3>> midi;
  int transpose = 0;
};

/// Something that sounds come from.
struct SoundSource {
  enum class Kind { kSoundFont, kKit, kPlugin, kVoice };
  Kind kind = Kind::kSoundFont;
  std::string name;           ///< file name of a font, folder name of a kit, name of a plugin or of a voice_types()
  std::string package;        ///< of Debian; "" when it is not packaged. Voices are this program's own
  std::string get;            ///< where it comes from when it is not packaged
  std::string licence;        ///< of the samples, or of the plugin's program
  bool general_midi = false;  ///< a font with all programs, or nearly so, on their General MIDI numbers
  std::vector<std::string> instruments;  ///< of the lexicon; empty for a General MIDI font
  std::string note;
  // Plugins only.
  std::string bundle;  ///< name of its folder, see find_plugin_bundle
  std::string plugin;  ///< URI
  std::vector<CataloguedPreset> presets;
  double seconds_per_minute = 0;  ///< of one core for a minute of sound, as measured

  bool plays(const InstrumentEntry& instrument) const;
};

/// "soundfont", "kit", "lv2" or "voice".
const char* kind_name(SoundSource::Kind kind);

/// The sources of sounds that the project knows (data/sounds.json, compiled into the library). Immutable; safe to share
/// between threads.
class SoundCatalogue {
 public:
  static const SoundCatalogue& builtin();
  /// Throws kModel (file, key, what is wrong): besides unknown keys, for an unknown instrument and a name that two
  /// sources of a kind share.
  static SoundCatalogue parse(const std::string& json, const std::string& context, const Lexicon& lexicon);

  const std::vector<SoundSource>& sources() const { return sources_; }
  /// nullptr when it is not known.
  const SoundSource* find(SoundSource::Kind kind, const std::string& name) const;

 private:
  std::vector<SoundSource> sources_;
};

}  // namespace instructme
