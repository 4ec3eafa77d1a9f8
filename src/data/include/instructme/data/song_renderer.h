#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "instructme/data/palette.h"
#include "instructme/data/song_folder.h"
#include "instructme/plugins/plugin_effect.h"
#include "instructme/synth/band_renderer.h"

namespace instructme {

/// A song as notes: arrangements of one chart with the same tempo, bars and chords.
struct ComposedSong {
  std::string source;               ///< where the chart came from; may be ""
  std::vector<Score> arrangements;  ///< at least one
};

/// Makes a song from a seed; the same seed gives the same song. Called from several threads at once.
using Composer = std::function<ComposedSong(uint64_t seed)>;

struct RenderOptions {
  int sample_rate = 24000;                 ///< Hz
  int versions = 2;                        ///< of the first arrangement; the others have one
  double keep_probability = 0.5;           ///< a part keeps the instrument it was written for
  double change_probability = 0.75;        ///< a part has another instrument in the next version
  double rhythm_change_probability = 0.3;  ///< the same for drums and bass, which have few alternatives
  double mix_level_db = -18;               ///< active RMS of a full version, dBFS, unless it would clip
  double level_spread_db = 4;              ///< stems are up to this much louder or softer than usual
  double effects = 1;                      ///< intensity of the effects on stems and mixes, 0 (none) to 2
  double sung_probability = 0.6;           ///< a melody is sung, where the palette has voices
  double plugin_effect_probability = 0.1;  ///< a stem goes through an LV2 effect, where the palette has some
  double bus_probability = 0.7;            ///< a version's mix goes through a bus: compression, limiting, tape, codec
  double tail_s = 1.5;                     ///< sound after the last bar
  PluginHostOptions plugin_host;           ///< how LV2 instruments and effects are run
};

/// The options for a data set's manifest.
nlohmann::json to_json(const RenderOptions& options);

/// Casts, plays and mixes songs. The first arrangement is rendered in several versions that play the
/// same notes on other instruments or sounds, each further arrangement in one. Hand percussion is
/// taken out of the drum part into a stem of its own, and all bass parts of a version share a sound (unless its plugin
/// plays the first and fails at a later one). The stems of a version sum to its mix, which is normalised by one gain
/// for all. Not thread-safe: one object per thread.
class SongRenderer {
 public:
  /// `palette` and `lexicon` are shared and must outlive the object. Throws kUsage for bad options.
  SongRenderer(const RenderOptions& options, Composer composer, std::shared_ptr<const Palette> palette,
               const Lexicon& lexicon);

  /// Deterministic in the seed. Throws what the composer, the palette and the synthesizer throw;
  /// kInput when a score has no part that sounds. A plugin that fails is not an error: another sound of the instrument
  /// is drawn, and the stem stays without that effect.
  RenderedSong render(uint64_t seed);
  /// What plugins failed at so far, each once.
  const std::set<std::string>& plugin_failures() const { return plugin_failures_; }

 private:
  struct Casting {
    std::string instrument;
    const PaletteSound* sound = nullptr;
    bool through_amplifier = false;  ///< a clean sound that an amplifier is to distort
  };
  Casting cast(const Part& part, const Casting* before, std::set<std::string>& used, Rng& rng) const;
  std::vector<std::vector<float>> play(const Score& score, std::vector<const PaletteSound*>& sounds, const Rng& rng);
  void apply_plugin_effect(const std::string& family, Rng rng, double rms, AudioBuffer& stem, StemInfo& info);
  void render_version(const Score& score, const std::vector<Casting>& casting, Rng& rng, VersionInfo& version,
                      std::vector<std::vector<float>>& stems);

  RenderOptions options_;
  Composer composer_;
  std::shared_ptr<const Palette> palette_;
  const Lexicon& lexicon_;
  BandRenderer renderer_;
  PluginEffect plugin_effect_;
  std::set<std::string> plugin_failures_;
};

}  // namespace instructme
