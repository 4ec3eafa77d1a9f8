#include "modifiers.h"

#include <algorithm>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "piece_reader.h"

namespace instructme {
namespace {

using Unit = PlanRange::Unit;

/// A moment as said; without a unit only where the other end of the range tells it.
struct Moment {
  double value = 0;
  bool bare = false, is_start = false, is_end = false, counted = false;
};

class Matcher : public PieceReader {
 public:
  using PieceReader::PieceReader;

  std::optional<Moment> moment() {
    return attempt([&]() -> std::optional<Moment> {
      word({"the"});
      if (word({"start", "beginning"})) return Moment{.is_start = true};
      if (word({"end"})) return Moment{.is_end = true};
      if (decade()) return std::nullopt;
      const bool counted = !finished() && pieces_[at].text.starts_with("sec");
      if (const auto seconds = duration()) return Moment{.value = *seconds, .counted = counted};
      if (const auto value = number()) return Moment{.value = *value, .bare = true};
      return std::nullopt;
    });
  }

  bool to() {
    return word({"to", "until", "till", "til", "through", "thru", "-"}) || phrase({"up", "to"}) ||
           phrase({"up", "until"}) || phrase({"and", "ending", "at"}) || phrase({"and", "ends", "at"}) ||
           phrase({"and", "stopping", "at"}) || phrase({"and", "stops", "at"}) || phrase({"and", "stop", "at"}) ||
           phrase({"and", "goes", "to"});
  }
  bool onwards() {
    return word({"on", "onwards", "onward"}) || phrase({"to", "the", "end"}) || phrase({"until", "the", "end"}) ||
           phrase({"till", "the", "end"});
  }

  /// "bar 5 to bar 8", "bars 5-8"; `open`: "bar 5 on" or simply "bar 5" go up to the end.
  std::optional<PlanRange> bar_range(bool open, bool joined_by_and) {
    return attempt([&]() -> std::optional<PlanRange> {
      word({"the"});
      if (!bars()) return std::nullopt;
      const auto first = bar();
      if (!first) return std::nullopt;
      if (onwards()) return PlanRange{Unit::kBars, *first, std::nullopt};
      const auto last = attempt([&]() -> std::optional<double> {
        if (!to() && !(joined_by_and && word({"and"}))) return std::nullopt;
        word({"the"});
        bars();
        return bar();
      });
      if (last) return PlanRange{Unit::kBars, *first, *last};
      if (joined_by_and) return std::nullopt;
      // "bars 31 and 32", but not "bars 3 and 7"
      const auto next = attempt([&]() -> std::optional<double> {
        const auto second = word({"and"}) ? bar() : std::nullopt;
        return second && *second == *first + 1 ? second : std::nullopt;
      });
      if (next) return PlanRange{Unit::kBars, *first, *next};
      return open ? PlanRange{Unit::kBars, *first, std::nullopt} : PlanRange{Unit::kBars, *first, *first};
    });
  }

  /// Two moments, or one with what says that it goes on from there.
  std::optional<PlanRange> second_range(bool open, bool joined_by_and, bool bare_seconds) {
    return attempt([&]() -> std::optional<PlanRange> {
      auto begin = moment();
      if (!begin || begin->is_end) return std::nullopt;
      const bool certain = !begin->bare || bare_seconds;
      if (certain && onwards()) return PlanRange{Unit::kSeconds, begin->value, std::nullopt};
      const size_t unit_at = at;
      auto end = attempt([&]() -> std::optional<Moment> {
        return to() || (joined_by_and && word({"and"})) ? moment() : std::nullopt;
      });
      if (!end) {
        at = unit_at;
        if (joined_by_and || !certain || !open || begin->is_start) return std::nullopt;
        if (bare_seconds && !word({"-"})) return std::nullopt;
        return PlanRange{Unit::kSeconds, begin->value, std::nullopt};
      }
      if (end->is_end) return certain ? std::optional(PlanRange{Unit::kSeconds, begin->value, {}}) : std::nullopt;
      if (end->bare && !begin->counted && !(begin->bare && bare_seconds)) return std::nullopt;
      if (begin->bare && !end->bare) {
        // "from 1 to 2 minutes": the unit is said once.
        const std::string& unit = pieces_[at - 1].text;
        if (pieces_[at - 1].clock) return std::nullopt;
        if (unit.starts_with("m")) begin->value *= 60;
      }
      return PlanRange{Unit::kSeconds, begin->value, end->value};
    });
  }

  /// "first 10 seconds", "last 4 bars".
  std::optional<PlanRange> edge_range() {
    return attempt([&]() -> std::optional<PlanRange> {
      word({"the"});
      const bool first = word({"first", "opening"});
      if (!first && !word({"last", "final", "closing"})) return std::nullopt;
      if (const auto seconds = duration()) {
        if (*seconds <= 0) return std::nullopt;
        return first ? PlanRange{Unit::kSeconds, 0, *seconds} : PlanRange{Unit::kSeconds, -*seconds, std::nullopt};
      }
      if (word({"minute"})) return first ? PlanRange{Unit::kSeconds, 0, 60} : PlanRange{Unit::kSeconds, -60, {}};
      const auto count = bar();
      const double bars_said = count.value_or(1);
      if (!bars() || bars_said < 1) return std::nullopt;
      return first ? PlanRange{Unit::kBars, 1, bars_said} : PlanRange{Unit::kBars, -bars_said, std::nullopt};
    });
  }

  /// Said with a preposition that leaves no doubt that a time follows, or two clock times or bars without one.
  std::optional<PlanRange> range() {
    return attempt([&]() -> std::optional<PlanRange> {
      if (auto found = attempt([&]() -> std::optional<PlanRange> {
            auto edge = word({"from"}) ? edge_range() : std::nullopt;
            return edge && !to() && !onwards() ? edge : std::nullopt;
          }))
        return found;
      if (word({"from"}) || phrase({"starting", "at"}) || phrase({"starting", "from"}) || phrase({"beginning", "at"})) {
        if (auto found = bar_range(true, false)) return found;
        return second_range(true, false, false);
      }
      if (word({"between"})) {
        if (auto found = bar_range(false, true)) return found;
        return second_range(false, true, false);
      }
      if (word({"after", "past"})) {
        // "After the first minute."
        if (const auto edge = edge_range(); edge && edge->end)
          return PlanRange{edge->unit, *edge->end + (edge->unit == Unit::kBars ? 1 : 0), std::nullopt};
        if (bars()) {
          const auto last = bar();
          return last ? std::optional(PlanRange{Unit::kBars, *last + 1, std::nullopt}) : std::nullopt;
        }
        const auto seconds = mark();
        return seconds ? std::optional(PlanRange{Unit::kSeconds, *seconds, std::nullopt}) : std::nullopt;
      }
      if (word({"before"})) {
        if (bars()) {
          const auto next = bar();
          return next && *next > 1 ? std::optional(PlanRange{Unit::kBars, 1, *next - 1}) : std::nullopt;
        }
        const auto seconds = mark();
        return seconds ? std::optional(PlanRange{Unit::kSeconds, 0, *seconds}) : std::nullopt;
      }
      if (word({"until", "till", "til"}) || phrase({"up", "to"}) || phrase({"up", "until"})) {
        const auto seconds = mark();
        return seconds ? std::optional(PlanRange{Unit::kSeconds, 0, *seconds}) : std::nullopt;
      }
      if (auto found = attempt([&]() -> std::optional<PlanRange> {
            if (!word({"at"})) return std::nullopt;
            auto both = bar_range(false, false);
            if (both && *both->end == both->begin) return std::nullopt;  // that is where something comes in
            if (!both) both = second_range(false, false, false);
            return both && both->end ? both : std::nullopt;
          }))
        return found;
      if (word({"of"})) {
        if (auto found = edge_range()) return found;
        return bar_range(false, false);
      }
      if (word({"in", "during", "within", "for", "over", "throughout", "across", "on", "through"})) {
        if (auto found = edge_range()) return found;
        if (auto found = bar_range(false, false)) return found;
        return second_range(false, false, false);
      }
      if (finished()) return std::nullopt;
      if (auto found = edge_range()) return found;
      if (auto found = bar_range(false, false)) return found;
      const bool counted = pieces_[at].text.starts_with("sec");
      return pieces_[at].clock || pieces_[at].number || counted ? second_range(false, false, false) : std::nullopt;
    });
  }

  /// What is said by pointing at the time before it: "we have permission up to 1:45, from then on remove the flute".
  std::optional<PlanRange> pointing(const PlanRange& last) {
    return attempt([&]() -> std::optional<PlanRange> {
      const bool after = phrase({"from", "then", "on"}) || phrase({"from", "there", "on"}) ||
                         phrase({"from", "there"}) || phrase({"from", "then"}) ||
                         phrase({"from", "that", "point", "on"});
      const bool before =
          !after && (phrase({"before", "that"}) || phrase({"before", "then"}) || phrase({"until", "then"}) ||
                     phrase({"till", "then"}) || phrase({"til", "then"}) || phrase({"up", "to", "there"}));
      if ((!after && !before) || last.begin < 0) return std::nullopt;
      const bool bars = last.unit == Unit::kBars;
      const double start = bars ? 1 : 0;
      // Of "up to 1:45" the end is pointed at, of "at 1:45" the beginning; of "from 1:30 to 1:45" what is nearer.
      const bool at_end = last.end && (after || last.begin == start);
      if (after) return PlanRange{last.unit, at_end ? *last.end + (bars ? 1 : 0) : last.begin, std::nullopt};
      const double end = at_end ? *last.end : last.begin - (bars ? 1 : 0);
      return end > 0 ? std::optional(PlanRange{last.unit, start, end}) : std::nullopt;
    });
  }

  /// "At bar 9", "at 0:30".
  std::optional<PlanRange> entry() {
    return attempt([&]() -> std::optional<PlanRange> {
      if (!word({"at"})) return std::nullopt;
      if (bars()) {
        const auto first = bar();
        return first ? std::optional(PlanRange{Unit::kBars, *first, std::nullopt}) : std::nullopt;
      }
      const auto seconds = duration();
      return seconds ? std::optional(PlanRange{Unit::kSeconds, *seconds, std::nullopt}) : std::nullopt;
    });
  }

  /// "Half", "a third", "three tenths", "30 %"; "the third of May" is no share.
  std::optional<double> share() {
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
  double denominator() {
    if (word({"third", "thirds"})) return 3;
    if (word({"quarter", "quarters"})) return 4;
    if (word({"fifth", "fifths"})) return 5;
    return word({"tenth", "tenths"}) ? 10 : 0;
  }

  /// "its volume", "the level".
  bool loudness() {
    word({"of"});
    word({"its", "their", "the"});
    word({"current", "present", "original"});
    return word({"volume", "level", "loudness"});
  }
  bool says_before(std::initializer_list<const char*> words) const {
    return std::any_of(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(at), [&](const Piece& piece) {
      return std::any_of(words.begin(), words.end(), [&](const char* word) { return piece.text == word; });
    });
  }
  bool says_lower() const { return says_before({"down", "lower", "reduce", "decrease", "quieter", "cut", "back"}); }
  bool says_loudness() const { return says_before({"volume", "level", "loudness"}); }

  std::optional<Amount> amount() {
    return attempt([&]() -> std::optional<Amount> {
      if (word({"quieter", "softer"})) {
        const bool by = !finished() && pieces_[at].text == "by";
        auto found = by ? amount() : std::nullopt;
        if (found) found->quieter = true;
        return found;
      }
      if (word({"by"})) {
        word({"about", "around", "roughly", "approximately"});
        if (const auto found = share()) return Amount{Amount::Kind::kShare, *found};
        const auto value = number();
        if (!value || !word({"db", "decibel", "decibels"})) return std::nullopt;
        return Amount{Amount::Kind::kDecibels, *value};
      }
      if (word({"to"})) {
        const auto found = share();
        if (!found) return std::nullopt;
        // Where nothing else says so, its being about loudness does: "let the bass drop to half its volume".
        const bool loud = attempt([&] { return loudness(); });
        return Amount{Amount::Kind::kRest, *found, false, loud && !says_lower()};
      }
      // "Halve the bass", "half as much bass", "the drums should be half as loud as they are".
      if (word({"halve", "halving"})) return Amount{Amount::Kind::kShare, 0.5, false, true};
      if (phrase({"half", "as", "loud"}) || phrase({"half", "as", "much"})) {
        attempt([&] { return word({"as"}) && word({"it", "they", "now", "before"}); });
        if (word({"is", "are"})) word({"now"});
        return Amount{Amount::Kind::kShare, 0.5, false, !says_lower()};
      }
      if (says_loudness() && phrase({"in", "half"})) return Amount{Amount::Kind::kShare, 0.5};
      // "Keep 20 % of the drums."
      if (const auto found = attempt([&]() -> std::optional<Amount> {
            if (!word({"keep", "leave"})) return std::nullopt;
            word({"only", "just"});
            const auto part = share();
            return part && word({"of"}) ? std::optional(Amount{Amount::Kind::kRest, *part, false, true}) : std::nullopt;
          }))
        return found;
      // "Minus 80 %", "a 25 % reduction", "40 % off the drums", "10 % of its level".
      if (const auto found = attempt([&]() -> std::optional<Amount> {
            word({"a"});
            const bool minus = word({"-", "minus"});
            const auto part = share();
            if (!part) return std::nullopt;
            if (minus || word({"reduction"})) return Amount{Amount::Kind::kShare, *part, false, true};
            if (!finished() && pieces_[at].text == "off") return Amount{Amount::Kind::kShare, *part};
            const bool rest = loudness() && !says_lower();
            return rest ? std::optional(Amount{Amount::Kind::kRest, *part, false, true}) : std::nullopt;
          }))
        return found;
      // "half of the drums", but not "the first half of the song".
      const bool whole = at > 0 && (pieces_[at - 1].text == "first" || pieces_[at - 1].text == "second" ||
                                    pieces_[at - 1].text == "last" || pieces_[at - 1].text == "other");
      if (const auto found = attempt([&] {
            const auto part = whole ? std::nullopt : share();
            return part && word({"of"}) ? part : std::nullopt;
          }))
        return Amount{Amount::Kind::kShare, *found};
      // "Drums down 3 dB", "less drums, about half": only what is made quieter is spoken of in that way.
      if (const auto found = attempt([&]() -> std::optional<Amount> {
            const bool about = word({"about", "around", "roughly", "approximately"});
            const bool figure = !finished() && pieces_[at].number;
            if (const auto part = whole ? std::nullopt : share()) {
              if (word({"quieter", "softer"})) return Amount{Amount::Kind::kShare, *part, true, true};
              if (word({"strength"})) return Amount{Amount::Kind::kShare, *part};
              const bool compared = !finished() && (pieces_[at].text == "lower" || pieces_[at].text == "less");
              return about || figure || compared ? std::optional(Amount{Amount::Kind::kShare, *part, true})
                                                 : std::nullopt;
            }
            const bool minus = word({"-", "minus"});  // "drums -6 dB"
            const auto value = number();
            if (!value || !word({"db", "decibel", "decibels"})) return std::nullopt;
            // "Take 3 dB off the drums."
            const bool off = !minus && !finished() && pieces_[at].text == "off";
            return Amount{Amount::Kind::kDecibels, *value, !off, word({"quieter", "softer"}) || minus};
          }))
        return found;
      const bool with = word({"with"}), placed = with || word({"at"});
      if (placed) word({"a"});
      if (word({"strength"})) {
        word({"of"});
        if (const auto found = share()) return Amount{Amount::Kind::kShare, *found};
        const auto value = number();
        return value ? std::optional(Amount{Amount::Kind::kShare, *value}) : std::nullopt;
      }
      const auto found = placed ? share() : std::nullopt;
      if (!found) return std::nullopt;
      word({"of"});
      word({"its", "their", "the"});
      if (word({"strength"})) return Amount{Amount::Kind::kShare, *found};
      const bool level = word({"volume", "level", "loudness"});
      if (with && !level) return Amount{Amount::Kind::kShare, *found};
      return Amount{Amount::Kind::kRest, *found, false, false, true};
    });
  }
};

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
  Matcher matcher(pieces);
  while (!matcher.finished()) {
    const size_t start = matcher.at;
    Modifier modifier;
    if (const auto last = std::find_if(found.rbegin(), found.rend(), [](const Modifier& m) { return m.range; });
        last != found.rend()) {
      modifier.range = matcher.pointing(*last->range);
      modifier.pointing = modifier.range.has_value();
      last->pointed_at = last->pointed_at || modifier.pointing;
    }
    if (!modifier.range) modifier.range = matcher.range();
    if (!modifier.range) modifier.entry = (modifier.range = matcher.entry()).has_value();
    if (!modifier.range) modifier.amount = matcher.amount();
    if (!modifier.range && !modifier.amount) {
      ++matcher.at;
      continue;
    }
    const size_t begin = pieces[start].begin, end = pieces[matcher.at - 1].end;
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
    Matcher matcher(pieces);
    Modifier modifier{text, bare ? matcher.second_range(true, false, true) : matcher.range(), std::nullopt};
    if (!modifier.range || !matcher.finished()) continue;
    check(modifier);
    return modifier.range;
  }
  return std::nullopt;
}

std::optional<double> read_share(const std::string& text) {
  const std::string said = lower(text);
  const std::vector<Piece> pieces = pieces_of(said);
  Matcher matcher(pieces);
  auto value = matcher.share();
  if (!value) value = matcher.number();
  if (!value || !matcher.finished()) return std::nullopt;
  return value;
}

}  // namespace instructme
