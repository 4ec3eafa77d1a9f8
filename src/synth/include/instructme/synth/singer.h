#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "instructme/score/score.h"
#include "instructme/synth/stem_renderer.h"

namespace instructme {

/// A kind of voice. Every singer of a kind differs from the others: size, timbre, vibrato, habits.
struct VoiceType {
  std::string name;  ///< e.g. "tenor"
  double tract = 1;  ///< length of the vocal tract; 1 for a man of usual size. Formants are divided by it.
  int low = 48;      ///< MIDI notes that are sung with ease
  int high = 69;
  double female = 0;  ///< 0..1: by how much higher the formants of vowels are than size alone makes them
};

/// soprano, mezzo-soprano, alto, tenor, baritone, bass and child.
const std::vector<VoiceType>& voice_types();

/// A voice of the program's own that sings a part.
struct VoiceSound {
  std::string voice;   ///< name of a voice_types()
  bool lyrics = true;  ///< syllables with consonants; false: "ah", "oh" and "la" only
};

/// Sings parts: a source and a filter (Fant 1960), as a cascade of formants (Klatt 1980) that follow syllables which
/// are made up. It is there so that mixes with a voice can be learned from, so what matters is what tells a voice
/// from instruments: formants and their movements, glides between notes, vibrato, breath, consonants. Words
/// cannot be understood. One voice at a time sings the highest of the notes that begin together, moved by octaves
/// into its range; some singers are doubled, as in the studio. Thread-safe: it keeps nothing.
class Singer {
 public:
  /// Throws kUsage when an option is out of range. `gain`, `interpolation` and `polyphony` are FluidSynth's.
  explicit Singer(const StemRendererOptions& options);

  /// Mono, of the length of StemRenderer's stems; a function of its arguments alone. Who sings, and how, is drawn from
  /// `seed`. Throws kUsage for an unknown voice.
  std::vector<float> render(const Score& score, const Part& part, const VoiceSound& sound, uint64_t seed) const;

 private:
  StemRendererOptions options_;
};

}  // namespace instructme
