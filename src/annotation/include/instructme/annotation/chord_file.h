#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// Reads chord labels as MIREX and Isophonics write them: one line "start end label" per chord, times in seconds,
/// labels in Harte's syntax (Harte et al., "Symbolic Representation of Musical Chords", ISMIR 2005), reduced to the
/// vocabulary of score/chord.h. Empty lines and lines that begin with '#' are passed over. A time without a line has no
/// label; "X" (unknown) is left out too, so that neither counts in scores. Throws kIo when the file cannot be read,
/// kInput naming file and line when a line is malformed, has no length, or begins before the one above ends.
std::vector<ChordSpan> read_chord_file(const std::filesystem::path& path);

/// The same for music of so many seconds, whose chords are to be known throughout. Throws kInput as well when the file
/// has no chord, a time without a line between two of them, or its last line does not end within a second of the
/// music's end.
std::vector<ChordSpan> read_chord_file(const std::filesystem::path& path, double music_s);

/// The text of such a file, which errors call `name`; and the text that is read as these chords.
std::vector<ChordSpan> parse_chords(const std::string& text, const std::string& name);
std::string chord_text(const std::vector<ChordSpan>& chords);

/// Writes atomically what read_chord_file reads, times to the microsecond. Throws kIo.
void write_chord_file(const std::filesystem::path& path, const std::vector<ChordSpan>& chords);

}  // namespace instructme
