#include "instructme/text/plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "reader.h"

namespace instructme {
namespace {

using Unit = PlanRange::Unit;

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorKind::kInput, message); }

/// The same in every locale.
std::string number(double value) {
  char text[32];
  constexpr int kDigits = 10;
  return {text, std::to_chars(std::begin(text), std::end(text), value, std::chars_format::general, kDigits).ptr};
}

/// As parse_plan reads it.
std::string plain_range(const PlanRange& range) {
  const bool bars = range.unit == Unit::kBars;
  if (range.begin < 0) return "in the last " + number(-range.begin) + (bars ? " bars" : " s");
  if (bars && !range.end) return "from bar " + number(range.begin) + " on";
  if (bars && *range.end == range.begin) return "in bar " + number(range.begin);
  if (bars) return "in bars " + number(range.begin) + " to " + number(*range.end);
  if (!range.end) return "after " + number(range.begin) + " s";
  return "from " + number(range.begin) + " s to " + number(*range.end) + " s";
}

double share_of(const Modifier& modifier, const ReadRequest& request) {
  const Amount& amount = *modifier.amount;
  const bool taken = request.instruction.operation == Operation::kRemove;
  const bool lower = request.kind == Request::Kind::kLower || (taken && amount.quieter);
  if (amount.bare && !lower)
    fail("it is not clear what '" + modifier.text + "' is meant to be here; say 'by half' or 'with strength 0.5'");
  if (amount.kind == Amount::Kind::kDecibels) {
    if (!taken)
      fail("'" + modifier.text + "' goes with what is made quieter; say 'by half' or 'with strength 0.5' here");
    return 1 - std::pow(10.0, -amount.value / 20);
  }
  if (amount.kind == Amount::Kind::kRest) {
    if (amount.level && !taken) return amount.value;
    if (!lower && !amount.level)
      fail("'" + modifier.text + "' goes with what is turned down, as in 'turn the piano down to 50 %'");
    return 1 - amount.value;
  }
  return amount.value;
}

PlanStep step_of(const ReadRequest& request) {
  PlanStep step{request.instruction, std::nullopt, std::nullopt, request.kinds};
  for (const Modifier& modifier : request.modifiers) {
    if (modifier.range && modifier.range == step.range) continue;  // a time said twice is one
    if (modifier.range ? step.range.has_value() : step.strength.has_value())
      fail("'" + plain_sentence(step.instruction) + "' is given two " + (modifier.range ? "times" : "amounts") +
           ", the second being '" + modifier.text + "': name one, or make it two requests");
    if (modifier.entry && step.instruction.operation != Operation::kAdd)
      fail("'" + modifier.text +
           "' does not say how long: say for example 'in bar 9', 'from bar 9 on' or 'after 0:30'");
    if (modifier.range)
      step.range = modifier.range;
    else
      step.strength = share_of(modifier, request);
  }
  if (request.kind == Request::Kind::kHalve) {
    if (step.strength) fail("'" + plain_sentence(step.instruction) + "' is given two amounts: name one");
    step.strength = 0.5;
  }
  if (request.kind == Request::Kind::kLower && !step.strength)
    fail("it is not said by how much the " + join(step.instruction.instruments, " and the ") +
         " should be quieter: say for example 'by half', 'by 6 dB' or 'to 30 %'");
  return step;
}

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool removes_or_adds(const Instruction& instruction) {
  return instruction.operation == Operation::kRemove || instruction.operation == Operation::kAdd;
}

/// The requests of a sentence whether or not they agree with each other. "No drums, no bass" is one request.
Plan read_plan(const std::string& sentence, const Lexicon& lexicon, const ReadingOptions& options) {
  Plan plan;
  for (const ReadRequest& request : read_requests(sentence, lexicon, options)) {
    if (request.kind == Request::Kind::kKeep) {
      if (!request.modifiers.empty())
        fail("'" + request.modifiers.front().text + "': what is to be kept is kept everywhere; leave the time out");
      for (const auto& name : request.instruction.instruments)
        if (!holds(plan.keep, name)) plan.keep.push_back(name);
      continue;
    }
    PlanStep step = step_of(request);
    PlanStep* last = plan.steps.empty() ? nullptr : &plan.steps.back();
    if (last != nullptr && *last == step) continue;  // said twice: "an a cappella version, just the vocals"
    if (last == nullptr || !removes_or_adds(step.instruction) ||
        last->instruction.operation != step.instruction.operation || last->range != step.range ||
        last->strength != step.strength) {
      plan.steps.push_back(std::move(step));
      continue;
    }
    for (auto& name : step.instruction.instruments)
      if (!holds(last->instruction.instruments, name)) last->instruction.instruments.push_back(std::move(name));
    for (auto& kind : step.kinds)
      if (std::find(last->kinds.begin(), last->kinds.end(), kind) == last->kinds.end())
        last->kinds.push_back(std::move(kind));
  }
  if (plan.steps.empty())
    fail("'" + trim(sentence) + "' says what to keep, but not what to change; to hear it alone, say 'extract " +
         plan.keep.front() + "'");
  return plan;
}

/// Whether two ranges may have something in common. Ranges in bars and in seconds may.
bool overlap(const std::optional<PlanRange>& a, const std::optional<PlanRange>& b) {
  if (!a || !b || a->unit != b->unit || a->begin < 0 || b->begin < 0) return true;
  const auto before = [](const PlanRange& first, const PlanRange& second) {
    if (!first.end) return false;
    return first.unit == Unit::kBars ? *first.end < second.begin : *first.end <= second.begin;
  };
  return !before(*a, *b) && !before(*b, *a);
}

std::vector<std::string> taken_out(const Instruction& instruction) {
  const bool takes = instruction.operation == Operation::kRemove || instruction.operation == Operation::kReplace;
  return takes ? instruction.instruments : std::vector<std::string>();
}

void check_pair(const PlanStep& first, const PlanStep& second) {
  if (!overlap(first.range, second.range)) return;
  const Instruction &a = first.instruction, &b = second.instruction;
  const std::string both = "'" + plain_sentence(a) + "' and then '" + plain_sentence(b) + "'";
  const std::vector<std::string> taken = taken_out(b);
  const auto& asked = b.operation == Operation::kExtract ? b.instruments : taken;
  const bool all_of_it = !first.strength || *first.strength == 1;
  for (const auto& name : asked) {
    const bool removed = a.operation == Operation::kRemove && holds(a.instruments, name);
    const bool replaced =
        a.operation == Operation::kReplace && holds(a.instruments, name) && !holds(a.replacements, name);
    if (all_of_it && (removed || replaced))
      fail(both + " contradict each other: of the " + name + " nothing is left for the second");
    const bool lost = a.operation == Operation::kExtract && !holds(a.instruments, name);
    if (all_of_it && lost)
      fail(both + " contradict each other: after the first only the " + join(a.instruments, " and the ") + " is left");
    const bool added = (a.operation == Operation::kAdd && holds(a.instruments, name)) ||
                       (a.operation == Operation::kReplace && holds(a.replacements, name));
    if (added) fail(both + " contradict each other: the first brings in what the second takes out");
    if (a.operation == Operation::kExtract && b.operation != Operation::kExtract && holds(a.instruments, name))
      fail(both + " contradict each other: the first keeps what the second takes out");
  }
  if (a.operation == Operation::kAccompany)
    fail(both + " do not go together: the first leaves nothing but a new part; ask for them one at a time");
}

void check_keep(const PlanStep& step, const std::string& kept) {
  const Instruction& instruction = step.instruction;
  const std::string both = "'" + plain_sentence(instruction) + "' and 'keep " + kept + "' contradict each other";
  if (holds(taken_out(instruction), kept)) fail(both + ": say one of the two");
  if (instruction.operation == Operation::kRemix || instruction.operation == Operation::kAccompany)
    fail(both + ": the result holds nothing of the music as it was");
  if (instruction.operation == Operation::kExtract && !holds(instruction.instruments, kept))
    fail(both + ": extracting leaves nothing but what it names");
}

nlohmann::json or_null(const std::vector<std::string>& names) {
  return names.empty() ? nlohmann::json() : nlohmann::json(names);
}
template <class T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json range_json(const std::optional<PlanRange>& range, Unit unit) {
  if (!range || range->unit != unit) return nullptr;
  if (unit == Unit::kSeconds) return {range->begin, or_null(range->end)};
  const auto whole = [](double bar) { return static_cast<int64_t>(bar); };
  return {whole(range->begin), range->end ? nlohmann::json(whole(*range->end)) : nlohmann::json()};
}

/// "Remove the guitar, keep the acoustic one": of a kind, what is to be kept is not meant.
void leave_out_kept(Plan& plan) {
  for (PlanStep& step : plan.steps)
    for (InstrumentKind& kind : step.kinds)
      for (const auto& kept : plan.keep)
        if (kind.instruments.size() > 1 && std::erase(kind.instruments, kept) > 0)
          std::erase(step.instruction.instruments, kept);
}

/// The instruction with the words for kinds of instruments as its instruments.
Instruction in_words(const PlanStep& step) {
  Instruction said = step.instruction;
  for (const InstrumentKind& kind : step.kinds) {
    std::erase_if(said.instruments, [&](const std::string& name) { return holds(kind.instruments, name); });
    said.instruments.push_back(kind.word);
  }
  return said;
}

}  // namespace

Plan parse_plan(const std::string& sentence, const Lexicon& lexicon) {
  Plan plan = read_plan(sentence, lexicon, {});
  check_plan(plan);
  return plan;
}

Plan parse_plan_with_kinds(const std::string& sentence, const Lexicon& lexicon) {
  try {
    return parse_plan(sentence, lexicon);
  } catch (const Error&) {
    Plan plan;
    try {
      plan = read_plan(sentence, lexicon, {.kinds = true});
    } catch (const Error&) {
    }
    const auto has_kinds = [](const PlanStep& step) { return !step.kinds.empty(); };
    if (std::none_of(plan.steps.begin(), plan.steps.end(), has_kinds)) throw;
    leave_out_kept(plan);
    check_plan(plan);
    return plan;
  }
}

Plan settle_kinds(const Plan& plan, const HeardCertainty& certainty, double least, std::vector<std::string>& notes) {
  constexpr double kShareOfMostCertain = 0.5;
  Plan settled = plan;
  for (PlanStep& step : settled.steps) {
    for (const InstrumentKind& kind : step.kinds) {
      std::vector<double> certainties;
      for (const auto& name : kind.instruments) certainties.push_back(certainty(name));
      const double most = *std::max_element(certainties.begin(), certainties.end());
      if (most < least)
        fail("the music has no " + kind.word + " that can be heard; " + join(kind.instruments, ", ") +
             " were listened for. 'instructme analyze' lists what is heard; if it is there all the same, use --force");
      std::vector<std::string> meant;
      for (size_t i = 0; i < certainties.size(); ++i) {
        if (certainties[i] >= std::max(least, kShareOfMostCertain * most))
          meant.push_back(kind.instruments[i]);
        else
          std::erase(step.instruction.instruments, kind.instruments[i]);
      }
      notes.push_back("'" + kind.word + "' was taken for the " + join(meant, " and the ") + ", as " +
                      (meant.size() == 1 ? "it is" : "they are") + " heard in the music.");
    }
    step.kinds.clear();
  }
  return settled;
}

void check_plan(const Plan& plan) {
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    for (const auto& kept : plan.keep) check_keep(plan.steps[i], kept);
    for (size_t k = i + 1; k < plan.steps.size(); ++k) check_pair(plan.steps[i], plan.steps[k]);
  }
}

std::string plain_sentence(const Plan& plan) {
  std::vector<std::string> parts;
  for (const PlanStep& step : plan.steps) {
    std::string text = plain_sentence(in_words(step));
    if (step.range) text += " " + plain_range(*step.range);
    if (step.strength) text += " with strength " + number(*step.strength);
    parts.push_back(std::move(text));
  }
  for (const auto& kept : plan.keep) parts.push_back("keep " + kept);
  ensure(!parts.empty(), "a plan without steps");
  return join(parts, ", then ");
}

PlanRange parse_range(const std::string& text) {
  try {
    if (const auto range = read_range(text)) return *range;
  } catch (const Error& error) {
    throw Error(ErrorKind::kUsage, error.what());
  }
  throw Error(ErrorKind::kUsage,
              "'" + text + "' is no range: write 0:10-0:20, 2-5 (seconds), 90- (to the end) or 'bars 5-8'");
}

double parse_strength(const std::string& text) {
  const auto share = read_share(text);
  if (!share || !(*share > 0) || *share > 1)
    throw Error(ErrorKind::kUsage,
                "'" + text + "' is no strength: write a number above 0 and up to 1, or a percentage");
  return *share;
}

nlohmann::json plan_json(const Plan& plan) {
  nlohmann::json steps = nlohmann::json::array();
  for (const PlanStep& step : plan.steps) {
    steps.push_back({{"operation", operation_name(step.instruction.operation)},
                     {"instruments", or_null(step.instruction.instruments)},
                     {"replacements", or_null(step.instruction.replacements)},
                     {"genre", or_null(step.instruction.genre)},
                     {"mood", or_null(step.instruction.mood)},
                     {"range_s", range_json(step.range, Unit::kSeconds)},
                     {"range_bars", range_json(step.range, Unit::kBars)},
                     {"strength", or_null(step.strength)}});
    for (const InstrumentKind& kind : step.kinds)
      steps.back()["kinds"].push_back({{"word", kind.word}, {"instruments", kind.instruments}});
  }
  return {{"steps", std::move(steps)}, {"keep", plan.keep}};
}

std::vector<Instruction> parse_instructions(const std::string& sentence, const Lexicon& lexicon) {
  const Plan plan = read_plan(sentence, lexicon, {.once = false});
  std::vector<Instruction> out;
  for (const PlanStep& step : plan.steps) {
    if (step.range || step.strength || !plan.keep.empty())
      fail("'" + trim(sentence) + "' says when, how much or what to keep; here only what to do can be said");
    out.push_back(step.instruction);
  }
  return out;
}

Instruction parse_instruction(const std::string& sentence, const Lexicon& lexicon) {
  std::vector<Instruction> all = parse_instructions(sentence, lexicon);
  if (all.size() > 1)
    fail("'" + trim(sentence) + format("' asks for %zu things ('", all.size()) + plain_sentence(all[0]) + "', then '" +
         plain_sentence(all[1]) + "'): give one at a time");
  return std::move(all.front());
}

}  // namespace instructme
