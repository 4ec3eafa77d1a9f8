#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "instructme/text/instruction.h"
#include "modifiers.h"

namespace instructme {

/// The lexicon's lists of words that surround what is asked ("speech" in data/lexicon.json). Phrases that the generator
/// does not write may have alternatives: "(hear|play) it without {x}".
struct Speech {
  std::vector<std::string> before_verbs, before_nouns, after;  ///< courtesies, also used by the generator
  std::vector<std::string> asides;        ///< other phrases that may begin or end a sentence and ask nothing
  std::vector<std::string> articles;      ///< words that say nothing about a noun that matters here
  std::vector<std::string> qualities;     ///< words that say nothing that matters here before an instrument
  std::vector<std::string> fillers;       ///< words that may be missing where the rest of a sentence is known
  std::vector<std::string> pronouns;      ///< words that stand for the music
  std::vector<std::string> music;         ///< nouns that name the music
  std::vector<std::string> styles;        ///< nouns that a genre or mood describes
  std::vector<std::string> parts;         ///< nouns after an instrument: "the bass part"
  std::vector<std::string> prepositions;  ///< dropped before a word for the music
  std::vector<std::string> joiners;       ///< between the items of a list
  std::vector<std::string> separators;    ///< phrases that end one request and begin the next, as "after that"
  std::vector<std::string> conjunctions;  ///< words that may do so where both sides are requests, as "and"
  std::vector<std::string> mass_nouns;    ///< instruments without "a"
  std::vector<std::string> negations;     ///< words of requests not to do something
  std::vector<std::string> keeping;       ///< how to say that "{x}" is to stay as it is
  std::vector<std::string> lowering;      ///< how to ask for less of "{x}", which needs an amount
  std::vector<std::string> halving;       ///< how to ask for half of "{x}"
  std::vector<std::string> others_out;    ///< how to ask for nothing but what another request names
  std::vector<std::string> others_stay;   ///< how to say that nothing else is to change
  std::vector<std::string> remarks;       ///< what is said of "{x}" or the music beside a request; {c}: a complaint
  std::vector<std::string> complaints;    ///< what may be wrong with it
  std::map<std::string, std::string> participles;  ///< of verbs where it does not end in "ed", as "cut" and "thrown"
  std::vector<std::string> reasons;                ///< what begins a reason, which goes on to the end of the sentence
  std::vector<std::string> idle;                   ///< phrases of what asks for nothing: "what happens if i"
  std::vector<std::string> occasions;              ///< what music is made for: "for my dance class"
  /// By operation, patterns that are understood as those of the operation are, but never written by the generator.
  std::map<std::string, std::vector<std::string>> understood;
  std::vector<std::string> passives;  ///< what is said of "{x}" before a participle, as "can {x} be" before "removed"
  std::vector<std::string> taking;    ///< how to ask for what comes "instead of" something else
  std::vector<std::string> playing;   ///< verbs and participles of what an instrument does with a part
  std::vector<std::string> wishing;   ///< words that only say that a request is one: "I think you should"
  /// By operation, words that say nothing where it is asked for: "stand" in "the viola should stand alone".
  std::map<std::string, std::vector<std::string>> carrying;
  std::vector<std::string> states;      ///< what begins a statement that asks for nothing: "my drummer left"
  std::vector<std::string> activities;  ///< what people want to do with the music: "I want to sing over it"
  std::vector<std::string> effects;     ///< words of what there is no operation for, as "louder" and "tempo"
  std::vector<std::string> people;      ///< who may want something: "my producer wants it without the drums"
  std::vector<std::string> reporting;   ///< what is said of them before a request: "says", "asked for"
  /// By a word, those that ask for the same in its place: "can" for "could".
  std::map<std::string, std::vector<std::string>> alike;
  /// Words and phrases that are read as others: slips ("teh"), short forms ("pls"), other ways to say the same
  /// ("apart from" as "except"); "" for what says nothing. May have alternatives.
  std::map<std::string, std::string> read_as;
};

/// A word, a name, what separates requests, or, after `Grammar::condense`, a whole list.
struct Token {
  enum class Kind {
    kWord,
    kComma,
    kThen,
    kInstrument,
    kAmbiguous,
    kUnknown,
    kGenre,
    kMood,
    kInstruments,
    kTag,
    kModifier
  };
  Kind kind = Kind::kWord;
  std::string text;                          ///< as said
  std::string name;                          ///< canonical
  std::vector<Token> items;                  ///< of kInstruments
  std::optional<std::string> genre, mood;    ///< of kTag
  std::shared_ptr<const Modifier> modifier;  ///< of kModifier
  bool determined = false;                   ///< an article or "this" stood before it
  bool indefinite = false;                   ///< "a", "an", "some" or nothing did
  bool compared = false;                     ///< of a genre or mood: "darker", "more epic"
  bool contradicted = false;                 ///< of kTag: "jazz" of "jazz and funk"

  /// Instruments, known or not.
  bool is_instrument() const { return kind == Kind::kInstrument || kind == Kind::kAmbiguous || kind == Kind::kUnknown; }
  bool is_word(const std::string& word) const { return kind == Kind::kWord && text == word; }
};

/// One request as found in a sentence, before its names are checked.
struct Request {
  /// What a form of words is about.
  enum class Kind {
    kDo,          ///< to do something
    kKeep,        ///< to keep something
    kLower,       ///< to take out something by an amount that must be said
    kHalve,       ///< to take out half of something
    kOthersOut,   ///< to leave only what a neighbouring request names
    kOthersStay,  ///< that nothing else is to change
  };
  Kind kind = Kind::kDo;
  Operation operation = Operation::kExtract;
  std::vector<Token> instruments, replacements;
  std::optional<std::string> genre, mood;
  std::vector<Modifier> modifiers;
  bool afterwards = false;  ///< something like "then" sets it apart from the request before it
  bool ordered = false;     ///< it begins with a verb: "drop the drums", not "no drums"
  bool instead = false;     ///< "instead" of what a request before names
};

/// One request for what a removal and an addition ask for together.
Request exchange(Request removed, const Request& added);
/// Leaves out requests that only say again what another one does: "make a cello part that fits and give me just the
/// cello", "put a flute in the place of the oboe and send the oboe home".
void leave_out_repetition(std::vector<Request>& requests);

using WordSet = std::unordered_set<std::string>;

bool is_in(const Token& token, const WordSet& words);
/// A comma, or "then".
bool separates(const Token& token);
/// Whether `phrase` stands at tokens[at].
bool matches_at(const std::vector<Token>& tokens, size_t at, const std::vector<std::string>& phrase);
/// Whether they speak of everything but something: "all except the bass".
bool sets_apart(const std::vector<Token>& tokens);
Token word_token(const std::string& word);
std::vector<Token> word_tokens(const std::vector<std::string>& words);

/// How sentences are read. Every pattern of the lexicon is reduced to its form, e.g. "replace X with X";
/// a sentence is reduced in the same way and looked up. So every pattern is understood with any names,
/// articles and courtesies in it, and nothing is understood that was not written down.
/// Immutable after construction.
class Grammar {
 public:
  /// Throws kModel with `context` when names or patterns clash.
  Grammar(const Lexicon& lexicon, Speech speech, std::map<std::string, std::vector<std::string>> ambiguous,
          std::vector<std::string> kinds, std::string context);

  struct Name {
    Token::Kind kind = Token::Kind::kInstrument;  ///< kInstrument, kAmbiguous, kGenre or kMood
    size_t index = 0;                             ///< in the lexicon's list of that kind
    std::string canonical;
  };
  /// `normal` as normal_name writes it; leading articles are allowed. nullptr when not a name.
  const Name* find(const std::string& normal) const;
  /// What a word such as "guitar" may mean.
  const std::vector<std::string>& meanings(const std::string& ambiguous) const { return ambiguous_.at(ambiguous); }

  /// Whether such a word names a kind of instrument, so that all of the kind may be meant.
  bool is_kind(const std::string& ambiguous) const {
    return std::find(kinds_.begin(), kinds_.end(), ambiguous) != kinds_.end();
  }

  /// All that is said: words, with times, amounts and names recognised.
  std::vector<Token> words_and_names(const std::string& sentence) const;
  /// Words to tokens with the names recognised and courtesies at both ends left out.
  std::vector<Token> scan(const std::string& sentence) const;
  /// Leaves out articles and words for the music, gathers lists. Throws kInput when one list holds two
  /// genres or two moods; with `apart`, these are two lists.
  std::vector<Token> condense(std::vector<Token> tokens, bool apart = false) const;
  /// What an ambiguous name means is often said elsewhere in the sentence: such names are made what they mean. Only
  /// they are changed, so that a sentence stays as long as it is.
  void settle_ambiguous(std::vector<Token>& tokens) const;
  /// The requests that condensed tokens make, or none when they are not understood as a whole.
  std::optional<std::vector<Request>> requests(const std::vector<Token>& tokens) const;

  /// The phrase of Speech::idle that the sentence holds.
  std::optional<std::string> idle_phrase(const std::string& sentence) const;
  /// Speech::separators but for numbers, in words.
  const std::vector<std::vector<std::string>>& separators() const { return said_separators_; }

  bool knows_word(const std::string& word) const { return words_.count(word) > 0; }
  const Speech& speech() const { return speech_; }
  /// Operations whose verb occurs in the tokens, the most complete match first.
  std::vector<Operation> operations_in(const std::vector<Token>& tokens) const;
  /// The patterns that say exactly what the instruction holds. Never empty for a valid instruction.
  const std::vector<std::string>& patterns_for(const Instruction& instruction) const;
  /// First words of the patterns and verbs of an operation.
  const std::set<std::string>& verbs() const { return verbs_; }
  /// Whether a pattern is an order, as "take out {x}", and not a wish, as "without {x}".
  bool is_imperative(const std::string& pattern, Operation operation) const;

 private:
  struct Form {
    Operation operation = Operation::kExtract;
    bool reversed = false;  ///< the replacement is said first
    std::string pattern;
    Request::Kind kind = Request::Kind::kDo;
  };
  /// Phrases by one of their words, longest first.
  using PhraseIndex = std::unordered_map<std::string, std::vector<std::vector<std::string>>>;

  std::vector<Token> read_words(const std::string& sentence) const;
  /// The words of a sentence after Speech::read_as.
  std::vector<std::string> words_of(const std::string& sentence) const;
  /// "Bassless" is without bass, "countrify" makes country of something.
  void read_derived_words(const Lexicon& lexicon);
  void add_names(const Lexicon& lexicon);
  void add_name(const std::string& said, Name name);
  void note_length(const std::string& name);
  void add_patterns(const OperationEntry& entry, Operation operation);
  void add_understood(Operation operation);
  void add_verbs(const OperationEntry& entry, Operation operation);
  void add_form_once(const std::vector<Token>& tokens, const Form& form);
  void add_phrases(const std::vector<std::string>& patterns, Request::Kind kind, const std::string& slots);
  void add_remarks();
  void add_form(const std::vector<Token>& tokens, const Form& form);
  void add_replacements(Operation taking_away);
  void add_players();
  void add_exceptions(const OperationEntry& remove);
  void add_participles(Operation operation);
  void add_gerunds();
  std::vector<Token> pattern_tokens(const std::string& pattern, std::string& slots);
  std::vector<Token> find_names(const std::vector<Token>& tokens) const;
  void mark_separators(std::vector<Token>& tokens) const;
  void strip_courtesies(std::vector<Token>& tokens) const;
  void leave_out_adjectives(std::vector<Token>& tokens) const;
  void leave_out_sections(std::vector<Token>& tokens) const;
  void leave_out_bounds(std::vector<Token>& tokens) const;
  void gather_bars(std::vector<Token>& tokens) const;
  void order_what_comes_instead(std::vector<Token>& tokens) const;
  void leave_out_reasons(std::vector<Token>& tokens) const;
  void leave_out_occasion(std::vector<Token>& tokens) const;
  void leave_out_remarks(std::vector<Token>& tokens, bool with_statements) const;
  bool understands(const std::vector<Token>& tokens) const;
  std::optional<std::vector<Token>> without_reporter(const std::vector<Token>& tokens) const;
  bool is_reason(const std::vector<Token>& tokens, size_t begin, size_t end) const;
  bool describes_music(const std::vector<Token>& tokens, size_t at) const;
  void resolve_topic(std::vector<Token>& tokens) const;
  std::optional<std::vector<Token>> without_first_remark(const std::vector<Token>& tokens, bool with_statements) const;
  std::optional<std::vector<Token>> without_last_remark(const std::vector<Token>& tokens, bool with_statements) const;
  std::optional<std::vector<Token>> remark(std::vector<Token> tokens, bool with_statements) const;
  void choose_meant(std::vector<Token>& tokens) const;
  std::optional<Token> instrument_called(const std::string& adjective, const Token& noun) const;
  bool is_separator(const Token& token) const;
  bool begins_order(const Token& token) const;
  bool goes_on(const std::vector<Token>& tokens, size_t end, const std::vector<Token>& rest) const;
  std::optional<std::vector<Request>> requests_split(const std::vector<Token>& tokens, size_t end, size_t next) const;
  bool points_at_instrument(const std::vector<Token>& tokens, size_t at) const;
  std::optional<std::vector<Token>> said_again(std::vector<Token> first, std::vector<Token> second) const;
  bool complains(const std::vector<Token>& tokens) const;
  bool says_how_it_is(const std::vector<Token>& nouns) const;
  size_t joiner_length(const std::vector<Token>& tokens, size_t at) const;
  bool is_quality(const std::vector<Token>& tokens, size_t at) const;
  bool is_filler(const Token& token) const;
  std::string key(const std::vector<Token>& tokens) const;
  const Form* form_of(const std::vector<Token>& tokens) const;
  std::vector<Token> gist(const std::vector<Token>& tokens, bool keep_to) const;
  const Form* form_of_gist(const std::vector<Token>& tokens) const;
  const Form* form_of_core(const std::vector<Token>& tokens, bool wish) const;
  std::string infinitive(const std::string& past) const;
  bool is_statement(const std::vector<Token>& tokens) const;
  bool asks(const std::vector<Token>& tokens) const;
  bool is_negation(const Token& token) const;
  void join_what_is_denied(std::vector<Token>& tokens) const;
  void take_offer(std::vector<Token>& tokens) const;
  std::optional<Request> request(const std::vector<Token>& tokens) const;
  std::optional<Request> addition_instead_of(const std::vector<Token>& tokens) const;
  [[noreturn]] void fail(const std::string& what) const;

  Speech speech_;
  std::map<std::string, std::vector<std::string>> ambiguous_;
  std::vector<std::string> kinds_;
  std::string context_;
  std::unordered_map<std::string, Name> names_;
  std::unordered_map<std::string, size_t> longest_names_;  ///< in words, by their first word
  std::unordered_map<std::string, Form> forms_;
  std::vector<std::pair<Operation, std::vector<std::string>>> verb_words_;
  WordSet words_;
  std::set<std::string> verbs_;
  std::map<std::string, std::vector<std::string>> patterns_;  ///< by operation name and slots
  PhraseIndex courtesies_first_, courtesies_last_;            ///< by their first and their last words
  std::vector<std::vector<std::string>> joiners_;             ///< longest first
  std::vector<std::vector<std::string>> separators_;          ///< longest first
  std::vector<std::vector<std::string>> said_separators_;     ///< those of words alone
  /// From the first word of a phrase to phrases and what they are read as, longest first.
  std::unordered_map<std::string, std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>>> read_as_;
  std::unordered_map<std::string, std::string> alike_;    ///< "could" to "can"
  std::unordered_map<std::string, std::string> gerunds_;  ///< "removing" to "remove"
  std::unordered_map<std::string, std::string> pasts_;    ///< "removed" to "remove"
  /// What is said between the slots of patterns, only while they are read: many have the same words there.
  std::unordered_map<std::string, std::vector<Token>> said_between_;
  WordSet special_;  ///< words that `condense` leaves out or changes; all others it takes as they are
  WordSet placing_;  ///< verbs that ask for something new only with a place: "sneak a flute in here"
  WordSet remarks_;  ///< keys
  std::vector<std::vector<std::string>> reasons_, states_, reporting_, idle_;
  WordSet complaints_;  ///< those of one word
  WordSet conjunctions_, articles_, qualities_, fillers_, pronouns_, music_, styles_, parts_, prepositions_;
  std::map<Operation, WordSet> carrying_;
  WordSet wishing_, activities_, effects_, people_;
};

}  // namespace instructme
