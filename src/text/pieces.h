#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace instructme {

/// A number, a word or a mark, with its place in the sentence.
struct Piece {
  std::string text;
  size_t begin = 0, end = 0;
  bool number = false, clock = false;
};

/// The pieces of a sentence in lower case.
std::vector<Piece> pieces_of(const std::string& text);

/// The value of "one" to "nineteen" and of "twenty", "thirty" to "ninety"; none of other words.
std::optional<double> number_word(const std::string& word);

}  // namespace instructme
