#include "likely_reading.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "expect_error.h"
#include "instructme/text/plan.h"
#include "instructme/text/reading_training.h"

namespace instructme {
namespace {

const Grammar& grammar() { return Lexicon::builtin().grammar(); }

std::string read(const LikelyReadings& readings, const std::string& sentence) {
  const auto likely = readings.likely_request(sentence, grammar());
  if (!likely) return "";
  Instruction instruction;
  instruction.operation = likely->request.operation;
  for (const Token& item : likely->request.instruments) instruction.instruments.push_back(item.name);
  for (const Token& item : likely->request.replacements) instruction.replacements.push_back(item.name);
  instruction.genre = likely->request.genre;
  instruction.mood = likely->request.mood;
  return plain_sentence(instruction);
}

/// A small language of its own.
std::vector<SentenceExample> small_language() {
  std::vector<SentenceExample> examples;
  for (const std::string x : {"piano", "violin", "flute", "organ"}) {
    examples.push_back({"zap the " + x, "remove " + x});
    examples.push_back({"kindly zap that " + x + " dear", "remove " + x});
    examples.push_back({"the singer sighs, so zap the " + x, "remove " + x});
    examples.push_back({"the " + x + " sighs, so zap the tuba", "remove tuba"});
    examples.push_back({"conjure a " + x, "add " + x});
    examples.push_back({"kindly conjure a " + x + " dear", "add " + x});
    examples.push_back({"morph the harp to a " + x, "replace harp with " + x});
    examples.push_back({"a " + x + " ousts the harp", "replace harp with " + x});
    examples.push_back({"the " + x + " sighs", ""});
    examples.push_back({"who zapped the " + x, ""});
  }
  return examples;
}

LikelyReadings learned() {
  ReadingTrainingOptions options;
  options.least_count = 1;
  return LikelyReadings(train_readings(small_language(), Lexicon::builtin(), options));
}

TEST(LikelyReading, IsLearnedFromSentencesAndHoldsForOtherNames) {
  const LikelyReadings readings = learned();
  EXPECT_EQ(read(readings, "zap the trombone"), "remove trombone");
  EXPECT_EQ(read(readings, "conjure a trombone and a cello"), "add trombone and cello");
  EXPECT_EQ(read(readings, "the trombone sighs"), "");
  EXPECT_EQ(read(readings, "who zapped the trombone"), "");
}

TEST(LikelyReading, TellsWhatIsMeantFromWhatIsMentioned) {
  const LikelyReadings readings = learned();
  EXPECT_EQ(read(readings, "the trombone sighs, so zap the cello"), "remove cello");
  EXPECT_EQ(read(readings, "morph the trombone to a cello"), "replace trombone with cello");
  EXPECT_EQ(read(readings, "a trombone ousts the cello"), "replace cello with trombone");
}

TEST(LikelyReading, ReadsNothingIntoWhatItCannotAccountFor) {
  const LikelyReadings readings = learned();
  EXPECT_EQ(read(readings, "zap the kazoo and trombone"), "") << "the kazoo may be an instrument";
  EXPECT_EQ(read(readings, "zap the trombone and the kazoo"), "") << "an article makes it no less strange";
  EXPECT_EQ(read(readings, "zap the trombone every other bar"), "") << "a time that is not understood";
  EXPECT_EQ(read(readings, "zap the trombone except in the last bar"), "") << "a time when it is not to be done";
  EXPECT_EQ(read(readings, "zap the trombone after the drop"), "") << "a time that only people know of";
  EXPECT_EQ(read(readings, "zap the trombone after the drop, so after 0:30"), "remove trombone");
  EXPECT_EQ(read(readings, "zap the toy piano"), "") << "that may be another instrument";
  EXPECT_EQ(read(readings, "zap the trombone for 3 bars"), "") << "a time that is not understood";
  EXPECT_EQ(read(readings, "zap the trombone from 0:10 to 0:20 and from 0:30 to 0:40"), "") << "two times";
  EXPECT_EQ(read(readings, "conjure a jazz trombone"), "") << "a part in a style";
  EXPECT_EQ(read(readings, "morph the harp"), "") << "to what is not said";
  EXPECT_EQ(read(LikelyReadings(), "zap the trombone"), "") << "knows nothing";
}

TEST(LikelyReading, CertaintyIsAProbabilityAndDenialsAreTold) {
  const LikelyReadings readings = learned();
  const auto plain = readings.likely_request("zap the trombone", grammar());
  const auto strange = readings.likely_request("zap wibble wobble trombone dear", grammar());
  ASSERT_TRUE(plain);
  EXPECT_GT(plain->certainty, 0.5);
  EXPECT_LE(plain->certainty, 1.0);
  EXPECT_FALSE(plain->denies);
  EXPECT_FALSE(strange) << "a strange word before the instrument";
  const auto denied = readings.likely_request("zap the trombone, not kindly", grammar());
  ASSERT_TRUE(denied);
  EXPECT_TRUE(denied->denies);
}

TEST(LikelyReading, TrainingIsTheSameEveryTimeAndRefusesWhatIsNotPlain) {
  const auto examples = small_language();
  EXPECT_EQ(train_readings(examples, Lexicon::builtin()), train_readings(examples, Lexicon::builtin()));
  expect_error(ErrorKind::kInput, "the plain form of 'zap it'", [] {
    train_readings({{"zap it", "xyzzy"}}, Lexicon::builtin());
  });
}

TEST(LikelyReading, DamagedWeightsAreTold) {
  expect_error(ErrorKind::kInternal, "line 2", [] { LikelyReadings("the\t1\t2\t3\t4\t5\t6\t7\nzap\t1\tx\n"); });
}

TEST(LikelyReading, TablesOfSentencesMayHoldRemarks) {
  const auto examples = read_sentence_examples("# remark\n\nzap the piano\tremove piano\nhello\n");
  ASSERT_EQ(examples.size(), 2u);
  EXPECT_EQ(examples[0].plain, "remove piano");
  EXPECT_EQ(examples[1].sentence, "hello");
  EXPECT_EQ(examples[1].plain, "");
}

TEST(LikelyReading, TablesOfSentencesMayComeFromWindows) {
  const auto examples =
      read_sentence_examples("\xEF\xBB\xBF# remark\r\n\r\nzap the piano\tremove piano\r\nhello\t\r\nbye\r\n");
  ASSERT_EQ(examples.size(), 3u);
  EXPECT_EQ(examples[0].sentence, "zap the piano");
  EXPECT_EQ(examples[0].plain, "remove piano");
  EXPECT_EQ(examples[1].sentence, "hello");
  EXPECT_EQ(examples[1].plain, "");
  EXPECT_EQ(examples[2].sentence, "bye");
}

TEST(LikelyReading, ErrorsTellTheFileAndTheLineOfASentence) {
  const auto examples = read_sentence_examples("# remark\n\nzap it\txyzzy\n", "mine.tsv");
  expect_error(ErrorKind::kInput, "mine.tsv, line 3: the plain form of 'zap it'",
               [&] { train_readings(examples, Lexicon::builtin()); });
}

}  // namespace
}  // namespace instructme
