// Forms that nobody wrote down, made of the verbs of the lexicon: passives, gerunds, exceptions, and what takes the
// place of what.
#include <algorithm>

#include "grammar.h"
#include "instructme/base/strings.h"
#include "words.h"

namespace instructme {
namespace {

using Kind = Token::Kind;

bool is_vowel(char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; }

/// "removing" of "remove"; with the last letter doubled where one vowel is before it, as in "cutting".
std::string gerund_of(const std::string& verb) {
  const size_t n = verb.size();
  const char last = verb[n - 1];
  if (last == 'e') return verb.substr(0, n - 1) + "ing";
  const auto vowels = std::count_if(verb.begin(), verb.end(), is_vowel);
  const bool doubled = vowels == 1 && is_vowel(verb[n - 2]) && !is_vowel(last) && last != 'x' && last != 'y';
  return verb + (doubled ? std::string(1, last) : "") + "ing";
}

/// "removed" of "remove", "chopped" of "chop".
std::string regular_participle_of(const std::string& verb) {
  const bool after_consonant = verb.size() > 1 && verb.back() == 'y' && !is_vowel(verb[verb.size() - 2]);
  if (after_consonant) return verb.substr(0, verb.size() - 1) + "ied";
  const std::string gerund = gerund_of(verb);
  return gerund.substr(0, gerund.size() - 3) + "ed";
}

}  // namespace

// "take out the piano and put a harp in its place", "swap the piano and use a harp", "take a harp instead of the
// piano".
void Grammar::add_replacements(Operation taking_away) {
  const auto add = [this](const std::string& pattern) {
    std::string slots;
    std::vector<Token> tokens = pattern_tokens(pattern, slots);
    strip_courtesies(tokens);
    tokens = condense(std::move(tokens));
    if (tokens.size() > 1) add_form_once(tokens, {Operation::kReplace, slots == "yx", pattern});
  };
  for (const auto& by : speech_.taking) {
    add(by + " {y} instead of {x}");
    add("instead of {x} " + by + " {y}");
    for (const char* place : {" is", " was", " is now", " is playing", " plays"}) add(by + " {y} where {x}" + place);
    add(by + " {y} where theres {x}");
  }
  for (const auto& [operation, verb] : verb_words_) {
    if (operation != taking_away) continue;
    const std::string said = join(verb, " ");
    std::vector<std::string> removals = {said + " {x}"};
    if (verb.size() == 2) removals.push_back(verb[0] + " {x} " + verb[1]);
    for (const auto& removal : removals) {
      for (const auto& by : speech_.taking) {
        add(removal + " and " + by + " {y} instead");
        if (taking_away == Operation::kReplace) add(removal + " and " + by + " {y}");
      }
      add(removal + " and replace with {y}");
    }
  }
}

// "Have the melody of the flute played by a violin", "let a violin sing what the flute plays".
void Grammar::add_players() {
  const auto add = [this](const std::string& pattern) {
    std::string slots;
    std::vector<Token> tokens = pattern_tokens(pattern, slots);
    add_form_once(condense(std::move(tokens)), {Operation::kReplace, slots == "yx", pattern});
  };
  for (const auto& verb : speech_.playing) {
    const auto irregular = speech_.participles.find(verb);
    const std::string participle =
        irregular != speech_.participles.end() ? irregular->second : regular_participle_of(verb);
    for (const auto& passive : speech_.passives)
      for (const char* by : {" by ", " on ", " with ", " using "}) add(passive + " " + participle + by + "{y}");
    for (const char* object : {" {x}", " what {x} plays", " what {x} is playing", " what {x} does", " what {x} sings"})
      for (const char* who : {"let {y} ", "have {y} ", "make {y} ", "get {y} to ", "ask {y} to ", "can {y} ",
                              "{y} can ", "{y} should ", "{y} must ", "{y} to "})
        add(who + verb + object);
  }
}

// "The piano should be removed", "can the piano be taken out", "I want the piano replaced with a violin".
void Grammar::add_participles(Operation operation) {
  Token x;
  x.kind = Kind::kInstruments;
  std::vector<std::vector<Token>> subjects;
  for (const auto& passive : speech_.passives) {
    std::string slots;
    subjects.push_back(condense(pattern_tokens(passive, slots)));
    if (slots != "x") fail("passives: '" + passive + "' must have the slot {x} and no other");
  }
  const auto verbs = verb_words_;
  for (const auto& [of, verb] : verbs) {
    if (of != operation || !is_imperative(verb.front(), operation)) continue;
    std::vector<std::string> words = verb;
    const auto irregular = speech_.participles.find(verb.front());
    words.front() = irregular != speech_.participles.end() ? irregular->second : regular_participle_of(verb.front());
    const std::vector<Token> participle = word_tokens(words);
    for (std::vector<Token> tokens : subjects) {
      tokens.insert(tokens.end(), participle.begin(), participle.end());
      if (operation != Operation::kReplace) add_form_once(tokens, {operation, false, join(verb, " ")});
      for (const char* by : {"with", "by", "for", "to", "into"})
        if (operation == Operation::kReplace) {
          std::vector<Token> whole = tokens;
          whole.push_back(word_token(by));
          whole.push_back(x);
          add_form_once(whole, {operation, false, join(verb, " ")});
        }
    }
  }
}

// "Kill everything but the piano", "take everything out except the piano", with every way to remove.
void Grammar::add_exceptions(const OperationEntry& remove) {
  Token x;
  x.kind = Kind::kInstruments;
  const auto add = [&](const std::vector<std::string>& words, const std::string& said) {
    std::vector<Token> tokens = condense(word_tokens(words_of(join(words, " "))));
    tokens.push_back(x);
    add_form_once(tokens, {Operation::kExtract, false, said});
  };
  for (const auto& said : remove.verbs) {
    if (!is_imperative(said, Operation::kRemove)) continue;
    const std::vector<std::string> verb = split(said, ' ');
    for (const char* all : {"everything", "all"})
      for (const char* but : {"but", "except", "that isnt", "which isnt", "that arent", "thats not"}) {
        add({said, all, but}, said);
        if (verb.size() == 2) add({verb[0], all, verb[1], but}, said);
      }
    for (const char* others : {"everything else", "everything"})
      add_form_once(condense(word_tokens(words_of(said + " " + others))),
                    {Operation::kRemove, false, said, Request::Kind::kOthersOut});
  }
}

bool Grammar::is_imperative(const std::string& pattern, Operation operation) const {
  // These begin wishes, not orders.
  static const std::set<std::string> kNotVerbs = {"only", "just", "nothing", "without", "no", "minus"};
  const std::string first = pattern.substr(0, pattern.find(' '));
  return kNotVerbs.count(first) == 0 && std::any_of(verb_words_.begin(), verb_words_.end(), [&](const auto& verb) {
           return verb.first == operation && verb.second.front() == first;
         });
}

// "how about removing the drums": what is asked with "remove" may be asked with "removing".
void Grammar::add_gerunds() {
  pasts_ = {{"took", "take"},   {"threw", "throw"}, {"got", "get"},   {"wrote", "write"}, {"hid", "hide"},
            {"broke", "break"}, {"gave", "give"},   {"made", "make"}, {"had", "have"},    {"did", "do"},
            {"began", "begin"}, {"sang", "sing"},   {"came", "come"}, {"went", "go"},     {"became", "become"}};
  for (const auto& [operation, verb] : verb_words_) {
    const std::string& first = verb.front();
    if (first.size() < 3 || !is_imperative(first, operation)) continue;
    const auto irregular = speech_.participles.find(first);
    pasts_.emplace(irregular == speech_.participles.end() ? regular_participle_of(first) : irregular->second, first);
    const std::string gerund = gerund_of(first);
    words_.insert(gerund);
    gerunds_.emplace(gerund, first);
  }
  for (const auto& [past, verb] : pasts_) words_.insert(past);
}

}  // namespace instructme
