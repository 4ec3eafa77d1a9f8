#pragma once

#include <cstddef>
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

}  // namespace instructme
