#pragma once

#include <string>
#include <vector>

namespace instructme {

/// Chord qualities of the vocabulary, in the order of the classes of a chord matrix.
enum class ChordQuality { kMaj, kMin, k7, kMaj7, kMin7, kDim, kAug, kSus };
inline constexpr int kChordQualities = 8;
/// d_p of the chord matrix p (d_p x T_p): class 0 is "no chord", class 1 + 12 * quality + root the rest.
inline constexpr int kChordClasses = 1 + 12 * kChordQualities;

/// A chord, or no chord. Roots are pitch classes: 0 = C … 11 = B.
struct Chord {
  bool none = true;
  int root = 0;
  ChordQuality quality = ChordQuality::kMaj;

  static Chord no_chord() { return {}; }
  static Chord of(int root, ChordQuality quality) { return {false, root, quality}; }
  bool operator==(const Chord&) const = default;
};

int chord_class(const Chord& chord);                   ///< 0..kChordClasses-1
Chord chord_of_class(int index);                       ///< throws kInternal when out of range
std::vector<int> chord_pitch_classes(const Chord& c);  ///< empty for no chord
/// MIREX/Harte syntax: "N", "C:maj", "F#:min7", "Bb:sus4" …
std::string chord_label(const Chord& chord);
/// Reads Harte syntax, reducing richer chords to the nearest quality ("G:9" -> 7, "A:min(9)/5" -> min).
/// Throws kInput naming the label when it cannot be read.
Chord parse_chord_label(const std::string& label);

enum class Mode { kMajor, kMinor, kDorian, kPhrygian, kLydian, kMixolydian };
struct Key {
  int tonic = 0;
  Mode mode = Mode::kMajor;

  bool operator==(const Key&) const = default;
};
std::vector<int> scale_pitch_classes(const Key& key);  ///< seven pitch classes from the tonic
std::string key_label(const Key& key);                 ///< "Eb:minor"

}  // namespace instructme
