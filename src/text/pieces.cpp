#include "pieces.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace instructme {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80 || c == '\''; }

/// Bytes of the typographic dash that stands here; 0 without one.
size_t dash_at(const std::string& text, size_t place) {
  static const std::string kDashes[] = {"\u2013", "\u2014", "\u2010", "\u2011"};
  const auto dash = std::find_if(std::begin(kDashes), std::end(kDashes),
                                 [&](const auto& mark) { return text.compare(place, mark.size(), mark) == 0; });
  return dash == std::end(kDashes) ? 0 : dash->size();
}

}  // namespace

std::optional<double> number_word(const std::string& word) {
  static const std::map<std::string, double> kWords = {
      {"one", 1},       {"two", 2},       {"three", 3},    {"four", 4},     {"five", 5},       {"six", 6},
      {"seven", 7},     {"eight", 8},     {"nine", 9},     {"ten", 10},     {"eleven", 11},    {"twelve", 12},
      {"thirteen", 13}, {"fourteen", 14}, {"fifteen", 15}, {"sixteen", 16}, {"seventeen", 17}, {"eighteen", 18},
      {"nineteen", 19}, {"twenty", 20},   {"thirty", 30},  {"forty", 40},   {"fifty", 50},     {"sixty", 60},
      {"seventy", 70},  {"eighty", 80},   {"ninety", 90}};
  const auto found = kWords.find(word);
  return found == kWords.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Piece> pieces_of(const std::string& text) {
  std::vector<Piece> out;
  for (size_t i = 0; i < text.size();) {
    Piece piece;
    piece.begin = i;
    if (const size_t dash = dash_at(text, i)) {
      i += dash;
      piece.text = "-";
    } else if (is_digit(text[i])) {
      piece.number = true;
      for (; i < text.size(); ++i) {
        // "2,5 dB" is what many people write for 2.5 dB.
        const bool point = text[i] == '.' || (text[i] == ',' && !piece.clock);
        const bool mark = (text[i] == ':' || point) && i + 1 < text.size() && is_digit(text[i + 1]);
        if (!is_digit(text[i]) && !mark) break;
        piece.clock = piece.clock || text[i] == ':';
        piece.text += text[i] == ',' ? '.' : text[i];
      }
    } else if (is_letter(text[i])) {
      while (i < text.size() && is_letter(text[i]) && dash_at(text, i) == 0) ++i;
      piece.text = text.substr(piece.begin, i - piece.begin);
    } else {
      ++i;
      if (text[i - 1] == ' ' || text[i - 1] == '\t' || text[i - 1] == '\n') continue;
      piece.text = text[i - 1];
    }
    piece.end = i;
    out.push_back(std::move(piece));
  }
  return out;
}

}  // namespace instructme
