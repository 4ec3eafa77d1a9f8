#include "instructme/text/instruction.h"

#include <gtest/gtest.h>

#include <set>

#include "expect_error.h"
#include "instructme/base/strings.h"
#include "instructme/text/sentences.h"

namespace instructme {
namespace {

using Names = std::vector<std::string>;

Instruction of(Operation operation, Names instruments, Names replacements = {}) {
  return {operation, std::move(instruments), std::move(replacements), std::nullopt, std::nullopt};
}

Instruction remix(std::optional<std::string> mood, std::optional<std::string> genre, Names instruments = {}) {
  return {Operation::kRemix, std::move(instruments), {}, std::move(genre), std::move(mood)};
}

Instruction parse(const std::string& sentence) { return parse_instruction(sentence, Lexicon::builtin()); }

void expect_refused(const std::string& sentence, const std::string& part) {
  SCOPED_TRACE(sentence);
  expect_error(ErrorKind::kInput, part, [&] { parse(sentence); });
}

struct Case {
  std::string sentence;
  Instruction expected;
};

void expect_all(const std::vector<Case>& cases) {
  for (const auto& [sentence, expected] : cases) {
    try {
      const Instruction found = parse(sentence);
      EXPECT_TRUE(found == expected) << sentence << " was read as " << plain_sentence(found);
    } catch (const Error& error) {
      ADD_FAILURE() << sentence << ": " << error.what();
    }
  }
}

TEST(ParseInstruction, UnderstandsThePaperDemos) {
  expect_all({
      {"remove drum kit", of(Operation::kRemove, {"drum kit"})},
      {"extract electric guitar", of(Operation::kExtract, {"electric guitar"})},
      {"add string sections", of(Operation::kAdd, {"string sections"})},
      {"add rhythm acoustic guitar", of(Operation::kAdd, {"acoustic guitar"})},
      {"add electric drum kit", of(Operation::kAdd, {"electric drum kit"})},
      {"replace pedal steel guitar with bass", of(Operation::kReplace, {"pedal steel guitar"}, {"bass"})},
      {"replace acoustic guitar with drum kit", of(Operation::kReplace, {"acoustic guitar"}, {"drum kit"})},
      {"extract the bass", of(Operation::kExtract, {"bass"})},
      {"remove the drums", of(Operation::kRemove, {"drum kit"})},
      {"replace the piano with a violin", of(Operation::kReplace, {"piano"}, {"violin"})},
      {"remix this with bass, drums and strings", remix({}, {}, {"bass", "drum kit", "string sections"})},
      {"remix it to funk", remix({}, "funk")},
      {"remix to funk genre", remix({}, "funk")},
      {"make it happy", remix("happy", {})},
      {"a soft music", remix("soft", {})},
  });
}

TEST(ParseInstruction, UnderstandsEverydayForms) {
  expect_all({
      {"Can you please remove the drums?", of(Operation::kRemove, {"drum kit"})},
      {"REMOVE THE DRUMS!!!", of(Operation::kRemove, {"drum kit"})},
      {"I\u2019d like you to take the drums out of this song, please.", of(Operation::kRemove, {"drum kit"})},
      {"Hey, could you just get rid of the flutes and the sax", of(Operation::kRemove, {"flute", "saxophone"})},
      {"without the drums", of(Operation::kRemove, {"drum kit"})},
      {"everything but the bass", of(Operation::kRemove, {"bass"})},
      {"remove everything but the bass", of(Operation::kExtract, {"bass"})},
      {"only the bass", of(Operation::kExtract, {"bass"})},
      {"just the drums please", of(Operation::kExtract, {"drum kit"})},
      {"I want to hear only the strings", of(Operation::kExtract, {"string sections"})},
      {"give me the drum stem", of(Operation::kExtract, {"drum kit"})},
      {"remove the bass part and the drum track", of(Operation::kRemove, {"bass", "drum kit"})},
      {"remove bass/drums", of(Operation::kRemove, {"bass", "drum kit"})},
      {"remove the drum kit from the mix", of(Operation::kRemove, {"drum kit"})},
      {"swap the piano for a violin", of(Operation::kReplace, {"piano"}, {"violin"})},
      {"change the piano to an organ", of(Operation::kReplace, {"piano"}, {"organ"})},
      {"turn the flute into a trumpet", of(Operation::kReplace, {"flute"}, {"trumpet"})},
      {"a violin instead of the piano", of(Operation::kReplace, {"piano"}, {"violin"})},
      {"instead of the piano, use a violin", of(Operation::kReplace, {"piano"}, {"violin"})},
      {"substitute a violin for the piano", of(Operation::kReplace, {"piano"}, {"violin"})},
      {"substitute the piano with a violin", of(Operation::kReplace, {"piano"}, {"violin"})},
      {"replace the piano and the organ by strings", of(Operation::kReplace, {"piano", "organ"}, {"string sections"})},
      {"give me a jazz version", remix({}, "jazz")},
      {"make it funk", remix({}, "funk")},
      {"make this song sound like hip-hop", remix({}, "hip-hop")},
      {"turn it into r&b", remix({}, "r&b")},
      {"make it softer", remix("soft", {})},
      {"make it a bit more energetic", remix("energetic", {})},
      {"remix in the style of jazz", remix({}, "jazz")},
      {"change the genre to reggae", remix({}, "reggae")},
      {"a happy jazz version with piano, bass and drums", remix("happy", "jazz", {"piano", "bass", "drum kit"})},
      {"make it funky and happy with a bass", remix("happy", "funk", {"bass"})},
      {"put a violin on top", of(Operation::kAdd, {"violin"})},
      {"put a violin on top of it", of(Operation::kAdd, {"violin"})},
      {"mix in some strings", of(Operation::kAdd, {"string sections"})},
      {"add a bass, drums and strings", of(Operation::kAdd, {"bass", "drum kit", "string sections"})},
      {"add a piano to this track", of(Operation::kAdd, {"piano"})},
      {"play along with a bass", of(Operation::kAccompany, {"bass"})},
      {"generate a bass part that fits", of(Operation::kAccompany, {"bass"})},
      {"accompany this with a piano and a cello", of(Operation::kAccompany, {"piano", "cello"})},
      {"remove the drums and the drum kit", of(Operation::kRemove, {"drum kit"})},
  });
}

TEST(ParseInstruction, LongestNameWins) {
  expect_all({
      {"add electronic drums", of(Operation::kAdd, {"electric drum kit"})},
      {"add a jazz guitar", of(Operation::kAdd, {"electric guitar"})},
      {"add a bass clarinet", of(Operation::kAdd, {"clarinet"})},
      {"add a synth bass", of(Operation::kAdd, {"synth bass"})},
      {"remove the blues harp", of(Operation::kRemove, {"harmonica"})},
  });
}

TEST(ParseInstruction, EveryPatternOfEveryOperationIsUnderstood) {
  const Lexicon& lexicon = Lexicon::builtin();
  for (const auto& entry : lexicon.operations()) {
    for (const auto& pattern : entry.patterns) {
      std::string sentence = pattern;
      const auto fill = [&sentence](const std::string& slot, const std::string& word) {
        const size_t at = sentence.find(slot);
        if (at != std::string::npos) sentence.replace(at, slot.size(), word);
        return at != std::string::npos;
      };
      Instruction expected;
      const bool x = fill("{x}", "piano, bass") || fill("{a x}", "a piano, a bass");
      if (x) expected.instruments = {"piano", "bass"};
      const bool y = fill("{y}", "violin") || fill("{a y}", "a violin");
      if (y) expected.replacements = {"violin"};
      if (fill("{g}", "waltz")) expected.genre = "waltz";
      if (fill("{m}", "dark")) expected.mood = "dark";
      for (int i = 0; i < kOperations; ++i)
        if (entry.name == operation_name(static_cast<Operation>(i))) expected.operation = static_cast<Operation>(i);
      expect_all({{sentence, expected}, {"Please, " + sentence + " please!", expected}});
      for (const char* after : {"if you can", "if possible", "when you can", "if you dont mind", "thank you so much",
                                "for me", "if thats ok", "right now", "asap"})
        expect_all({{sentence + " " + after, expected}});
    }
  }
}

TEST(ParseInstruction, UnderstandsEveryNameAndSynonym) {
  const Lexicon& lexicon = Lexicon::builtin();
  for (const auto& entry : lexicon.instruments()) {
    Names said = entry.synonyms;
    said.push_back(entry.name);
    said.insert(said.end(), entry.misspellings.begin(), entry.misspellings.end());
    for (const auto& name : said) expect_all({{"remove the " + name, of(Operation::kRemove, {entry.name})}});
  }
  for (const auto& entry : lexicon.genres())
    for (const auto* names : {&entry.synonyms, &entry.misspellings})
      for (const auto& name : *names) expect_all({{"make it " + name, remix({}, entry.name)}});
  for (const auto& entry : lexicon.moods())
    for (const auto* names : {&entry.synonyms, &entry.misspellings})
      for (const auto& name : *names) expect_all({{"make it " + name, remix(entry.name, {})}});
}

TEST(ParseInstruction, UnderstandsThousandsOfRandomInstructions) {
  const Lexicon& lexicon = Lexicon::builtin();
  Rng rng(1);
  std::set<std::string> seen;
  for (int i = 0; i < 20000 && !HasFailure(); ++i) {
    const Instruction instruction = random_instruction(lexicon, rng);
    for (const auto& sentence : {plain_sentence(instruction), phrase_instruction(instruction, lexicon, rng)}) {
      seen.insert(sentence);
      expect_all({{sentence, instruction}});
    }
  }
  EXPECT_GT(seen.size(), 20000u) << "phrasings must be various";
}

TEST(ParseInstruction, NamesTheNearestInstrument) {
  expect_refused("remove the pianno", "there is no instrument called 'pianno' (did you mean 'piano'");
  expect_refused("extract the bas", "did you mean 'bass'");
  expect_refused("replace the saxofone with a violin",
                 "there is no instrument called 'saxofone' (did you mean 'saxophone'");
  expect_refused("replace the piano with a vilin", "called 'vilin' (did you mean 'violin'");
  expect_refused("add an electrc guitar",
                 "there is no instrument called 'electrc guitar' (did you mean 'electric guitar'");
  expect_refused("remix with bass, trumpett and drums", "called 'trumpett' (did you mean 'trumpet'");
  expect_refused("add a kazoo", "there is no instrument called 'kazoo'; known ones are drum kit, bass, piano");
  expect_refused("remove the kazoo and the theremin", "there is no instrument called 'kazoo'");
}

TEST(ParseInstruction, NamesTheNearestGenreOrMood) {
  expect_refused("make it hapy", "there is no genre or mood called 'hapy' (did you mean 'happy'");
  expect_refused("remix it to fnuk", "did you mean 'funk'");
  expect_refused("give me a jaz version", "no instrument, genre or mood called 'jaz' (did you mean 'jazz'");
  expect_refused("make it supercalifragilistic", "known genres are");
}

TEST(ParseInstruction, NamesTheNearestVerbOrThePossibleOperations) {
  expect_refused("remvoe the drums",
                 "the word 'remvoe' in 'remvoe the drums' is not understood (did you mean 'remove'");
  expect_refused("qqqqqqqq the drums", "extract, remove, add, replace, remix or accompany");
  expect_refused("the drums", "does not say what to do with it: say extract, remove, add, replace, remix or accompany");
  expect_refused("piano please", "does not say what to do");
  expect_refused("don't remove the drums", "says 'dont': say what to do");
}

TEST(ParseInstruction, RefusesWhatIsMissingOrContradictory) {
  expect_refused("", "the instruction is empty");
  expect_refused("  ...!  ", "the instruction is empty");
  expect_refused("please", "the instruction is empty");
  expect_refused("remove", "does not name an instrument");
  expect_refused("add something", "something");
  expect_refused("replace piano", "name both instruments");
  expect_refused("replace with piano", "name both instruments");
  expect_refused("replace the drums with the drum kit", "are the same instrument");
  expect_refused("remix", "does not say what to remix to");
  expect_refused("make it jazz and funk", "cannot be both 'jazz' and 'funk'");
  expect_refused("remove the drums in jazz style", "a genre or mood goes with a remix only");
  expect_refused("make the piano softer", "does not say by how much quieter");
  expect_refused("add strings in the chorus", "not understood as a whole");
  expect_refused("add a piano without the drums", "say one at a time");
  expect_refused("remove the guitar", "'guitar' is not clear enough: say 'acoustic guitar', 'electric guitar'");
  expect_refused(std::string(5000, 'a'), "at most 2000");
}

TEST(ParseInstruction, NeverFailsOtherwiseThanWithAnExplanation) {
  const Lexicon& lexicon = Lexicon::builtin();
  Names words;
  Rng rng(2);
  for (const auto& sentence : lexicon_sentences(lexicon, 3, 1500))
    for (auto& word : split(sentence, ' ')) words.push_back(std::move(word));
  words.insert(words.end(), {"kazoo", ",", "\xff\xfe", "\u00e9t\u00e9", "'", "&", "{x}", ""});
  int understood = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string sentence;
    for (int64_t n = rng.integer(0, 9); n > 0; --n) sentence += rng.pick(words) + " ";
    try {
      for (const auto& instruction : parse_instructions(sentence, lexicon)) plain_sentence(instruction);
      ++understood;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput) << sentence << ": " << error.what();
    }
  }
  EXPECT_LT(understood, 2000) << "words in a random order are rarely a request";
}

TEST(ParseInstructions, ReadsSeveralRequestsInOrder) {
  const Lexicon& lexicon = Lexicon::builtin();
  const auto all =
      parse_instructions("Remove the drums and the bass, then add a piano and please make it funk.", lexicon);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_TRUE(all[0] == of(Operation::kRemove, {"drum kit", "bass"}));
  EXPECT_TRUE(all[1] == of(Operation::kAdd, {"piano"}));
  EXPECT_TRUE(all[2] == remix({}, "funk"));
  EXPECT_EQ(parse_instructions("remove the drums", lexicon).size(), 1u);
  expect_refused("remove the drums and add a piano", "asks for 2 things");
  expect_error(ErrorKind::kInput, "there is no instrument called 'kazoo'",
               [&] { parse_instructions("remove the drums and add a kazoo", lexicon); });
}

TEST(ParseInstructions, GathersWhatNeighboursRemoveOrAdd) {
  const Lexicon& lexicon = Lexicon::builtin();
  EXPECT_EQ(plain_sentence(parse_instructions("no drums, no bass", lexicon)), "remove drum kit and bass");
  EXPECT_EQ(plain_sentence(parse_instructions("add a harp and then add a cello, then remove the harp", lexicon)),
            "add harp and cello, then remove harp");
  EXPECT_EQ(plain_sentence(parse_instructions("solo the drums, then solo the bass", lexicon)),
            "extract drum kit, then extract bass");
}

TEST(ParseInstructions, ReadsReplacementsSaidInTwoSteps) {
  expect_all({
      {"take the drums out and put percussion in their place", of(Operation::kReplace, {"drum kit"}, {"percussion"})},
      {"get rid of the banjo and use a ukulele instead", of(Operation::kReplace, {"banjo"}, {"ukulele"})},
      {"strip out the bass and replace it with a tuba", of(Operation::kReplace, {"bass"}, {"tuba"})},
  });
}

TEST(PhraseInstructions, WordsSeveralRequestsSoThatTheyAreRead) {
  const Lexicon& lexicon = Lexicon::builtin();
  Rng rng(11);
  std::set<std::string> seen;
  for (int i = 0; i < 10000 && !HasFailure(); ++i) {
    std::vector<Instruction> instructions;
    const int64_t count = rng.chance(0.8) ? 2 : 3;
    while (static_cast<int64_t>(instructions.size()) < count) {
      const Instruction next = random_instruction(lexicon, rng);
      if (instructions.empty() || instructions.back().operation != next.operation) instructions.push_back(next);
    }
    for (const auto& sentence : {plain_sentence(instructions), phrase_instructions(instructions, lexicon, rng)}) {
      seen.insert(sentence);
      try {
        EXPECT_TRUE(parse_instructions(sentence, lexicon) == instructions)
            << sentence << " was read as " << plain_sentence(parse_instructions(sentence, lexicon));
      } catch (const Error& error) {
        ADD_FAILURE() << sentence << ": " << error.what();
      }
    }
  }
  EXPECT_GT(seen.size(), 15000u) << "phrasings must be various";
}

TEST(PhraseInstructions, RefusesWhatOneInstructionRefuses) {
  Rng rng(1);
  expect_error(ErrorKind::kInternal, "", [&] { phrase_instructions({}, Lexicon::builtin(), rng); });
  expect_error(ErrorKind::kInternal, "", [] { plain_sentence(std::vector<Instruction>{}); });
  expect_error(ErrorKind::kInternal, "", [&] {
    phrase_instructions({of(Operation::kAdd, {"piano"}), of(Operation::kRemove, {})}, Lexicon::builtin(), rng);
  });
  const std::string one = phrase_instructions({of(Operation::kAdd, {"piano"})}, Lexicon::builtin(), rng);
  EXPECT_TRUE(parse(one) == of(Operation::kAdd, {"piano"})) << one;
}

TEST(Operations, ExtractAndRemoveNameStemsOfTheSource) {
  for (int i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    EXPECT_EQ(names_source_stems(operation), operation == Operation::kExtract || operation == Operation::kRemove);
  }
}

TEST(PlainSentence, WritesTheCanonicalForm) {
  EXPECT_EQ(plain_sentence(of(Operation::kReplace, {"piano"}, {"violin"})), "replace piano with violin");
  EXPECT_EQ(plain_sentence(of(Operation::kAdd, {"bass", "piano", "harp"})), "add bass, piano and harp");
  EXPECT_EQ(plain_sentence(of(Operation::kAccompany, {"bass"})), "accompany with bass");
  EXPECT_EQ(plain_sentence(remix("happy", "funk", {"bass", "piano"})), "remix to happy funk with bass and piano");
  EXPECT_EQ(plain_sentence(remix({}, {}, {"bass"})), "remix with bass");
}

TEST(PlainSentence, RefusesIncompleteInstructions) {
  const Instruction bad[] = {of(Operation::kAdd, {}), of(Operation::kReplace, {"piano"}), remix({}, {}),
                             of(Operation::kAdd, {"piano"}, {"bass"}),
                             Instruction{Operation::kAdd, {"piano"}, {}, "jazz", {}}};
  for (const auto& instruction : bad) {
    expect_error(ErrorKind::kInternal, "", [&] { plain_sentence(instruction); });
    Rng rng(1);
    expect_error(ErrorKind::kInternal, "", [&] { phrase_instruction(instruction, Lexicon::builtin(), rng); });
  }
  Rng rng(1);
  expect_error(ErrorKind::kInput, "kazoo",
               [&] { phrase_instruction(of(Operation::kAdd, {"kazoo"}), Lexicon::builtin(), rng); });
}

TEST(PhraseInstruction, UsesArticlesAsEnglishDoes) {
  const Lexicon& lexicon = Lexicon::builtin();
  Rng rng(5);
  for (int i = 0; i < 5000; ++i) {
    const std::string sentence = " " + phrase_instruction(random_instruction(lexicon, rng), lexicon, rng) + " ";
    for (const char* wrong :
         {" a a", " a o", " a e", " a i", " an p", " a some ", " a drums ", " a strings ", "  ", "{"})
      ASSERT_EQ(sentence.find(wrong), std::string::npos) << sentence;
  }
}

TEST(PhraseInstruction, IsTheSameForTheSameSeed) {
  const Lexicon& lexicon = Lexicon::builtin();
  EXPECT_EQ(lexicon_sentences(lexicon, 7, 1000), lexicon_sentences(lexicon, 7, 1000));
  EXPECT_NE(lexicon_sentences(lexicon, 7, 1000), lexicon_sentences(lexicon, 8, 1000));
  EXPECT_EQ(lexicon_sentences(lexicon, 7, 10).size(), 10u);
}

}  // namespace
}  // namespace instructme
