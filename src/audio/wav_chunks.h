#pragma once

#include <filesystem>

namespace instructme {

/// Whether a file is a WAV file (WAV, WAVEX, RF64) with tags in a list of its own (LIST INFO).
bool has_wav_info(const std::filesystem::path& path);

/// Of a WAV file, what it holds beside its sound and ID3 tags goes to the end of another WAV file, as it is: its list
/// of tags, broadcast time stamp (bext), iXML, cue points and their labels, loops and whatever else programs put there.
/// Other kinds of files, and `from` that cannot be read, change nothing; so does what would make `to` longer than its
/// kind can be. Positions count frames, so the rate must be the same. Throws kIo when `to` cannot be changed.
void copy_wav_chunks(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace instructme
