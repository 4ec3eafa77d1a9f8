#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sentencepiece_model.h"

namespace instructme {

/// U+2581, which stands for a space inside pieces.
inline constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// The replacement rules of a model ("precompiled_charsmap"): a little-endian uint32 with the size of a
/// trie, the trie as a double array of uint32 units (Yata, Darts-clone: dawg-based double array), and the
/// replacement strings, each ended by NUL; a key's value is the offset of its replacement.
class CharacterMap {
 public:
  CharacterMap() = default;  ///< no rules
  /// Throws kModel when the sizes contradict each other.
  explicit CharacterMap(std::string_view blob);

  struct Match {
    size_t length = 0;  ///< bytes of the longest key the text begins with; 0: no key
    std::string_view replacement;
  };
  /// Safe for damaged units too: an index outside the table is no match.
  Match longest_prefix(std::string_view text) const;

 private:
  std::vector<uint32_t> units_;
  std::string replacements_;
};

/// Turns a sentence into the form SentencePiece cuts into pieces: replacement rules, extra spaces
/// removed, spaces written as U+2581. Immutable.
class SentencePieceNormalizer {
 public:
  /// Throws kModel when the rules are damaged.
  explicit SentencePieceNormalizer(const SentencePieceModel& model);
  /// Bytes that are not UTF-8 become U+FFFD.
  std::string operator()(std::string_view sentence) const;

 private:
  CharacterMap::Match prefix(std::string_view text) const;

  CharacterMap map_;
  std::vector<std::string> user_defined_;  ///< longest first; never changed by the rules
  bool add_dummy_prefix_, remove_extra_whitespaces_, escape_whitespaces_, treat_whitespace_as_suffix_;
};

}  // namespace instructme
