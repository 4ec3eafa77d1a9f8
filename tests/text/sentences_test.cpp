// Sentences written by hand, apart from the patterns of the lexicon: how many of them the parser understands as they
// are meant, and how often it misunderstands.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/text/plan.h"
#include "instructme/text/reading_training.h"

namespace instructme {
namespace {

std::string table(const std::string& name) { return read_text_file(std::string(INSTRUCTME_SOURCE_DIR) + "/" + name); }

/// The plain form of what was understood, or "refused: " and why nothing was. That something is to stay as it is
/// changes nothing, so it need not be in the table.
std::string understood(const std::string& sentence, bool with_keep) {
  try {
    Plan plan = parse_plan(sentence, Lexicon::builtin());
    if (!with_keep) plan.keep.clear();
    return plain_sentence(plan);
  } catch (const Error& error) {
    return std::string("refused: ") + error.what();
  }
}

struct Least {
  double understood;  ///< share of the sentences that ask for something
};
struct Most {
  double misunderstood;  ///< share of them, and of those that ask for nothing
  double carried_out;
};

void judge(const std::string& name, Least least, Most most) {
  size_t asking = 0, right = 0, wrong = 0, idle = 0, done = 0;
  std::string others;
  for (const auto& [sentence, plain, place] : read_sentence_examples(table(name))) {
    const bool with_keep = plain.find("keep ") != std::string::npos;
    const std::string found = understood(sentence, with_keep);
    const bool refused = found.starts_with("refused: ");
    if (plain.empty()) {
      ++idle;
      done += !refused;
      if (!refused) others += "  " + sentence + "\n    asks for nothing, but was read as " + found + "\n";
      continue;
    }
    ++asking;
    const std::string meant = understood(plain, with_keep);
    EXPECT_FALSE(meant.starts_with("refused: ")) << "the table's own plain form " << plain << ": " << meant;
    right += found == meant;
    wrong += !refused && found != meant;
    if (found != meant) others += "  " + sentence + "\n    " + found + "\n";
  }
  const auto share = [](size_t count, size_t of) {
    return static_cast<double>(count) / static_cast<double>(std::max<size_t>(1, of));
  };
  std::printf(
      "%s: %zu of %zu understood (%.1f %%), %zu misunderstood (%.1f %%); %zu of %zu that ask for nothing were "
      "carried out (%.1f %%)\n%s",
      name.c_str(), right, asking, 100 * share(right, asking), wrong, 100 * share(wrong, asking), done, idle,
      100 * share(done, idle), others.c_str());
  EXPECT_GE(share(right, asking), least.understood);
  EXPECT_LE(share(wrong, asking), most.misunderstood);
  EXPECT_LE(share(done, idle), most.carried_out);
}

// Those that the readings are learned from.
TEST(Sentences, AreUnderstood) { judge("data/sentences.tsv", {0.92}, {0.013, 0.015}); }

// Never used to widen what is understood.
TEST(Sentences, NewOnesAreMostlyUnderstood) { judge("tests/text/sentences_unseen.tsv", {0.94}, {0.025, 0.05}); }
TEST(Sentences, MoreNewOnesAreMostlyUnderstood) { judge("tests/text/sentences_unseen2.tsv", {0.945}, {0.025, 0.07}); }
TEST(Sentences, StillMoreNewOnesAreMostlyUnderstood) { judge("tests/text/sentences_unseen3.tsv", {0.94}, {0.025, 0}); }

TEST(Sentences, OfTwoInstrumentsTheOneThatIsMeantIsTold) {
  EXPECT_EQ(understood("the synth pad muddies the piano, take it away", true), "remove synth pad");
  EXPECT_EQ(understood("take the tuba out and put a double bass there", true), "replace tuba with double bass");
  EXPECT_EQ(understood("piano out, organ in", true), "replace piano with organ");
  EXPECT_EQ(understood("organ in, piano out", true), "replace piano with organ");
  EXPECT_TRUE(understood("can we lose the kazoo and the trumpet", true).starts_with("refused: "));
}

TEST(Sentences, NothingIsCarriedOutInPart) {
  for (const char* said :
       {"remove the drums and the kazoo", "extract the bass and the kazoo", "add a piano and the kazoo",
        "remove the drums except for the last bar", "remove the drums every other bar", "kill the drums briefly",
        "take away the drums after the drop"})
    EXPECT_TRUE(understood(said, true).starts_with("refused: ")) << said << ": " << understood(said, true);
}

TEST(Sentences, WhatIsNotClearIsRefusedWithAReason) {
  const auto sentences = read_sentence_examples(table("tests/text/refused.tsv"));
  EXPECT_GE(sentences.size(), 840u);
  for (const auto& [sentence, reason, place] : sentences)
    expect_error(ErrorKind::kInput, reason, [&, &said = sentence] {
      const auto found = parse_plan(said, Lexicon::builtin());
      ADD_FAILURE() << said << " was read as '" << plain_sentence(found) << "'";
    });
}

// The same sentences give the same weights, but for the last digit with another compiler.
TEST(Sentences, TheReadingsThatComeWithTheProgramAreLearnedFromThem) {
  const auto sentences = read_sentence_examples(table("data/sentences.tsv"));
  const auto learned = split(train_readings(sentences, Lexicon::builtin()), '\n');
  const auto given = split(table("data/readings.tsv"), '\n');
  const std::set<std::string> lines(given.begin(), given.end());
  const auto same = std::count_if(learned.begin(), learned.end(), [&](const auto& line) { return lines.count(line); });
  EXPECT_GT(static_cast<double>(same), 0.98 * static_cast<double>(std::max(learned.size(), given.size())))
      << "run: instructme train sentences -s data/sentences.tsv -o data/readings.tsv";
}

}  // namespace
}  // namespace instructme
