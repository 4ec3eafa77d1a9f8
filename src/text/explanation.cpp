#include "explanation.h"

#include <algorithm>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "words.h"

namespace instructme {
namespace {

using Kind = Token::Kind;

constexpr const char* kOperationList = "extract, remove, add, replace, remix or accompany";

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorKind::kInput, message); }

/// Canonical names and synonyms of instruments, genres or moods.
template <class Entry>
std::vector<std::string> known_names(const std::vector<Entry>& entries) {
  std::vector<std::string> names;
  for (const Entry& entry : entries) {
    names.push_back(entry.name);
    names.insert(names.end(), entry.synonyms.begin(), entry.synonyms.end());
  }
  return names;
}

/// The first canonical names, as an example.
template <class Entry>
std::string some_names(const std::vector<Entry>& entries, size_t count) {
  std::vector<std::string> names;
  for (size_t i = 0; i < std::min(entries.size(), count); ++i) names.push_back(entries[i].name);
  return join(names, ", ");
}

std::string some_known_instruments(const Lexicon& lexicon) {
  std::vector<InstrumentEntry> entries = lexicon.instruments();
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.frequency > b.frequency; });
  return some_names(entries, 8);
}

std::string some_known_tags(const std::vector<TagEntry>& entries) { return some_names(entries, 6); }

/// The tokens with [begin, end) read as one name of that kind.
std::vector<Token> with_name(std::vector<Token> tokens, size_t begin, size_t end, Kind kind) {
  Token name;
  name.kind = kind;
  name.name = name.text = "?";
  tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(begin), tokens.begin() + static_cast<std::ptrdiff_t>(end));
  tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(begin), name);
  return tokens;
}

std::string text_of(const std::vector<Token>& tokens, size_t begin, size_t end) {
  std::vector<std::string> texts;
  for (size_t i = begin; i < end; ++i) texts.push_back(tokens[i].text);
  return join(texts, " ");
}

}  // namespace

std::string example_of(Operation operation) {
  Instruction instruction;
  instruction.operation = operation;
  if (operation == Operation::kRemix) {
    instruction.genre = "funk";
  } else {
    instruction.instruments = {"piano"};
  }
  if (operation == Operation::kReplace) instruction.replacements = {"violin"};
  return "'" + plain_sentence(instruction) + "'";
}

bool Explanation::asks_for_more(const std::vector<Token>& tokens) {
  static const WordSet kNew = {"no", "any", "add", "adding", "needs", "lacks", "one", "two"};
  static const WordSet kOrders = {"add", "put", "throw", "include", "insert", "replace", "swap", "change", "exchange"};
  bool added = false, more = false, asks = false;
  for (const auto& token : tokens) {
    if (more && !added && token.is_instrument()) asks = true;
    if (asks && is_in(token, kOrders)) return false;
    added = added || is_in(token, kNew);
    more = token.is_word("more") || (more && (token.is_word("of") || token.is_word("the")));
  }
  return asks;
}

/// "Turn the piano up", "bring up the drums"; but "come up with a piano", "liven it up".
bool Explanation::turns_up(const std::vector<Token>& tokens) const {
  static const WordSet kTurning = {"turn", "bring", "push", "pull", "put", "lift", "mix", "crank", "pump"};
  static const WordSet kBetween = {"only", "just", "it",  "them", "that", "volume",   "level",  "of",
                                   "way",  "and",  "all", "him",  "her",  "loudness", "slider", "fader"};
  const auto& speech = grammar_.speech();
  const auto is_between = [&](const Token& token) {
    const auto among = [&](const std::vector<std::string>& words) {
      return std::find(words.begin(), words.end(), token.text) != words.end();
    };
    return token.is_instrument() || is_in(token, kBetween) || among(speech.articles) || among(speech.parts) ||
           among(speech.music);
  };
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!is_in(tokens[i], kTurning)) continue;
    size_t next = i + 1;
    while (next < tokens.size() && is_between(tokens[next])) ++next;
    if (next < tokens.size() && tokens[next].is_word("up")) return true;
  }
  return false;
}

void Explanation::explain_louder(const std::vector<Token>& tokens) const {
  static const WordSet kLouder = {"louder", "boost", "raise",   "amplify",  "crank",
                                  "pump",   "front", "forward", "increase", "prominent"};
  static const WordSet kPitch = {"octave", "octaves", "pitch", "key", "semitone", "semitones"};
  const auto says = [&tokens](const WordSet& words) {
    return std::any_of(tokens.begin(), tokens.end(), [&](const Token& token) { return is_in(token, words); });
  };
  const bool louder = !says(kPitch) && (asks_for_more(tokens) || says(kLouder) || turns_up(tokens));
  const bool names = std::any_of(tokens.begin(), tokens.end(), [](const Token& t) { return t.is_instrument(); });
  if (louder && names)
    fail(quoted() + " seems to ask for something louder; what is in the music can be turned down, but not up: turn " +
         "down what covers it, as in 'turn the bass down by 6 dB', or add a new part, as in " +
         example_of(Operation::kAdd));
}

void Explanation::explain_idle(const std::string& phrase) const {
  fail(quoted() + " says '" + phrase + "', which asks for nothing to be done: say what to do, for example " +
       example_of(Operation::kRemove));
}

bool Explanation::says_word(std::initializer_list<const char*> any) const {
  const std::vector<std::string> words = sentence_words(sentence_);
  return std::any_of(any.begin(), any.end(),
                     [&](const char* word) { return std::find(words.begin(), words.end(), word) != words.end(); });
}

std::string Explanation::quoted() const { return "'" + trim(sentence_) + "'"; }

void Explanation::explain_unknown(const std::vector<Token>& tokens, size_t at) const {
  if (tokens[at].is_word("until") || tokens[at].is_word("till") || tokens[at].is_word("til"))
    fail(quoted() +
         " does not say for certain where that ends: say for example 'until 0:20', or of bars 'up to bar 8', " +
         "with it, or 'before bar 8'");
  size_t end = at;
  while (end < tokens.size() && tokens[end].kind == Kind::kWord && !grammar_.knows_word(tokens[end].text)) ++end;
  // "electrc guitar", "piano forrte": a neighbouring name belongs to the phrase.
  std::vector<std::pair<size_t, size_t>> spans = {{at, end}};
  if (end < tokens.size() && tokens[end].is_instrument()) spans.insert(spans.begin(), {at, end + 1});
  if (at > 0 && tokens[at - 1].is_instrument()) spans.emplace_back(at - 1, end);
  const bool tag = understood(with_name(tokens, at, end, Kind::kGenre));
  for (const auto& [first, last] : spans) {
    if (!understood(with_name(tokens, first, last, Kind::kUnknown))) continue;
    const std::string phrase = text_of(tokens, first, last);
    if (tag) explain_name(phrase);
    explain_instrument(phrase);
  }
  if (tag || understood(with_name(tokens, at, end, Kind::kMood))) explain_tag(text_of(tokens, at, end));
  const std::string word = tokens[at].text;
  if (word.find_first_of("0123456789") != std::string::npos)
    fail(quoted() + " holds a number that is not understood, '" + word +
         "': say times as in 'from 0:10 to 0:20' or 'in bars 5 to 8', and amounts as in 'by 6 dB' or 'by half'");
  std::vector<std::string> candidates;
  for (const auto& verb : grammar_.verbs())
    if (verb.size() > 2) candidates.push_back(verb);  // "no", "a": near to every short word
  for (const auto& names :
       {known_names(lexicon_.instruments()), known_names(lexicon_.genres()), known_names(lexicon_.moods())})
    candidates.insert(candidates.end(), names.begin(), names.end());
  const std::string hint = word.size() > 3 ? did_you_mean(word, candidates) : "";
  fail("the word '" + word + "' in " + quoted() + " is not understood" +
       (hint.empty() ? "; say what to do as in " + example_of(Operation::kRemove) + " or " +
                           example_of(Operation::kReplace) + " (" + kOperationList + ")"
                     : hint));
}

void Explanation::explain_instrument(const std::string& phrase) const {
  const std::string hint = did_you_mean(phrase, known_names(lexicon_.instruments()));
  fail("there is no instrument called '" + phrase + "'" +
       (hint.empty() ? "; known ones are " + some_known_instruments(lexicon_) + " and others" : hint));
}

void Explanation::explain_tag(const std::string& phrase) const {
  std::vector<std::string> candidates = known_names(lexicon_.genres());
  const std::vector<std::string> moods = known_names(lexicon_.moods());
  candidates.insert(candidates.end(), moods.begin(), moods.end());
  const std::string hint = did_you_mean(phrase, candidates);
  fail("there is no genre or mood called '" + phrase + "'" +
       (hint.empty() ? "; known genres are " + some_known_tags(lexicon_.genres()) + " and others, known moods " +
                           some_known_tags(lexicon_.moods()) + " and others"
                     : hint));
}

/// Where an instrument, a genre and a mood would all do: "a … version".
void Explanation::explain_name(const std::string& phrase) const {
  std::vector<std::string> candidates = known_names(lexicon_.instruments());
  for (const auto* entries : {&lexicon_.genres(), &lexicon_.moods()})
    for (auto& name : known_names(*entries)) candidates.push_back(std::move(name));
  const std::string hint = did_you_mean(phrase, candidates);
  fail("there is no instrument, genre or mood called '" + phrase + "'" +
       (hint.empty() ? "; known genres are " + some_known_tags(lexicon_.genres()) + " and others" : hint));
}

void Explanation::explain_shape(const std::vector<Token>& tokens) const {
  size_t lists = 0, tags = 0;
  const auto& negations = grammar_.speech().negations;
  for (const auto& token : tokens) {
    if (token.kind == Kind::kWord && std::find(negations.begin(), negations.end(), token.text) != negations.end())
      fail(quoted() + " says '" + token.text + "': say what to do, not what to leave undone, for example " +
           example_of(Operation::kRemove));
    lists += token.kind == Kind::kInstruments;
    tags += token.kind == Kind::kTag;
  }
  const std::vector<Operation> operations = grammar_.operations_in(tokens);
  if (operations.empty())
    fail(quoted() + " does not say what to do with it: say " + kOperationList + ", for example " +
         example_of(Operation::kRemove));
  if (operations.size() > 1 && lists > 1)
    fail(quoted() + " is not clear: it may ask for more than one thing; say one at a time, for example " +
         example_of(operations.front()) + " and then " + example_of(operations[1]));
  const Operation operation = operations.front();
  const std::string name = operation_name(operation);
  if (operation != Operation::kRemix && tags > 0)
    fail("a genre or mood goes with a remix only, not with '" + name + "': say for example " +
         example_of(Operation::kRemix) + " or leave it out of " + quoted());
  if (operation == Operation::kRemix && lists + tags == 0)
    fail(quoted() + " does not say what to remix to: name a genre, a mood or instruments, for example " +
         example_of(operation));
  if (operation != Operation::kRemix && lists == 0)
    fail(quoted() + " does not name an instrument: say which one, for example " + example_of(operation));
  if (operation == Operation::kReplace && lists == 1)
    fail(quoted() + " does not say what to replace with what: name both instruments, for example " +
         example_of(operation));
  if (lists > 0 && says_word({"quieter", "softer"}))
    fail(quoted() + " does not say by how much quieter: say for example 'by half', 'by 6 dB' or 'to 30 %'");
  fail(quoted() + " is not understood as a whole: say it like " + example_of(operation));
}

bool Explanation::understood(std::vector<Token> tokens) const {
  // Other unknown words count as instruments, so that one sentence may hold several of them.
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind != Kind::kWord || grammar_.knows_word(tokens[i].text)) continue;
    tokens[i].kind = Kind::kUnknown;
    while (i + 1 < tokens.size() && tokens[i + 1].kind == Kind::kWord && !grammar_.knows_word(tokens[i + 1].text))
      tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  try {
    return grammar_.requests(grammar_.condense(std::move(tokens))).has_value();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace instructme
