// What the grammar takes from the lexicon: names, forms of the patterns, what verbs let one expect.
#include <algorithm>

#include "grammar.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "words.h"

namespace instructme {
namespace {

using Kind = Token::Kind;

/// All that patterns with alternatives stand for.
std::vector<std::string> expanded(const std::vector<std::string>& patterns, const std::string& context) {
  std::vector<std::string> out;
  for (const auto& pattern : patterns) {
    const std::vector<std::string> all = alternatives(pattern);
    if (all.empty()) throw Error(ErrorKind::kModel, context + ": the brackets of '" + pattern + "' do not pair");
    out.insert(out.end(), all.begin(), all.end());
  }
  return out;
}

template <class Words>
std::vector<std::vector<std::string>> phrases(const std::vector<std::string>& sentences, Words words_of) {
  std::vector<std::vector<std::string>> out;
  for (const auto& sentence : sentences)
    if (std::vector<std::string> words = words_of(sentence); !words.empty()) out.push_back(std::move(words));
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return out;
}

WordSet set_of(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

std::string slots_of(const Instruction& instruction) {
  std::string slots;
  if (!instruction.instruments.empty()) slots += 'x';
  if (!instruction.replacements.empty()) slots += 'y';
  if (instruction.genre) slots += 'g';
  if (instruction.mood) slots += 'm';
  return slots;
}

/// Slots that the patterns of an operation may have, each of which needs a pattern.
std::vector<std::string> slots_for(Operation operation) {
  if (operation == Operation::kReplace) return {"xy"};
  if (operation == Operation::kRemix) return {"x", "g", "m", "xg", "xm", "gm", "xgm"};
  return {"x"};
}

}  // namespace

Grammar::Grammar(const Lexicon& lexicon, Speech speech, std::map<std::string, std::vector<std::string>> ambiguous,
                 std::vector<std::string> kinds, std::string context)
    : speech_(std::move(speech)),
      ambiguous_(std::move(ambiguous)),
      kinds_(std::move(kinds)),
      context_(std::move(context)) {
  for (const auto& [pattern, meant] : speech_.read_as)
    for (const auto& phrase : expanded({pattern}, context_)) {
      std::vector<std::string> words = sentence_words(phrase);
      if (words.empty()) fail("read_as: '" + phrase + "' has no words");
      read_as_[words.front()].emplace_back(words, sentence_words(meant));
    }
  read_derived_words(lexicon);
  for (auto& [first, entries] : read_as_)
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  for (auto* list : {&speech_.separators, &speech_.asides, &speech_.reasons, &speech_.keeping, &speech_.lowering,
                     &speech_.halving, &speech_.others_out, &speech_.others_stay, &speech_.remarks, &speech_.passives,
                     &speech_.taking, &speech_.reporting, &speech_.idle})
    *list = expanded(*list, context_);
  for (const auto& [word, others] : speech_.alike)
    for (const auto& other : others)
      if (!alike_.emplace(other, word).second) fail("alike: '" + other + "' occurs twice");
  std::vector<std::string> courtesies;
  for (const auto* list : {&speech_.before_verbs, &speech_.before_nouns, &speech_.after, &speech_.asides})
    courtesies.insert(courtesies.end(), list->begin(), list->end());
  const auto words = [this](const std::string& sentence) { return words_of(sentence); };
  for (auto& phrase : phrases(courtesies, words)) {
    words_.insert(phrase.begin(), phrase.end());
    courtesies_last_[phrase.back()].push_back(phrase);
    courtesies_first_[phrase.front()].push_back(std::move(phrase));
  }
  joiners_ = phrases(speech_.joiners, words);
  separators_ = phrases(speech_.separators, words);
  for (const auto& phrase : speech_.separators)
    if (phrase.find_first_of("0123456789") == std::string::npos) said_separators_.push_back(sentence_words(phrase));
  conjunctions_ = set_of(speech_.conjunctions);
  articles_ = set_of(speech_.articles);
  qualities_ = set_of(speech_.qualities);
  fillers_ = set_of(speech_.fillers);
  pronouns_ = set_of(speech_.pronouns);
  music_ = set_of(speech_.music);
  styles_ = set_of(speech_.styles);
  parts_ = set_of(speech_.parts);
  prepositions_ = set_of(speech_.prepositions);
  reasons_ = phrases(speech_.reasons, words);
  states_ = phrases(speech_.states, words);
  reporting_ = phrases(speech_.reporting, words);
  idle_ = phrases(speech_.idle, words);
  people_ = set_of(speech_.people);
  complaints_ = set_of(speech_.complaints);
  wishing_ = set_of(speech_.wishing);
  for (int i = 0; i < kOperations; ++i)
    if (const auto said = speech_.carrying.find(operation_name(static_cast<Operation>(i)));
        said != speech_.carrying.end()) {
      carrying_[static_cast<Operation>(i)] = set_of(said->second);
      words_.insert(said->second.begin(), said->second.end());
    }
  activities_ = set_of(speech_.activities);
  effects_ = set_of(speech_.effects);
  for (const auto* list : {&articles_, &qualities_, &fillers_, &pronouns_, &music_, &styles_, &parts_, &prepositions_,
                           &conjunctions_, &wishing_})
    words_.insert(list->begin(), list->end());
  words_.insert(speech_.negations.begin(), speech_.negations.end());
  for (const auto* list : {&joiners_, &separators_, &reasons_})
    for (const auto& phrase : *list) words_.insert(phrase.begin(), phrase.end());

  special_ = {"this", "that", "these", "those", "way", "far", "even", "solo"};
  for (const auto* list : {&articles_, &qualities_, &parts_, &styles_, &music_, &pronouns_})
    special_.insert(list->begin(), list->end());

  placing_ = {"get"};
  for (const auto& verb : lexicon.operations()[static_cast<size_t>(Operation::kAdd)].verbs)
    if (verb.ends_with(" in") || verb.ends_with(" on")) placing_.insert(verb.substr(0, verb.find(' ')));

  forms_.reserve(1 << 15);
  add_names(lexicon);
  // Patterns before verbs: what a pattern says outright goes before what a verb lets one expect.
  for (int i = 0; i < kOperations; ++i)
    add_patterns(lexicon.operations()[static_cast<size_t>(i)], static_cast<Operation>(i));
  for (const auto& [name, patterns] : speech_.understood)
    if (std::none_of(lexicon.operations().begin(), lexicon.operations().end(),
                     [&said = name](const OperationEntry& entry) { return entry.name == said; }))
      fail("understood: there is no operation '" + name + "'");
  for (int i = 0; i < kOperations; ++i) add_understood(static_cast<Operation>(i));
  for (int i = 0; i < kOperations; ++i)
    add_verbs(lexicon.operations()[static_cast<size_t>(i)], static_cast<Operation>(i));
  add_replacements(Operation::kRemove);
  add_replacements(Operation::kReplace);
  add_players();
  for (const auto operation : {Operation::kRemove, Operation::kExtract, Operation::kAdd, Operation::kReplace})
    add_participles(operation);
  add_exceptions(lexicon.operations()[static_cast<size_t>(Operation::kRemove)]);
  add_phrases(speech_.keeping, Request::Kind::kKeep, "x");
  add_phrases(speech_.lowering, Request::Kind::kLower, "x");
  add_phrases(speech_.halving, Request::Kind::kHalve, "x");
  add_phrases(speech_.others_stay, Request::Kind::kOthersStay, "");
  add_phrases(speech_.others_out, Request::Kind::kOthersOut, "");
  add_remarks();
  add_gerunds();
  said_between_.clear();
}

void Grammar::fail(const std::string& what) const { throw Error(ErrorKind::kModel, context_ + ": " + what); }

void Grammar::add_name(const std::string& said, Name name) {
  const std::string normal = normal_name(said);
  if (normal.empty()) fail("an entry has an empty name or synonym");
  const auto [at, added] = names_.emplace(normal, name);
  if (!added)
    fail("'" + said + "' is a name of both '" + at->second.canonical + "' and '" + name.canonical +
         "'; every name may stand for one entry only");
  note_length(normal);
}

void Grammar::note_length(const std::string& name) {
  const std::vector<std::string> words = split(name, ' ');
  size_t& longest = longest_names_[words.front()];
  longest = std::max(longest, words.size());
}

void Grammar::read_derived_words(const Lexicon& lexicon) {
  const auto read = [this](const std::string& word, const std::vector<std::string>& meant) {
    if (read_as_.count(word) == 0) read_as_[word] = {{{word}, meant}};
  };
  const auto each_word = [](const std::string& name, const std::vector<std::string>& synonyms, auto derive) {
    if (name.find(' ') == std::string::npos) derive(name);
    for (const std::string& other : synonyms)
      if (other.find(' ') == std::string::npos) derive(other);
  };
  for (const auto& entry : lexicon.instruments())
    each_word(entry.name, entry.synonyms, [&](const std::string& word) { read(word + "less", {"without", word}); });
  for (const auto& entry : lexicon.genres())
    each_word(entry.name, entry.synonyms, [&](const std::string& word) {
      const bool vowel = std::string_view("aeiouy").find(word.back()) != std::string_view::npos;
      read((vowel ? word.substr(0, word.size() - 1) : word) + "ify", {word, "ify"});
      if (vowel) read(word + "fy", {word, "ify"});
    });
}

void Grammar::add_names(const Lexicon& lexicon) {
  const auto add_all = [this](Kind kind, const auto& entries) {
    for (size_t i = 0; i < entries.size(); ++i) {
      add_name(entries[i].name, {kind, i, entries[i].name});
      for (const auto* said : {&entries[i].synonyms, &entries[i].misspellings})
        for (const auto& name : *said) add_name(name, {kind, i, entries[i].name});
    }
  };
  add_all(Kind::kInstrument, lexicon.instruments());
  add_all(Kind::kGenre, lexicon.genres());
  add_all(Kind::kMood, lexicon.moods());
  for (const auto& [name, meanings] : ambiguous_) {
    if (normal_name(name) != name) fail("ambiguous: write '" + name + "' as '" + normal_name(name) + "'");
    add_name(name, {Kind::kAmbiguous, 0, name});
    if (meanings.size() < 2) fail("ambiguous: '" + name + "' needs at least two meanings");
    for (const auto& meaning : meanings)
      if (const auto at = names_.find(normal_name(meaning)); at == names_.end() || at->second.kind != Kind::kInstrument)
        fail("ambiguous: '" + name + "' may mean '" + meaning + "', which is not an instrument");
  }
  for (const auto& kind : kinds_)
    if (ambiguous_.count(kind) == 0) fail("kinds: '" + kind + "' is not among the ambiguous words");
  // Plurals last: a plural that somebody wrote as a name of its own ("horns") keeps that meaning.
  const std::unordered_map<std::string, Name> singular = names_;
  for (const auto& [normal, name] : singular) {
    const std::string plural = name.kind == Kind::kInstrument || name.kind == Kind::kAmbiguous ? plural_of(normal) : "";
    if (!plural.empty() && names_.emplace(plural, name).second) note_length(plural);
  }
}

std::vector<Token> Grammar::pattern_tokens(const std::string& pattern, std::string& slots) {
  std::vector<Token> tokens;
  tokens.reserve(16);
  const auto add_words = [&](const std::string& text) {
    const auto [said, is_new] = said_between_.try_emplace(text);
    if (is_new) said->second = find_names(word_tokens(words_of(text)));
    for (const auto& token : said->second) {
      if (token.kind != Kind::kWord && token.kind != Kind::kComma)
        fail("pattern '" + pattern + "' holds the name '" + token.text + "'");
      tokens.push_back(token);
    }
  };
  size_t at = 0;
  for (size_t open; (open = pattern.find('{', at)) != std::string::npos;) {
    const size_t close = pattern.find('}', open);
    if (close == std::string::npos) fail("pattern '" + pattern + "' has a '{' without '}'");
    add_words(pattern.substr(at, open - at));
    const std::string slot = pattern.substr(open + 1, close - open - 1);
    if (slot != "x" && slot != "a x" && slot != "y" && slot != "a y" && slot != "g" && slot != "m")
      fail("pattern '" + pattern + "' has the unknown slot '{" + slot + "}'; known are x, a x, y, a y, g and m");
    Token token;
    token.text = token.name = slot.back();
    token.indefinite = slot.starts_with("a ");
    token.kind = slot == "g" ? Kind::kGenre : slot == "m" ? Kind::kMood : Kind::kInstrument;
    tokens.push_back(token);
    slots += slot.back();
    at = close + 1;
  }
  add_words(pattern.substr(at));
  return tokens;
}

void Grammar::add_form(const std::vector<Token>& tokens, const Form& form) {
  const std::string form_key = key(tokens);
  if (form_key == "X" || form_key == "D")
    fail("pattern '" + form.pattern + "' of '" + operation_name(form.operation) +
         "' does not say what to do: nothing is left of it but the name");
  const auto [at, added] = forms_.emplace(form_key, form);
  if (!added && (at->second.operation != form.operation || at->second.reversed != form.reversed))
    fail("patterns '" + at->second.pattern + "' and '" + form.pattern + "' of '" +
         operation_name(at->second.operation) + "' and '" + operation_name(form.operation) + "' read the same ('" +
         form_key + "')");
  for (const auto& token : tokens)
    if (token.kind == Kind::kWord) words_.insert(token.text);
}

void Grammar::add_patterns(const OperationEntry& entry, Operation operation) {
  const std::vector<std::string> allowed = slots_for(operation);
  for (const auto& pattern : entry.patterns) {
    std::string said_slots;
    std::vector<Token> tokens = pattern_tokens(pattern, said_slots);
    std::string slots;
    for (const char slot : {'x', 'y', 'g', 'm'})
      if (said_slots.find(slot) != std::string::npos) slots += slot;
    if (slots.size() != said_slots.size() || std::find(allowed.begin(), allowed.end(), slots) == allowed.end())
      fail("pattern '" + pattern + "' of '" + entry.name + "' has unsuitable slots; possible are " +
           quoted_list(allowed, "or"));
    patterns_[entry.name + " " + slots].push_back(pattern);
    if (!tokens.empty() && tokens.front().kind == Kind::kWord && operation != Operation::kReplace)
      verbs_.insert(tokens.front().text);
    strip_courtesies(tokens);
    add_form(condense(std::move(tokens)), {operation, said_slots == "yx", pattern});
  }
  for (const auto& slots : allowed)
    if (!patterns_.count(entry.name + " " + slots))
      fail("operation '" + entry.name + "' has no pattern with the slots '" + slots + "'");
}

void Grammar::add_understood(Operation operation) {
  const auto patterns = speech_.understood.find(operation_name(operation));
  if (patterns == speech_.understood.end()) return;
  const std::vector<std::string> allowed = slots_for(operation);
  for (const auto& pattern : expanded(patterns->second, context_)) {
    std::string slots;
    std::vector<Token> tokens = pattern_tokens(pattern, slots);
    const bool reversed = slots == "yx";
    std::sort(slots.begin(), slots.end(),
              [](char a, char b) { return std::string_view("xygm").find(a) < std::string_view("xygm").find(b); });
    if (std::find(allowed.begin(), allowed.end(), slots) == allowed.end())
      fail("understood: '" + pattern + "' has unsuitable slots; possible are " + quoted_list(allowed, "or"));
    strip_courtesies(tokens);
    add_form(condense(std::move(tokens)), {operation, reversed, pattern});
  }
}

void Grammar::add_form_once(const std::vector<Token>& tokens, const Form& form) {
  if (!forms_.count(key(tokens))) add_form(tokens, form);
}

// After patterns and verbs, which they never overrule.
void Grammar::add_phrases(const std::vector<std::string>& patterns, Request::Kind kind, const std::string& slots) {
  for (const auto& pattern : patterns) {
    std::string said;
    std::vector<Token> tokens = pattern_tokens(pattern, said);
    if (said != slots)
      fail("pattern '" + pattern + "' must have " +
           (slots.empty() ? "no slot" : "the slot {" + slots + "} and no other"));
    if (tokens.front().kind == Kind::kWord) verbs_.insert(tokens.front().text);
    add_form_once(condense(std::move(tokens)), {Operation::kRemove, false, pattern, kind});
  }
}

void Grammar::add_remarks() {
  const auto add = [this](const std::string& pattern, bool made) {
    std::string slots;
    const std::vector<Token> tokens = condense(pattern_tokens(pattern, slots));
    for (const auto& token : tokens)
      if (token.kind == Kind::kWord) words_.insert(token.text);
    // Of "the flute sounds annoying" nothing is left but the name, of "the flute sounds out of tune" only "the flute
    // out".
    const bool name_only = tokens.size() == 1 && tokens.front().kind != Kind::kWord;
    if (!tokens.empty() && !name_only && !(made && form_of(tokens))) remarks_.insert(key(tokens));
  };
  const std::string slot = "{c}";
  for (const auto& pattern : speech_.remarks) {
    const size_t at = pattern.find(slot);
    if (at == std::string::npos) add(pattern, false);
    for (const auto& complaint : speech_.complaints)
      if (at != std::string::npos) add(std::string(pattern).replace(at, slot.size(), complaint), true);
  }
}

void Grammar::add_verbs(const OperationEntry& entry, Operation operation) {
  Token x, tag;
  x.kind = Kind::kInstruments;
  tag.kind = Kind::kTag;
  const auto add = [&](std::vector<Token> tokens, const std::string& verb) {
    // A verb never overrules a pattern.
    add_form_once(tokens, {operation, false, verb});
  };
  for (const auto& verb : entry.verbs) {
    const std::vector<Token> words = condense(find_names(word_tokens(words_of(verb))));
    if (words.empty()) fail("verb '" + verb + "' of '" + entry.name + "' says nothing");
    std::vector<std::string> texts;
    for (const auto& word : words) {
      if (word.kind != Kind::kWord) fail("verb '" + verb + "' of '" + entry.name + "' holds a name");
      texts.push_back(word.text);
    }
    verbs_.insert(texts.front());
    verb_words_.emplace_back(operation, texts);
    const auto then = [&words](std::vector<Token> rest) {
      rest.insert(rest.begin(), words.begin(), words.end());
      return rest;
    };
    if (operation == Operation::kReplace) {
      for (const char* to : {"with", "by", "for", "to", "into", "against"}) add(then({x, word_token(to), x}), verb);
    } else if (operation == Operation::kRemix) {
      for (const char* with : {"with", "using", "for"}) {
        add(then({word_token(with), x}), verb);
        add(then({tag, word_token(with), x}), verb);
        for (const char* to : {"to", "into", "as", "in"}) {
          add(then({word_token(to), tag, word_token(with), x}), verb);
          add(then({word_token(with), x, word_token(to), tag}), verb);
        }
      }
      add(then({tag}), verb);
      for (const char* to : {"to", "into", "as", "in"}) add(then({word_token(to), tag}), verb);
    } else {
      add(then({x}), verb);
      const std::string& last = texts.back();
      const bool particle = last == "out" || last == "in" || last == "away" || last == "off";
      if (particle && words.size() == 2) add({words[0], x, words[1]}, verb);
      if (operation == Operation::kAdd && placing_.count(texts.front())) add({words[0], x, word_token("here")}, verb);
    }
  }
}

const std::vector<std::string>& Grammar::patterns_for(const Instruction& instruction) const {
  const auto at = patterns_.find(std::string(operation_name(instruction.operation)) + " " + slots_of(instruction));
  ensure(at != patterns_.end(), "no pattern for such an instruction");
  return at->second;
}

}  // namespace instructme
