#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace instructme {

/// What is left of sounds that must be carried to where there is little room.
struct SmallerSoundOptions {
  int sample_rate = 24000;  ///< Hz; recordings of a higher rate are resampled, others stay
  double seconds = 4;       ///< of a recording without a loop; the last quarter second of what is cut fades
  double quality = 0.1;     ///< of Vorbis, 0 (small) to 1 (good)

  /// Throws kUsage for a rate outside 8 to 192 kHz, less than half a second, or another quality.
  void check() const;
};

/// The bytes of an .sf2 or .sf3 file -> those of an .sf3 file (SoundFont 3: samples as Ogg Vorbis) with the same
/// presets. Loops keep their pitch: a sample that has one gets the rate at which the loop is a whole number of samples.
/// Samples that an instrument starts, ends or loops elsewhere than they say keep their rate and length, because it
/// counts in their samples.
/// `name` is what errors call it. Throws kInput when it is no SoundFont or damaged. Thread-safe.
std::string smaller_sound_font(std::string_view font, const std::string& name, const SmallerSoundOptions& options = {});

/// Copies a drum kit of Hydrogen with its recordings made mono, resampled and cut; `to` is made. Throws kInput for what
/// is no kit or cannot be read, kIo.
void write_smaller_kit(const std::filesystem::path& kit, const std::filesystem::path& to,
                       const SmallerSoundOptions& options = {});

}  // namespace instructme
