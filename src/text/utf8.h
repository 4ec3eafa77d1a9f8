#pragma once

#include <cstddef>
#include <string_view>

namespace instructme {

/// U+FFFD, which stands for a byte that belongs to no character.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

/// Bytes of the character `text` begins with: 1 to 4, or 0 when the text is empty or does not begin
/// with well-formed UTF-8 (Unicode Standard, table 3-7: no overlong forms, no surrogates).
size_t utf8_length(std::string_view text);

}  // namespace instructme
