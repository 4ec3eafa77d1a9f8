#pragma once

#include <filesystem>

namespace instructme {

/// Of a WAV file (WAV, WAVEX, RF64), what it holds beside its sound and its tags goes to the end of another WAV file,
/// as it is: broadcast time stamp (bext), iXML, cue points and their labels, loops and whatever else programs put
/// there. Other kinds of files, and `from` that cannot be read, change nothing; so does what would make `to` longer
/// than its kind can be. Positions count frames, so the rate must be the same. Throws kIo when `to` cannot be changed.
void copy_wav_chunks(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace instructme
