// Reading instructions and, where that fails, saying why: the sentence is read again with the words
// that nobody knows taken for an instrument, a genre or mood, or a verb, to find out what they stand for.
#include "reader.h"

#include <algorithm>

#include "grammar.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "likely_reading.h"
#include "parts.h"
#include "words.h"

namespace instructme {
namespace {

using Kind = Token::Kind;

constexpr size_t kLongestSentence = 2000;  // characters; far beyond any request, keeps the work bounded
// The least certainty of a reading, chosen by sentences that it was not learned from, see docs/experiments.md.
constexpr double kCertain = 0.65;
constexpr double kCertainWhereDenied = 0.9;
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

std::string example(Operation operation) {
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

class Reader {
 public:
  /// Without `guesses`, nothing is understood but the patterns.
  Reader(const std::string& sentence, const Lexicon& lexicon, bool guesses, bool once)
      : sentence_(sentence), lexicon_(lexicon), grammar_(lexicon.grammar()), guesses_(guesses), once_(once) {}

  std::vector<ReadRequest> read() const {
    if (sentence_.size() > kLongestSentence)
      fail(format("the instruction has %zu characters; at most %zu can be read", sentence_.size(), kLongestSentence));
    std::vector<Token> tokens, condensed;
    if (auto found = otherwise_if_not([&] { tokens = grammar_.scan(sentence_); })) return *found;
    const std::vector<Modifier> leading = take_leading(tokens);
    if (tokens.empty()) fail("the instruction is empty: say what to do, for example " + example(Operation::kRemove));
    if (const auto idle = grammar_.idle_phrase(sentence_)) explain_idle(*idle);
    if (asks_for_more(tokens)) explain_louder(tokens);
    if (const size_t at = first_unknown(tokens); at < tokens.size()) {
      if (auto found = read_parts()) return *found;
      explain_louder(tokens);
      if (const auto likely = likely_request()) return checked({*likely}, {});
      if (auto found = read_sentences()) return *found;
      explain_unknown(tokens, at);
    }
    if (auto found = otherwise_if_not([&] { condensed = grammar_.condense(tokens); })) return *found;
    if (auto requests = grammar_.requests(condensed)) {
      const size_t last = tokens.size() - 1;
      if (last > 0 && tokens[last].is_word("there") && tokens[last - 1].is_instrument()) put_in_place(*requests);
      if (keeps_times(*requests, leading)) return checked_or_likely(*requests, leading);
      if (const auto likely = likely_request()) return checked({*likely}, {});
      fail(quoted() + " holds a time of which it is not clear what it belongs to: say it with the request, as in " +
           "'remove the piano from 0:10 to 0:20'");
    }
    if (auto found = read_parts()) return *found;
    explain_louder(tokens);
    if (const auto likely = likely_request()) return checked({*likely}, {});
    if (auto found = read_sentences()) return *found;
    explain_shape(condensed);
  }

 private:
  /// Takes times and amounts from the beginning.
  static std::vector<Modifier> take_leading(std::vector<Token>& tokens) {
    std::vector<Modifier> leading;
    while (!tokens.empty() && tokens.front().kind == Kind::kModifier) {
      leading.push_back(*tokens.front().modifier);
      tokens.erase(tokens.begin());
      while (!tokens.empty() && tokens.front().kind == Kind::kComma) tokens.erase(tokens.begin());
    }
    return leading;
  }

  /// Whether no time of the sentence is lost, as one of a remark may be.
  bool keeps_times(const std::vector<Request>& requests, std::vector<Modifier> used) const {
    for (const Request& request : requests) used.insert(used.end(), request.modifiers.begin(), request.modifiers.end());
    const std::vector<Token> said = grammar_.words_and_names(sentence_);
    return std::all_of(said.begin(), said.end(), [&](const Token& token) {
      return token.kind != Kind::kModifier || !token.modifier->range || token.modifier->pointed_at ||
             std::any_of(used.begin(), used.end(), [&](const Modifier& m) { return m.range == token.modifier->range; });
    });
  }

  /// Several requests one after the other, each of which is understood by itself: "remove the choir; once it's gone,
  /// …".
  std::optional<std::vector<ReadRequest>> read_parts() const {
    return read_each(parts_one_after_the_other(sentence_, grammar_.separators()), true);
  }

  /// "Drums: remove. Strings: add." Where nothing says "then", each sentence must fit a pattern.
  std::optional<std::vector<ReadRequest>> read_sentences() const { return read_each(sentences_in(sentence_), false); }

  std::optional<std::vector<ReadRequest>> read_each(const std::vector<std::string>& parts, bool one_by_one) const {
    static const WordSet kSupposing = {"if", "when", "once", "unless", "until"};
    static const WordSet kNamed = {"it", "them", "they", "one", "that"};
    if (!guesses_ || parts.size() < 2) return std::nullopt;
    std::vector<ReadRequest> out;
    for (const std::string& part : parts) {
      std::vector<Token> tokens;
      std::vector<ReadRequest> found;
      try {
        tokens = grammar_.words_and_names(part);
        found = Reader(part, lexicon_, one_by_one, once_).read();
      } catch (const Error&) {
        return std::nullopt;
      }
      // A time at the beginning may be that of all, and "it" may be what another part names.
      const auto& first = found.front().instruction;
      const bool named = std::any_of(tokens.begin(), tokens.end(), [](const Token& t) { return is_in(t, kNamed); });
      const bool remix = first.operation == Operation::kRemix && first.mood != "soft";
      if (tokens.front().kind == Kind::kModifier || is_in(tokens.front(), kSupposing)) return std::nullopt;
      if (!out.empty() && named && !remix && first.operation != Operation::kAdd) return std::nullopt;
      found.front().afterwards = one_by_one && !out.empty();
      out.insert(out.end(), found.begin(), found.end());
    }
    return out;
  }

  std::vector<ReadRequest> checked(std::vector<Request> requests, const std::vector<Modifier>& leading) const {
    if (once_) leave_out_repetition(requests);
    for (auto& request : requests) leave_out_pointed_at(request.modifiers);
    std::vector<ReadRequest> out;
    for (const auto& request : requests)
      out.push_back({request.kind, instruction_of(request), request.modifiers, request.afterwards});
    settle_others(out);
    spread_times(out, leading);
    return out;
  }

  /// "At 1:20 she dies, from there on …": what is pointed at is no time of its own.
  static void leave_out_pointed_at(std::vector<Modifier>& modifiers) {
    if (std::any_of(modifiers.begin(), modifiers.end(), [](const Modifier& m) { return m.pointing; }))
      std::erase_if(modifiers, [](const Modifier& m) { return m.pointed_at && !m.pointing; });
  }

  /// As checked; where a name is not clear, or the same twice, it may be one that is only mentioned, "swap the oboe for
  /// a flute in our orchestra".
  std::vector<ReadRequest> checked_or_likely(const std::vector<Request>& requests,
                                             const std::vector<Modifier>& leading) const {
    try {
      return checked(requests, leading);
    } catch (const Error&) {
      const auto likely = likely_request(kCertainWhereDenied);
      if (!likely) throw;
      try {
        return checked({*likely}, {});
      } catch (const Error&) {
      }
      throw;
    }
  }

  /// "Take the tuba out and put a double bass there" is one exchange.
  static void put_in_place(std::vector<Request>& requests) {
    const auto does = [](const Request& request, Operation operation) {
      return request.kind == Request::Kind::kDo && request.operation == operation && !request.afterwards;
    };
    if (requests.size() != 2 || !does(requests[0], Operation::kRemove) || !does(requests[1], Operation::kAdd)) return;
    requests = {exchange(requests[0], requests[1])};
  }

  /// What cannot be taken apart in the usual way: "for our baroque dance group, could a harpsichord be added?" is no
  /// remix to both.
  std::optional<std::vector<ReadRequest>> read_otherwise() const {
    if (auto found = read_parts()) return found;
    if (const auto likely = likely_request()) return checked({*likely}, {});
    return std::nullopt;
  }

  /// What can be read otherwise where this cannot be done; its error where nothing can.
  template <class Step>
  std::optional<std::vector<ReadRequest>> otherwise_if_not(Step step) const {
    try {
      step();
    } catch (const Error&) {
      if (auto found = read_otherwise()) return found;
      throw;
    }
    return std::nullopt;
  }

  /// Where no pattern fits: what the sentences of others make all but certain.
  std::optional<Request> likely_request(double least = kCertain) const {
    if (!guesses_) return std::nullopt;
    const auto likely = LikelyReadings::builtin().likely_request(sentence_, grammar_);
    if (!likely || likely->certainty < (likely->denies ? kCertainWhereDenied : least)) return std::nullopt;
    return likely->request;
  }

  /// What is said first holds for all; what is said last, for the last request only where that is clear.
  void spread_times(std::vector<ReadRequest>& requests, const std::vector<Modifier>& leading) const {
    const auto has_range = [](const ReadRequest& request) {
      return std::any_of(request.modifiers.begin(), request.modifiers.end(), [](const auto& m) { return m.range; });
    };
    for (size_t i = 1; i < requests.size(); ++i)
      if (leading.empty() && i + 1 == requests.size() && has_range(requests[i]) && !has_range(requests[i - 1]) &&
          !requests[i].afterwards)
        fail("in " + quoted() + " it is not clear whether the time is that of the last request only: say it at the " +
             "beginning for all, or with each, or put 'then' before the last");
    for (auto& request : requests)
      for (const auto& modifier : leading)
        if (request.kind != Request::Kind::kKeep && !(modifier.range && has_range(request)))
          request.modifiers.push_back(modifier);
    for (auto& request : requests) leave_out_pointed_at(request.modifiers);
  }

  /// "Keep the piano, mute everything else" is one request; "leave everything else as it is" says what a removal, an
  /// addition or a replacement does anyway.
  void settle_others(std::vector<ReadRequest>& requests) const {
    using Of = Request::Kind;
    const auto extracts = [](const ReadRequest& request) {
      return request.kind == Of::kDo && request.instruction.operation == Operation::kExtract;
    };
    for (size_t i = 0; i < requests.size();) {
      const Of kind = requests[i].kind;
      if (kind != Of::kOthersOut && kind != Of::kOthersStay) {
        ++i;
        continue;
      }
      bool settled = false;
      for (const size_t other : {i - 1, i + 1}) {
        if (settled || other >= requests.size()) continue;
        ReadRequest& neighbour = requests[other];
        const auto operation = neighbour.instruction.operation;
        if (kind == Of::kOthersStay) {
          settled = neighbour.kind != Of::kDo || operation == Operation::kRemove || operation == Operation::kAdd ||
                    operation == Operation::kReplace;
        } else if (extracts(neighbour) || neighbour.kind == Of::kKeep) {
          neighbour.kind = Of::kDo;
          neighbour.instruction.operation = Operation::kExtract;
          settled = true;
        }
      }
      if (!settled || !requests[i].modifiers.empty())
        fail(quoted() + " is not clear: say what all else is set apart from, for example " +
             example(kind == Of::kOthersOut ? Operation::kExtract : Operation::kRemove));
      requests.erase(requests.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  /// "More piano" asks for a louder one, "add more cowbell" and "more cowbell, put one in" for a new one.
  static bool asks_for_more(const std::vector<Token>& tokens) {
    static const WordSet kNew = {"no", "any", "add", "adding", "needs", "lacks", "one", "two"};
    static const WordSet kOrders = {"add",     "put",  "throw",  "include", "insert",
                                    "replace", "swap", "change", "exchange"};
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
  bool turns_up(const std::vector<Token>& tokens) const {
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

  /// Says so where an instrument is to be made louder or to stand in front, for which there is no operation.
  void explain_louder(const std::vector<Token>& tokens) const {
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
           example(Operation::kAdd));
  }

  [[noreturn]] void explain_idle(const std::string& phrase) const {
    fail(quoted() + " says '" + phrase + "', which asks for nothing to be done: say what to do, for example " +
         example(Operation::kRemove));
  }

  std::string quoted() const { return "'" + trim(sentence_) + "'"; }

  size_t first_unknown(const std::vector<Token>& tokens) const {
    size_t at = 0;
    while (at < tokens.size() && (tokens[at].kind != Kind::kWord || grammar_.knows_word(tokens[at].text))) ++at;
    return at;
  }

  bool understood(std::vector<Token> tokens) const {
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

  /// The tokens with [begin, end) read as one name of that kind.
  static std::vector<Token> with_name(std::vector<Token> tokens, size_t begin, size_t end, Kind kind) {
    Token name;
    name.kind = kind;
    name.name = name.text = "?";
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                 tokens.begin() + static_cast<std::ptrdiff_t>(end));
    tokens.insert(tokens.begin() + static_cast<std::ptrdiff_t>(begin), name);
    return tokens;
  }

  static std::string text_of(const std::vector<Token>& tokens, size_t begin, size_t end) {
    std::vector<std::string> texts;
    for (size_t i = begin; i < end; ++i) texts.push_back(tokens[i].text);
    return join(texts, " ");
  }

  [[noreturn]] void explain_unknown(const std::vector<Token>& tokens, size_t at) const {
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
    std::vector<std::string> candidates;
    for (const auto& verb : grammar_.verbs())
      if (verb.size() > 2) candidates.push_back(verb);  // "no", "a": near to every short word
    for (const auto& names :
         {known_names(lexicon_.instruments()), known_names(lexicon_.genres()), known_names(lexicon_.moods())})
      candidates.insert(candidates.end(), names.begin(), names.end());
    const std::string hint = word.size() > 3 ? did_you_mean(word, candidates) : "";
    fail("the word '" + word + "' in " + quoted() + " is not understood" +
         (hint.empty() ? "; say what to do as in " + example(Operation::kRemove) + " or " +
                             example(Operation::kReplace) + " (" + kOperationList + ")"
                       : hint));
  }

  [[noreturn]] void explain_instrument(const std::string& phrase) const {
    const std::string hint = did_you_mean(phrase, known_names(lexicon_.instruments()));
    fail("there is no instrument called '" + phrase + "'" +
         (hint.empty() ? "; known ones are " + some_known_instruments(lexicon_) + " and others" : hint));
  }

  [[noreturn]] void explain_tag(const std::string& phrase) const {
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
  [[noreturn]] void explain_name(const std::string& phrase) const {
    std::vector<std::string> candidates = known_names(lexicon_.instruments());
    for (const auto* entries : {&lexicon_.genres(), &lexicon_.moods()})
      for (auto& name : known_names(*entries)) candidates.push_back(std::move(name));
    const std::string hint = did_you_mean(phrase, candidates);
    fail("there is no instrument, genre or mood called '" + phrase + "'" +
         (hint.empty() ? "; known genres are " + some_known_tags(lexicon_.genres()) + " and others" : hint));
  }

  /// Every word is known, but not what they say together.
  [[noreturn]] void explain_shape(const std::vector<Token>& tokens) const {
    size_t lists = 0, tags = 0;
    const auto& negations = grammar_.speech().negations;
    for (const auto& token : tokens) {
      if (token.kind == Kind::kWord && std::find(negations.begin(), negations.end(), token.text) != negations.end())
        fail(quoted() + " says '" + token.text + "': say what to do, not what to leave undone, for example " +
             example(Operation::kRemove));
      lists += token.kind == Kind::kInstruments;
      tags += token.kind == Kind::kTag;
    }
    const std::vector<Operation> operations = grammar_.operations_in(tokens);
    if (operations.empty())
      fail(quoted() + " does not say what to do with it: say " + kOperationList + ", for example " +
           example(Operation::kRemove));
    if (operations.size() > 1 && lists > 1)
      fail(quoted() + " is not clear: it may ask for more than one thing; say one at a time, for example " +
           example(operations.front()) + " and then " + example(operations[1]));
    const Operation operation = operations.front();
    const std::string name = operation_name(operation);
    if (operation != Operation::kRemix && tags > 0)
      fail("a genre or mood goes with a remix only, not with '" + name + "': say for example " +
           example(Operation::kRemix) + " or leave it out of " + quoted());
    if (operation == Operation::kRemix && lists + tags == 0)
      fail(quoted() + " does not say what to remix to: name a genre, a mood or instruments, for example " +
           example(operation));
    if (operation != Operation::kRemix && lists == 0)
      fail(quoted() + " does not name an instrument: say which one, for example " + example(operation));
    if (operation == Operation::kReplace && lists == 1)
      fail(quoted() + " does not say what to replace with what: name both instruments, for example " +
           example(operation));
    fail(quoted() + " is not understood as a whole: say it like " + example(operation));
  }

  std::vector<std::string> names_of(const std::vector<Token>& items) const {
    std::vector<std::string> names;
    for (const auto& item : items) {
      if (item.kind == Kind::kAmbiguous)
        fail("'" + item.text + "' is not clear enough: say " + quoted_list(grammar_.meanings(item.name), "or"));
      if (std::find(names.begin(), names.end(), item.name) == names.end()) names.push_back(item.name);
    }
    return names;
  }

  Instruction instruction_of(const Request& request) const {
    Instruction out;
    out.operation = request.operation;
    out.instruments = names_of(request.instruments);
    out.replacements = names_of(request.replacements);
    out.genre = request.genre;
    out.mood = request.mood;
    for (const auto& item : request.instruments)
      for (const auto& other : request.replacements)
        if (item.name == other.name)
          fail("'" + item.text + "' and '" + other.text + "' are the same instrument here ('" + item.name +
               "'): name something else to replace it with");
    return out;
  }

  const std::string& sentence_;
  const Lexicon& lexicon_;
  const Grammar& grammar_;
  bool guesses_, once_;
};

}  // namespace

std::vector<ReadRequest> read_requests(const std::string& sentence, const Lexicon& lexicon, bool once) {
  return Reader(sentence, lexicon, true, once).read();
}

}  // namespace instructme
