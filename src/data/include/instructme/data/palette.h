#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "instructme/base/rng.h"
#include "instructme/data/effect_catalogue.h"
#include "instructme/data/sound_catalogue.h"
#include "instructme/score/score.h"
#include "instructme/synth/band_renderer.h"
#include "instructme/text/lexicon.h"

namespace instructme {

struct PaletteSource;

/// "drums", "bass", "chords", "arpeggio", "melody" or "counter-melody", as in the lexicon.
const char* role_name(Role role);
/// Throws kInput naming the word when it is no role.
Role parse_role(const std::string& name);

/// A sound together with the lexicon instrument it sounds like.
struct PaletteSound {
  std::string instrument;  ///< canonical name of the lexicon
  PartSound sound;
  int bank = 0;         ///< kDrumBank for everything that plays drum parts
  int program = 0;      ///< General MIDI program or number of the kit; for plugins the instrument's first
  std::string source;   ///< file name of the font, folder name of the kit or name of the plugin or voice: what the
                        ///< train/held-out split goes by
  std::string preset;   ///< name inside the font, kit or plugin
  std::string licence;  ///< from a SOUNDS.tsv beside the font, else from the catalogue; "" when not known
  std::string package;  ///< of Debian; "" when not known
  bool general_midi = false;  ///< of a font without a table, so a kit that has all percussion keys
};

/// An LV2 effect that is installed.
struct PaletteEffect {
  const EffectSource* source = nullptr;  ///< in the catalogue
  std::filesystem::path bundle;

  PluginSettings draw(Rng& rng) const { return source->draw(bundle, rng); }
};

struct PaletteOptions {
  std::vector<std::filesystem::path> fonts = {};  ///< SoundFont files, or folders with them
  std::vector<std::string> held_out_fonts = {};  ///< names of fonts, kits, plugins, effects and voices kept for testing
  bool held_out = false;                         ///< true: only the held-out sources; false: only the others
  std::vector<std::filesystem::path> kits = {};  ///< folders of drum kits of Hydrogen, or folders with such folders
  bool plugins = false;                          ///< LV2 instruments and effects that are known and installed
  bool voices = false;                           ///< the program's own singers (synth/singer.h)
  bool may_be_empty = false;                     ///< no source of sounds is not an error
};

/// Where Debian installs drum kits: /usr/share/hydrogen/data/drumkits.
std::filesystem::path default_kit_folder();

/// The sounds that can play each instrument of the lexicon. Melodic presets of bank 0 (and the GS
/// variations in bank 8 that are the same instrument) are assigned by their General MIDI program, kits
/// by their number. A table `SOUNDS.tsv` beside a font (columns file, bank, program, instrument, licence
/// and others) takes precedence for the presets it lists. Sampled kits without a bass drum or a snare are hand
/// percussion. Plugins have the presets of the catalogue, voices sing with
/// words or without. Beside the sounds there are the LV2 effects for stems.
/// Immutable; safe to share between threads.
class Palette {
 public:
  /// Throws kMissing when a path does not exist, kUsage when no source is left after the split or a
  /// held-out name matches none, kInput when a font or kit cannot be read.
  static Palette scan(const PaletteOptions& options, const Lexicon& lexicon);

  const std::vector<PaletteSound>& sounds() const { return sounds_; }
  /// LV2 effects in use, in the order of their catalogue.
  const std::vector<PaletteEffect>& effects() const { return effects_; }
  /// Names of the sources in use: fonts, kits and plugins, each sorted, then voices and effects.
  const std::vector<std::string>& sources() const { return sources_; }
  bool has(const std::string& instrument) const;
  /// Instruments of the lexicon that play `role` and have a sound.
  std::vector<std::string> instruments_of(Role role) const;

  /// An instrument for `role`, drawn by the lexicon's frequencies among those not in `avoid` (among
  /// all when nothing else is left). Throws kUsage when no sound can play the role.
  std::string draw_instrument(Role role, const std::set<std::string>& avoid, Rng& rng) const;
  /// A kit with hand percussion (General MIDI keys 54..81); nullptr when there is none.
  const PaletteSound* draw_percussion(Rng& rng) const;
  /// A sound of `instrument`: first the source, uniformly, then the preset. Throws kUsage when none.
  const PaletteSound& draw_sound(const std::string& instrument, Rng& rng) const;
  /// An effect for a stem of one of effect_families(): first the kind, uniformly, then the plugin. nullptr when none
  /// suits.
  const PaletteEffect* draw_effect(const std::string& family, Rng& rng) const;

 private:
  struct Player {
    std::string instrument;
    std::vector<std::string> roles;
    double frequency = 1.0;
    bool is_kit = false;
    std::vector<std::vector<size_t>> sounds_of_source;  // indices into sounds_
  };
  const Player* find(const std::string& instrument) const;
  void add_font(const PaletteSource& source, const Lexicon& lexicon);
  void add_kit(const PaletteSource& source);
  void add_plugin(const PaletteSource& source, const Lexicon& lexicon);
  void add_voice(const PaletteSource& source);

  std::vector<PaletteSound> sounds_;
  std::vector<PaletteEffect> effects_;
  std::vector<std::string> sources_;
  std::vector<Player> players_;
  std::vector<size_t> percussion_kits_;
};

}  // namespace instructme
