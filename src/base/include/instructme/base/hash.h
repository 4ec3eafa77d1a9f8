#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace instructme {

/// FNV-1a with an offset basis of its own (1469598103934665603) and a final mix: the same everywhere and for ever, so
/// that what depends on it never depends on a library's hash. Finds damage and tells versions apart; it does not
/// withstand anyone who wants it to err.
uint64_t stable_hash(std::string_view bytes);
/// 16 hexadecimal digits.
std::string hash_text(uint64_t hash);

/// Of the names and contents of all files below a folder, in the order of their names. Throws kIo.
std::string folder_hash(const std::filesystem::path& folder);

}  // namespace instructme
