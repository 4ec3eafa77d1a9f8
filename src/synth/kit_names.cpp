#include "kit_names.h"

#include <algorithm>
#include <cctype>

#include "instructme/base/strings.h"

namespace instructme {
namespace {

// A name is of the first kind all of whose words occur in it. "ride=" wants the word itself, "hat" also its beginning
// and end ("hats", "hihat"), as kits write words together.
struct NameRule {
  const char* words;
  const char* kind;
};
constexpr NameRule kNameRules[] = {
    {"sample", ""},  // names of files, not of drums
    {"roll", ""},
    {"djembe slap", "conga-mute"},
    {"djembe tone", "conga-high"},
    {"djembe bass", "conga-low"},
    {"head mute", "bongo-high"},
    {"head", "bongo-low"},
    {"sangban bell", "agogo-low"},
    {"dununba bell", "cowbell"},
    {"kenkeni bell", "agogo-high"},
    {"cajon thump", "conga-low"},
    {"cajon slap", "conga-mute"},
    {"rim click", "stick"},
    {"rim shot", "rimshot"},
    {"rimshot", "rimshot"},
    {"stick", "stick"},
    {"clap", "clap"},
    {"snare", "snare"},
    {"kick", "kick"},
    {"bass drum", "kick"},
    {"bassdrum", "kick"},
    {"cowbell", "cowbell"},
    {"semi hat", "half-hat"},
    {"semi hi", "half-hat"},
    {"semiopen hat", "half-hat"},
    {"semiopen hi", "half-hat"},
    {"swish hat", ""},
    {"free hat", ""},
    {"hat pedal", "pedal-hat"},
    {"hat pd=", "pedal-hat"},
    {"hh= pedal", "pedal-hat"},
    {"hat op=", "open-hat"},
    {"hat open", "open-hat"},
    {"hh= open", "open-hat"},
    {"ohh=", "open-hat"},
    {"hat", "closed-hat"},
    {"hh=", "closed-hat"},
    {"crash ride", "crash-ride"},
    {"ride bell", "ride-bell"},
    {"ride cup", "ride-bell"},
    {"paiste bell", "ride-bell"},
    {"bell=", "ride-bell"},
    {"flink", ""},
    {"ride", "ride"},
    {"choke", ""},
    {"crash", "crash"},
    {"splash", "splash"},
    {"china", "china"},
    {"cymbal", "cymbal"},
    {"floor tom", "tom-floor"},
    {"tom floor", "tom-floor"},
    {"tom low", "tom-low"},
    {"tom mid", "tom-mid"},
    {"tom hi", "tom-high"},
    {"tomhi", "tom-high"},
    {"tom", "tom"},
    {"tambourine pedal", ""},
    {"tambourine", "tambourine"},
    {"maraca", "shaker"},
    {"shaker", "shaker"},
    {"cabasa", "shaker"},
    {"conga", "conga-high"},
    {"bongo hi", "bongo-high"},
    {"bongo lo", "bongo-low"},
    {"bongo", "bongo-high"},
    {"timbale", "timbale"},
    {"agogo hi", "agogo-high"},
    {"agogo lo", "agogo-low"},
    {"clave", "clave"},
    {"woodblock hi", "block-high"},
    {"woodblock lo", "block-low"},
    {"woodblock", "block-high"},
    {"triangle", "triangle"},
    {"guiro", "guiro"},
    {"whistle", "whistle"},
};

// The kinds that can play a key, best first; "kick#1" is the second kick of the kit.
struct KeyRule {
  int key;
  const char* kinds;
};
constexpr KeyRule kKeyRules[] = {
    {35, "kick#1 kick"},
    {36, "kick"},
    {37, "stick rimshot"},
    {38, "snare rimshot"},
    {39, "clap"},
    {40, "snare#1 rimshot snare"},
    {41, "tom-floor tom-low tom#1 tom tom-mid tom-high"},
    {42, "closed-hat pedal-hat"},
    {43, "tom-floor tom-low tom#1 tom tom-mid tom-high"},
    {44, "pedal-hat closed-hat"},
    {45, "tom-low tom-mid tom#1 tom tom-floor tom-high"},
    {46, "open-hat half-hat"},
    {47, "tom-mid tom-low#1 tom#1 tom tom-low tom-high tom-floor"},
    {48, "tom-mid#1 tom-high tom-mid tom tom-low tom-floor"},
    {49, "crash cymbal crash-ride"},
    {50, "tom-high tom-mid tom tom-low tom-floor"},
    {51, "ride cymbal crash-ride"},
    {52, "china crash#1 crash cymbal"},
    {53, "ride-bell ride"},
    {54, "tambourine"},
    {55, "splash crash#1 crash"},
    {56, "cowbell agogo-low"},
    {57, "crash#1 cymbal#1 crash cymbal china"},
    {59, "ride#1 crash-ride ride cymbal"},
    {60, "bongo-high conga-mute"},
    {61, "bongo-low conga-low"},
    {62, "conga-mute conga-high bongo-high"},
    {63, "conga-high conga-mute bongo-high"},
    {64, "conga-low conga-high#1 conga-high bongo-low"},
    {65, "timbale"},
    {66, "timbale#1 timbale"},
    {67, "agogo-high cowbell"},
    {68, "agogo-low cowbell"},
    {69, "shaker#1 shaker"},
    {70, "shaker"},
    {71, "whistle"},
    {72, "whistle"},
    {73, "guiro"},
    {74, "guiro#1 guiro"},
    {75, "clave"},
    {76, "block-high clave"},
    {77, "block-low block-high clave"},
    {80, "triangle"},
    {81, "triangle"},
};

std::vector<std::string> words_of(const std::string& text) {
  std::string plain;
  for (const char c : lower(text)) plain += std::isalpha(static_cast<unsigned char>(c)) ? c : ' ';
  std::vector<std::string> words;
  for (const std::string& word : split(plain, ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

bool occurs(const std::string& wanted, const std::vector<std::string>& words) {
  const bool whole = wanted.back() == '=';
  const std::string text = whole ? wanted.substr(0, wanted.size() - 1) : wanted;
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return word == text || (!whole && (word.starts_with(text) || word.ends_with(text)));
  });
}

}  // namespace

std::string drum_kind(const std::string& name) {
  const std::vector<std::string> words = words_of(name);
  for (const NameRule& rule : kNameRules) {
    const std::vector<std::string> wanted = split(rule.words, ' ');
    if (std::all_of(wanted.begin(), wanted.end(), [&](const std::string& w) { return occurs(w, words); }))
      return rule.kind;
  }
  return "";
}

std::map<int, size_t> match_drums(const std::vector<KitDrum>& drums) {
  std::map<std::string, std::vector<size_t>> of_kind;
  for (size_t i = 0; i < drums.size(); ++i)
    if (!drums[i].kind.empty()) of_kind[drums[i].kind].push_back(i);
  std::map<int, size_t> keys;
  for (const KeyRule& rule : kKeyRules)
    for (const std::string& choice : split(rule.kinds, ' ')) {
      const size_t hash = choice.find('#');
      const size_t index = hash == std::string::npos ? 0 : std::stoul(choice.substr(hash + 1));
      const auto found = of_kind.find(choice.substr(0, hash));
      if (found == of_kind.end() || found->second.size() <= index) continue;
      keys[rule.key] = found->second[index];
      break;
    }
  return keys;
}

bool is_hi_hat(const std::string& kind) { return kind.ends_with("-hat"); }

}  // namespace instructme
