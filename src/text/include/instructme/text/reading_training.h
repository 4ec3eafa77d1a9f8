#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "instructme/text/lexicon.h"

namespace instructme {

/// A sentence and the plain form of what it asks for; empty where nothing must be read into it.
struct SentenceExample {
  std::string sentence, plain;
  std::string place = {};  ///< file and line, for errors; may be ""
};

/// Lines with a sentence and, after a tab, its plain form; lines that are empty or begin with "#" are left out. `name`
/// is what errors call the text.
std::vector<SentenceExample> read_sentence_examples(std::string_view text, const std::string& name = "");

struct ReadingTrainingOptions {
  int steps = 600;      ///< of gradient descent over all examples at once (Adam)
  double rate = 0.05;   ///< its step size
  double decay = 5e-6;  ///< of the sum of squared weights beside the mean log-loss
  /// Share of the traits of an example that are left out in a step, others each time, so that many traits say together
  /// what few frequent ones could (Srivastava et al. 2014).
  double dropout = 0.6;
  int least_count = 3;  ///< sentences with a trait, for it to count
};

/// Learns by what traits of a sentence it is told which operation it asks for, where no pattern of the lexicon fits,
/// and what of several things that are named is meant (two logistic regressions, multinomial). Sentences that ask for
/// several operations count as those of which nothing may be read. Returns the text of data/readings.tsv: a trait per
/// line and its weight for every class in hundredths, those of names after an empty line. The same examples give the
/// same text.
/// Throws kInput naming the sentence, and its place if known, when a plain form is not understood.
std::string train_readings(const std::vector<SentenceExample>& examples, const Lexicon& lexicon,
                           const ReadingTrainingOptions& options = {});

}  // namespace instructme
