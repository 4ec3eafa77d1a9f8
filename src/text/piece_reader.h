#pragma once

#include <initializer_list>
#include <optional>
#include <vector>

#include "pieces.h"

namespace instructme {

/// Reads numbers and durations off the pieces of a sentence, one after the other.
class PieceReader {
 public:
  explicit PieceReader(const std::vector<Piece>& pieces) : pieces_(pieces) {}

  size_t at = 0;
  bool finished() const { return at == pieces_.size(); }

  /// Tries one way to read what stands here; stays where it was when that fails.
  template <class Read>
  auto attempt(Read read) -> decltype(read()) {
    const size_t start = at;
    auto found = read();
    if (!found) at = start;
    return found;
  }

  bool word(std::initializer_list<const char*> words);
  bool phrase(std::initializer_list<const char*> words);
  /// Whether this stands here, to be read later.
  bool follows(const char* text) const { return !finished() && pieces_[at].text == text; }
  std::optional<double> number();
  /// A bar's number.
  std::optional<double> bar();
  bool bars() { return word({"bar", "bars", "measure", "measures"}); }
  /// "1:30", "90 seconds", "1 minute 30 seconds", "a minute and a half", "second 90".
  std::optional<double> duration();
  /// The same, also as "the one minute mark".
  std::optional<double> mark();
  /// Whether "the 70s" stands here, a time of another kind.
  bool decade() const;

 protected:
  std::optional<double> unit_s();
  std::optional<double> clock();

  const std::vector<Piece>& pieces_;
};

}  // namespace instructme
