#pragma once

#include <filesystem>
#include <vector>

#include "instructme/score/chord.h"

namespace instructme {

/// A key that holds from start_s to end_s (seconds).
struct KeySpan {
  double start_s = 0;
  double end_s = 0;
  Key key;
  double probability = 1;  ///< how sure its finder is, 0..1; not in files
};

/// Reads keys: one line "start end key" per span, such as "0 12.5 Eb:minor"; otherwise as read_chord_file, and with its
/// errors.
std::vector<KeySpan> read_key_file(const std::filesystem::path& path);

/// Writes atomically what read_key_file reads, times to the microsecond. Throws kIo.
void write_key_file(const std::filesystem::path& path, const std::vector<KeySpan>& keys);

}  // namespace instructme
