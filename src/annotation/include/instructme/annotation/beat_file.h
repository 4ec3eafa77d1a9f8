#pragma once

#include <filesystem>
#include <vector>

#include "instructme/score/score.h"

namespace instructme {

/// Reads beats: one line "time position" per beat, in seconds and counted from 1 at the downbeat, as beat trackers
/// write them. Empty lines and lines that begin with '#' are passed over. The first bar may begin with an upbeat; bars
/// may differ in length. Throws kIo when the file cannot be read, kInput naming file and line when a line is malformed,
/// not later than the one above, or when its position is neither 1 nor one more than that of the beat above.
std::vector<Beat> read_beat_file(const std::filesystem::path& path);

/// The same for music of so many seconds. Throws kInput as well when the file has no beat, or one more than a second
/// after the music's end.
std::vector<Beat> read_beat_file(const std::filesystem::path& path, double music_s);

/// Writes atomically what read_beat_file reads, times to the microsecond. Throws kIo.
void write_beat_file(const std::filesystem::path& path, const std::vector<Beat>& beats);

}  // namespace instructme
