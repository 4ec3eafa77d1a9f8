#include "modifiers.h"

#include <algorithm>

#include "amount_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "time_reader.h"

namespace instructme {
namespace {

using Unit = PlanRange::Unit;

void check(const Modifier& modifier) {
  if (modifier.range && modifier.range->end && modifier.range->begin >= 0) {
    const PlanRange& range = *modifier.range;
    const bool bars = range.unit == Unit::kBars;
    if (bars ? range.begin < 1 || *range.end < range.begin : *range.end <= range.begin)
      throw Error(ErrorKind::kInput, "'" + modifier.text + "' ends before it begins" +
                                         (bars ? ", or names a bar before the first, which is bar 1" : ""));
  }
  if (modifier.range && modifier.range->unit == Unit::kBars && modifier.range->begin == 0)
    throw Error(ErrorKind::kInput, "'" + modifier.text + "': the first bar is bar 1");
  if (!modifier.amount) return;
  const double value = modifier.amount->value;
  if (value < 0)
    throw Error(ErrorKind::kInput, "'+" + modifier.text +
                                       "' asks for something louder; what is in the music can be turned down, but "
                                       "not up");
  const bool possible = modifier.amount->kind == Amount::Kind::kDecibels ? value > 0
                        : modifier.amount->kind == Amount::Kind::kRest   ? value >= 0 && value < 1
                                                                         : value > 0 && value <= 1;
  if (!possible)
    throw Error(ErrorKind::kInput, "'" + modifier.text + "': an amount is above 0 and at most all of it (1, or 100 %)");
}

// Private use characters of Unicode from U+E000, three bytes each; nobody writes them.
constexpr size_t kMostModifiers = 64;

std::string placeholder(size_t index) {
  return {static_cast<char>(0xEE), static_cast<char>(0x80), static_cast<char>(0x80 + index)};
}

}  // namespace

std::optional<size_t> modifier_index(const std::string& word) {
  if (word.size() != 3 || !word.starts_with("\xEE\x80")) return std::nullopt;
  return static_cast<size_t>(static_cast<unsigned char>(word[2]) - 0x80);
}

std::vector<Modifier> take_modifiers(std::string& sentence) {
  const std::string text = lower(sentence);
  const std::vector<Piece> pieces = pieces_of(text);
  std::vector<Modifier> found;
  std::string rest;
  size_t copied = 0;
  TimeReader times(pieces);
  AmountReader amounts(pieces);
  for (size_t at = 0; at < pieces.size();) {
    times.at = amounts.at = at;
    Modifier modifier;
    if (const auto last = std::find_if(found.rbegin(), found.rend(), [](const Modifier& m) { return m.range; });
        last != found.rend()) {
      modifier.range = times.pointing(*last->range);
      modifier.pointing = modifier.range.has_value();
      last->pointed_at = last->pointed_at || modifier.pointing;
    }
    if (!modifier.range) modifier.range = times.range();
    if (!modifier.range) modifier.entry = (modifier.range = times.entry()).has_value();
    if (!modifier.range) modifier.amount = amounts.amount();
    if (!modifier.range && !modifier.amount) {
      ++at;
      continue;
    }
    const size_t first = at;
    at = modifier.range ? times.at : amounts.at;
    const size_t begin = pieces[first].begin, end = pieces[at - 1].end;
    modifier.text = sentence.substr(begin, end - begin);
    check(modifier);
    if (found.size() == kMostModifiers) throw Error(ErrorKind::kInput, "the sentence names too many times and amounts");
    rest += sentence.substr(copied, begin - copied) + " " + placeholder(found.size()) + " ";
    if (modifier.amount && modifier.amount->quieter) rest += "lower ";
    copied = end;
    found.push_back(std::move(modifier));
  }
  sentence = rest + sentence.substr(copied);
  return found;
}

std::optional<PlanRange> read_range(const std::string& text) {
  const std::string said = lower(text);
  const std::vector<Piece> pieces = pieces_of(said);
  for (const bool bare : {false, true}) {
    TimeReader times(pieces);
    Modifier modifier{text, bare ? times.second_range(true, false, true) : times.range(), std::nullopt};
    if (!modifier.range || !times.finished()) continue;
    check(modifier);
    return modifier.range;
  }
  return std::nullopt;
}

std::optional<double> read_share(const std::string& text) {
  const std::string said = lower(text);
  const std::vector<Piece> pieces = pieces_of(said);
  AmountReader amounts(pieces);
  auto value = amounts.share();
  if (!value) value = amounts.number();
  if (!value || !amounts.finished()) return std::nullopt;
  return value;
}

}  // namespace instructme
