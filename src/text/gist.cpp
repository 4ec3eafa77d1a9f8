// Requests in more words than the patterns have: what only says that something is wished is left out ("I was thinking
// that you should …"), and what is supposed is read as asked for ("what would happen if you dropped …").
#include <algorithm>

#include "grammar.h"

namespace instructme {
namespace {

using Kind = Token::Kind;

/// "Should I add a piano?" asks for advice.
const WordSet kAskingVerbs = {"should", "shall", "must", "do", "did", "does", "is", "was", "has", "have"};
/// After these a past form asks for something: "what if you dropped the drums".
const WordSet kHaving = {"have", "had", "get", "got", "hear", "see", "play", "give", "feature", "miss"};
const WordSet kSupposing = {"if", "wish", "suppose", "imagine", "when"};

}  // namespace

std::string Grammar::infinitive(const std::string& past) const {
  const auto verb = pasts_.find(past);
  return verb == pasts_.end() ? past : verb->second;
}

// "You have drums" tells, "it should have drums" asks.
bool Grammar::asks(const std::vector<Token>& tokens) const {
  static const WordSet kAsking = {"want", "wants",   "can",    "should", "must",  "will",    "like",    "love", "need",
                                  "wish", "hope",    "hoping", "prefer", "id",    "if",      "what",    "how",  "fancy",
                                  "able", "imagine", "ask",    "mind",   "shall", "suppose", "possible"};
  return std::any_of(tokens.begin(), tokens.end(), [](const Token& token) { return is_in(token, kAsking); });
}

/// The tokens without the words of Speech::wishing; with `keep_to`, "to" stays.
std::vector<Token> Grammar::gist(const std::vector<Token>& tokens, bool keep_to) const {
  std::vector<Token> out;
  bool supposed = false;
  for (Token token : tokens) {
    if (token.kind == Kind::kComma) continue;
    supposed = supposed || is_in(token, kSupposing);
    if (is_in(token, wishing_) && !(keep_to && token.text == "to")) continue;
    if (supposed && token.kind == Kind::kWord) token.text = infinitive(token.text);
    out.push_back(std::move(token));
  }
  return out;
}

const Grammar::Form* Grammar::form_of_gist(const std::vector<Token>& tokens) const {
  // Bare "darker" is a wish, bare "dark" is none. What is quieter may be the music's loudness.
  static const Form kChange = {Operation::kRemix, false, "make it {m}", Request::Kind::kDo};
  for (size_t i = 0; i < tokens.size(); ++i)
    if (matches_at(tokens, i, {"how", "to"}) || tokens[i].is_word("fits")) return nullptr;
  const bool verb_first = tokens.size() > 1 && is_in(tokens[0], kAskingVerbs);
  if (verb_first && (tokens[0].is_word("should") || tokens[1].is_word("i") || tokens[1].is_word("you") ||
                     (tokens[1].kind == Kind::kInstruments && !tokens[0].is_word("have"))))
    return nullptr;
  if (std::any_of(tokens.begin(), tokens.end(), [this](const Token& token) { return is_negation(token); }))
    return nullptr;
  const bool wish = asks(tokens);
  const bool tells =
      !wish && std::any_of(tokens.begin(), tokens.end(), [](const Token& token) { return token.is_word("sounds"); });
  for (const bool keep_to : {true, false}) {
    const std::vector<Token> left = gist(tokens, keep_to);
    std::vector<Token> said;
    std::copy_if(left.begin(), left.end(), std::back_inserter(said),
                 [](const Token& token) { return token.kind != Kind::kModifier; });
    if (said.size() == 1 && said[0].kind == Kind::kTag && said[0].compared && said[0].mood != "soft" && !tells)
      return &kChange;
    if (left.size() == tokens.size() || (!wish && !left.empty() && is_in(left[0], kHaving))) continue;
    if (const Form* form = form_of(left)) return form;
  }
  return form_of_core(tokens, wish);
}

// "My students need to hear the viola alone": what remains without words that say nothing where one operation is asked
// for must ask for that operation.
const Grammar::Form* Grammar::form_of_core(const std::vector<Token>& tokens, bool wish) const {
  if (tokens.empty() || is_in(tokens[0], kAskingVerbs)) return nullptr;
  for (const auto& [operation, carrying] : carrying_) {
    if (!wish && !is_in(tokens[0], carrying)) continue;
    const bool changes = operation == Operation::kRemix;
    if (changes && std::none_of(tokens.begin(), tokens.end(), [](const Token& t) { return t.kind == Kind::kTag; }))
      continue;
    std::vector<Token> left = gist(tokens, false);
    const size_t length = left.size();
    std::erase_if(left, [&words = carrying](const Token& token) { return is_in(token, words); });
    // "Turn this happy song up" is about its loudness.
    const bool up = changes && tokens[0].is_word("turn") && is_in(tokens.back(), effects_);
    if (left.size() == length || up) continue;
    const Form* form = form_of(left);
    if (form != nullptr && form->kind == Request::Kind::kDo && form->operation == operation) return form;
  }
  return nullptr;
}

// "My drummer left", "I hate it": who says what is so asks for nothing. Words that nobody knows may stand there, but
// none of an order or a wish, and none of what there is no operation for.
bool Grammar::is_statement(const std::vector<Token>& tokens) const {
  static const WordSet kAsking = {"want",       "wants",    "need",    "needs", "can",   "should", "must",   "please",
                                  "wish",       "prefer",   "hope",    "let",   "lets",  "make",   "only",   "just",
                                  "without",    "no",       "instead", "if",    "or",    "except", "unless", "but",
                                  "more",       "same",     "less",    "give",  "id",    "you",    "like",   "nothing",
                                  "everything", "everyone", "rest",    "other", "first", "last",   "until",  "while"};
  static const WordSet kDoing = {"play", "plays", "playing", "sing", "record",  "get",
                                 "got",  "hear",  "is",      "work", "working", "fit"};
  constexpr size_t kLongest = 14;
  if (tokens.size() < 2 || tokens.size() > kLongest) return false;
  // "The kazoo" states nothing: it is something that is not known.
  if (tokens.size() == 2 && tokens[0].kind == Kind::kWord && articles_.count(tokens[0].text)) return false;
  const auto opening =
      std::find_if(states_.begin(), states_.end(), [&](const auto& begin) { return matches_at(tokens, 0, begin); });
  if (opening == states_.end() || opening->size() >= tokens.size()) return false;
  // "I want to sing over it" asks for nothing either.
  size_t begin = opening->size();
  for (size_t i = 2; i < std::min<size_t>(tokens.size(), 5); ++i)
    if (tokens[i - 1].is_word("to") && !tokens[i - 2].is_word("you") && is_in(tokens[i], activities_)) begin = i + 1;
  const bool felt = is_in(tokens[0], {"it", "this", "that"}) && is_in(tokens[1], {"sounds", "feels", "is", "has"});
  for (size_t i = begin; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (felt && is_in(token, {"without", "no"})) continue;  // "it sounds hollow without a bass"
    const std::string& word = token.text;
    if (token.is_instrument() || is_in(token, kDoing)) continue;
    if (token.kind != Kind::kWord) return false;
    if (i > 0 && tokens[i - 1].is_instrument() && parts_.count(word) > 0) continue;  // "the trumpet solo"
    if (kAsking.count(word) > 0 || effects_.count(word) > 0 || begins_order(token) || gerunds_.count(word) > 0 ||
        pasts_.count(word) > 0)
      return false;
  }
  // "The acoustic one" says nothing, it names.
  return std::any_of(
      tokens.begin() + static_cast<std::ptrdiff_t>(opening->size()), tokens.end(), [this](const Token& token) {
        return token.kind == Kind::kWord && articles_.count(token.text) == 0 && pronouns_.count(token.text) == 0 &&
               parts_.count(token.text) == 0 && !token.is_word("ones");
      });
}

bool Grammar::is_negation(const Token& token) const {
  return token.kind == Kind::kWord &&
         std::find(speech_.negations.begin(), speech_.negations.end(), token.text) != speech_.negations.end();
}

// "No drums or bass" means neither.
void Grammar::join_what_is_denied(std::vector<Token>& tokens) const {
  static const WordSet kDenying = {"no", "without", "any", "minus", "sans"};
  bool denied = false;
  for (size_t i = 0; i + 1 < tokens.size(); ++i) {
    const bool article = tokens[i].kind == Kind::kWord && articles_.count(tokens[i].text) > 0;
    if (is_in(tokens[i], kDenying))
      denied = true;
    else if (denied && tokens[i].is_word("or") && tokens[i - 1].is_instrument())
      tokens[i] = word_token("and");
    else if (!article && !tokens[i].is_instrument() && tokens[i].kind != Kind::kComma)
      denied = false;
  }
}

// "How about a choir?" Only where the sentence is not understood as it is, and is so understood as a whole.
void Grammar::take_offer(std::vector<Token>& tokens) const {
  static const WordSet kIndefinite = {"a", "an", "some"};
  size_t begin = 0;
  while (begin < tokens.size() && (tokens[begin].kind == Kind::kModifier || tokens[begin].kind == Kind::kComma))
    ++begin;
  if (begin + 2 >= tokens.size() || !(tokens[begin].is_word("how") || tokens[begin].is_word("what")) ||
      !tokens[begin + 1].is_word("about"))
    return;
  const size_t offered = tokens[begin + 2].kind == Kind::kComma ? begin + 3 : begin + 2;
  if (offered >= tokens.size()) return;
  std::vector<Token> offer = tokens;
  // "How about some swing?"
  size_t tag = offered;
  while (tag < tokens.size() && is_in(tokens[tag], articles_)) ++tag;
  if (tag < tokens.size() && (tokens[tag].kind == Kind::kGenre || tokens[tag].kind == Kind::kMood)) {
    offer.erase(offer.begin() + static_cast<std::ptrdiff_t>(begin),
                offer.begin() + static_cast<std::ptrdiff_t>(tag) - 2);
    offer[begin] = word_token("make");
    offer[begin + 1] = word_token("it");
    if (!understands(tokens) && understands(offer)) tokens = std::move(offer);
    return;
  }
  if (!is_in(tokens[offered], kIndefinite)) return;
  offer.erase(offer.begin() + static_cast<std::ptrdiff_t>(begin),
              offer.begin() + static_cast<std::ptrdiff_t>(offered) - 1);
  offer[begin] = word_token("add");
  strip_courtesies(offer);
  std::vector<Token> plain = tokens;
  strip_courtesies(plain);
  if (!requests(condense(plain)) && requests(condense(offer))) tokens = std::move(offer);
}

}  // namespace instructme
