// How a sentence divides into requests: what ends one, what the next takes over from it, and what is one request in two
// parts.
#include <algorithm>

#include "grammar.h"
#include "instructme/base/error.h"

namespace instructme {
namespace {

using Kind = Token::Kind;

/// "Take the piano out and let a harp come in instead" asks for one thing in the place of another.
bool takes_place(const Request& removed, const Request& added) {
  return removed.kind == Request::Kind::kDo && removed.operation == Operation::kRemove && added.instead &&
         added.kind == Request::Kind::kDo && added.operation == Operation::kAdd && added.modifiers.empty();
}

/// "The piano out", "an organ in": an instrument and nothing but this word.
bool says_only(const std::vector<Token>& tokens, const char* word) {
  return tokens.size() == 2 && tokens[0].kind == Kind::kInstruments && tokens[1].is_word(word);
}

bool does(const Request& request, Operation operation) {
  return request.kind == Request::Kind::kDo && request.operation == operation;
}

/// Whether `again` is the same instrument, maybe with a shorter name: "the bass" after "a double bass".
bool is_called_again(const Token& first, const Token& again) {
  return first.name == again.name || first.text.ends_with(" " + again.text);
}

/// Whether all that `again` names is among `first`.
bool names_again(const std::vector<Token>& first, const std::vector<Token>& again) {
  return std::all_of(again.begin(), again.end(), [&](const Token& named) {
    return std::any_of(first.begin(), first.end(), [&](const Token& token) { return is_called_again(token, named); });
  });
}

bool names_any(const std::vector<Token>& first, const std::vector<Token>& again) {
  return std::any_of(again.begin(), again.end(), [&](const Token& named) { return names_again(first, {named}); });
}

/// "It needs an organ in it", "slap bass included", but "add an organ": what a remix is to have.
bool says_what_it_has(const std::vector<Token>& tokens) {
  static const WordSet kHaving = {"have",     "has",      "having",    "give", "need", "needs",
                                  "includes", "included", "featuring", "be",   "with"};
  return std::any_of(tokens.begin(), tokens.end(), [](const Token& token) { return is_in(token, kHaving); });
}

/// One request in the place of two that ask for the same thing together.
std::optional<Request> said_together(const Request& first, const Request& second) {
  const auto& named = second.instruments;
  // A new part is wanted alone: that is what accompanying gives.
  if (does(second, Operation::kExtract) && named.size() == first.instruments.size() &&
      names_again(first.instruments, named) && (does(first, Operation::kAccompany) || does(first, Operation::kAdd))) {
    Request out = first;
    out.operation = Operation::kAccompany;
    return out;
  }
  // What is replaced is gone, and so is all else where something is extracted.
  if (does(second, Operation::kRemove)) {
    if (does(first, Operation::kReplace) && names_again(first.instruments, named)) return first;
    if (does(first, Operation::kExtract) && !second.ordered && !names_any(first.instruments, named)) return first;
  }
  if (does(first, Operation::kRemove) && does(second, Operation::kReplace) && names_again(named, first.instruments) &&
      names_again(first.instruments, named))
    return second;
  return std::nullopt;
}

}  // namespace

void leave_out_repetition(std::vector<Request>& requests) {
  for (size_t i = 0; i + 1 < requests.size();) {
    const Request &first = requests[i], &second = requests[i + 1];
    const bool apart = second.afterwards || !second.modifiers.empty();
    if (auto one = apart ? std::nullopt : said_together(first, second)) {
      one->modifiers = first.modifiers;
      requests[i] = std::move(*one);
      requests.erase(requests.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    } else {
      ++i;
    }
  }
}

Request exchange(Request removed, const Request& added) {
  removed.operation = Operation::kReplace;
  removed.replacements = added.instruments;
  removed.modifiers.insert(removed.modifiers.end(), added.modifiers.begin(), added.modifiers.end());
  return removed;
}

/// "…, then the drums", "… and a flute in bars 5 to 8": what was asked for before is asked for another instrument.
bool Grammar::goes_on(const std::vector<Token>& tokens, size_t end, const std::vector<Token>& rest) const {
  const Token& between = tokens[end];
  const bool adds = separates(between) || between.is_word("and") || between.is_word("also");
  size_t next = 1;
  while (next < rest.size() && rest[next].kind == Kind::kModifier) ++next;
  // Where the first has a time or an amount, it must be clear whether that is the second's too.
  const bool clear = next > 1 || std::none_of(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(end),
                                              [](const Token& token) { return token.kind == Kind::kModifier; });
  return adds && clear && !rest.empty() && rest.front().kind == Kind::kInstruments &&
         (next == rest.size() || is_separator(rest[next]));
}

/// The request of the tokens before `end` and those of the tokens from `next` on.
std::optional<std::vector<Request>> Grammar::requests_split(const std::vector<Token>& tokens, size_t end,
                                                            size_t next) const {
  std::vector<Token> begin(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(end));
  strip_courtesies(begin);
  const auto first = request(begin);
  if (!first) return std::nullopt;
  std::vector<Token> rest(tokens.begin() + static_cast<std::ptrdiff_t>(next), tokens.end());
  const bool ellipsis = first->kind == Request::Kind::kDo && goes_on(tokens, end, rest);
  strip_courtesies(rest);
  // "The piano out, a harp instead."
  if (rest.size() == 2 && rest[0].kind == Kind::kInstruments && rest[1].is_word("instead"))
    rest.insert(rest.begin(), word_token(operation_name(Operation::kAdd)));
  auto more = requests(rest);
  if (!more && ellipsis) {
    rest.insert(rest.begin(), word_token(operation_name(first->operation)));
    if (first->operation == Operation::kRemove || first->operation == Operation::kAdd) more = requests(rest);
  }
  if (!more) return std::nullopt;
  more->front().afterwards =
      std::any_of(tokens.begin() + static_cast<std::ptrdiff_t>(end), tokens.begin() + static_cast<std::ptrdiff_t>(next),
                  [](const Token& token) { return token.kind == Kind::kThen; });
  if (takes_place(*first, more->front())) {
    more->front() = exchange(*first, more->front());
    return more;
  }
  // "Piano out, organ in."
  if (more->size() == 1 && !more->front().afterwards) {
    if (says_only(begin, "out") && says_only(rest, "in")) return {{exchange(*first, more->front())}};
    if (says_only(begin, "in") && says_only(rest, "out")) return {{exchange(more->front(), *first)}};
  }
  // "As a country song, with banjo and fiddle" is one remix.
  if (does(*first, Operation::kRemix) && first->instruments.empty() && does(more->front(), Operation::kAdd) &&
      more->front().modifiers.empty() && !more->front().afterwards && says_what_it_has(rest)) {
    Request both = *first;
    both.instruments = more->front().instruments;
    more->front() = std::move(both);
    return more;
  }
  more->insert(more->begin(), *first);
  return more;
}

bool Grammar::understands(const std::vector<Token>& tokens) const {
  try {
    return requests(condense(tokens)).has_value();
  } catch (const Error&) {
    return false;  // of two genres
  }
}

/// "Bring a harp in instead of the piano": what is to be added takes the place of what is named.
std::optional<Request> Grammar::addition_instead_of(const std::vector<Token>& tokens) const {
  for (size_t i = 1; i + 2 < tokens.size(); ++i) {
    if (!matches_at(tokens, i, {"instead", "of"}) || tokens[i + 2].kind != Kind::kInstruments) continue;
    std::vector<Token> added(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(i));
    for (size_t k = i + 3; k < tokens.size(); ++k) added.push_back(tokens[k]);
    auto found = request(added);
    if (!found || found->kind != Request::Kind::kDo || found->operation != Operation::kAdd) return std::nullopt;
    found->operation = Operation::kReplace;
    found->replacements = std::move(found->instruments);
    found->instruments = tokens[i + 2].items;
    return found;
  }
  return std::nullopt;
}

std::optional<std::vector<Request>> Grammar::requests(const std::vector<Token>& tokens) const {
  if (auto whole = request(tokens)) return std::vector<Request>{*whole};
  if (auto whole = addition_instead_of(tokens)) return std::vector<Request>{*whole};
  for (size_t i = 1; i + 1 < tokens.size(); ++i) {
    if (!is_separator(tokens[i])) continue;
    size_t next = i;
    while (next < tokens.size() && is_separator(tokens[next])) ++next;
    if (auto found = requests_split(tokens, i, next)) return found;
  }
  // "Remove the percussion without touching the drums."
  for (size_t i = 1; i + 1 < tokens.size(); ++i)
    if (tokens[i].is_word("without"))
      if (auto found = requests_split(tokens, i, i))
        if (const auto kind = (*found)[1 < found->size() ? 1 : 0].kind;
            kind == Request::Kind::kKeep || kind == Request::Kind::kOthersStay)
          return found;
  // Nothing but the verb tells where the next request begins, so that a time or an amount between two of them might be
  // that of either.
  for (size_t i = 1; i + 1 < tokens.size(); ++i)
    if (begins_order(tokens[i]) && tokens[i - 1].kind != Kind::kModifier && !is_separator(tokens[i - 1]))
      if (auto found = requests_split(tokens, i, i)) return found;
  return std::nullopt;
}

}  // namespace instructme
