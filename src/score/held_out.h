#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace instructme {

/// FNV-1a with a final mix: the same everywhere and for ever, so that splits never depend on a library's hash.
uint64_t stable_hash(std::string_view bytes);
/// The fixed tenth that a split holds out.
bool is_held_out(std::string_view name);
/// 16 hexadecimal digits.
std::string hash_text(uint64_t hash);

}  // namespace instructme
