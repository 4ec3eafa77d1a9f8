#include "instructme/text/reading_training.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "instructme/base/error.h"
#include "instructme/base/rng.h"
#include "instructme/base/strings.h"
#include "instructme/text/plan.h"
#include "likely_reading.h"

namespace instructme {
namespace {

constexpr long kLeastWeight = 8;  // hundredths; less changes no reading

/// Examples of traits and the class that goes with them.
struct Examples {
  std::vector<std::vector<std::string>> traits;
  std::vector<size_t> classes;

  void add(std::vector<std::string> of, size_t right) {
    traits.push_back(std::move(of));
    classes.push_back(right);
  }
};

/// Whether everything in the list is one of these.
bool names(const Token& list, const std::vector<std::string>& wanted) {
  return std::all_of(list.items.begin(), list.items.end(), [&](const Token& item) {
    return std::find(wanted.begin(), wanted.end(), item.name) != wanted.end();
  });
}

Plan plan_of(const SentenceExample& sentence, const Lexicon& lexicon) {
  try {
    return parse_plan(sentence.plain, lexicon);
  } catch (const Error& error) {
    const std::string place = sentence.place.empty() ? "" : sentence.place + ": ";
    throw Error(ErrorKind::kInput, place + "the plain form of '" + sentence.sentence + "': " + error.what());
  }
}

/// What each list and each genre or mood of a sentence is in a request. Only where there are several is there something
/// to be learned.
void add_roles(const SaidSentence& said, const Instruction& instruction, Examples& roles) {
  const bool remix = instruction.operation == Operation::kRemix, replace = instruction.operation == Operation::kReplace;
  const auto add = [&](const std::vector<size_t>& places, auto role_of) {
    for (size_t i = 0; i < places.size(); ++i)
      roles.add(role_traits(said, places, i, reading_of(instruction.operation)),
                static_cast<size_t>(role_of(said.gathered[places[i]])));
  };
  const std::vector<size_t> lists = lists_in(said), tags = tags_in(said);
  if (lists.size() > 1 || remix || replace)
    add(lists, [&](const Token& list) {
      if (names(list, instruction.instruments)) return Role::kMeant;
      return names(list, instruction.replacements) ? Role::kReplacement : Role::kMentioned;
    });
  if (remix && tags.size() > 1)
    add(tags, [&](const Token& tag) {
      return tag.genre == instruction.genre && tag.mood == instruction.mood ? Role::kMeant : Role::kMentioned;
    });
}

/// Full-batch Adam (Kingma and Ba 2015) on the mean log-loss of examples of which some traits are unheard.
class Regression {
 public:
  Regression(size_t traits, size_t classes, const ReadingTrainingOptions& options)
      : options_(options),
        classes_(classes),
        weights_(traits * classes),
        gradient_(weights_.size()),
        first_(weights_.size()),
        second_(weights_.size()) {}

  void step(const std::vector<std::vector<size_t>>& traits, const std::vector<size_t>& right) {
    for (size_t i = 0; i < weights_.size(); ++i) gradient_[i] = 2 * options_.decay * weights_[i];
    std::vector<double> score(classes_);
    std::vector<size_t> heard;
    const double louder = 1 / (1 - options_.dropout);
    for (size_t example = 0; example < traits.size(); ++example) {
      heard.clear();
      for (const size_t t : traits[example])
        if (!random_.chance(options_.dropout)) heard.push_back(t);
      std::fill(score.begin(), score.end(), 0.0);
      for (const size_t t : heard)
        for (size_t c = 0; c < classes_; ++c) score[c] += louder * weights_[t * classes_ + c];
      softmax(score);
      for (size_t c = 0; c < classes_; ++c)
        score[c] = louder * (score[c] - (c == right[example] ? 1 : 0)) / static_cast<double>(traits.size());
      for (const size_t t : heard)
        for (size_t c = 0; c < classes_; ++c) gradient_[t * classes_ + c] += score[c];
    }
    ++steps_;
    constexpr double kFirst = 0.9, kSecond = 0.99, kSmall = 1e-9;
    const double first_share = 1 - std::pow(kFirst, steps_), second_share = 1 - std::pow(kSecond, steps_);
    // The rate falls to nothing, so that the end does not depend on where it stops.
    const double rate = options_.rate * (1 - static_cast<double>(steps_ - 1) / options_.steps);
    for (size_t i = 0; i < weights_.size(); ++i) {
      first_[i] = kFirst * first_[i] + (1 - kFirst) * gradient_[i];
      second_[i] = kSecond * second_[i] + (1 - kSecond) * gradient_[i] * gradient_[i];
      weights_[i] -= rate * first_[i] / first_share / (std::sqrt(second_[i] / second_share) + kSmall);
    }
  }

  double weight(size_t trait, size_t c) const { return weights_[trait * classes_ + c]; }

 private:
  ReadingTrainingOptions options_;
  size_t classes_;
  int steps_ = 0;
  Rng random_{1};
  std::vector<double> weights_, gradient_, first_, second_;
};

std::string learn(const Examples& examples, size_t classes, const ReadingTrainingOptions& options) {
  std::map<std::string, int> counts;
  for (const auto& traits : examples.traits)
    for (const std::string& trait : traits) ++counts[trait];
  std::erase_if(counts, [&](const auto& entry) { return entry.second < options.least_count; });
  std::map<std::string, size_t> places;
  for (const auto& [trait, count] : counts) places.emplace(trait, places.size());
  std::vector<std::vector<size_t>> traits(examples.traits.size());
  for (size_t i = 0; i < traits.size(); ++i)
    for (const std::string& trait : examples.traits[i])
      if (const auto place = places.find(trait); place != places.end()) traits[i].push_back(place->second);

  Regression regression(places.size(), classes, options);
  for (int step = 0; step < options.steps; ++step) regression.step(traits, examples.classes);
  std::string text;
  for (const auto& [trait, place] : places) {
    std::string line = trait;
    long most = 0;
    for (size_t c = 0; c < classes; ++c) {
      const long weight = std::lround(100 * regression.weight(place, c));
      most = std::max(most, std::abs(weight));
      line += format("\t%ld", weight);
    }
    if (most >= kLeastWeight) text += line + "\n";
  }
  return text;
}

}  // namespace

std::vector<SentenceExample> read_sentence_examples(std::string_view text, const std::string& name) {
  std::vector<SentenceExample> examples;
  int number = 0;
  for (const std::string& line : split(without_mark(text), '\n')) {
    ++number;
    if (trim(line).empty() || line.front() == '#') continue;
    const std::vector<std::string> cells = split(line, '\t');
    examples.push_back({trim(cells.front()), cells.size() > 1 ? trim(cells[1]) : "",
                        name.empty() ? "" : format("%s, line %d", name.c_str(), number)});
  }
  return examples;
}

std::string train_readings(const std::vector<SentenceExample>& sentences, const Lexicon& lexicon,
                           const ReadingTrainingOptions& options) {
  Examples readings, roles;
  for (const SentenceExample& sentence : sentences) {
    const auto said = SaidSentence::read(sentence.sentence, lexicon.grammar());
    if (!said) continue;
    Reading reading = Reading::kNothing;
    if (!sentence.plain.empty()) {
      const Plan plan = plan_of(sentence, lexicon);
      if (plan.steps.size() == 1 && plan.keep.empty()) {
        reading = reading_of(plan.steps.front().instruction.operation);
        add_roles(*said, plan.steps.front().instruction, roles);
      }
    }
    readings.add(reading_traits(*said), static_cast<size_t>(reading));
  }
  return learn(readings, kReadings, options) + "\n" + learn(roles, kRoles, options);
}

}  // namespace instructme
