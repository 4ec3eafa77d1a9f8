#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "instructme/score/score.h"
#include "instructme/synth/stem_renderer.h"

namespace instructme {

/// A recording of a drum, for strokes of some strength.
struct DrumLayer {
  std::filesystem::path file;
  double low = 0, high = 1;  ///< velocity / 127, both included
  double gain = 1;
  double pitch = 0;  ///< semitones
};

/// One drum of a kit.
struct KitDrum {
  std::string name;  ///< as in the kit
  std::string kind;  ///< what it is, e.g. "kick" or "tom-low"; "" when its name says nothing known
  double gain = 1;
  int choke_group = -1;  ///< a stroke ends what sounds in its group; -1 for none
  std::vector<DrumLayer> layers;
};

/// A sampled drum kit in the format of Hydrogen: a folder with drumkit.xml and sound files.
struct DrumKit {
  std::filesystem::path folder;
  std::string name;
  std::string licence;  ///< as in the kit; may be ""
  std::vector<KitDrum> drums;
  std::vector<std::string> missing_files;  ///< named in the kit and not there; what they sounded like is left out
  std::map<int, size_t> drum_of_key;       ///< General MIDI percussion key → index into `drums`

  /// Has a bass drum and a snare drum; a kit without is hand percussion.
  bool is_full() const { return drum_of_key.contains(36) && drum_of_key.contains(38); }
};

/// Reads the kit in `folder` and finds the General MIDI keys of its drums by their names. A key whose drum is missing
/// gets the nearest kind (another tom, another cymbal) or none. Drums without sound files are left out.
/// Throws kMissing when there is no drumkit.xml or the program was built without pugixml; kInput when it is not such a
/// file or no drum that General MIDI knows is left; missing sound files are named. Thread-safe.
DrumKit read_drum_kit(const std::filesystem::path& folder);

/// Plays drum parts on sampled kits. Velocity chooses the recording; where several suit one is drawn; every stroke is
/// a little louder or softer, higher or lower than the last; closed hi-hats end open ones. Samples are resampled
/// at first use and kept, up to about 100 MB. Not thread-safe: one object per thread.
class KitRenderer {
 public:
  /// Throws kUsage when an option is out of range. `gain`, `interpolation` and `polyphony` are FluidSynth's.
  explicit KitRenderer(const StemRendererOptions& options);
  ~KitRenderer();
  KitRenderer(KitRenderer&&) noexcept;
  KitRenderer& operator=(KitRenderer&&) noexcept;

  /// Mono, on the grid and of the length of StemRenderer; a function of its arguments alone. Keys that the kit does not
  /// have are silent. Throws what `read_drum_kit` throws, kInput for a sound file that cannot be read.
  std::vector<float> render(const Score& score, const Part& part, const std::filesystem::path& kit, uint64_t seed);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace instructme
