#include "instructme/text/plan.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "instructme/text/sentences.h"

namespace instructme {
namespace {

using Unit = PlanRange::Unit;

Plan parse(const std::string& sentence) { return parse_plan(sentence, Lexicon::builtin()); }

PlanRange seconds(double begin, std::optional<double> end) { return {Unit::kSeconds, begin, end}; }
PlanRange bars(double begin, std::optional<double> end) { return {Unit::kBars, begin, end}; }

TEST(ParsePlan, Times) {
  const std::vector<std::pair<std::string, PlanRange>> cases = {
      {"remove the drums from 0:10 to 0:20", seconds(10, 20)},
      {"remove the drums from 0:10 until 1:20.5 please", seconds(10, 80.5)},
      {"from 2 to 5 seconds remove the drums", seconds(2, 5)},
      {"Remove the drums from 2 s to 5 s.", seconds(2, 5)},
      {"remove the drums from 1 to 2 minutes", seconds(60, 120)},
      {"remove the drums between 0:10 and 0:20", seconds(10, 20)},
      {"remove the drums between 10 and 20 seconds", seconds(10, 20)},
      {"in the first 10 seconds, can you remove the drums", seconds(0, 10)},
      {"remove the drums for the first ten seconds", seconds(0, 10)},
      {"remove the drums in the last 10 seconds", seconds(-10, {})},
      {"remove the drums after 1:30", seconds(90, {})},
      {"remove the drums after 1 minute 30 seconds", seconds(90, {})},
      {"remove the drums from 1:30 on", seconds(90, {})},
      {"remove the drums from 1:30 to the end", seconds(90, {})},
      {"remove the drums from the start to 0:20", seconds(0, 20)},
      {"remove the drums before 0:20", seconds(0, 20)},
      {"remove the drums until 0:20", seconds(0, 20)},
      {"remove the drums (0:10-0:20)", seconds(10, 20)},
      {"remove the drums 0:10 \u2013 0:20", seconds(10, 20)},
      {"remove the drums from 1:00:00 to 1:00:10", seconds(3600, 3610)},
      {"remove the drums from bar 5 to bar 8", bars(5, 8)},
      {"remove the drums from bar 5 to 8", bars(5, 8)},
      {"remove the drums in bars 5-8", bars(5, 8)},
      {"remove the drums in measures 5 through 8", bars(5, 8)},
      {"remove the drums in bar 5", bars(5, 5)},
      {"remove the drums, bars 5 to 8", bars(5, 8)},
      {"remove the drums between bars 5 and 8", bars(5, 8)},
      {"remove the drums in the first 4 bars", bars(1, 4)},
      {"remove the drums in the last 4 bars", bars(-4, {})},
      {"remove the drums after bar 8", bars(9, {})},
      {"remove the drums before bar 5", bars(1, 4)},
      {"remove the drums from bar 9 on", bars(9, {})},
  };
  for (const auto& [sentence, range] : cases) {
    SCOPED_TRACE(sentence);
    try {
      const Plan plan = parse(sentence);
      ASSERT_EQ(plan.steps.size(), 1u);
      EXPECT_EQ(plain_sentence(plan.steps[0].instruction), "remove drum kit");
      ASSERT_TRUE(plan.steps[0].range.has_value());
      EXPECT_TRUE(*plan.steps[0].range == range) << plain_sentence(plan);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(ParsePlan, Amounts) {
  const double six_db = 1 - std::pow(10, -0.3);
  const std::vector<std::tuple<std::string, std::string, double>> cases = {
      {"remove the drums by half", "remove drum kit", 0.5},
      {"remove the drums by 60 %", "remove drum kit", 0.6},
      {"remove the drums with strength 0.6", "remove drum kit", 0.6},
      {"remove the drums with a strength of 60 percent", "remove drum kit", 0.6},
      {"turn the piano down by 50%", "remove piano", 0.5},
      {"turn down the piano by a third", "remove piano", 1.0 / 3},
      {"please lower the piano by 6 dB", "remove piano", six_db},
      {"reduce the drums to 30 %", "remove drum kit", 0.7},
      {"add a piano at half volume", "add piano", 0.5},
      {"add a piano at 40 % volume", "add piano", 0.4},
  };
  for (const auto& [sentence, plain, strength] : cases) {
    SCOPED_TRACE(sentence);
    try {
      const Plan plan = parse(sentence);
      ASSERT_EQ(plan.steps.size(), 1u);
      EXPECT_EQ(plain_sentence(plan.steps[0].instruction), plain);
      ASSERT_TRUE(plan.steps[0].strength.has_value());
      EXPECT_NEAR(*plan.steps[0].strength, strength, 1e-12);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(ParsePlan, SeveralRequests) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"remove the drums and add a piano", "remove drum kit, then add piano"},
      {"remove the drums from 0:10 to 0:20 and add a piano by half",
       "remove drum kit from 10 s to 20 s, then add piano with strength 0.5"},
      {"from 0:10 to 0:20, remove the drums and add a piano",
       "remove drum kit from 10 s to 20 s, then add piano from 10 s to 20 s"},
      {"remove the drums, then add a piano in bars 5-8", "remove drum kit, then add piano in bars 5 to 8"},
      {"no drums, no bass", "remove drum kit and bass"},
      {"remove the drums after 0:30 and remove the bass after 0:30", "remove drum kit and bass after 30 s"},
      {"remove the drums after 0:30, and the bass please", "refused"},
      {"make it softer from bar 5 to bar 8", "remix to soft in bars 5 to 8"},
      {"remove the drums and keep the bass", "remove drum kit, then keep bass"},
      {"remove the drums but do not touch the bass and the piano", "remove drum kit, then keep bass, then keep piano"},
      {"leave the bass alone and replace the piano with a violin", "replace piano with violin, then keep bass"},
      {"replace the piano with a violin, then turn the drums down by half",
       "replace piano with violin, then remove drum kit with strength 0.5"},
      {"keep everything but the bass", "remove bass"},
      {"keep the drums and remove the rest", "extract drum kit"},
  };
  for (const auto& [sentence, plain] : cases) {
    SCOPED_TRACE(sentence);
    try {
      EXPECT_EQ(plain_sentence(parse(sentence)), plain);
    } catch (const Error& error) {
      EXPECT_EQ(plain, "refused") << error.what();
    }
  }
}

TEST(ParsePlan, RefusesWhatIsNotClear) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"remove the drums and keep the drums", "contradict"},
      {"keep the piano and replace the piano with a violin", "contradict"},
      {"extract the bass and keep the drums", "contradict"},
      {"remix it to funk and keep the drums", "contradict"},
      {"add a piano and then remove the piano", "contradict"},
      {"extract the bass, then remove the drums", "only the bass is left"},
      {"extract the bass, then remove the bass", "contradict"},
      {"remove the bass, then extract the bass", "nothing is left"},
      {"accompany it with a violin and then remove the drums", "do not go together"},
      {"keep the bass", "not what to change"},
      {"remove the drums and add a piano from 0:10 to 0:20", "not clear whether the time"},
      {"remove the drums from 0:20 to 0:10", "ends before it begins"},
      {"remove the drums in bars 8-5", "ends before it begins"},
      {"remove the drums from bar 0 to 4", "bar 1"},
      {"remove the drums from 0:75 to 0:80", "is no time"},
      {"remove the drums from 0:10 to 0:20 from 0:30 to 0:40", "two times"},
      {"remove the drums by half with strength 0.6", "two amounts"},
      {"remove the drums by 120 %", "at most all of it"},
      {"remove the drums by 0 %", "above 0"},
      {"turn the piano down", "by how much"},
      {"make the piano softer", "by how much"},
      {"make the drums a bit quieter", "by how much"},
      {"turn the piano down a little", "by how much"},
      {"add a piano by 6 dB", "goes with what is made quieter"},
      {"remove the drums from 2 to 5", ""},
      {"remove the drums for 10 seconds", ""},
      {"remove the drums at 0:10", ""},
      {"cut the first ten seconds", ""},
      {"remove the drums in the chorus", ""},
      {"add a piano in the second half", ""},
      {"from 0:10 to 0:20", ""},
  };
  for (const auto& [sentence, part] : cases) {
    SCOPED_TRACE(sentence);
    expect_error(ErrorKind::kInput, part, [&] { parse(sentence); });
  }
}

TEST(ParsePlan, RequestsAtOtherTimesDoNotContradict) {
  for (const char* sentence : {"remove the drums from 0:10 to 0:20, then extract the drums from 0:20 to 0:30",
                               "remove the drums by half, then replace the drums with a piano",
                               "replace the piano with a violin, then add a piano"})
    EXPECT_NO_THROW(parse(sentence)) << sentence;
}

TEST(PlanSentence, IsReadBackAsItIs) {
  Rng rng(5);
  const Lexicon& lexicon = Lexicon::builtin();
  int count = 0;
  for (int i = 0; i < 2000; ++i) {
    Plan plan;
    const int64_t steps = rng.integer(1, 3);
    for (int64_t k = 0; k < steps; ++k) {
      PlanStep step{random_instruction(lexicon, rng), {}, {}};
      const double begin = static_cast<double>(rng.integer(1, 300));
      const std::optional<double> end = begin + static_cast<double>(rng.integer(1, 30));
      const PlanRange ranges[] = {seconds(begin / 8, *end / 8),
                                  seconds(begin, {}),
                                  seconds(-begin, {}),
                                  bars(begin, *end),
                                  bars(begin, {}),
                                  bars(-begin, {})};
      if (rng.chance(0.6)) step.range = ranges[rng.integer(0, 5)];
      if (rng.chance(0.3)) step.strength = static_cast<double>(rng.integer(1, 100)) / 100;
      // Neighbours of one kind may be read as one.
      if (k == 0 || plan.steps.back().instruction.operation != step.instruction.operation) plan.steps.push_back(step);
    }
    try {
      check_plan(plan);
    } catch (const Error&) {
      continue;
    }
    ++count;
    try {
      EXPECT_TRUE(parse(plain_sentence(plan)) == plan) << plain_sentence(plan);
    } catch (const Error& error) {
      ADD_FAILURE() << plain_sentence(plan) << ": " << error.what();
    }
  }
  EXPECT_GT(count, 1000);
}

TEST(PlanJson, HasNullForWhatWasNotSaid) {
  const auto json = plan_json(parse("remove the drums from 2 to 5 seconds with strength 0.6, then remix to funk"));
  EXPECT_EQ(json["steps"][0],
            nlohmann::json::parse(R"({"operation": "remove", "instruments": ["drum kit"], "replacements": null,
              "genre": null, "mood": null, "range_s": [2.0, 5.0], "range_bars": null, "strength": 0.6})"));
  EXPECT_EQ(json["steps"][1], nlohmann::json::parse(R"({"operation": "remix", "instruments": null, "replacements": null,
              "genre": "funk", "mood": null, "range_s": null, "range_bars": null, "strength": null})"));
  EXPECT_EQ(plan_json(parse("remove the drums in bars 5-8 and keep the bass"))["steps"][0]["range_bars"],
            nlohmann::json::parse("[5, 8]"));
  EXPECT_EQ(plan_json(parse("remove the drums after 1:30"))["steps"][0]["range_s"],
            nlohmann::json::parse("[90.0, null]"));
}

TEST(PlanOptions, RangesAndStrengths) {
  EXPECT_TRUE(parse_range("0:10-0:20") == seconds(10, 20));
  EXPECT_TRUE(parse_range("2-5") == seconds(2, 5));
  EXPECT_TRUE(parse_range("2.5 to 5") == seconds(2.5, 5));
  EXPECT_TRUE(parse_range("90-") == seconds(90, {}));
  EXPECT_TRUE(parse_range("bars 5-8") == bars(5, 8));
  EXPECT_TRUE(parse_range("in the last 10 seconds") == seconds(-10, {}));
  EXPECT_EQ(parse_strength("0.6"), 0.6);
  EXPECT_EQ(parse_strength("60 %"), 0.6);
  for (const char* text : {"", "5", "5-2", "x", "0:10-0:20 x", "bars 8-5"})
    expect_error(ErrorKind::kUsage, "", [&] { parse_range(text); });
  for (const char* text : {"", "0", "1.5", "-1", "half a lot"})
    expect_error(ErrorKind::kUsage, "is no strength", [&] { parse_strength(text); });
}

void expect_plans(const std::vector<std::pair<std::string, std::string>>& cases) {
  for (const auto& [sentence, plain] : cases) {
    SCOPED_TRACE(sentence);
    try {
      EXPECT_EQ(plain_sentence(parse(sentence)), plain);
    } catch (const Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(ParsePlan, AmountsThatStayAndAmountsThatGo) {
  expect_plans({{"keep 20% of the percussion", "remove percussion with strength 0.8"},
                {"drums at 40%", "remove drum kit with strength 0.6"},
                {"remove the drums with 40%", "remove drum kit with strength 0.4"},
                {"piano at half volume", "remove piano with strength 0.5"},
                {"add a flute at 40%", "add flute with strength 0.4"},
                {"shave 30% off the organ", "remove organ with strength 0.3"},
                {"take a quarter off the level of the cello", "remove cello with strength 0.25"},
                {"lower the english horn by three tenths", "remove english horn with strength 0.3"},
                {"turn the ocarina down to a fifth of its loudness", "remove ocarina with strength 0.8"},
                {"our fair is on the third of May, so add an accordion", "add accordion"}});
}

TEST(ParsePlan, WhatIsExceptedFromWhatGoesOrStays) {
  expect_plans({{"all but the piano can go", "extract piano"},
                {"everything except the drums and bass should be taken out", "extract drum kit and bass"},
                {"everything but the banjo stays", "remove banjo"},
                {"nothing but the choir should be removed", "remove choir"},
                {"only the drums go", "remove drum kit"},
                {"only the sax stays", "extract saxophone"}});
}

TEST(ParsePlan, WordsMadeOfNames) {
  expect_plans({{"bassless", "remove bass"},
                {"pianoless please", "remove piano"},
                {"countrify it", "remix to country"},
                {"make it rocky, rockify it", "remix to rock"}});
}

TEST(ParsePlan, NumbersAndOccasionsThatAreNoTimes) {
  expect_plans({{"all i want 2 hear is that pad", "extract synth pad"},
                {"we need this song with no voice for our karaoke bar", "remove vocals"},
                {"for our polka dance evening please add an accordion", "add accordion"}});
}

TEST(ParsePlan, WhatIsSaidTwiceIsAskedOnce) {
  expect_plans({{"accompany it with a cello and extract the cello", "accompany with cello"},
                {"replace the oboe with a flute and remove the oboe", "replace oboe with flute"},
                {"only the viola, no cello", "extract viola"},
                {"remix it to reggae, and it needs an organ in it", "remix to reggae with organ"},
                {"remix it to reggae, then add an organ", "remix to reggae, then add organ"}});
}

TEST(ParsePlan, AmbiguousNamesAreWhatTheSentenceSays) {
  expect_plans({{"remove the guitar, the distorted one", "remove distorted guitar"},
                {"remove the electric guitar and add an acoustic", "remove electric guitar, then add acoustic guitar"},
                {"replace the bass with an upright", "replace bass with double bass"}});
  expect_error(ErrorKind::kInput, "not clear", [] { parse("remove the guitar"); });
}

TEST(ParsePlan, TimesThatAreLeftToRemarksOrPointedAt) {
  expect_plans({{"add a choir after the first minute", "add choir after 60 s"},
                {"remove the strings from a minute twenty on", "remove string sections after 80 s"},
                {"remove the drums until 0:30 and add a bass from then on",
                 "remove drum kit from 0 s to 30 s, then add bass after 30 s"},
                {"the last 4 bars are weak, add a choir", "add choir in the last 4 bars"}});
}

TEST(ParsePlan, AmountsOfLoudness) {
  expect_plans({{"halve the bass", "remove bass with strength 0.5"},
                {"halve the volume of the bass", "remove bass with strength 0.5"},
                {"turn the bass down to half its volume", "remove bass with strength 0.5"},
                {"make the bass half as loud as it is now \U0001F3B8", "remove bass with strength 0.5"}});
}

TEST(ParsePlan, BarsOfWhichOnlyOneEndIsSaid) {
  expect_plans({{"remove the drums up to bar 8", "remove drum kit in bars 1 to 8"},
                {"remove the drums through bar 8", "remove drum kit in bars 1 to 8"},
                {"remove the drums through bars 5 to 8", "remove drum kit in bars 5 to 8"},
                {"remove the drums from the beginning to bar 8", "remove drum kit in bars 1 to 8"},
                {"remove the drums starting in bar 9", "remove drum kit from bar 9 on"},
                {"remove the drums starting with bar 9", "remove drum kit from bar 9 on"},
                {"add a flute starting bar 9", "add flute from bar 9 on"},
                {"starting in bars 9 and 10 add a flute", "add flute in bars 9 to 10"}});
  // With bar 9 or without?
  expect_error(ErrorKind::kInput, "'up to bar 8', with it, or 'before bar 8'",
               [] { parse_plan("remove the drums until bar 9", Lexicon::builtin()); });
}

TEST(ParsePlan, AnEndThatNoNumberTellsIsNotLeftOut) {
  for (const char* sentence :
       {"drop the bass from 0:30 until the drop", "remove the piano from bar 5 to the chorus",
        "add a choir at 0:30 until the last verse", "remove the piano after bar 8 until the bridge"})
    expect_error(ErrorKind::kInput, "", [&] { parse(sentence); });
  expect_plans({{"add strings from bar 9 to lift the mood", "add string sections from bar 9 on"}});
}

TEST(ParsePlan, AmountsBelongToOneRequest) {
  expect_plans({{"halve the drums and add a piano", "remove drum kit with strength 0.5, then add piano"},
                {"half as much piano, then add a flute", "remove piano with strength 0.5, then add flute"},
                {"in bars 5 to 8 halve the drums and add a piano",
                 "remove drum kit in bars 5 to 8 with strength 0.5, then add piano in bars 5 to 8"}});
}

TEST(ParsePlan, WhatIsToBeLouderIsNotMadeSofter) {
  for (const char* sentence : {"drums +3 dB", "drums +20 %", "piano by +6 dB"})
    expect_error(ErrorKind::kInput, "not up", [&] { parse(sentence); });
  expect_plans({{"drums -3 dB + bass -3 dB", "remove drum kit and bass with strength 0.2920542156"}});
}

TEST(ParsePlan, SeveralTimesOfOneRequest) {
  expect_plans({{"remove the drums in bars 5 to 8, bars 5 to 8", "remove drum kit in bars 5 to 8"}});
  for (const char* sentence :
       {"in bars 5 to 8, in bars 13 to 16, remove the drums", "remove the drums in bars 5 to 8, in bars 13 to 16"})
    expect_error(ErrorKind::kInput, "two times", [&] { parse(sentence); });
  expect_error(ErrorKind::kInput, "a number that is not understood",
               [] { parse("remove the drums for 20 seconds from 1:00"); });
}

TEST(ParsePlan, BarsInAList) {
  expect_plans({{"remove the drums in bars 4, 5 and 6", "remove drum kit in bars 4 to 6"},
                {"in bars 1, 2, 3, 4 remove the drums", "remove drum kit in bars 1 to 4"},
                {"remove the drums in bars two, three and four", "remove drum kit in bars 2 to 4"},
                {"remove the drums in bars 1-2 and 3-4", "remove drum kit in bars 1 to 4"},
                {"in bar 5, add two violins", "add violin in bar 5"}});
  for (const char* sentence :
       {"remove the drums in bars 1, 3", "in bars 1 and 3 remove the drums", "remove the drums in bars 1-2 and 4"})
    expect_error(ErrorKind::kInput, "name one stretch of bars", [&] { parse(sentence); });
}

TEST(ParsePlan, DecimalCommas) {
  const double less = 1 - std::pow(10, -0.125);
  for (const char* sentence : {"lower the bass 2,5 dB", "lower the bass by 2.5 dB"})
    EXPECT_NEAR(parse(sentence).steps.at(0).strength.value_or(0), less, 1e-12) << sentence;
}

TEST(ParsePlan, PartsOneAfterTheOther) {
  expect_plans(
      {{"take the tuba away, and once it's gone add a piccolo", "remove tuba, then add piccolo"},
       {"mute the oboe and when that is done turn the rest into a waltz", "remove oboe, then remix to waltz"}});
  // All parts must be understood.
  expect_error(ErrorKind::kInput, "juggle", [] { parse("add a tuba, and once it's in juggle the bassoon"); });
}

TEST(ParsePlan, NotEveryUpIsLouder) {
  expect_plans({{"make up a harp line and put it in", "add harp"}});
  for (const char* sentence : {"turn the harp up", "bring up the drums"})
    expect_error(ErrorKind::kInput, "louder", [&] { parse(sentence); });
}

TEST(ParsePlan, PhrasesThatAskForNothing) {
  for (const char* sentence : {"what happens if I remove the tuba?", "how much work is it to remove the tuba?"})
    expect_error(ErrorKind::kInput, "asks for nothing", [&] { parse(sentence); });
}

TEST(Plan, EverythingButSomethingIsNotThatThing) {
  for (const char* sentence :
       {"turn everything but the drums down by 6 dB", "lower all but the vocals by 6 dB",
        "everything but the drums at half volume", "extract everything but the drums", "isolate all but the vocals",
        "leave everything but the drums alone", "remove the drums outside 0:01-0:02",
        "remove the drums apart from bar 2", "remove the drums but spare bar 2"})
    EXPECT_THROW(parse(sentence), Error) << sentence;
  for (const char* sentence : {"mute everything but the drums", "remove all instruments except the drums"})
    EXPECT_EQ(plain_sentence(parse(sentence)), "extract drum kit") << sentence;
}

TEST(Plan, HalfMeasuresAreNotTakenWhole) {
  for (const char* sentence : {"remove the drums slightly", "remove a bit of the drums", "gradually remove the drums",
                               "remove the drums alternately", "take out a little of the piano"})
    EXPECT_THROW(parse(sentence), Error) << sentence;
  EXPECT_EQ(plain_sentence(parse("the drums are a bit loud, remove them")), "remove drum kit");
}

TEST(Plan, AKindOfInstrumentIsWhatTheMusicHasOfIt) {
  const Lexicon& lexicon = Lexicon::builtin();
  EXPECT_THROW(parse_plan("remove the guitars", lexicon), Error);
  EXPECT_THROW(parse_plan_with_kinds("add a guitar", lexicon), Error);
  EXPECT_THROW(parse_plan_with_kinds("remove the upright", lexicon), Error);
  EXPECT_EQ(parse_plan_with_kinds("remove the piano", lexicon), parse_plan("remove the piano", lexicon));
  const Plan plan = parse_plan_with_kinds("take out all guitars and the piano by half", lexicon);
  ASSERT_EQ(plan.steps.size(), 1u);
  ASSERT_EQ(plan.steps[0].kinds.size(), 1u);
  EXPECT_EQ(plan.steps[0].kinds[0].word, "guitar");
  EXPECT_EQ(plan.steps[0].instruction.instruments.size(), 5u);
  EXPECT_EQ(plain_sentence(plan), "remove piano and guitar with strength 0.5");
  EXPECT_EQ(parse_plan_with_kinds(plain_sentence(plan), lexicon), plan);
  EXPECT_EQ(plan_json(plan)["steps"][0]["kinds"][0]["word"], "guitar");

  std::vector<std::string> notes;
  const auto heard = [](const std::string& name) {
    return name == "electric guitar" ? 0.6 : name == "distorted guitar" ? 0.4 : name == "acoustic guitar" ? 0.2 : 0.01;
  };
  const Plan settled = settle_kinds(plan, heard, 0.05, notes);
  EXPECT_EQ(settled.steps[0].instruction.instruments,
            (std::vector<std::string>{"piano", "electric guitar", "distorted guitar"}));
  EXPECT_TRUE(settled.steps[0].kinds.empty());
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_NE(notes[0].find("'guitar' was taken for the electric guitar and the distorted guitar"), std::string::npos);
  expect_error(ErrorKind::kInput, "the music has no guitar that can be heard", [&] {
    settle_kinds(
        plan, [](const std::string&) { return 0.01; }, 0.05, notes);
  });
}

TEST(Plan, OfAKindWhatIsNamedOrKeptIsNotMeant) {
  const Lexicon& lexicon = Lexicon::builtin();
  const Plan kept = parse_plan_with_kinds("remove the keyboards but keep the piano", lexicon);
  EXPECT_EQ(kept.keep, std::vector<std::string>{"piano"});
  EXPECT_EQ(kept.steps[0].instruction.instruments, (std::vector<std::string>{"electric piano", "organ"}));
  const Plan named = parse_plan_with_kinds("extract the organ and the keyboards", lexicon);
  std::vector<std::string> notes;
  const Plan settled = settle_kinds(
      named, [](const std::string& name) { return name == "piano" ? 1.0 : 0.0; }, 0.05, notes);
  EXPECT_EQ(settled.steps[0].instruction.instruments, (std::vector<std::string>{"organ", "piano"}));
}

}  // namespace
}  // namespace instructme
