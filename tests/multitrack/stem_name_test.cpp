#include "instructme/multitrack/stem_name.h"

#include <gtest/gtest.h>

#include <utility>

namespace instructme {
namespace {

using Names = std::vector<std::pair<const char*, const char*>>;

void expect_names(const Names& names) {
  for (const auto& [name, instrument] : names)
    EXPECT_EQ(instrument_of_stem_name(name, Lexicon::builtin()), instrument) << name;
}

TEST(StemName, PlainWords) {
  EXPECT_EQ(plain_words("ElecGtr_02-L"), "elec gtr 02 l");
  EXPECT_EQ(plain_words("  01. Drums (room)  "), "01 drums room");
  EXPECT_EQ(plain_words("GTR2b"), "gtr 2 b");
  EXPECT_EQ(plain_words("___"), "");
}

TEST(StemName, NamesOfTheLexiconAsTheyAre) {
  for (const InstrumentEntry& entry : Lexicon::builtin().instruments()) {
    if (entry.name == "vocals") continue;  // voices are heard and not asked for, see ChoirsButNoVoices
    EXPECT_EQ(instrument_of_stem_name(entry.name, Lexicon::builtin()), entry.name);
    EXPECT_EQ(instrument_of_stem_name("07_" + entry.name + "_R", Lexicon::builtin()), entry.name);
  }
}

TEST(StemName, CaseNumbersSidesAndOrder) {
  expect_names({{"01_Drums_L", "drum kit"},
                {"DRUMS", "drum kit"},
                {"elec gtr", "electric guitar"},
                {"ElecGtr2", "electric guitar"},
                {"Gtr Elec DI 3", "electric guitar"},
                {"EGtr_L", "electric guitar"},
                {"Ac.Gtr. (double)", "acoustic guitar"},
                {"gtr_dist_02", "distorted guitar"},
                {"Bass DI", "bass"},
                {"bass-amp.02", "bass"},
                {"Synth Bass 1", "synth bass"},
                {"SynthBass", "synth bass"},
                {"Double Bass", "double bass"},
                {"Piano Grand", "piano"},
                {"pno_R", "piano"},
                {"E Piano", "electric piano"},
                {"Rhodes", "electric piano"},
                {"Hammond B3", "organ"},
                {"Vln 1", "violin"},
                {"Strings Hi", "string sections"},
                {"Alto Sax", "saxophone"},
                {"Tpt", "trumpet"},
                {"Bass Clarinet", "clarinet"},
                {"Lead Synth", "synth lead"},
                {"Pad", "synth pad"}});
}

TEST(StemName, DrumKitsAndPercussion) {
  expect_names({{"Kick In", "drum kit"},
                {"SNARE_top", "drum kit"},
                {"OH L", "drum kit"},
                {"Hi-Hat", "drum kit"},
                {"Floor Tom", "drum kit"},
                {"bass drum", "drum kit"},
                {"808", "electric drum kit"},
                {"808 Kick", "electric drum kit"},
                {"Drum Machine", "electric drum kit"},
                {"Tambourine", "percussion"},
                {"congas_02", "percussion"},
                {"Perc Loop", "percussion"},
                {"Steel Drums", "steel drums"}});
}

TEST(StemName, NothingWhereTheLexiconCannotDecide) {
  expect_names({{"guitar", ""},
                {"Gtr 1", ""},
                {"Keys", ""},
                {"synth", ""},
                {"other", ""},
                {"vocals", ""},
                {"Lead Vox", ""},
                {"Vocal Bass", ""},
                {"BVs Chorus L", ""},
                {"piano and strings", ""},
                {"banjo, mandolin, ukulele, harp etc", ""},
                {"Theremin", ""},
                {"FX", ""},
                {"track 01", ""},
                {"03", ""},
                {"", ""}});
}

TEST(StemName, ChoirsButNoVoices) {
  expect_names({{"Choir", "choir"}, {"human choir", "choir"}, {"Choir Vocals", "choir"}, {"Vocal Chorus", ""}});
}

// moisesdb's taxonomy, word for word.
TEST(StemName, TaxonomyOfMoisesDb) {
  expect_names({{"lead male singer", ""},
                {"background vocals", ""},
                {"other (vocoder, beatboxing etc)", ""},
                {"bass guitar", "bass"},
                {"bass synthesizer (moog etc)", "synth bass"},
                {"contrabass/double bass (bass of instrings)", "double bass"},
                {"tuba (bass of brass)", "tuba"},
                {"bassoon (bass of woodwind)", "bassoon"},
                {"snare drum", "drum kit"},
                {"toms", "drum kit"},
                {"kick drum", "drum kit"},
                {"cymbals", "drum kit"},
                {"overheads", "drum kit"},
                {"full acoustic drumkit", "drum kit"},
                {"drum machine", "electric drum kit"},
                {"fx/processed sound, scratches, gun shots, explosions etc", ""},
                {"clean electric guitar", "electric guitar"},
                {"distorted electric guitar", "distorted guitar"},
                {"lap steel guitar or slide guitar", "pedal steel guitar"},
                {"acoustic guitar", "acoustic guitar"},
                {"a-tonal percussion (claps, shakers, congas, cowbell etc)", "percussion"},
                {"pitched percussion (mallets, glockenspiel, ...)", "mallets"},
                {"grand piano", "piano"},
                {"electric piano (rhodes, wurlitzer, piano sound alike)", "electric piano"},
                {"organ, electric organ", "organ"},
                {"synth pad", "synth pad"},
                {"synth lead", "synth lead"},
                {"other sounds (hapischord, melotron etc)", ""},
                {"violin (solo)", "violin"},
                {"viola (solo)", "viola"},
                {"cello (solo)", "cello"},
                {"violin section", "string sections"},
                {"string section", "string sections"},
                {"other strings", "string sections"},
                {"brass (trumpet, trombone, french horn, brass etc)", "brass section"},
                {"flutes (piccolo, bamboo flute, panpipes, flutes etc)", "flute"},
                {"reeds (saxophone, clarinets, oboe, english horn, bagpipe)", ""},
                {"other wind", ""}});
}

// The instruments of MedleyDB's taxonomy that the lexicon has, and some that it has not.
TEST(StemName, TaxonomyOfMedleyDb) {
  expect_names({{"electric bass", "bass"},
                {"drum set", "drum kit"},
                {"drum machine", "electric drum kit"},
                {"high hat", "drum kit"},
                {"cymbal", "drum kit"},
                {"auxiliary percussion", "percussion"},
                {"sleigh bells", "percussion"},
                {"tambourine", "percussion"},
                {"timpani", "timpani"},
                {"tack piano", "piano"},
                {"electronic organ", "organ"},
                {"pipe organ", "organ"},
                {"harpsichord", "harpsichord"},
                {"double bass", "double bass"},
                {"slide guitar", "pedal steel guitar"},
                {"lap steel guitar", "pedal steel guitar"},
                {"dulcimer", "dulcimer"},
                {"bamboo flute", "flute"},
                {"panpipes", "pan flute"},
                {"baritone saxophone", "saxophone"},
                {"bass clarinet", "clarinet"},
                {"english horn", "english horn"},
                {"trombone section", "brass section"},
                {"horn section", "brass section"},
                {"french horn section", "french horn"},
                {"bandoneon", "accordion"},
                {"harmonica", "harmonica"},
                {"glockenspiel", "glockenspiel"},
                {"vibraphone", "vibraphone"},
                {"male singer", ""},
                {"vocalists", ""},
                {"singing", ""},
                {"beatboxing", ""},
                {"synthesizer", ""},
                {"theremin", ""},
                {"erhu", ""},
                {"Main System", ""},
                {"Unlabeled", ""},
                {"fx/processed sound", ""}});
}

TEST(StemName, SeveralInstrumentsOnOneStem) {
  const auto of = [](const std::vector<std::string>& names) {
    return instrument_of_stem_names(names, Lexicon::builtin());
  };
  EXPECT_EQ(of({"violin"}), "violin");
  EXPECT_EQ(of({"clean electric guitar", "clean electric guitar"}), "electric guitar");
  EXPECT_EQ(of({"violin", "viola", "cello"}), "string sections");
  EXPECT_EQ(of({"trumpet", "trombone"}), "brass section");
  EXPECT_EQ(of({"drum set", "tambourine"}), "drum kit");
  EXPECT_EQ(of({"piano", "violin"}), "");
  EXPECT_EQ(of({"violin", "male singer"}), "");
  EXPECT_EQ(of({}), "");
}

}  // namespace
}  // namespace instructme
