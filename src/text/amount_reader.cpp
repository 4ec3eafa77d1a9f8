#include "amount_reader.h"

#include <algorithm>

namespace instructme {

using Kind = Amount::Kind;

std::optional<Amount> AmountReader::amount() {
  using Rule = std::optional<Amount> (AmountReader::*)();
  static constexpr Rule kRules[] = {&AmountReader::quieter_by, &AmountReader::by_so_much, &AmountReader::to_so_much,
                                    &AmountReader::halved,     &AmountReader::kept,       &AmountReader::taken_off,
                                    &AmountReader::share_of,   &AmountReader::bare_share, &AmountReader::bare_decibels,
                                    &AmountReader::strength,   &AmountReader::at_or_with};
  for (const Rule rule : kRules)
    if (const auto found = attempt([&] { return (this->*rule)(); })) return found;
  return std::nullopt;
}

std::optional<Amount> AmountReader::quieter_by() {
  auto found = softer() && follows("by") ? amount() : std::nullopt;
  if (found) found->quieter = true;
  return found;
}

std::optional<Amount> AmountReader::by_so_much() {
  if (!word({"by"})) return std::nullopt;
  about();
  if (const auto found = share()) return Amount{Kind::kShare, *found};
  const auto value = number();
  return value && decibels() ? std::optional(Amount{Kind::kDecibels, *value}) : std::nullopt;
}

std::optional<Amount> AmountReader::to_so_much() {
  const auto found = word({"to"}) ? share() : std::nullopt;
  if (!found) return std::nullopt;
  // Where nothing else says so, its being about loudness does: "let the bass drop to half its volume".
  const bool loud = attempt([&] { return loudness(); });
  return Amount{Kind::kRest, *found, false, loud && !says_lower()};
}

std::optional<Amount> AmountReader::halved() {
  if (word({"halve", "halving"})) return Amount{Kind::kShare, 0.5, false, true};
  if (phrase({"half", "as", "loud"}) || phrase({"half", "as", "much"})) {
    attempt([&] { return word({"as"}) && word({"it", "they", "now", "before"}); });
    if (word({"is", "are"})) word({"now"});
    return Amount{Kind::kShare, 0.5, false, !says_lower()};
  }
  const bool loud = says_before({"volume", "level", "loudness"});
  return loud && phrase({"in", "half"}) ? std::optional(Amount{Kind::kShare, 0.5}) : std::nullopt;
}

std::optional<Amount> AmountReader::kept() {
  if (!word({"keep", "leave"})) return std::nullopt;
  word({"only", "just"});
  const auto part = share();
  return part && word({"of"}) ? std::optional(Amount{Kind::kRest, *part, false, true}) : std::nullopt;
}

std::optional<Amount> AmountReader::taken_off() {
  word({"a"});
  const bool less = minus();
  const auto part = share();
  if (!part) return std::nullopt;
  if (less || word({"reduction"})) return Amount{Kind::kShare, *part, false, true};
  if (follows("off")) return Amount{Kind::kShare, *part};
  const bool rest = loudness() && !says_lower();
  return rest ? std::optional(Amount{Kind::kRest, *part, false, true}) : std::nullopt;
}

std::optional<Amount> AmountReader::share_of() {
  const auto part = is_half_of_a_time() ? std::nullopt : share();
  return part && word({"of"}) ? std::optional(Amount{Kind::kShare, *part}) : std::nullopt;
}

std::optional<Amount> AmountReader::bare_share() {
  const bool roughly = about();
  const bool figure = !finished() && pieces_[at].number;
  const double direction = sign();
  auto part = is_half_of_a_time() ? std::nullopt : share();
  if (!part) return std::nullopt;
  *part *= direction;
  if (softer()) return Amount{Kind::kShare, *part, true, true};
  if (word({"strength"})) return Amount{Kind::kShare, *part};
  const bool said_enough = roughly || figure || follows("lower") || follows("less");
  return said_enough ? std::optional(Amount{Kind::kShare, *part, true}) : std::nullopt;
}

std::optional<Amount> AmountReader::bare_decibels() {
  about();
  const bool less = minus();
  const double direction = sign();
  const auto value = number();
  if (!value || !decibels()) return std::nullopt;
  const bool off = !less && follows("off");
  return Amount{Kind::kDecibels, direction * *value, !off, softer() || less};
}

std::optional<Amount> AmountReader::strength() {
  if (word({"with", "at"})) word({"a"});
  if (!word({"strength"})) return std::nullopt;
  word({"of"});
  auto value = share();
  if (!value) value = number();
  return value ? std::optional(Amount{Kind::kShare, *value}) : std::nullopt;
}

std::optional<Amount> AmountReader::at_or_with() {
  const bool with = word({"with"});
  if (!with && !word({"at"})) return std::nullopt;
  word({"a"});
  const auto found = share();
  if (!found) return std::nullopt;
  word({"of"});
  word({"its", "their", "the"});
  if (word({"strength"})) return Amount{Kind::kShare, *found};
  if (!loudness_word() && with) return Amount{Kind::kShare, *found};
  return Amount{Kind::kRest, *found, false, false, true};
}

std::optional<double> AmountReader::share() {
  return attempt([&]() -> std::optional<double> {
    const bool date = at > 0 && pieces_[at - 1].text == "the";
    const bool one = word({"a", "one"});
    if (word({"half"})) return 0.5;
    const auto value = one ? std::optional(1.0) : number();
    const double parts = value || !date ? denominator() : 0;
    if (parts > 0 && value.value_or(1) < parts) return value.value_or(1) / parts;
    if (one || !value || parts > 0) return std::nullopt;
    return word({"%", "percent"}) || phrase({"per", "cent"}) ? std::optional(*value / 100) : std::nullopt;
  });
}

double AmountReader::sign() const {
  return at > 0 && !finished() && pieces_[at - 1].text == "+" && pieces_[at - 1].end == pieces_[at].begin ? -1 : 1;
}

double AmountReader::denominator() {
  if (word({"third", "thirds"})) return 3;
  if (word({"quarter", "quarters"})) return 4;
  if (word({"fifth", "fifths"})) return 5;
  return word({"tenth", "tenths"}) ? 10 : 0;
}

bool AmountReader::loudness() {
  word({"of"});
  word({"its", "their", "the"});
  word({"current", "present", "original"});
  return loudness_word();
}

bool AmountReader::is_half_of_a_time() const {
  if (at == 0) return false;
  const std::string& before = pieces_[at - 1].text;
  return before == "first" || before == "second" || before == "last" || before == "other";
}

bool AmountReader::says_before(std::initializer_list<const char*> words) const {
  return std::any_of(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(at), [&](const Piece& piece) {
    return std::any_of(words.begin(), words.end(), [&](const char* word) { return piece.text == word; });
  });
}

}  // namespace instructme
