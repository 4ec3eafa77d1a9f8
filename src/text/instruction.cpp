#include "instructme/text/instruction.h"

#include <algorithm>

#include "grammar.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "words.h"

namespace instructme {
namespace {

void check_complete(const Instruction& instruction) {
  const bool remix = instruction.operation == Operation::kRemix;
  const bool replace = instruction.operation == Operation::kReplace;
  const bool tagged = instruction.genre || instruction.mood;
  ensure(!instruction.instruments.empty() || (remix && tagged), "an instruction without instruments");
  ensure(replace != instruction.replacements.empty(), "replacements go with the operation 'replace', and only with it");
  ensure(remix || !tagged, "a genre or mood goes with the operation 'remix' only");
}

std::string plain_list(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 < names.size() ? ", " : " and ";
    out += names[i];
  }
  return out;
}

bool starts_with_vowel_sound(const std::string& word) {
  return word.starts_with("r&b") || word.starts_with("8") ||
         std::string_view("aeiou").find(word.front()) != std::string_view::npos;
}

/// Draws the words of one phrasing.
class Phraser {
 public:
  Phraser(const Lexicon& lexicon, Rng& rng) : lexicon_(lexicon), rng_(rng) {}

  std::string phrase(const Instruction& instruction) {
    std::string out = rng_.pick(lexicon_.grammar().patterns_for(instruction));
    const bool verb_first = begins_with_verb(out, instruction.operation);
    const bool noun_first = out.starts_with("{") || out.starts_with("a {") || out.starts_with("the {");
    fill(out, "{x}", [&] { return list(instruction.instruments, false); });
    fill(out, "{a x}", [&] { return list(instruction.instruments, true); });
    fill(out, "{y}", [&] { return list(instruction.replacements, false); });
    fill(out, "{a y}", [&] { return list(instruction.replacements, true); });
    fill(out, "{g}", [&] { return tag(instruction.genre, lexicon_.find_genre(*instruction.genre), "genre"); });
    fill(out, "{m}", [&] { return tag(instruction.mood, lexicon_.find_mood(*instruction.mood), "mood"); });
    const Speech& speech = lexicon_.grammar().speech();
    if (verb_first && rng_.chance(0.25)) out = rng_.pick(speech.before_verbs) + " " + out;
    if (noun_first && rng_.chance(0.3)) out = rng_.pick(speech.before_nouns) + " " + out;
    if (rng_.chance(0.15)) out += " " + rng_.pick(speech.after);
    return with_articles_fixed(out);
  }

 private:
  bool begins_with_verb(const std::string& pattern, Operation operation) const {
    const std::string first = pattern.substr(0, pattern.find(' '));
    const auto& verbs = lexicon_.operations()[static_cast<size_t>(operation)].verbs;
    // "only", "without" and the like are no verbs to ask politely with.
    static const std::vector<std::string> kNotVerbs = {"only", "just", "nothing", "without", "no", "minus"};
    if (std::find(kNotVerbs.begin(), kNotVerbs.end(), first) != kNotVerbs.end()) return false;
    return std::any_of(verbs.begin(), verbs.end(),
                       [&](const std::string& verb) { return verb == first || verb.starts_with(first + " "); });
  }

  template <class Make>
  static void fill(std::string& text, const std::string& slot, Make make) {
    if (const size_t at = text.find(slot); at != std::string::npos) text.replace(at, slot.size(), make());
  }

  /// The canonical name or, as often, one of its synonyms.
  std::string one_of(const std::string& name, const std::vector<std::string>& synonyms) {
    return synonyms.empty() || rng_.chance(0.5) ? name : rng_.pick(synonyms);
  }

  std::string tag(const std::optional<std::string>& name, const TagEntry* entry, const char* kind) {
    if (entry == nullptr)
      throw Error(ErrorKind::kInput, std::string("there is no ") + kind + " called '" + *name + "'");
    return one_of(entry->name, entry->synonyms);
  }

  std::string instrument(const std::string& name, bool article) {
    const InstrumentEntry* entry = lexicon_.find_instrument(name);
    if (entry == nullptr) throw Error(ErrorKind::kInput, "there is no instrument called '" + name + "'");
    std::string said = one_of(entry->name, entry->synonyms);
    if (entry->family == "drums" && (said == "drum" || said.ends_with(" drum"))) said += "s";
    if (!article) return said;
    const auto& mass = lexicon_.grammar().speech().mass_nouns;
    if (looks_plural(said) || std::find(mass.begin(), mass.end(), said) != mass.end())
      return rng_.chance(0.5) ? said : "some " + said;
    return "a " + said;
  }

  std::string list(const std::vector<std::string>& names, bool articles) {
    std::vector<std::string> items;
    for (const auto& name : names) items.push_back(instrument(name, articles));
    const char* last = rng_.chance(0.8) ? " and " : rng_.chance(0.5) ? ", " : " & ";
    const char* between = rng_.chance(0.9) ? ", " : " and ";
    std::string out = items.front();
    for (size_t i = 1; i < items.size(); ++i) out += (i + 1 < items.size() ? between : last) + items[i];
    return out;
  }

  /// "a electric guitar" -> "an electric guitar"; "a some strings" -> "some strings".
  static std::string with_articles_fixed(const std::string& text) {
    std::vector<std::string> words = split(text, ' ');
    for (size_t i = 0; i + 1 < words.size(); ++i)
      if (words[i] == "a" && !words[i + 1].empty() && starts_with_vowel_sound(words[i + 1])) words[i] = "an";
    return join(words, " ");
  }

  const Lexicon& lexicon_;
  Rng& rng_;
};

}  // namespace

const char* operation_name(Operation operation) {
  switch (operation) {
    case Operation::kExtract: return "extract";
    case Operation::kRemove: return "remove";
    case Operation::kAdd: return "add";
    case Operation::kReplace: return "replace";
    case Operation::kRemix: return "remix";
    case Operation::kAccompany: return "accompany";
  }
  throw Error(ErrorKind::kInternal, "an operation that does not exist");
}

std::string plain_sentence(const Instruction& instruction) {
  check_complete(instruction);
  const std::string instruments = plain_list(instruction.instruments);
  std::string out = operation_name(instruction.operation);
  switch (instruction.operation) {
    case Operation::kReplace: return out + " " + instruments + " with " + plain_list(instruction.replacements);
    case Operation::kAccompany: return out + " with " + instruments;
    case Operation::kRemix:
      if (instruction.genre || instruction.mood) out += " to";
      if (instruction.mood) out += " " + *instruction.mood;
      if (instruction.genre) out += " " + *instruction.genre;
      return instruments.empty() ? out : out + " with " + instruments;
    default: return out + " " + instruments;
  }
}

std::string phrase_instruction(const Instruction& instruction, const Lexicon& lexicon, Rng& rng) {
  check_complete(instruction);
  return Phraser(lexicon, rng).phrase(instruction);
}

}  // namespace instructme
