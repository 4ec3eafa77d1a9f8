#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "instructme/data/palette.h"
#include "instructme/score/heard_chart.h"
#include "instructme/score/score.h"

namespace instructme {

/// A part for a piece of music, and its sound.
struct PlayedPart {
  Part notes;                  ///< in seconds of the music
  std::vector<float> samples;  ///< mono, as long as the music, at any level
  std::string sound;           ///< what it is played on, e.g. "Grand Piano"
  std::string source;          ///< where that is from, e.g. "FluidR3Mono_GM.sf3"
  std::string licence;         ///< of the sound; "" when not known
};

/// Joins in with music of which beats and chords are known: writes a part for an instrument as data sets have them
/// (score/single_part.h), or takes notes as they are, and plays them on a SoundFont, kit or plugin. Sounds are looked
/// for when they are needed first. Not thread-safe: one object per thread.
class Accompanist {
 public:
  /// The sounds may be none at all (`may_be_empty` is set). Throws kMissing when a path does not exist.
  explicit Accompanist(PaletteOptions sounds);
  ~Accompanist();
  const PaletteOptions& options() const { return options_; }

  /// Whether there is a sound for an instrument (canonical name), and a synthesizer in this program. Throws as
  /// Palette::scan.
  bool plays(const std::string& instrument);

  /// Another seed, another part. Of several sounds of an instrument it takes the most usual one, then that whose
  /// program is named first in the lexicon, from the largest file, as that is mostly the best recorded. Throws kUsage
  /// for an instrument that it does not play, kInput as HeardChart does and for a sample rate outside 1000..384000 Hz,
  /// and what BandRenderer throws.
  PlayedPart play(const HeardMusic& music, const std::string& instrument, uint64_t seed, int sample_rate);

  /// Notes that were heard of another instrument (s, in order), by make_transcribed_part: an instrument that the
  /// lexicon has play neither chords nor arpeggios plays one tone at a time, and one that mostly plays bass the lowest.
  /// Throws as play(), kUsage for drums and percussion, too.
  PlayedPart play_notes(std::vector<Note> notes, const std::string& instrument, double duration_s, int sample_rate);

  /// Whether it can play music of a genre (of the lexicon): with the program MMA, every genre that its grooves have,
  /// else those of pattern_song; and there are sounds for drums, bass and piano.
  bool plays_genre(const std::string& genre);
  /// The music anew, by a band of that genre: drums, bass and whoever else plays along, but no tune. A genre without a
  /// groove in the metre of the music is played by the own patterns that are nearest. Throws as play(), kUsage for a
  /// genre that it does not play, kInput when nothing of it would be heard.
  std::vector<PlayedPart> play_band(const HeardMusic& music, const std::string& genre, uint64_t seed, int sample_rate);

 private:
  const Palette& palette();
  const PaletteSound* sound_of(const std::string& instrument);
  const PaletteSound& sound_for(const std::string& instrument, int sample_rate);
  /// `notes` in seconds of the music.
  PlayedPart sounding(Part notes, const std::string& instrument, const PaletteSound& sound, const HeardMusic& music,
                      uint64_t seed, int sample_rate);

  PaletteOptions options_;
  std::unique_ptr<Palette> palette_;
  std::unique_ptr<BandRenderer> band_;  // of the rate that was asked for last
};

}  // namespace instructme
