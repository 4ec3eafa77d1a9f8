#include "instructme/score/chord.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr std::array<const char*, 12> kRootNames = {"C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"};
constexpr std::array<const char*, kChordQualities> kQualityNames = {"maj",  "min", "7",   "maj7",
                                                                    "min7", "dim", "aug", "sus4"};

std::vector<int> quality_intervals(ChordQuality quality) {
  switch (quality) {
    case ChordQuality::kMaj: return {0, 4, 7};
    case ChordQuality::kMin: return {0, 3, 7};
    case ChordQuality::k7: return {0, 4, 7, 10};
    case ChordQuality::kMaj7: return {0, 4, 7, 11};
    case ChordQuality::kMin7: return {0, 3, 7, 10};
    case ChordQuality::kDim: return {0, 3, 6};
    case ChordQuality::kAug: return {0, 4, 8};
    case ChordQuality::kSus: return {0, 5, 7};
  }
  throw Error(ErrorKind::kInternal, "A chord has an unknown quality; this is a mistake of the program.");
}

[[noreturn]] void bad_label(const std::string& label, const std::string& why) {
  throw Error(ErrorKind::kInput, format("'%s' is not a chord label: %s; labels look like 'N', 'C:maj' or 'F#:min7/5'.",
                                        label.substr(0, 60).c_str(), why.c_str()));
}

// Semitones above the root of scale degree 1..13 of the major scale.
std::optional<int> degree_semitones(int degree) {
  constexpr std::array<int, 7> kMajor = {0, 2, 4, 5, 7, 9, 11};
  if (degree < 1 || degree > 13) return std::nullopt;
  return kMajor[static_cast<size_t>((degree - 1) % 7)];
}

// A degree such as "b7" or "#11" -> (number, semitones above the root); nullopt when malformed.
std::optional<std::pair<int, int>> parse_degree(const std::string& text) {
  size_t at = 0;
  int shift = 0;
  for (; at < text.size() && (text[at] == 'b' || text[at] == '#'); ++at) shift += text[at] == '#' ? 1 : -1;
  if (at == text.size() || text.size() - at > 2) return std::nullopt;
  int number = 0;
  for (; at < text.size(); ++at) {
    if (!std::isdigit(static_cast<unsigned char>(text[at]))) return std::nullopt;
    number = number * 10 + (text[at] - '0');
  }
  const auto semitones = degree_semitones(number);
  if (!semitones) return std::nullopt;
  return std::make_pair(number, ((*semitones + shift) % 12 + 12) % 12);
}

std::optional<ChordQuality> quality_of_shorthand(const std::string& name) {
  static const std::vector<std::pair<const char*, ChordQuality>> kTable = {
      {"maj", ChordQuality::kMaj},      {"min", ChordQuality::kMin},     {"dim", ChordQuality::kDim},
      {"aug", ChordQuality::kAug},      {"maj7", ChordQuality::kMaj7},   {"min7", ChordQuality::kMin7},
      {"7", ChordQuality::k7},          {"dim7", ChordQuality::kDim},    {"hdim7", ChordQuality::kDim},
      {"minmaj7", ChordQuality::kMin},  {"maj6", ChordQuality::kMaj},    {"min6", ChordQuality::kMin},
      {"6", ChordQuality::kMaj},        {"9", ChordQuality::k7},         {"maj9", ChordQuality::kMaj7},
      {"min9", ChordQuality::kMin7},    {"sus4", ChordQuality::kSus},    {"sus2", ChordQuality::kSus},
      {"sus", ChordQuality::kSus},      {"11", ChordQuality::k7},        {"maj11", ChordQuality::kMaj7},
      {"min11", ChordQuality::kMin7},   {"13", ChordQuality::k7},        {"maj13", ChordQuality::kMaj7},
      {"min13", ChordQuality::kMin7},   {"5", ChordQuality::kMaj},       {"1", ChordQuality::kMaj},
      {"sus4(b7)", ChordQuality::kSus}, {"minmaj9", ChordQuality::kMin}, {"aug7", ChordQuality::kAug}};
  for (const auto& [text, quality] : kTable)
    if (name == text) return quality;
  return std::nullopt;
}

// The quality that a bare set of semitones above the root is nearest to.
ChordQuality quality_of_intervals(const std::vector<int>& intervals) {
  const auto has = [&](int i) { return std::find(intervals.begin(), intervals.end(), i) != intervals.end(); };
  const bool third = has(4), minor_third = has(3);
  if (!third && !minor_third) return has(5) || has(2) ? ChordQuality::kSus : ChordQuality::kMaj;
  if (third) {
    if (has(8) && !has(7)) return ChordQuality::kAug;
    if (has(11)) return ChordQuality::kMaj7;
    return has(10) ? ChordQuality::k7 : ChordQuality::kMaj;
  }
  if (has(6) && !has(7)) return ChordQuality::kDim;
  return has(10) ? ChordQuality::kMin7 : ChordQuality::kMin;
}

}  // namespace

int chord_class(const Chord& chord) {
  if (chord.none) return 0;
  ensure(chord.root >= 0 && chord.root < 12, "a chord's root must be a pitch class 0..11");
  return 1 + 12 * static_cast<int>(chord.quality) + chord.root;
}

Chord chord_of_class(int index) {
  ensure(index >= 0 && index < kChordClasses, format("chord class %d is not in 0..%d", index, kChordClasses - 1));
  if (index == 0) return Chord::no_chord();
  return Chord::of((index - 1) % 12, static_cast<ChordQuality>((index - 1) / 12));
}

std::vector<int> chord_pitch_classes(const Chord& c) {
  if (c.none) return {};
  std::vector<int> tones = quality_intervals(c.quality);
  for (int& tone : tones) tone = (tone + c.root) % 12;
  return tones;
}

std::string chord_label(const Chord& chord) {
  if (chord.none) return "N";
  ensure(chord.root >= 0 && chord.root < 12, "a chord's root must be a pitch class 0..11");
  return std::string(kRootNames[static_cast<size_t>(chord.root)]) + ":" +
         kQualityNames[static_cast<size_t>(chord.quality)];
}

Chord parse_chord_label(const std::string& label) {
  if (label == "N" || label == "X") return Chord::no_chord();
  if (label.empty()) bad_label(label, "it is empty");
  constexpr std::array<int, 7> kLetters = {9, 11, 0, 2, 4, 5, 7};  // A..G
  if (label[0] < 'A' || label[0] > 'G') bad_label(label, "it does not start with a note A..G");
  int root = kLetters[static_cast<size_t>(label[0] - 'A')];
  size_t at = 1;
  for (; at < label.size() && (label[at] == '#' || label[at] == 'b'); ++at) root += label[at] == '#' ? 1 : 11;
  root %= 12;

  std::string rest = label.substr(at);
  if (const size_t slash = rest.find('/'); slash != std::string::npos) {
    if (!parse_degree(rest.substr(slash + 1))) bad_label(label, "the bass after '/' is not a degree");
    rest.resize(slash);
  }
  if (rest.empty()) return Chord::of(root, ChordQuality::kMaj);
  if (rest[0] != ':') bad_label(label, "a ':' must follow the root");
  rest.erase(0, 1);

  std::vector<int> added, removed;
  bool listed = false;
  if (const size_t open = rest.find('('); open != std::string::npos) {
    if (rest.back() != ')') bad_label(label, "a '(' is not closed");
    for (std::string item : split(rest.substr(open + 1, rest.size() - open - 2), ',')) {
      item = trim(item);
      const bool minus = !item.empty() && item[0] == '*';
      const auto degree = parse_degree(minus ? item.substr(1) : item);
      if (!degree) bad_label(label, "'" + item + "' is not a degree");
      (minus ? removed : added).push_back(degree->second);
    }
    rest.resize(open);
    listed = true;
  }
  if (rest.empty()) {
    if (!listed) bad_label(label, "nothing follows the ':'");
    return Chord::of(root, quality_of_intervals(added));
  }
  auto quality = quality_of_shorthand(rest);
  if (!quality) bad_label(label, "'" + rest + "' is not a known quality");
  // An added seventh changes the class; everything else is colour.
  const auto has = [&](int i) { return std::find(added.begin(), added.end(), i) != added.end(); };
  if (rest == "maj" && has(10)) quality = ChordQuality::k7;
  if (rest == "maj" && has(11)) quality = ChordQuality::kMaj7;
  if (rest == "min" && has(10)) quality = ChordQuality::kMin7;
  return Chord::of(root, *quality);
}

std::vector<int> scale_pitch_classes(const Key& key) {
  std::array<int, 7> steps{};
  switch (key.mode) {
    case Mode::kMajor: steps = {0, 2, 4, 5, 7, 9, 11}; break;
    case Mode::kMinor: steps = {0, 2, 3, 5, 7, 8, 10}; break;
    case Mode::kDorian: steps = {0, 2, 3, 5, 7, 9, 10}; break;
    case Mode::kPhrygian: steps = {0, 1, 3, 5, 7, 8, 10}; break;
    case Mode::kLydian: steps = {0, 2, 4, 6, 7, 9, 11}; break;
    case Mode::kMixolydian: steps = {0, 2, 4, 5, 7, 9, 10}; break;
  }
  std::vector<int> scale;
  for (const int step : steps) scale.push_back((key.tonic + step) % 12);
  return scale;
}

std::string key_label(const Key& key) {
  constexpr std::array<const char*, 6> kModes = {"major", "minor", "dorian", "phrygian", "lydian", "mixolydian"};
  ensure(key.tonic >= 0 && key.tonic < 12, "a key's tonic must be a pitch class 0..11");
  return std::string(kRootNames[static_cast<size_t>(key.tonic)]) + ":" + kModes[static_cast<size_t>(key.mode)];
}

}  // namespace instructme
