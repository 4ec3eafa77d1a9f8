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
  if (word.starts_with("uk") || word == "one") return false;  // "a ukulele"
  return word.starts_with("r&b") || word == "r" || word == "rnb" || word.starts_with("8") ||
         std::string_view("aeiou").find(word.front()) != std::string_view::npos;
}

/// Draws the words of one phrasing.
class Phraser {
 public:
  Phraser(const Lexicon& lexicon, Rng& rng) : lexicon_(lexicon), rng_(rng) {}

  std::string phrase(const Instruction& instruction) {
    const std::string pattern = rng_.pick(lexicon_.grammar().patterns_for(instruction));
    const bool verb_first = lexicon_.grammar().is_imperative(pattern, instruction.operation);
    const bool noun_first = pattern.starts_with("{") || pattern.starts_with("a {") || pattern.starts_with("the {");
    std::string out = filled(pattern, instruction);
    const Speech& speech = lexicon_.grammar().speech();
    if (verb_first && rng_.chance(0.25)) out = rng_.pick(speech.before_verbs) + " " + out;
    if (noun_first && rng_.chance(0.3)) out = rng_.pick(speech.before_nouns) + " " + out;
    if (rng_.chance(0.15)) out += " " + rng_.pick(speech.after);
    return with_articles_fixed(out);
  }

  /// Orders only: wishes such as "without the drums" cannot follow each other in one sentence.
  std::string phrase(const std::vector<Instruction>& instructions) {
    // Without ";", for which the tokenizer of the default model has no piece.
    static const std::vector<std::string> kBetween = {
        " and ",         ", then ",        " and then ",        ", and ",    ", ",    " then ",
        ", after that ", ". after that, ", ", and after that ", ". then ",   " but ", ", next ",
        ". next, ",      ", afterwards ",  ". also, ",          " and also "};
    std::string out;
    for (size_t i = 0; i < instructions.size(); ++i) {
      const auto& patterns = lexicon_.grammar().patterns_for(instructions[i]);
      std::vector<const std::string*> orders;
      for (const auto& pattern : patterns)
        if (lexicon_.grammar().is_imperative(pattern, instructions[i].operation)) orders.push_back(&pattern);
      ensure(!orders.empty(), "an operation that cannot be ordered");
      if (i > 0) out += i + 1 == instructions.size() && rng_.chance(0.1) ? ", and finally " : rng_.pick(kBetween);
      out += filled(*rng_.pick(orders), instructions[i]);
    }
    const Speech& speech = lexicon_.grammar().speech();
    if (rng_.chance(0.25)) out = rng_.pick(speech.before_verbs) + " " + out;
    if (rng_.chance(0.15)) out += " " + rng_.pick(speech.after);
    return with_articles_fixed(out);
  }

 private:
  std::string filled(const std::string& pattern, const Instruction& instruction) {
    std::string out = pattern;
    fill(out, "{x}", [&] { return list(instruction.instruments, false); });
    fill(out, "{a x}", [&] { return list(instruction.instruments, true); });
    fill(out, "{y}", [&] { return list(instruction.replacements, false); });
    fill(out, "{a y}", [&] { return list(instruction.replacements, true); });
    fill(out, "{g}", [&] { return tag(instruction.genre, lexicon_.find_genre(*instruction.genre), "genre"); });
    fill(out, "{m}", [&] { return tag(instruction.mood, lexicon_.find_mood(*instruction.mood), "mood"); });
    return out;
  }

  template <class Make>
  static void fill(std::string& text, const std::string& slot, Make make) {
    if (const size_t at = text.find(slot); at != std::string::npos) text.replace(at, slot.size(), make());
  }

  /// The canonical name or, as often, one of its synonyms; now and then misspelt.
  template <class Entry>
  std::string one_of(const Entry& entry) {
    if (!entry.misspellings.empty() && rng_.chance(0.03)) return rng_.pick(entry.misspellings);
    return entry.synonyms.empty() || rng_.chance(0.5) ? entry.name : rng_.pick(entry.synonyms);
  }

  std::string tag(const std::optional<std::string>& name, const TagEntry* entry, const char* kind) {
    if (entry == nullptr)
      throw Error(ErrorKind::kInput, std::string("there is no ") + kind + " called '" + *name + "'");
    return one_of(*entry);
  }

  std::string instrument(const std::string& name, bool article) {
    const InstrumentEntry* entry = lexicon_.find_instrument(name);
    if (entry == nullptr) throw Error(ErrorKind::kInput, "there is no instrument called '" + name + "'");
    std::string said = one_of(*entry);
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

bool names_source_stems(Operation operation) {
  return operation == Operation::kExtract || operation == Operation::kRemove;
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

std::string plain_sentence(const std::vector<Instruction>& instructions) {
  ensure(!instructions.empty(), "a sentence without an instruction");
  std::vector<std::string> sentences;
  for (const auto& instruction : instructions) sentences.push_back(plain_sentence(instruction));
  return join(sentences, ", then ");
}

std::string phrase_instructions(const std::vector<Instruction>& instructions, const Lexicon& lexicon, Rng& rng) {
  ensure(!instructions.empty(), "a sentence without an instruction");
  if (instructions.size() == 1) return phrase_instruction(instructions.front(), lexicon, rng);
  for (const auto& instruction : instructions) check_complete(instruction);
  return Phraser(lexicon, rng).phrase(instructions);
}

}  // namespace instructme
