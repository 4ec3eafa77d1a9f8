// Reading instructions and, where that fails, having it said why.
#include "reader.h"

#include <algorithm>

#include "explanation.h"
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

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorKind::kInput, message); }

class Reader {
 public:
  /// Without `guesses`, nothing is understood but the patterns.
  Reader(const std::string& sentence, const Lexicon& lexicon, bool guesses, const ReadingOptions& options)
      : sentence_(sentence),
        lexicon_(lexicon),
        grammar_(lexicon.grammar()),
        explanation_(sentence, lexicon),
        guesses_(guesses),
        options_(options) {}

  std::vector<ReadRequest> read() const {
    if (sentence_.size() > kLongestSentence)
      fail(format("the instruction has %zu characters; at most %zu can be read", sentence_.size(), kLongestSentence));
    std::vector<Token> tokens, condensed;
    if (auto found = otherwise_if_not([&] { tokens = grammar_.scan(sentence_); })) return *found;
    const std::vector<Modifier> leading = take_leading(tokens);
    if (tokens.empty()) fail("the instruction is empty: say what to do, for example " + example_of(Operation::kRemove));
    if (const auto idle = grammar_.idle_phrase(sentence_)) explanation_.explain_idle(*idle);
    if (Explanation::asks_for_more(tokens)) explanation_.explain_louder(tokens);
    if (const size_t at = first_unknown(tokens); at < tokens.size()) {
      if (auto found = read_parts()) return *found;
      explanation_.explain_louder(tokens);
      if (const auto likely = likely_request()) return checked({*likely}, {});
      if (auto found = read_sentences()) return *found;
      explanation_.explain_unknown(tokens, at);
    }
    if (auto found = otherwise_if_not([&] { condensed = grammar_.condense(tokens); })) return *found;
    if (auto requests = grammar_.requests(condensed)) {
      const size_t last = tokens.size() - 1;
      if (last > 0 && tokens[last].is_word("there") && tokens[last - 1].is_instrument()) put_in_place(*requests);
      if (keeps_times(*requests, leading)) return checked_or_likely(*requests, leading);
      if (const auto likely = likely_request()) return checked({*likely}, {});
      fail(explanation_.quoted() +
           " holds a time of which it is not clear what it belongs to: say it with the request, as in " +
           "'remove the piano from 0:10 to 0:20'");
    }
    if (auto found = read_parts()) return *found;
    explanation_.explain_louder(tokens);
    if (const auto likely = likely_request()) return checked({*likely}, {});
    if (auto found = read_sentences()) return *found;
    explanation_.explain_shape(condensed);
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
             std::any_of(used.begin(), used.end(), [&](const Modifier& m) {
               return m.range == token.modifier->range || m.text == token.modifier->text;
             });
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
        found = Reader(part, lexicon_, one_by_one, options_).read();
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
    if (options_.once) leave_out_repetition(requests);
    for (auto& request : requests) leave_out_pointed_at(request.modifiers);
    std::vector<ReadRequest> out;
    for (const auto& request : requests) {
      std::vector<InstrumentKind> kinds;
      Instruction instruction = instruction_of(request, kinds);
      out.push_back({request.kind, std::move(instruction), request.modifiers, request.afterwards, std::move(kinds)});
    }
    settle_others(out);
    spread_times(out, leading);
    if (out.size() == 1) {
      refuse_what_is_left(out.front());
      refuse_vague_amount(out.front());
    }
    return out;
  }

  static bool has_amount(const ReadRequest& request) {
    return std::any_of(request.modifiers.begin(), request.modifiers.end(),
                       [](const Modifier& modifier) { return modifier.amount.has_value(); });
  }

  /// "Remove the drums slightly", "gradually remove the drums", "remove a bit of the drums": not all of them are meant,
  /// and nobody knows how much.
  void refuse_vague_amount(const ReadRequest& request) const {
    if (request.kind != Request::Kind::kDo || request.instruction.operation != Operation::kRemove ||
        has_amount(request))
      return;
    const std::string said = " " + join(sentence_words(sentence_), " ") + " ";
    for (const char* word : {"slightly", "gradually", "alternately", "partly", "partially", "a little bit", "a bit",
                             "a little", "a touch"}) {
      const std::string spoken = std::string(" ") + word + " ";
      if (said.ends_with(spoken) || said.starts_with(spoken) || said.find(spoken + "of the ") != std::string::npos)
        fail("in " + explanation_.quoted() + " '" + word +
             "' does not say how much: say for example 'by half', 'by 6 dB' or 'to 30 %'");
    }
  }

  /// "Turn everything but the drums down by half", "leave everything but the drums alone": what is named is not what is
  /// meant, and the others cannot be made quieter.
  void refuse_what_is_left(const ReadRequest& request) const {
    const std::string said = lower(sentence_);
    const bool amount = has_amount(request);
    const bool left_alone = said.find("leave ") != std::string::npos && said.find(" alone") != std::string::npos;
    if ((!amount && !left_alone) || !sets_apart(grammar_.words_and_names(sentence_))) return;
    if (amount)
      fail(explanation_.quoted() + " says how much of everything else is meant, which cannot be done at once: " +
           "name what is to be quieter, as in 'turn the drums and the bass down by 6 dB'");
    fail(explanation_.quoted() + " is not clear: say what is to be done, for example " +
         example_of(Operation::kRemove));
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

  /// A time that is said first holds for all, an amount for the first ("halve the drums and add a piano"); a time that
  /// is said last, for the last request only where that is clear.
  void spread_times(std::vector<ReadRequest>& requests, const std::vector<Modifier>& leading) const {
    const auto has_range = [](const ReadRequest& request) {
      return std::any_of(request.modifiers.begin(), request.modifiers.end(), [](const auto& m) { return m.range; });
    };
    for (size_t i = 1; i < requests.size(); ++i)
      if (leading.empty() && i + 1 == requests.size() && has_range(requests[i]) && !has_range(requests[i - 1]) &&
          !requests[i].afterwards)
        fail("in " + explanation_.quoted() +
             " it is not clear whether the time is that of the last request only: say it at the " +
             "beginning for all, or with each, or put 'then' before the last");
    bool first = true;
    for (auto& request : requests) {
      if (request.kind == Request::Kind::kKeep) continue;
      const bool has_own = has_range(request);
      for (const auto& modifier : leading)
        if (modifier.range ? !has_own : first) request.modifiers.push_back(modifier);
      first = false;
    }
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
        fail(explanation_.quoted() + " is not clear: say what all else is set apart from, for example " +
             example_of(kind == Of::kOthersOut ? Operation::kExtract : Operation::kRemove));
      requests.erase(requests.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }

  size_t first_unknown(const std::vector<Token>& tokens) const {
    size_t at = 0;
    while (at < tokens.size() && (tokens[at].kind != Kind::kWord || grammar_.knows_word(tokens[at].text))) ++at;
    return at;
  }

  /// The names of a list, and after them all that words for a kind of instrument may mean, which are noted in `kinds`;
  /// with none to note them in, such words are not clear.
  std::vector<std::string> names_of(const std::vector<Token>& items, std::vector<InstrumentKind>* kinds) const {
    std::vector<std::string> names;
    const auto add = [&](const std::string& name) {
      const bool is_new = std::find(names.begin(), names.end(), name) == names.end();
      if (is_new) names.push_back(name);
      return is_new;
    };
    for (const auto& item : items)
      if (item.kind != Kind::kAmbiguous) add(item.name);
    for (const auto& item : items) {
      if (item.kind != Kind::kAmbiguous) continue;
      const auto& meanings = grammar_.meanings(item.name);
      if (kinds == nullptr || !grammar_.is_kind(item.name))
        fail("'" + item.text + "' is not clear enough: say " + quoted_list(meanings, "or"));
      InstrumentKind kind{item.name, {}};
      for (const auto& meaning : meanings)
        if (add(meaning)) kind.instruments.push_back(meaning);
      if (!kind.instruments.empty()) kinds->push_back(std::move(kind));
    }
    return names;
  }

  /// Whether all that it names is in the music already.
  static bool names_what_is_there(const Request& request) {
    return request.kind != Request::Kind::kDo || names_source_stems(request.operation) ||
           request.operation == Operation::kReplace;
  }

  Instruction instruction_of(const Request& request, std::vector<InstrumentKind>& kinds) const {
    Instruction out;
    out.operation = request.operation;
    out.instruments = names_of(request.instruments, options_.kinds && names_what_is_there(request) ? &kinds : nullptr);
    out.replacements = names_of(request.replacements, nullptr);
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
  Explanation explanation_;
  bool guesses_;
  ReadingOptions options_;
};

}  // namespace

std::vector<ReadRequest> read_requests(const std::string& sentence, const Lexicon& lexicon,
                                       const ReadingOptions& options) {
  return Reader(sentence, lexicon, true, options).read();
}

}  // namespace instructme
