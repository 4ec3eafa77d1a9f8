#include <algorithm>
#include <bit>
#include <cstdint>

#include "grammar.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "pieces.h"
#include "words.h"

// A sentence's words, and what in them is a name.

namespace instructme {
namespace {

using Kind = Token::Kind;

// Of "a piano would be nice if you could" what would be nice is the piano: that is no courtesy behind it.
bool speaks_of_what_is_before(const std::vector<Token>& tokens, const std::vector<std::string>& phrase) {
  return phrase.size() > 1 && phrase[1] == "be" && phrase.size() < tokens.size() &&
         tokens[tokens.size() - phrase.size() - 1].kind == Kind::kInstrument;
}

bool is_in_bars(const Token& token) {
  return token.kind == Kind::kModifier && token.modifier->range &&
         token.modifier->range->unit == PlanRange::Unit::kBars;
}

/// The longest phrase with which the tokens begin (or end); nullptr when none.
const std::vector<std::string>* first_match(
    const std::unordered_map<std::string, std::vector<std::vector<std::string>>>& phrases,
    const std::vector<Token>& tokens, bool begin) {
  if (tokens.empty()) return nullptr;
  const Token& word = begin ? tokens.front() : tokens.back();
  const auto at = word.kind == Kind::kWord ? phrases.find(word.text) : phrases.end();
  if (at == phrases.end()) return nullptr;
  for (const auto& phrase : at->second)
    if (phrase.size() <= tokens.size() && matches_at(tokens, begin ? 0 : tokens.size() - phrase.size(), phrase) &&
        (begin || !speaks_of_what_is_before(tokens, phrase)))
      return &phrase;
  return nullptr;
}

}  // namespace

const Grammar::Name* Grammar::find(const std::string& normal) const {
  std::vector<std::string> words = split(normal, ' ');
  while (words.size() > 1 && articles_.count(words.front()) && !names_.count(join(words, " ")))
    words.erase(words.begin());
  const auto at = names_.find(join(words, " "));
  return at == names_.end() ? nullptr : &at->second;
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

std::optional<std::string> Grammar::idle_phrase(const std::string& sentence) const {
  const std::vector<Token> words = word_tokens(words_of(sentence));
  for (size_t i = 0; i < words.size(); ++i)
    for (const auto& phrase : idle_)
      if (matches_at(words, i, phrase)) return join(phrase, " ");
  return std::nullopt;
}

void Grammar::strip_courtesies(std::vector<Token>& tokens) const {
  // Times and amounts at both ends do not hide the courtesies behind them.
  const auto is_other = [](const Token& token) { return token.kind != Kind::kModifier; };
  const auto first = std::find_if(tokens.begin(), tokens.end(), is_other);
  const auto last = std::find_if(tokens.rbegin(), std::make_reverse_iterator(first), is_other).base();
  if (first != tokens.begin() || last != tokens.end()) {
    std::vector<Token> inner(first, last);
    const size_t length = inner.size();
    strip_courtesies(inner);
    tokens.erase(std::copy(inner.begin(), inner.end(), first), last);
    if (inner.size() < length) strip_courtesies(tokens);
    return;
  }
  for (bool again = true; again;) {
    again = false;
    while (!tokens.empty() && separates(tokens.front())) tokens.erase(tokens.begin());
    while (!tokens.empty() && separates(tokens.back())) tokens.pop_back();
    if (const auto* phrase = first_match(courtesies_first_, tokens, true)) {
      tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(phrase->size()));
      again = true;
    } else if ((phrase = first_match(courtesies_last_, tokens, false)) != nullptr) {
      tokens.erase(tokens.end() - static_cast<std::ptrdiff_t>(phrase->size()), tokens.end());
      again = true;
    }
  }
}

std::vector<Token> Grammar::find_names(const std::vector<Token>& tokens) const {
  std::vector<Token> out;
  out.reserve(tokens.size());
  for (size_t i = 0; i < tokens.size();) {
    size_t best = 0;
    Token named;
    std::string said;
    const auto names = tokens[i].kind == Kind::kWord ? longest_names_.find(tokens[i].text) : longest_names_.end();
    const size_t longest = names == longest_names_.end() ? 0 : names->second;
    for (size_t n = 1; n <= longest && i + n <= tokens.size(); ++n) {
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

// "That whiny harmonica": a word that nobody knows but that ends as adjectives do, between an article and an
// instrument.
void Grammar::leave_out_adjectives(std::vector<Token>& tokens) const {
  constexpr size_t kShortest = 5;
  for (size_t i = 1; i + 1 < tokens.size(); ++i) {
    const std::string& word = tokens[i].text;
    const bool adjective = word.size() >= kShortest && (word.ends_with("y") || word.ends_with("ous"));
    if (tokens[i].kind != Kind::kWord || !adjective || knows_word(word) || effects_.count(word) > 0) continue;
    if (!is_in(tokens[i - 1], articles_) && !is_in(tokens[i - 1], {"this", "that", "these", "those"})) continue;
    if (tokens[i + 1].kind == Kind::kInstrument) tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// "In the chorus, bars 17 to 24": where it is said in bars or seconds too, which part of the song it is says nothing.
void Grammar::leave_out_sections(std::vector<Token>& tokens) const {
  static const WordSet kPlaces = {"in", "for", "during", "of", "from", "through", "throughout"};
  static const WordSet kWhich = {"the", "my", "our", "first", "second", "third", "last", "final", "whole", "entire"};
  static const WordSet kSections = {"intro", "introduction", "verse", "chorus",  "refrain",   "bridge",   "outro",
                                    "hook",  "ending",       "coda",  "prelude", "interlude", "breakdown"};
  for (size_t i = 1; i + 2 < tokens.size(); ++i) {
    size_t at = i + 1;
    while (at < tokens.size() && is_in(tokens[at], kWhich)) ++at;
    if (!is_in(tokens[i], kPlaces) || at == i + 1 || at >= tokens.size() || !is_in(tokens[at], kSections)) continue;
    size_t end = at + 1;
    while (end < tokens.size() && tokens[end].kind == Kind::kComma) ++end;
    if (end < tokens.size() && tokens[end].modifier && tokens[end].modifier->range)
      tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i), tokens.begin() + static_cast<std::ptrdiff_t>(end));
  }
}

// "Up to bar 8", "starting with bar 9": the time has been read with these words.
void Grammar::leave_out_bounds(std::vector<Token>& tokens) const {
  static const std::vector<std::vector<std::string>> kBounds = {{"up", "to"}, {"starting", "with"}, {"starting"}};
  for (size_t i = 1; i < tokens.size(); ++i) {
    if (!is_in_bars(tokens[i])) continue;
    for (const auto& words : kBounds) {
      if (words.size() > i || !matches_at(tokens, i - words.size(), words)) continue;
      const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(i);
      tokens.erase(end - static_cast<std::ptrdiff_t>(words.size()), end);
      i -= words.size();
      break;
    }
  }
}

// "Bars 4, 5 and 6" are one stretch of the music, "bars 1 and 3" are none.
void Grammar::gather_bars(std::vector<Token>& tokens) const {
  const auto number_at = [&](size_t at) -> std::optional<double> {
    if (at >= tokens.size() || tokens[at].kind != Kind::kWord) return std::nullopt;
    // "In bar 5, two violins".
    if (at + 1 < tokens.size() && tokens[at + 1].is_instrument()) return std::nullopt;
    const std::string& word = tokens[at].text;
    const bool digits = word.size() < 5 && word.find_first_not_of("0123456789") == std::string::npos;
    if (digits) return std::stod(word);
    const bool ends = at + 1 == tokens.size() || tokens[at + 1].kind == Kind::kComma || tokens[at + 1].is_word("and");
    return ends ? number_word(word) : std::nullopt;  // "and two more violins"
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!is_in_bars(tokens[i]) || !tokens[i].modifier->range->end) continue;
    double last = *tokens[i].modifier->range->end;
    size_t read = i + 1;
    for (size_t at = read;; at = read) {
      while (at < tokens.size() && (tokens[at].kind == Kind::kComma || tokens[at].is_word("and"))) ++at;
      const auto bar = at > read ? number_at(at) : std::nullopt;
      if (!bar || *bar <= last) break;
      if (*bar != last + 1)
        throw Error(ErrorKind::kInput, "what follows '" + tokens[i].text +
                                           "' does not go on where that ends: name one stretch of bars, or make it "
                                           "two requests");
      const auto end = number_at(at + 1);  // "and 5-6"
      last = std::max(*bar, end.value_or(0));
      read = at + (end ? 2 : 1);
    }
    if (read == i + 1) continue;
    auto gathered = std::make_shared<Modifier>(*tokens[i].modifier);
    gathered->range->end = last;
    tokens[i].modifier = std::move(gathered);
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                 tokens.begin() + static_cast<std::ptrdiff_t>(read));
  }
}

// "No piano, a harp instead": what comes instead is no more of what goes.
void Grammar::order_what_comes_instead(std::vector<Token>& tokens) const {
  for (size_t i = 2; i + 1 < tokens.size(); ++i) {
    const bool instead = tokens[i + 1].is_word("instead") && (i + 2 == tokens.size() || !tokens[i + 2].is_word("of"));
    if (!instead || !tokens[i].is_instrument()) continue;
    size_t begin = i;
    while (begin > 1 && is_in(tokens[begin - 1], articles_)) --begin;
    if (tokens[begin - 1].kind != Kind::kComma || !tokens[begin - 2].is_instrument()) continue;
    std::vector<Token> before(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(begin) - 1);
    strip_courtesies(before);
    const auto removed = request(condense(before));
    if (removed && removed->kind == Request::Kind::kDo && removed->operation == Operation::kRemove) {
      tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(begin), word_token(operation_name(Operation::kAdd)));
      return;
    }
  }
  // "Instead of the piano, a harp."
  if (!matches_at(tokens, 0, {"instead", "of"})) return;
  size_t comma = 2;
  while (comma < tokens.size() && (tokens[comma].is_instrument() || is_in(tokens[comma], articles_))) ++comma;
  if (comma == tokens.size() || tokens[comma].kind != Kind::kComma) return;
  size_t last = comma + 1;
  while (last < tokens.size() && is_in(tokens[last], articles_)) ++last;
  if (last + 1 == tokens.size() && tokens[last].is_instrument())
    tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(comma) + 1, word_token("use"));
}

std::vector<Token> Grammar::read_words(const std::string& sentence) const {
  std::string rest = sentence;
  const std::vector<Modifier> modifiers = take_modifiers(rest);
  std::vector<Token> words = word_tokens(words_of(rest));
  for (Token& token : words) {
    const auto index = modifier_index(token.text);
    if (!index || *index >= modifiers.size()) continue;
    token.kind = Kind::kModifier;
    token.modifier = std::make_shared<const Modifier>(modifiers[*index]);
    token.text = token.modifier->text;
  }
  return words;
}

std::vector<Token> Grammar::words_and_names(const std::string& sentence) const {
  std::vector<Token> tokens = find_names(read_words(sentence));
  settle_ambiguous(tokens);
  return tokens;
}

std::vector<Token> Grammar::scan(const std::string& sentence) const {
  std::vector<Token> words = read_words(sentence);
  leave_out_sections(words);
  leave_out_bounds(words);
  // "Add a cello, but only in bars 5 to 8."
  for (size_t i = 0; i + 2 < words.size(); ++i)
    if (words[i].is_word("but") && is_in(words[i + 1], {"only", "just"}) && words[i + 2].kind == Kind::kModifier)
      words.erase(words.begin() + static_cast<std::ptrdiff_t>(i), words.begin() + static_cast<std::ptrdiff_t>(i) + 2);
  std::vector<Token> tokens = find_names(words);
  gather_bars(tokens);
  leave_out_adjectives(tokens);
  order_what_comes_instead(tokens);
  choose_meant(tokens);
  settle_ambiguous(tokens);
  join_what_is_denied(tokens);
  // "No, the drums" is about the drums, "no drums" is against them.
  if (tokens.size() > 2 && tokens[0].is_word("no") && tokens[1].kind == Kind::kComma) tokens.erase(tokens.begin());
  // "Should it have drums?" asks for advice.
  if (tokens.size() > 2 && is_in(tokens[0], {"should", "shall", "must", "did", "was"}) &&
      is_in(tokens[1], {"it", "this", "that", "there", "i", "you"}))
    tokens.insert(tokens.begin(), word_token("whether"));
  // "Would it be nice without the drums?" does, too.
  if (tokens.size() > 4 && tokens[0].is_word("can") && is_in(tokens[1], {"it", "this", "that"}) &&
      tokens[2].is_word("be") && is_in(tokens[3], {"nice", "better", "good", "great", "cool", "fine", "ok"}))
    tokens.insert(tokens.begin(), word_token("whether"));
  mark_separators(tokens);
  leave_out_reasons(tokens);
  leave_out_occasion(tokens);
  const auto read = [&](bool with_statements) {
    std::vector<Token> left = tokens;
    leave_out_remarks(left, with_statements);
    take_offer(left);
    strip_courtesies(left);
    resolve_topic(left);
    return left;
  };
  // What is a statement, nothing but its words tells: it is left out only where the sentence is not understood as it
  // is.
  std::vector<Token> plain = read(false);
  if (understands(plain)) return plain;
  // "Because the choir is out of tune, remove it": what is said first may also be said without its reason.
  if (tokens.size() > 2 && is_in(tokens.front(), {"because", "since", "as", "cause"})) {
    tokens.erase(tokens.begin());
    for (const bool with_statements : {false, true})
      if (const auto left = read(with_statements); understands(left)) return left;
  }
  if (const auto wanted = without_reporter(plain)) return *wanted;
  std::vector<Token> told = read(true);
  return understands(told) ? told : plain;
}

std::vector<std::string> Grammar::words_of(const std::string& sentence) const {
  const std::vector<std::string> said = sentence_words(sentence);
  std::vector<std::string> words;
  for (size_t i = 0; i < said.size();) {
    const auto known = read_as_.find(said[i]);
    size_t length = 0;
    if (known != read_as_.end())
      for (const auto& [phrase, meant] : known->second) {
        if (phrase.size() > said.size() - i ||
            !std::equal(phrase.begin(), phrase.end(), said.begin() + static_cast<std::ptrdiff_t>(i)))
          continue;
        words.insert(words.end(), meant.begin(), meant.end());
        length = phrase.size();
        break;
      }
    if (length == 0) words.push_back(said[i]);
    i += std::max<size_t>(length, 1);
  }
  for (std::string& word : words)
    if (const auto same = alike_.find(word); same != alike_.end()) word = same->second;
  return words;
}

}  // namespace instructme
