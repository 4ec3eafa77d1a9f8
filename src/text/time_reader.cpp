#include "time_reader.h"

namespace instructme {

using Unit = PlanRange::Unit;

std::optional<TimeReader::Moment> TimeReader::moment() {
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

bool TimeReader::to() {
  return word({"to", "until", "till", "til", "through", "thru", "-"}) || phrase({"up", "to"}) ||
         phrase({"up", "until"}) || phrase({"and", "ending", "at"}) || phrase({"and", "ends", "at"}) ||
         phrase({"and", "stopping", "at"}) || phrase({"and", "stops", "at"}) || phrase({"and", "stop", "at"}) ||
         phrase({"and", "goes", "to"});
}

bool TimeReader::onwards() {
  return word({"on", "onwards", "onward"}) || phrase({"to", "the", "end"}) || phrase({"until", "the", "end"}) ||
         phrase({"till", "the", "end"});
}

bool TimeReader::ends_elsewhere() {
  const size_t start = at;
  bool elsewhere = word({"until", "till", "til", "through", "thru"}) || phrase({"up", "to"}) || phrase({"up", "until"});
  if (!elsewhere && phrase({"to", "the"})) {
    word({"first", "second", "third", "next", "last", "final"});
    elsewhere = word({"intro", "verse", "chorus", "refrain", "bridge", "hook", "drop", "breakdown", "solo", "outro",
                      "coda", "ending"});
  }
  at = start;
  return elsewhere;
}

std::string TimeReader::text_before(size_t count) const { return at >= count ? pieces_[at - count].text : ""; }

bool TimeReader::begins_here() const {
  const size_t verb = text_before(1) == "with" ? 2 : 1;
  const std::string said = text_before(verb);
  return said == "starting" || said == "starts" || said == "begins" ||
         ((said == "start" || said == "begin") && text_before(verb + 1) != "the");
}

std::optional<PlanRange> TimeReader::bars_from_start() {
  return attempt([&]() -> std::optional<PlanRange> {
    word({"the"});
    if (!word({"start", "beginning", "top"}) || !to()) return std::nullopt;
    word({"the"});
    const auto last = bars() ? bar() : std::nullopt;
    return last ? std::optional(PlanRange{Unit::kBars, 1, *last}) : std::nullopt;
  });
}

std::optional<PlanRange> TimeReader::bars_up_to() {
  if (text_before(1) != "to" || text_before(2) != "up") return std::nullopt;
  return attempt([&]() -> std::optional<PlanRange> {
    const auto last = bars() ? bar() : std::nullopt;
    return last ? std::optional(PlanRange{Unit::kBars, 1, *last}) : std::nullopt;
  });
}

std::optional<PlanRange> TimeReader::bar_range(bool open, bool joined_by_and) {
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
    if (joined_by_and || ends_elsewhere()) return std::nullopt;
    // "bars 31 and 32", but not "bars 3 and 7"
    const auto next = attempt([&]() -> std::optional<double> {
      const auto second = word({"and"}) ? bar() : std::nullopt;
      return second && *second == *first + 1 ? second : std::nullopt;
    });
    if (next) return PlanRange{Unit::kBars, *first, *next};
    return open ? PlanRange{Unit::kBars, *first, std::nullopt} : PlanRange{Unit::kBars, *first, *first};
  });
}

std::optional<PlanRange> TimeReader::second_range(bool open, bool joined_by_and, bool bare_seconds) {
  return attempt([&]() -> std::optional<PlanRange> {
    auto begin = moment();
    if (!begin || begin->is_end) return std::nullopt;
    const bool certain = !begin->bare || bare_seconds;
    if (certain && onwards()) return PlanRange{Unit::kSeconds, begin->value, std::nullopt};
    const size_t unit_at = at;
    auto end = attempt(
        [&]() -> std::optional<Moment> { return to() || (joined_by_and && word({"and"})) ? moment() : std::nullopt; });
    if (!end) {
      at = unit_at;
      if (joined_by_and || !certain || !open || begin->is_start || ends_elsewhere()) return std::nullopt;
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

std::optional<PlanRange> TimeReader::edge_range() {
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

std::optional<PlanRange> TimeReader::range() {
  return attempt([&]() -> std::optional<PlanRange> {
    if (auto found = attempt([&]() -> std::optional<PlanRange> {
          auto edge = word({"from"}) ? edge_range() : std::nullopt;
          return edge && !to() && !onwards() ? edge : std::nullopt;
        }))
      return found;
    if (word({"from"}) || phrase({"starting", "at"}) || phrase({"starting", "from"}) || phrase({"beginning", "at"})) {
      if (auto found = bar_range(true, false)) return found;
      if (auto found = bars_from_start()) return found;
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
        if (!last || ends_elsewhere()) return std::nullopt;
        return PlanRange{Unit::kBars, *last + 1, std::nullopt};
      }
      const auto seconds = mark();
      if (!seconds || ends_elsewhere()) return std::nullopt;
      return PlanRange{Unit::kSeconds, *seconds, std::nullopt};
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
    const bool starts = begins_here();  // "starting in bar 9"
    const bool through = follows("through") || follows("thru");
    if (word({"in", "during", "within", "for", "over", "throughout", "across", "on", "through", "thru"})) {
      if (auto found = edge_range()) return found;
      auto found = bar_range(starts, false);
      // "Through bar 8" goes on up to there, "through bars 5 to 8" names both ends.
      if (found && through && found->end == found->begin) found->begin = 1;
      return found ? found : second_range(false, false, false);
    }
    if (finished()) return std::nullopt;
    if (auto found = edge_range()) return found;
    if (auto found = bars_up_to()) return found;
    if (auto found = bar_range(starts, false)) return found;
    const bool counted = pieces_[at].text.starts_with("sec");
    return pieces_[at].clock || pieces_[at].number || counted ? second_range(false, false, false) : std::nullopt;
  });
}

std::optional<PlanRange> TimeReader::pointing(const PlanRange& last) {
  return attempt([&]() -> std::optional<PlanRange> {
    const bool after = phrase({"from", "then", "on"}) || phrase({"from", "there", "on"}) || phrase({"from", "there"}) ||
                       phrase({"from", "then"}) || phrase({"from", "that", "point", "on"});
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

std::optional<PlanRange> TimeReader::entry() {
  return attempt([&]() -> std::optional<PlanRange> {
    if (!word({"at"})) return std::nullopt;
    const Unit unit = bars() ? Unit::kBars : Unit::kSeconds;
    const auto begin = unit == Unit::kBars ? bar() : duration();
    if (!begin || ends_elsewhere()) return std::nullopt;
    return PlanRange{unit, *begin, std::nullopt};
  });
}

}  // namespace instructme
