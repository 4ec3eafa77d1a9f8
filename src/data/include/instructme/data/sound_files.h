#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace instructme {

/// Whether a place is a drum kit of Hydrogen. What may not be looked at, such as a disk's lost+found, is none.
bool is_drum_kit(const std::filesystem::path& place);
/// The SoundFonts (.sf2, .sf3) and the drum kits right in a folder: what links lead to in their place, each once,
/// sorted.
std::vector<std::filesystem::path> sound_fonts_in(const std::filesystem::path& folder);
std::vector<std::filesystem::path> drum_kits_in(const std::filesystem::path& folder);

/// What a preset of a SoundFont is that General MIDI calls otherwise, or not at all.
struct SoundTableEntry {
  std::string instrument;
  std::string licence;
  size_t line = 0;  ///< in the table, for messages
};
using SoundTable = std::map<std::tuple<std::string, int, int>, SoundTableEntry>;  ///< by file name, bank and program

inline constexpr const char* kSoundTable = "SOUNDS.tsv";  ///< its name, beside the SoundFonts

/// Empty when there is no such file. Throws kInput naming the column or line that is wrong, kIo.
SoundTable read_sound_table(const std::filesystem::path& path);
/// What read_sound_table understands.
std::string sound_table_text(const SoundTable& table);

}  // namespace instructme
