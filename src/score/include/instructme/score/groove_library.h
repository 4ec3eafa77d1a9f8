#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace instructme {

/// A groove of MMA's library (Musical MIDI Accompaniment, Bob van der Poel): accompaniment patterns for a band.
struct GrooveInfo {
  std::string name;                    ///< "BossaNovaSus"
  std::string file;                    ///< style file without its extension: "stdlib/bossanova"
  std::string genre;                   ///< by the style file's name, see genre_of_style
  int beats_per_bar = 4;               ///< as MMA counts them; charts for the groove must have the same
  std::string time_signature = "4/4";  ///< as MMA writes it; compound metres may count other beats than this says
  bool drums = false;
  int melodic_tracks = 0;  ///< tracks that are not drums; 0 for patterns of drums alone
  int bars = 1;            ///< length of the pattern
  double swing = 0;        ///< share of off-beats that are triplets: 0 straight .. 1 swung
  bool fill = false;       ///< a one-bar fill or break, used only at the end of a section

  std::string mma_name() const { return file + ":" + name; }
};

enum class GrooveSplit { kTrain, kHeldOut };

/// All grooves that can carry a piece. Immutable; safe to share between threads.
class GrooveLibrary {
 public:
  /// MMA 21.09 as compiled into the library.
  static const GrooveLibrary& builtin();
  /// Throws kModel when the text is not such an index; `context` names it.
  static GrooveLibrary parse(const std::string& json, const std::string& context);
  static GrooveLibrary load(const std::filesystem::path& path);
  explicit GrooveLibrary(std::vector<GrooveInfo> all);

  std::string json() const;
  /// Grooves without fills, by file and name.
  const std::vector<GrooveInfo>& grooves() const { return grooves_; }
  const std::vector<GrooveInfo>& fills() const { return fills_; }
  std::vector<std::string> genres() const;  ///< sorted
  std::vector<std::string> files() const;   ///< sorted
  /// Throws kInput when there is none (naming the nearest). `mma_name` is "file:name".
  const GrooveInfo& find(const std::string& mma_name) const;

  /// A fixed tenth of the style files is held out, chosen by a hash of the file's name, so that no pattern of a held
  /// out style is ever in the training part.
  GrooveLibrary split(GrooveSplit part) const;

 private:
  std::vector<GrooveInfo> grooves_;
  std::vector<GrooveInfo> fills_;
};

/// The genre that a style file's name tells ("stdlib/bossanova" -> "latin"); "" when it is not music (metronomes,
/// intros, endings).
std::string genre_of_style(const std::string& file);

/// Asks the installed MMA about every style file below `library_root`; takes about a minute. Throws kMissing without
/// MMA, kInput when the folder holds no style files.
GrooveLibrary scan_grooves(const std::filesystem::path& library_root = "/usr/share/mma/lib");

}  // namespace instructme
