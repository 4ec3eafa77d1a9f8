#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "grammar.h"

namespace instructme {

/// What is learned from sentences that people wrote is of two kinds: what a whole sentence asks for …
enum class Reading { kNothing, kExtract, kRemove, kAdd, kReplace, kRemix, kAccompany };
/// … and what something that is named in it has to do with that: it is meant ("remove {x}"), takes the place of what is
/// meant, or is only mentioned ("{x} is too loud for the singer").
enum class Role { kMentioned, kMeant, kReplacement };
inline constexpr size_t kReadings = 7, kRoles = 3;

std::optional<Operation> operation_of(Reading reading);
Reading reading_of(Operation operation);

/// A sentence as readings are told apart by: all its words, with names, and the same with lists gathered.
struct SaidSentence {
  std::vector<Token> tokens, gathered;

  /// Nothing for a sentence with times that cannot be.
  static std::optional<SaidSentence> read(const std::string& sentence, const Grammar& grammar);
};

/// The places in `gathered` of the different lists of instruments, or genres and moods.
std::vector<size_t> lists_in(const SaidSentence& said);
std::vector<size_t> tags_in(const SaidSentence& said);

/// Traits of a sentence: its words, which of them stand together, before and after what is named. Which names they are
/// is left out, so that what is learned of one instrument holds for all.
std::vector<std::string> reading_traits(const SaidSentence& said);
/// Traits of what is named at the `index`th of these places in `gathered`, where the sentence is read so.
std::vector<std::string> role_traits(const SaidSentence& said, const std::vector<size_t>& places, size_t index,
                                     Reading reading);

/// Weights of traits for each of several classes; the probability of a class goes with the exponential of its sum
/// (multinomial logistic regression).
class TraitWeights {
 public:
  explicit TraitWeights(size_t classes) : classes_(classes) {}
  void set(const std::string& trait, std::vector<double> weights) { weights_[trait] = std::move(weights); }
  std::vector<double> probabilities(const std::vector<std::string>& traits) const;
  bool knows(const std::string& trait) const { return weights_.count(trait) > 0; }
  size_t classes() const { return classes_; }

 private:
  size_t classes_;
  std::unordered_map<std::string, std::vector<double>> weights_;
};

/// Makes probabilities of scores that are their logarithms up to a constant.
void softmax(std::vector<double>& scores);

struct LikelyRequest {
  Request request;
  double certainty = 0;  ///< 0..1
  bool denies = false;   ///< the sentence holds a negation, which easily turns round what it means
};

/// What sentences of people who know nothing of the lexicon's patterns most likely ask for. Immutable after
/// construction. Its text has a trait per line and, after tabs, a whole number for each class: its weight in
/// hundredths; first the traits of sentences, then after an empty line those of what is named.
class LikelyReadings {
 public:
  LikelyReadings() = default;  ///< knows nothing
  /// Throws kInternal, naming the line, for what is no such text.
  explicit LikelyReadings(std::string_view text);
  /// Those that come with the program, learned from data/sentences.tsv.
  static const LikelyReadings& builtin();

  /// One operation with what is named in the sentence. Nothing where the likeliest reading is none, where what is named
  /// does not make up the operation, where times or amounts are several, and where a word stands before an instrument,
  /// or beside an "and" beside it, that is known neither to the grammar nor from sentences that ask for something: it
  /// may be another instrument.
  std::optional<LikelyRequest> likely_request(const std::string& sentence, const Grammar& grammar) const;

 private:
  /// The probabilities of the roles of what is named at these places.
  std::vector<std::vector<double>> roles_of(const SaidSentence& said, const std::vector<size_t>& places,
                                            Reading reading) const;
  bool has_strange_neighbour(const SaidSentence& said, size_t at, const Grammar& grammar) const;

  TraitWeights readings_{kReadings}, roles_{kRoles};
};

}  // namespace instructme
