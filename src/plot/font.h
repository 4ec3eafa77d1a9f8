#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace instructme {

inline constexpr int kGlyphWidth = 5;
inline constexpr int kGlyphRows = 9;  ///< 7 above the base line, 2 below
inline constexpr int kCapitalRows = 7;
inline constexpr int kGlyphAdvance = 6;  ///< one empty column between letters

/// Rows from the top; bit 4 is the leftmost pixel.
using Glyph = std::array<uint8_t, kGlyphRows>;

/// '?' for anything but printable ASCII.
const Glyph& glyph(char c);

/// One ASCII character per UTF-8 character; '?' for those outside ASCII.
std::string to_ascii(std::string_view text);

}  // namespace instructme
