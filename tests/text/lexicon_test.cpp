#include "instructme/text/lexicon.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/text/instruction.h"

namespace instructme {
namespace {

const std::string kPath = std::string(INSTRUCTME_SOURCE_DIR) + "/data/lexicon.json";

nlohmann::json lexicon_json() { return nlohmann::json::parse(read_text_file(kPath)); }

/// Expects the lexicon to be refused after `change`, with `part` in the message.
template <class Change>
void expect_refused(const std::string& part, Change change) {
  nlohmann::json json = lexicon_json();
  change(json);
  expect_error(ErrorKind::kModel, part, [&] { Lexicon::parse(json.dump(), "changed.json"); });
}

TEST(Lexicon, HoldsEnoughOfEverything) {
  const Lexicon& lexicon = Lexicon::builtin();
  EXPECT_GE(lexicon.instruments().size(), 40u);
  EXPECT_GE(lexicon.genres().size(), 12u);
  EXPECT_GE(lexicon.moods().size(), 12u);
  ASSERT_EQ(lexicon.operations().size(), static_cast<size_t>(kOperations));
  for (int i = 0; i < kOperations; ++i) {
    const OperationEntry& entry = lexicon.operations()[static_cast<size_t>(i)];
    EXPECT_EQ(entry.name, operation_name(static_cast<Operation>(i)));
    EXPECT_GE(entry.patterns.size(), 40u) << entry.name;
  }
  for (const auto& tags : {lexicon.genres(), lexicon.moods()})
    for (const auto& tag : tags) EXPECT_FALSE(tag.synonyms.empty() || tag.misspellings.empty()) << tag.name;
  for (const auto& entry : lexicon.instruments())
    EXPECT_FALSE(entry.synonyms.empty() || entry.misspellings.empty()) << entry.name;
}

// Trained weights and data sets say these names.
TEST(Lexicon, KeepsItsCanonicalNames) {
  const Lexicon& lexicon = Lexicon::builtin();
  const std::vector<std::string> first = {"drum kit",
                                          "electric drum kit",
                                          "percussion",
                                          "bass",
                                          "double bass",
                                          "synth bass",
                                          "piano",
                                          "electric piano",
                                          "harpsichord",
                                          "clavinet",
                                          "organ",
                                          "accordion",
                                          "harmonica",
                                          "acoustic guitar",
                                          "classical guitar",
                                          "electric guitar",
                                          "distorted guitar",
                                          "pedal steel guitar",
                                          "banjo",
                                          "sitar",
                                          "koto",
                                          "dulcimer",
                                          "violin",
                                          "viola",
                                          "cello",
                                          "string sections",
                                          "harp",
                                          "choir",
                                          "trumpet",
                                          "trombone",
                                          "tuba",
                                          "french horn",
                                          "brass section",
                                          "saxophone",
                                          "oboe",
                                          "bassoon",
                                          "clarinet",
                                          "flute",
                                          "bagpipes",
                                          "mallets",
                                          "bells",
                                          "steel drums",
                                          "synth lead",
                                          "synth pad"};
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(lexicon.instruments().at(i).name, first[i]);
}

TEST(Lexicon, BuiltinIsTheFile) {
  const Lexicon file = Lexicon::load(kPath);
  ASSERT_EQ(file.instruments().size(), Lexicon::builtin().instruments().size());
  for (size_t i = 0; i < file.instruments().size(); ++i)
    EXPECT_EQ(file.instruments()[i].name, Lexicon::builtin().instruments()[i].name);
}

TEST(Lexicon, EveryMelodicProgramHasExactlyOneInstrument) {
  const Lexicon& lexicon = Lexicon::builtin();
  for (int program = 0; program < 120; ++program) {
    int owners = 0;
    for (const auto& entry : lexicon.instruments())
      if (entry.family != "drums")
        owners += static_cast<int>(std::count(entry.programs.begin(), entry.programs.end(), program));
    EXPECT_EQ(owners, 1) << "program " << program;
    EXPECT_NE(lexicon.instrument_of_program(program, false), nullptr);
  }
  for (int program = 120; program < 128; ++program) EXPECT_EQ(lexicon.instrument_of_program(program, false), nullptr);
  EXPECT_EQ(lexicon.instrument_of_program(-1, false), nullptr);
}

TEST(Lexicon, ProgramsSoundLikeTheirInstrument) {
  const Lexicon& lexicon = Lexicon::builtin();
  const std::vector<std::pair<int, std::string>> expected = {{0, "piano"},
                                                             {4, "electric piano"},
                                                             {16, "organ"},
                                                             {24, "classical guitar"},
                                                             {25, "acoustic guitar"},
                                                             {27, "electric guitar"},
                                                             {30, "distorted guitar"},
                                                             {32, "double bass"},
                                                             {33, "bass"},
                                                             {38, "synth bass"},
                                                             {40, "violin"},
                                                             {48, "string sections"},
                                                             {56, "trumpet"},
                                                             {61, "brass section"},
                                                             {65, "saxophone"},
                                                             {73, "flute"},
                                                             {81, "synth lead"},
                                                             {89, "synth pad"},
                                                             {105, "banjo"},
                                                             {47, "timpani"},
                                                             {8, "celesta"},
                                                             {9, "glockenspiel"},
                                                             {11, "vibraphone"},
                                                             {12, "marimba"},
                                                             {13, "xylophone"},
                                                             {14, "tubular bells"},
                                                             {69, "english horn"},
                                                             {72, "piccolo"},
                                                             {74, "recorder"},
                                                             {75, "pan flute"},
                                                             {116, "percussion"}};
  for (const auto& [program, name] : expected) EXPECT_EQ(lexicon.instrument_of_program(program, false)->name, name);
  for (const int kit : {0, 8, 16, 32, 40, 48}) EXPECT_EQ(lexicon.instrument_of_program(kit, true)->name, "drum kit");
  for (const int kit : {24, 25}) EXPECT_EQ(lexicon.instrument_of_program(kit, true)->name, "electric drum kit");
}

TEST(Lexicon, FrequentInstrumentsAreThoseOfPopularMusic) {
  const Lexicon& lexicon = Lexicon::builtin();
  const std::vector<std::string> top = {"drum kit", "bass", "piano", "acoustic guitar", "electric guitar"};
  double least = 1e9, most_of_others = 0;
  for (const auto& entry : lexicon.instruments()) {
    const bool is_top = std::find(top.begin(), top.end(), entry.name) != top.end();
    if (is_top) least = std::min(least, entry.frequency);
    if (!is_top) most_of_others = std::max(most_of_others, entry.frequency);
  }
  EXPECT_GT(least, most_of_others);
}

TEST(Lexicon, FindsNamesWhateverTheirForm) {
  const Lexicon& lexicon = Lexicon::builtin();
  const std::vector<std::pair<std::string, std::string>> names = {{"Drums", "drum kit"},
                                                                  {"the drum set", "drum kit"},
                                                                  {"  an Electric  Guitar", "electric guitar"},
                                                                  {"pianos", "piano"},
                                                                  {"basses", "bass"},
                                                                  {"Strings", "string sections"},
                                                                  {"violins", "violin"},
                                                                  {"string sections", "string sections"},
                                                                  {"bassline", "bass"},
                                                                  {"pedal-steel guitar", "pedal steel guitar"},
                                                                  {"Rhodes", "electric piano"},
                                                                  {"fiddles", "violin"}};
  for (const auto& [said, name] : names) {
    ASSERT_NE(lexicon.find_instrument(said), nullptr) << said;
    EXPECT_EQ(lexicon.find_instrument(said)->name, name) << said;
  }
  EXPECT_EQ(lexicon.find_instrument("saxaphones")->name, "saxophone") << "a listed misspelling";
  EXPECT_EQ(lexicon.find_mood("agressive")->name, "aggressive");
  EXPECT_EQ(lexicon.find_instrument("kazoo"), nullptr);
  EXPECT_EQ(lexicon.find_instrument("guitar"), nullptr) << "may be several instruments";
  EXPECT_EQ(lexicon.find_instrument("jazz"), nullptr);
  EXPECT_EQ(lexicon.find_instrument(""), nullptr);
  EXPECT_EQ(lexicon.find_genre("R&B")->name, "r&b");
  EXPECT_EQ(lexicon.find_genre("hip hop")->name, "hip-hop");
  EXPECT_EQ(lexicon.find_genre("Swing")->name, "jazz");
  EXPECT_EQ(lexicon.find_mood("happier")->name, "happy");
  EXPECT_EQ(lexicon.find_mood("funk"), nullptr);
}

TEST(Lexicon, NoMoodAndGenreSideBySideReadAsSomethingElse) {
  const Lexicon& lexicon = Lexicon::builtin();
  const auto names = [](const TagEntry& entry) {
    std::vector<std::string> all = entry.synonyms;
    all.push_back(entry.name);
    return all;
  };
  for (const auto& mood : lexicon.moods())
    for (const auto& genre : lexicon.genres())
      for (const auto& m : names(mood))
        for (const auto& g : names(genre)) {
          const Instruction found = parse_instruction("remix to " + m + " " + g, lexicon);
          EXPECT_TRUE(found.mood == mood.name && found.genre == genre.name) << m << " " << g;
        }
}

TEST(Lexicon, CopiesKeepWorking) {
  Lexicon copy = Lexicon::builtin();
  const Lexicon moved = std::move(copy);
  EXPECT_EQ(moved.find_instrument("drums"), moved.instruments().data());
  EXPECT_EQ(parse_instruction("remove the drums", moved).instruments.front(), "drum kit");
}

TEST(Lexicon, RefusesWhatIsNotALexicon) {
  expect_error(ErrorKind::kIo, "nowhere.json", [] { Lexicon::load("/nonexistent/nowhere.json"); });
  expect_error(ErrorKind::kModel, "not valid JSON", [] { Lexicon::parse("{", "broken.json"); });
  expect_error(ErrorKind::kModel, "broken.json", [] { Lexicon::parse("[]", "broken.json"); });
  expect_error(ErrorKind::kModel, "'instruments' is missing", [] { Lexicon::parse("{}", "empty.json"); });
}

TEST(Lexicon, RefusesUnknownKeysAndUnsuitableValues) {
  expect_refused("unknown key 'instrument'", [](auto& json) { json["instrument"] = 1; });
  expect_refused("did you mean 'synonyms'", [](auto& json) { json["genres"][0]["synonym"] = 1; });
  expect_refused("key 'family' is missing", [](auto& json) { json["instruments"][2].erase("family"); });
  expect_refused("'roles'", [](auto& json) { json["instruments"][2]["roles"] = "drums"; });
  expect_refused("unknown role 'melodie' (did you mean 'melody'",
                 [](auto& json) { json["instruments"][2]["roles"] = {"melodie"}; });
  expect_refused("program 128", [](auto& json) { json["instruments"][2]["programs"] = {128}; });
  expect_refused("'frequency'", [](auto& json) { json["instruments"][2]["frequency"] = -1; });
  expect_refused("must be a list", [](auto& json) { json["moods"] = nlohmann::json::array(); });
  expect_refused("key 'speech' is missing", [](auto& json) { json.erase("speech"); });
}

TEST(Lexicon, RefusesNamesThatTwoEntriesShare) {
  expect_refused("'fiddle' is a name of both 'violin' and 'flute'", [](auto& json) {
    for (auto& entry : json["instruments"])
      if (entry["name"] == "flute") entry["synonyms"].push_back("fiddle");
  });
  expect_refused("'paino' is a name of both 'piano' and 'organ'", [](auto& json) {
    for (auto& entry : json["instruments"])
      if (entry["name"] == "organ") entry["misspellings"].push_back("paino");
  });
  expect_refused("is a name of both", [](auto& json) { json["moods"][0]["synonyms"].push_back("Jazz"); });
  expect_refused("belongs to both", [](auto& json) { json["instruments"][3]["programs"].push_back(0); });
  expect_refused("is not an instrument", [](auto& json) { json["ambiguous"]["guitar"] = {"piano", "jazz"}; });
}

TEST(Lexicon, RefusesOperationsThatCannotBeSaid) {
  expect_refused("operation 'remix' is missing", [](auto& json) { json["operations"].erase(4); });
  expect_refused("unknown operation 'remixx' (did you mean 'remix'",
                 [](auto& json) { json["operations"][4]["name"] = "remixx"; });
  expect_refused("occurs twice", [](auto& json) { json["operations"][4]["name"] = "add"; });
  expect_refused("does not say what to do",
                 [](auto& json) { json["operations"][0]["patterns"].push_back("please the {x}"); });
  expect_refused("unknown slot '{z}'", [](auto& json) { json["operations"][0]["patterns"].push_back("extract {z}"); });
  expect_refused("unsuitable slots", [](auto& json) { json["operations"][0]["patterns"].push_back("extract {g}"); });
  expect_refused("holds the name",
                 [](auto& json) { json["operations"][0]["patterns"].push_back("{x} without piano"); });
  expect_refused("read the same",
                 [](auto& json) { json["operations"][0]["patterns"].push_back("please remove the {x} from this"); });
  expect_refused("no pattern with the slots 'g'",
                 [](auto& json) { json["operations"][4]["patterns"] = {"remix with {x}"}; });
}

}  // namespace
}  // namespace instructme
