#include "piece_reader.h"

#include <algorithm>
#include <charconv>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

/// Digits with a point, as pieces have them, whatever the locale.
double decimal(const std::string& digits) {
  double value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

bool PieceReader::word(std::initializer_list<const char*> words) {
  if (finished() || std::none_of(words.begin(), words.end(), [&](const char* w) { return pieces_[at].text == w; }))
    return false;
  ++at;
  return true;
}

bool PieceReader::phrase(std::initializer_list<const char*> words) {
  if (at + words.size() > pieces_.size()) return false;
  size_t i = at;
  for (const char* w : words)
    if (pieces_[i++].text != w) return false;
  at = i;
  return true;
}

std::optional<double> PieceReader::number() {
  if (finished()) return std::nullopt;
  const Piece& piece = pieces_[at];
  if (const auto named = number_word(piece.text)) {
    ++at;
    const auto digit = finished() || *named < 20 ? std::nullopt : number_word(pieces_[at].text);
    if (!digit || *digit > 9) return named;
    ++at;  // "twenty four"
    return *named + *digit;
  }
  if (!piece.number || piece.clock || std::count(piece.text.begin(), piece.text.end(), '.') > 1) return std::nullopt;
  ++at;
  return decimal(piece.text);
}

std::optional<double> PieceReader::bar() {
  return attempt([&]() -> std::optional<double> {
    const auto value = number();
    return value && *value == static_cast<double>(static_cast<int64_t>(*value)) ? value : std::nullopt;
  });
}

std::optional<double> PieceReader::unit_s() {
  if (word({"s", "sec", "secs", "second", "seconds"})) return 1;
  if (word({"m", "min", "mins", "minute", "minutes"})) return 60;
  return std::nullopt;
}

std::optional<double> PieceReader::clock() {
  if (finished() || !pieces_[at].clock) return std::nullopt;
  const std::vector<std::string> parts = split(pieces_[at].text, ':');
  double seconds = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool fraction = parts[i].find('.') != std::string::npos;
    if (parts.size() > 3 || (fraction && i + 1 < parts.size()) || (i > 0 && decimal(parts[i]) >= 60))
      throw Error(ErrorKind::kInput, "'" + pieces_[at].text + "' is no time: write minutes:seconds, as in 1:30");
    seconds = 60 * seconds + decimal(parts[i]);
  }
  ++at;
  return seconds;
}

std::optional<double> PieceReader::duration() {
  if (const auto seconds = clock()) return seconds;
  if (const auto counted = attempt([&] {
        return word({"second", "seconds", "sec", "secs"}) ? number() : std::nullopt;
      }))
    return counted;
  if (phrase({"half", "a", "minute"}) || phrase({"half", "minute"})) return 30;
  return attempt([&]() -> std::optional<double> {
    const bool one = phrase({"a", "minute"});
    const auto value = one ? std::optional(1.0) : number();
    const auto unit = one ? std::optional(60.0) : value ? unit_s() : std::nullopt;
    if (!unit) return std::nullopt;
    const double seconds = *value * *unit;
    if (*unit != 60) return seconds;
    if (phrase({"and", "a", "half"})) return seconds + 30;
    const auto more = attempt([&]() -> std::optional<double> {
      const bool joined = word({"and"});
      const auto rest = number();
      if (!rest || *rest >= 60) return std::nullopt;
      if (word({"s", "sec", "secs", "second", "seconds"})) return rest;
      // "From a minute twenty on."
      const bool ends = finished() || pieces_[at].text == "on" || pieces_[at].text == "onwards" ||
                        pieces_[at].text == "to" || pieces_[at].text == "until" || pieces_[at].text == ",";
      return ends && !joined ? rest : std::nullopt;
    });
    return seconds + more.value_or(0);
  });
}

std::optional<double> PieceReader::mark() {
  return attempt([&]() -> std::optional<double> {
    word({"the"});
    const auto seconds = duration();
    word({"mark"});
    return seconds;
  });
}

bool PieceReader::decade() const {
  if (at == 0 || at + 1 >= pieces_.size() || pieces_[at - 1].text != "the" || pieces_[at + 1].text != "s") return false;
  const double value = decimal(pieces_[at].text);
  return pieces_[at].number && value >= 10 && value < 100 && static_cast<int>(value) % 10 == 0 &&
         pieces_[at].end == pieces_[at + 1].begin;
}

}  // namespace instructme
