#include "grammar.h"

#include <algorithm>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "words.h"

namespace instructme {
namespace {

using Kind = Token::Kind;

const char* kDemonstratives[] = {"this", "that", "these", "those"};

Token word_token(const std::string& word) {
  Token token;
  token.kind = word == "," ? Kind::kComma : Kind::kWord;
  token.text = word;
  return token;
}

std::vector<Token> word_tokens(const std::string& sentence) {
  std::vector<Token> tokens;
  for (const auto& word : sentence_words(sentence)) tokens.push_back(word_token(word));
  return tokens;
}

/// Whether `phrase` stands at tokens[at].
bool matches_at(const std::vector<Token>& tokens, size_t at, const std::vector<std::string>& phrase) {
  if (at + phrase.size() > tokens.size()) return false;
  for (size_t i = 0; i < phrase.size(); ++i)
    if (!tokens[at + i].is_word(phrase[i])) return false;
  return true;
}

std::vector<std::vector<std::string>> phrases(const std::vector<std::string>& sentences) {
  std::vector<std::vector<std::string>> out;
  for (const auto& sentence : sentences) out.push_back(sentence_words(sentence));
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return out;
}

std::set<std::string> set_of(const std::vector<std::string>& words) { return {words.begin(), words.end()}; }

bool is_separator(const Token& token) {
  return token.kind == Kind::kComma || token.is_word("and") || token.is_word("then");
}

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
                 std::string context)
    : speech_(std::move(speech)), ambiguous_(std::move(ambiguous)), context_(std::move(context)) {
  std::vector<std::string> courtesies;
  for (const auto* list : {&speech_.before_verbs, &speech_.before_nouns, &speech_.after, &speech_.asides})
    courtesies.insert(courtesies.end(), list->begin(), list->end());
  courtesies_ = phrases(courtesies);
  joiners_ = phrases(speech_.joiners);
  articles_ = set_of(speech_.articles);
  fillers_ = set_of(speech_.fillers);
  pronouns_ = set_of(speech_.pronouns);
  music_ = set_of(speech_.music);
  styles_ = set_of(speech_.styles);
  parts_ = set_of(speech_.parts);
  prepositions_ = set_of(speech_.prepositions);
  for (const auto* list : {&articles_, &fillers_, &pronouns_, &music_, &styles_, &parts_, &prepositions_})
    words_.insert(list->begin(), list->end());
  for (const auto* list : {&joiners_, &courtesies_})
    for (const auto& phrase : *list) words_.insert(phrase.begin(), phrase.end());

  add_names(lexicon);
  // Patterns before verbs: what a pattern says outright goes before what a verb lets one expect.
  for (int i = 0; i < kOperations; ++i)
    add_patterns(lexicon.operations()[static_cast<size_t>(i)], static_cast<Operation>(i));
  for (int i = 0; i < kOperations; ++i)
    add_verbs(lexicon.operations()[static_cast<size_t>(i)], static_cast<Operation>(i));
}

void Grammar::fail(const std::string& what) const { throw Error(ErrorKind::kModel, context_ + ": " + what); }

void Grammar::add_name(const std::string& said, Name name) {
  const std::string normal = normal_name(said);
  if (normal.empty()) fail("an entry has an empty name or synonym");
  const auto [at, added] = names_.emplace(normal, name);
  if (!added)
    fail("'" + said + "' is a name of both '" + at->second.canonical + "' and '" + name.canonical +
         "'; every name may stand for one entry only");
  longest_name_ = std::max(longest_name_, sentence_words(normal).size());
}

void Grammar::add_names(const Lexicon& lexicon) {
  const auto add_all = [this](Kind kind, const auto& entries) {
    for (size_t i = 0; i < entries.size(); ++i) {
      add_name(entries[i].name, {kind, i, entries[i].name});
      for (const auto& synonym : entries[i].synonyms) add_name(synonym, {kind, i, entries[i].name});
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
  // Plurals last: a plural that somebody wrote as a name of its own ("horns") keeps that meaning.
  const std::unordered_map<std::string, Name> singular = names_;
  for (const auto& [normal, name] : singular) {
    const std::string plural = name.kind == Kind::kInstrument || name.kind == Kind::kAmbiguous ? plural_of(normal) : "";
    if (!plural.empty()) names_.emplace(plural, name);
  }
}

const Grammar::Name* Grammar::find(const std::string& normal) const {
  std::vector<std::string> words = split(normal, ' ');
  while (words.size() > 1 && articles_.count(words.front()) && !names_.count(join(words, " ")))
    words.erase(words.begin());
  const auto at = names_.find(join(words, " "));
  return at == names_.end() ? nullptr : &at->second;
}

std::vector<Token> Grammar::pattern_tokens(const std::string& pattern, std::string& slots) const {
  std::vector<Token> tokens;
  const auto add_words = [&](const std::string& text) {
    for (auto& token : find_names(word_tokens(text))) {
      if (token.kind != Kind::kWord && token.kind != Kind::kComma)
        fail("pattern '" + pattern + "' holds the name '" + token.text + "'");
      tokens.push_back(std::move(token));
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
    token.kind = slot == "g" ? Kind::kGenre : slot == "m" ? Kind::kMood : Kind::kInstrument;
    tokens.push_back(token);
    slots += slot.back();
    at = close + 1;
  }
  add_words(pattern.substr(at));
  return tokens;
}

void Grammar::add_form(const std::vector<Token>& tokens, const Form& form) {
  const std::string form_key = key(tokens, true);
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

void Grammar::add_verbs(const OperationEntry& entry, Operation operation) {
  Token x, tag;
  x.kind = Kind::kInstruments;
  tag.kind = Kind::kTag;
  const auto add = [&](std::vector<Token> tokens, const std::string& verb) {
    // A verb never overrules a pattern.
    if (!forms_.count(key(tokens, true))) add_form(tokens, {operation, false, verb});
  };
  for (const auto& verb : entry.verbs) {
    const std::vector<Token> words = condense(find_names(word_tokens(verb)));
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
      for (const char* to : {"with", "by", "for", "to", "into"}) add(then({x, word_token(to), x}), verb);
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
    }
  }
}

std::vector<Operation> Grammar::operations_in(const std::vector<Token>& tokens) const {
  std::vector<std::pair<size_t, Operation>> found;
  for (const auto& [operation, verb] : verb_words_) {
    size_t matched = 0;
    for (const auto& token : tokens)
      if (matched < verb.size() && token.is_word(verb[matched])) ++matched;
    if (matched == verb.size()) found.emplace_back(matched, operation);
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Operation> out;
  for (const auto& [length, operation] : found)
    if (std::find(out.begin(), out.end(), operation) == out.end()) out.push_back(operation);
  return out;
}

const std::vector<std::string>& Grammar::patterns_for(const Instruction& instruction) const {
  const auto at = patterns_.find(std::string(operation_name(instruction.operation)) + " " + slots_of(instruction));
  ensure(at != patterns_.end(), "no pattern for such an instruction");
  return at->second;
}

// --- reading a sentence ---

void Grammar::strip_courtesies(std::vector<Token>& tokens) const {
  for (bool again = true; again;) {
    again = false;
    while (!tokens.empty() && tokens.front().kind == Kind::kComma) tokens.erase(tokens.begin());
    while (!tokens.empty() && tokens.back().kind == Kind::kComma) tokens.pop_back();
    for (const auto& phrase : courtesies_) {
      const auto length = static_cast<std::ptrdiff_t>(phrase.size());
      if (matches_at(tokens, 0, phrase)) {
        tokens.erase(tokens.begin(), tokens.begin() + length);
        again = true;
        break;
      }
      if (tokens.size() >= phrase.size() && matches_at(tokens, tokens.size() - phrase.size(), phrase)) {
        tokens.erase(tokens.end() - length, tokens.end());
        again = true;
        break;
      }
    }
  }
}

std::vector<Token> Grammar::find_names(const std::vector<Token>& tokens) const {
  std::vector<Token> out;
  for (size_t i = 0; i < tokens.size();) {
    size_t best = 0;
    Token named;
    std::string said;
    for (size_t n = 1; n <= longest_name_ && i + n <= tokens.size(); ++n) {
      if (tokens[i + n - 1].kind != Kind::kWord) break;
      said += (n > 1 ? " " : "") + tokens[i + n - 1].text;
      const auto at = names_.find(said);
      if (at == names_.end()) continue;
      best = n;
      named.kind = at->second.kind;
      named.text = said;
      named.name = at->second.canonical;
    }
    out.push_back(best > 0 ? named : tokens[i]);
    i += std::max<size_t>(best, 1);
  }
  return out;
}

std::vector<Token> Grammar::scan(const std::string& sentence) const {
  std::vector<Token> tokens = find_names(word_tokens(sentence));
  strip_courtesies(tokens);
  return tokens;
}

size_t Grammar::joiner_length(const std::vector<Token>& tokens, size_t at) const {
  size_t length = 0;
  while (at + length < tokens.size() && tokens[at + length].kind == Kind::kComma) ++length;
  for (const auto& joiner : joiners_)
    if (matches_at(tokens, at + length, joiner)) return length + joiner.size();
  return length;
}

std::vector<Token> Grammar::condense(std::vector<Token> tokens) const {
  std::vector<Token> nouns;
  bool determined = false;
  for (auto& token : tokens) {
    const bool word = token.kind == Kind::kWord;
    if (word && articles_.count(token.text)) {
      determined = true;
      continue;
    }
    if (word && parts_.count(token.text) && !nouns.empty() && nouns.back().is_instrument()) continue;
    if (word && !nouns.empty() && (nouns.back().kind == Kind::kGenre || nouns.back().kind == Kind::kMood) &&
        music_.count(token.text))
      token.text = "style";
    if (word && styles_.count(token.text)) token.text = "style";
    token.determined = determined;
    determined = std::any_of(std::begin(kDemonstratives), std::end(kDemonstratives),
                             [&](const char* demonstrative) { return token.is_word(demonstrative); });
    nouns.push_back(std::move(token));
  }

  std::vector<Token> out;
  for (size_t i = 0; i < nouns.size(); ++i) {
    Token& token = nouns[i];
    if (token.is_instrument()) {
      Token list;
      list.kind = Kind::kInstruments;
      list.items.push_back(token);
      for (size_t length; (length = joiner_length(nouns, i + 1)) > 0; i += length + 1) {
        if (i + 1 + length >= nouns.size() || !nouns[i + 1 + length].is_instrument()) break;
        list.items.push_back(nouns[i + 1 + length]);
      }
      out.push_back(std::move(list));
    } else if (token.kind == Kind::kGenre || token.kind == Kind::kMood) {
      Token tag;
      tag.kind = Kind::kTag;
      for (;; ++i) {
        auto& kept = nouns[i].kind == Kind::kGenre ? tag.genre : tag.mood;
        if (kept && *kept != nouns[i].name)
          throw Error(ErrorKind::kInput, "one remix cannot be both '" + *kept + "' and '" + nouns[i].name +
                                             "': name one genre and one mood at most");
        kept = nouns[i].name;
        const size_t length = joiner_length(nouns, i + 1);
        const size_t next = i + 1 + length;
        if (next >= nouns.size() || (nouns[next].kind != Kind::kGenre && nouns[next].kind != Kind::kMood)) break;
        i += length;
      }
      out.push_back(std::move(tag));
    } else if (token.kind == Kind::kWord) {
      const bool after_preposition =
          !out.empty() && out.back().kind == Kind::kWord && prepositions_.count(out.back().text);
      const bool pronoun = pronouns_.count(token.text) > 0;
      if (pronoun || (music_.count(token.text) && (token.determined || after_preposition))) {
        while (!out.empty() && out.back().kind == Kind::kWord && prepositions_.count(out.back().text)) out.pop_back();
      } else {
        out.push_back(std::move(token));
      }
    } else {
      out.push_back(std::move(token));
    }
  }
  return out;
}

std::string Grammar::key(const std::vector<Token>& tokens, bool with_fillers) const {
  std::string out;
  for (const auto& token : tokens) {
    if (token.kind == Kind::kComma) continue;
    if (!with_fillers && token.kind == Kind::kWord && fillers_.count(token.text)) continue;
    if (!out.empty()) out += ' ';
    out += token.kind == Kind::kInstruments ? "X" : token.kind == Kind::kTag ? "D" : token.text;
  }
  return out;
}

std::optional<Request> Grammar::request(const std::vector<Token>& tokens) const {
  auto at = forms_.find(key(tokens, true));
  if (at == forms_.end()) at = forms_.find(key(tokens, false));
  if (at == forms_.end()) return std::nullopt;
  Request out;
  out.operation = at->second.operation;
  std::vector<std::vector<Token>> lists;
  for (const auto& token : tokens) {
    if (token.kind == Kind::kInstruments) lists.push_back(token.items);
    if (token.kind == Kind::kTag) {
      out.genre = token.genre;
      out.mood = token.mood;
    }
  }
  if (at->second.reversed) std::reverse(lists.begin(), lists.end());
  if (!lists.empty()) out.instruments = lists[0];
  if (lists.size() > 1) out.replacements = lists[1];
  return out;
}

std::optional<std::vector<Request>> Grammar::requests(const std::vector<Token>& tokens) const {
  if (auto whole = request(tokens)) return std::vector<Request>{*whole};
  for (size_t i = 1; i + 1 < tokens.size(); ++i) {
    if (!is_separator(tokens[i])) continue;
    const auto first = request({tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(i)});
    if (!first) continue;
    size_t next = i;
    while (next < tokens.size() && is_separator(tokens[next])) ++next;
    std::vector<Token> rest(tokens.begin() + static_cast<std::ptrdiff_t>(next), tokens.end());
    strip_courtesies(rest);
    auto more = requests(rest);
    if (!more) continue;
    more->insert(more->begin(), *first);
    return more;
  }
  return std::nullopt;
}

}  // namespace instructme
