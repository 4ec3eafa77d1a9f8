#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "instructme/text/instruction.h"

namespace instructme {

/// A stretch of the music as it was said.
struct PlanRange {
  enum class Unit { kSeconds, kBars };
  Unit unit = Unit::kSeconds;
  /// Seconds from the start, or the number of the first bar, from 1. Negative: counted from the end, as in "the last 10
  /// seconds" (-10) or "the last 4 bars" (-4); then there is no end.
  double begin = 0;
  std::optional<double> end;  ///< seconds, or the last bar, which belongs to it; none: up to the end
  bool operator==(const PlanRange&) const = default;
};

/// A word for several instruments, as the lexicon has it.
struct InstrumentKind {
  std::string word;                      ///< "guitar"
  std::vector<std::string> instruments;  ///< that it may mean, canonical names
  bool operator==(const InstrumentKind&) const = default;
};

/// One request: what is to be done, where and how much.
struct PlanStep {
  Instruction instruction;
  std::optional<PlanRange> range;  ///< none: the whole music
  std::optional<double> strength;  ///< the share of the change that is made, above 0 and up to 1; none: all of it
  /// Words for a kind of instrument, such as "guitar", among those that are named: meant are all of the kind that the
  /// music has. `settle_kinds` says which; until then all that they may be stand in the instruction.
  std::vector<InstrumentKind> kinds{};
  bool operator==(const PlanStep&) const = default;
};

/// What a sentence asks for, in order.
struct Plan {
  std::vector<PlanStep> steps;
  std::vector<std::string> keep;  ///< instruments that must stay as they are
  bool operator==(const Plan&) const = default;
};

/// Understands a sentence of one or several requests, with times ("from 0:10 to 0:20", "in the first 10 seconds",
/// "after 1:30", "in bars 5 to 8") and amounts ("by half", "by 6 dB", "with strength 0.6"). A time at the beginning of
/// the sentence is that of every request without one of its own; any other belongs to the request that it is said with.
/// Throws kInput for what `parse_instructions` refuses, for a time of which it is not clear what it belongs to, for an
/// amount that is missing or impossible, and for what `check_plan` refuses.
Plan parse_plan(const std::string& sentence, const Lexicon& lexicon);
/// The same where somebody can hear the music: a word for a kind of instrument ("remove the guitar"), which
/// parse_plan refuses as not clear, stands for all of that kind that the music has. Of parts that are to be added it
/// remains unclear.
Plan parse_plan_with_kinds(const std::string& sentence, const Lexicon& lexicon);

/// How certain it is that an instrument is heard in the music, 0 to 1.
using HeardCertainty = std::function<double(const std::string& instrument)>;
/// Makes every kind of instrument those of it that are heard: all with a certainty of at least `least` and half of that
/// of the most certain one. Says so in `notes`. Throws kInput when none is as certain as `least`.
Plan settle_kinds(const Plan& plan, const HeardCertainty& certainty, double least, std::vector<std::string>& notes);

/// Throws kInput when the requests contradict each other, e.g. remove what is to be kept, or take something from music
/// of which an earlier request has left nothing but other parts.
void check_plan(const Plan& plan);

/// The plain form; parse_plan(plain_sentence(p)) == p, or parse_plan_with_kinds where it has kinds.
std::string plain_sentence(const Plan& plan);

/// The range of an option: "0:10-0:20", "2-5" (seconds), "90-" (to the end), "bars 5-8", or any time that a sentence
/// may hold. Throws kUsage.
PlanRange parse_range(const std::string& text);
/// The strength of an option: "0.6" or "60 %". Throws kUsage for what is no number or not above 0 and up to 1.
double parse_strength(const std::string& text);

/// {"steps": [{"operation", "instruments", "replacements", "genre", "mood", "range_s", "range_bars", "strength"}],
/// "keep": […]}; null for what was not said. A range is [begin, end] with the meaning of PlanRange, its end null when
/// it is open. Only a step with kinds of instruments has "kinds": [{"word", "instruments"}].
nlohmann::json plan_json(const Plan& plan);

}  // namespace instructme
