#include "instructme/multitrack/stem_name.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "instructme/base/strings.h"

namespace instructme {
namespace {

using Words = std::vector<std::string>;

// The longest names in the lexicon have this many words.
constexpr size_t kMostWords = 4;
// Up to this many are tried in every order: "gtr elec dist".
constexpr size_t kMostWordsToReorder = 3;

constexpr const char* kKit = "drum kit";
constexpr const char* kElectricKit = "electric drum kit";

// Whole names that mean something else than their words.
const std::map<std::string, std::string>& phrases() {
  static const std::map<std::string, std::string> table{
      {"pitched percussion", "mallets"},
      {"violin section", "string sections"},
      {"viola section", "string sections"},
      {"cello section", "string sections"},
      {"violins", "string sections"},
      {"violas", "string sections"},
      {"cellos", "string sections"},
      {"trumpet section", "brass section"},
      {"trombone section", "brass section"},
      {"trumpets", "brass section"},
      {"trombones", "brass section"},
      {"bass drum", kKit},
      {"sleigh bells", "percussion"},
      {"bass synth", "synth bass"},
      {"bass line", "bass"},
      {"auxiliary percussion", "percussion"},
  };
  return table;
}

// Short forms and other words for those of the lexicon.
const std::map<std::string, std::string>& short_forms() {
  static const std::map<std::string, std::string> table{
      {"gtr", "guitar"},
      {"gtrs", "guitar"},
      {"gt", "guitar"},
      {"guit", "guitar"},
      {"gits", "guitar"},
      {"guitars", "guitar"},
      {"egtr", "electric guitar"},
      {"eguitar", "electric guitar"},
      {"agtr", "acoustic guitar"},
      {"acgtr", "acoustic guitar"},
      {"elec", "electric"},
      {"el", "electric"},
      {"elect", "electric"},
      {"ac", "acoustic"},
      {"acou", "acoustic"},
      {"acous", "acoustic"},
      {"dist", "distorted"},
      {"distort", "distorted"},
      {"od", "overdrive"},
      {"crunch", "crunchy"},
      {"drm", "drum"},
      {"drms", "drum"},
      {"drs", "drum"},
      {"bs", "bass"},
      {"bss", "bass"},
      {"ebass", "electric bass"},
      {"perc", "percussion"},
      {"prc", "percussion"},
      {"percs", "percussion"},
      {"pno", "piano"},
      {"pf", "piano"},
      {"pian", "piano"},
      {"kbd", "keyboard"},
      {"rhd", "rhodes"},
      {"wurli", "wurlitzer"},
      {"wurly", "wurlitzer"},
      {"ep", "electric piano"},
      {"org", "organ"},
      {"syn", "synth"},
      {"synt", "synth"},
      {"snth", "synth"},
      {"synths", "synth"},
      {"str", "strings"},
      {"strs", "strings"},
      {"strngs", "strings"},
      {"vln", "violin"},
      {"vlns", "violin section"},
      {"vla", "viola"},
      {"vlc", "cello"},
      {"vcl", "cello"},
      {"vc", "cello"},
      {"tpt", "trumpet"},
      {"trpt", "trumpet"},
      {"trp", "trumpet"},
      {"tbn", "trombone"},
      {"trb", "trombone"},
      {"fl", "flute"},
      {"ob", "oboe"},
      {"bsn", "bassoon"},
      {"clar", "clarinet"},
      {"hrn", "horn"},
      {"sx", "saxophone"},
      {"vib", "vibraphone"},
      {"glock", "glockenspiel"},
      {"xylo", "xylophone"},
      {"bjo", "banjo"},
      {"bnj", "banjo"},
      {"accord", "accordion"},
  };
  return table;
}

const std::set<std::string>& kit_pieces() {
  static const std::set<std::string> words{"kick",     "kik",       "kck",  "bd",     "snare",   "snr",    "sn",
                                           "sd",       "hh",        "hat",  "hats",   "hihat",   "hihats", "ride",
                                           "crash",    "cym",       "cyms", "cymbal", "cymbals", "oh",     "ohs",
                                           "overhead", "overheads", "tom",  "toms",   "kicks",   "snares"};
  return words;
}

const std::set<std::string>& hand_percussion() {
  static const std::set<std::string> words{
      "shaker",    "shakers", "shkr",    "tamb",     "tambourine", "conga",    "congas", "bongo",    "bongos",
      "cowbell",   "clap",    "claps",   "maraca",   "maracas",    "triangle", "guiro",  "cabasa",   "castanet",
      "castanets", "tabla",   "darbuka", "doumbek",  "djembe",     "cajon",    "claves", "timbales", "rattle",
      "gong",      "snap",    "snaps",   "handclap", "handclaps",  "bodhran",  "udu",    "vibraslap"};
  return words;
}

const std::set<std::string>& voices() {
  static const std::set<std::string> words{
      "vox",      "vx",        "voc",     "vocal",  "vocals",  "voice",     "voices",    "bv",    "bvs",
      "bvox",     "bgv",       "bgvs",    "singer", "singers", "rap",       "rapper",    "adlib", "adlibs",
      "vocalist", "vocalists", "singing", "speech", "speaker", "harmonies", "beatboxing"};
  return words;
}

// Sides, takes, microphones, sections of a song: nothing about the instrument.
const std::set<std::string>& idle_words() {
  static const std::set<std::string> words{
      "l",      "r",       "left",   "right",   "lt",    "rt",     "c",     "ctr",    "center", "centre", "mono",
      "stereo", "st",      "di",     "amp",     "mic",   "mics",   "close", "room",   "rooms",  "rm",     "dry",
      "wet",    "fx",      "comp",   "eq",      "raw",   "stem",   "stems", "track",  "trk",    "tr",     "take",
      "tk",     "part",    "pt",     "final",   "print", "bounce", "full",  "dbl",    "verse",  "chorus", "bridge",
      "intro",  "outro",   "pre",    "hook",    "main",  "extra",  "new",   "old",    "sum",    "bus",    "grp",
      "group",  "all",     "loop",   "loops",   "in",    "out",    "top",   "bottom", "btm",    "up",     "down",
      "mix",    "mixdown", "master", "version", "the",   "and"};
  return words;
}

bool is_number(const std::string& word) {
  return std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

bool contains_any(const Words& words, const std::set<std::string>& wanted) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) { return wanted.contains(word); });
}

std::string without_brackets(const std::string& name) {
  std::string text;
  int depth = 0;
  for (char c : name) {
    if (c == '(' || c == '[') ++depth;
    if (depth == 0) text += c;
    if ((c == ')' || c == ']') && depth > 0) --depth;
  }
  return trim(text).empty() ? name : text;
}

// Words that say something, in the lexicon's language.
Words telling_words(const std::string& words) {
  Words telling;
  const Words all = split(words, ' ');
  for (const std::string& word : all) {
    if (word.empty() || (is_number(word) && word != "808" && word != "909")) continue;
    if (idle_words().contains(word) && all.size() > 1) continue;
    const auto longer = short_forms().find(word);
    for (std::string& part : split(longer == short_forms().end() ? word : longer->second, ' '))
      telling.push_back(std::move(part));
  }
  return telling;
}

// Instrument of the words in any order, or nullptr.
const InstrumentEntry* find_words(Words words, const Lexicon& lexicon) {
  if (const InstrumentEntry* entry = lexicon.find_instrument(join(words, " "))) return entry;
  if (words.size() > kMostWordsToReorder) return nullptr;
  std::sort(words.begin(), words.end());
  do {
    if (const InstrumentEntry* entry = lexicon.find_instrument(join(words, " "))) return entry;
  } while (std::next_permutation(words.begin(), words.end()));
  return nullptr;
}

// Longest names first, so that "bass clarinet" is no bass.
std::set<std::string> instruments_in(Words words, const Lexicon& lexicon) {
  std::set<std::string> found;
  for (size_t length = std::min(kMostWords, words.size()); length >= 1; --length) {
    for (size_t start = 0; start + length <= words.size(); ++start) {
      const auto first = words.begin() + static_cast<std::ptrdiff_t>(start);
      const auto last = first + static_cast<std::ptrdiff_t>(length);
      if (std::find(first, last, "") != last) continue;  // part of a longer name
      const InstrumentEntry* entry = find_words(Words(first, last), lexicon);
      if (entry == nullptr) continue;
      found.insert(entry->name);
      std::fill(first, last, "");
    }
  }
  return found;
}

std::string known(const std::string& instrument, const Lexicon& lexicon) {
  const InstrumentEntry* entry = lexicon.find_instrument(instrument);
  return entry == nullptr ? "" : entry->name;
}

}  // namespace

std::string plain_words(const std::string& name) {
  std::string words;
  char before = 0;
  for (char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool letter = std::isalpha(byte) != 0 || byte >= 0x80, digit = std::isdigit(byte) != 0;
    const auto last = static_cast<unsigned char>(before);
    const bool border = (std::islower(last) != 0 && std::isupper(byte) != 0) || (std::isdigit(last) != 0 && letter) ||
                        (std::isalpha(last) != 0 && digit);
    if ((!letter && !digit) || border) {
      if (!words.empty() && words.back() != ' ') words += ' ';
    }
    if (letter || digit) words += static_cast<char>(std::tolower(byte));
    before = c;
  }
  return trim(words);
}

std::string instrument_of_stem_name(const std::string& name, const Lexicon& lexicon) {
  const std::string plain = plain_words(without_brackets(name));
  if (const auto phrase = phrases().find(plain); phrase != phrases().end()) return known(phrase->second, lexicon);
  const Words words = telling_words(plain);
  if (const auto phrase = phrases().find(join(words, " ")); phrase != phrases().end())
    return known(phrase->second, lexicon);
  if (contains_any(words, voices())) {
    const std::set<std::string> sung = instruments_in(words, lexicon);
    return sung.contains("choir") ? "choir" : "";
  }
  if (contains_any(words, kit_pieces())) {
    const bool machine = contains_any(
        words, {"808", "909", "electronic", "electric", "machine", "programmed", "synth", "sampled", "sample"});
    return known(machine ? kElectricKit : kKit, lexicon);
  }
  std::set<std::string> found = instruments_in(words, lexicon);
  if (contains_any(words, hand_percussion())) found.insert(known("percussion", lexicon));
  return found.size() == 1 ? *found.begin() : "";
}

std::string instrument_of_stem_names(const std::vector<std::string>& names, const Lexicon& lexicon) {
  std::set<std::string> found, families;
  for (const std::string& name : names) {
    const InstrumentEntry* entry = lexicon.find_instrument(instrument_of_stem_name(name, lexicon));
    if (entry == nullptr) return "";
    found.insert(entry->name);
    families.insert(entry->family == "percussion" ? "drums" : entry->family);
  }
  if (found.size() == 1) return *found.begin();
  if (families == std::set<std::string>{"strings"}) return known("string sections", lexicon);
  if (families == std::set<std::string>{"brass"}) return known("brass section", lexicon);
  if (families == std::set<std::string>{"mallets"}) return known("mallets", lexicon);
  if (families == std::set<std::string>{"drums"}) return known(kKit, lexicon);
  return "";
}

}  // namespace instructme
