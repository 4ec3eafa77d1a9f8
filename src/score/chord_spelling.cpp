#include <algorithm>
#include <array>
#include <map>

#include "instructme/base/error.h"
#include "instructme/score/chart.h"

namespace instructme {
namespace {

struct Spelling {
  ChordQuality quality;
  std::vector<int> intervals;
};

const std::map<std::string, Spelling>& spellings() {
  using Q = ChordQuality;
  static const std::map<std::string, Spelling> kTable = {
      {"", {Q::kMaj, {0, 4, 7}}},
      {"5", {Q::kMaj, {0, 7}}},
      {"6", {Q::kMaj, {0, 4, 7, 9}}},
      {"6(add9)", {Q::kMaj, {0, 4, 7, 9, 2}}},
      {"add9", {Q::kMaj, {0, 4, 7, 2}}},
      {"M7", {Q::kMaj7, {0, 4, 7, 11}}},
      {"M9", {Q::kMaj7, {0, 4, 7, 11, 2}}},
      {"M13", {Q::kMaj7, {0, 4, 7, 11, 2, 9}}},
      {"M7#11", {Q::kMaj7, {0, 4, 7, 11, 6}}},
      {"m", {Q::kMin, {0, 3, 7}}},
      {"m6", {Q::kMin, {0, 3, 7, 9}}},
      {"m6(add9)", {Q::kMin, {0, 3, 7, 9, 2}}},
      {"mM7", {Q::kMin, {0, 3, 7, 11}}},
      {"m7", {Q::kMin7, {0, 3, 7, 10}}},
      {"m9", {Q::kMin7, {0, 3, 7, 10, 2}}},
      {"m11", {Q::kMin7, {0, 3, 7, 10, 2, 5}}},
      {"m7b5", {Q::kDim, {0, 3, 6, 10}}},
      {"mb5", {Q::kDim, {0, 3, 6}}},
      {"dim7", {Q::kDim, {0, 3, 6, 9}}},
      {"7", {Q::k7, {0, 4, 7, 10}}},
      {"9", {Q::k7, {0, 4, 7, 10, 2}}},
      {"13", {Q::k7, {0, 4, 7, 10, 2, 9}}},
      {"7b9", {Q::k7, {0, 4, 7, 10, 1}}},
      {"7#9", {Q::k7, {0, 4, 7, 10, 3}}},
      {"7#11", {Q::k7, {0, 4, 7, 10, 6}}},
      {"13b9", {Q::k7, {0, 4, 7, 10, 1, 9}}},
      {"7b13", {Q::k7, {0, 4, 7, 10, 8}}},
      {"aug", {Q::kAug, {0, 4, 8}}},
      {"aug7", {Q::kAug, {0, 4, 8, 10}}},
      {"sus4", {Q::kSus, {0, 5, 7}}},
      {"sus2", {Q::kSus, {0, 2, 7}}},
      {"7sus", {Q::kSus, {0, 5, 7, 10}}},
      {"sus9", {Q::kSus, {0, 5, 7, 10, 2}}},
  };
  return kTable;
}

bool prefers_flats(const Key& key) {
  // Major tonics F Bb Eb Ab Db (and their relatives in the other modes) are written with flats.
  constexpr std::array<int, 6> kShift = {0, 3, 10, 8, 7, 5};
  const int relative_major = (key.tonic + kShift[static_cast<size_t>(key.mode)]) % 12;
  return relative_major == 5 || relative_major == 10 || relative_major == 3 || relative_major == 8 ||
         relative_major == 1;
}

std::string note_name(int pitch_class, const Key& key) {
  constexpr std::array<const char*, 12> kSharp = {"C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"};
  constexpr std::array<const char*, 12> kFlat = {"C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"};
  return (prefers_flats(key) ? kFlat : kSharp)[static_cast<size_t>(pitch_class)];
}

}  // namespace

ChartChord spell_chord(int root, const std::string& suffix, const Key& key, int bass) {
  const auto found = spellings().find(suffix);
  ensure(found != spellings().end(), "the chord suffix '" + suffix + "' is not in the table");
  root = (root % 12 + 12) % 12;
  ChartChord chord;
  chord.chord = Chord::of(root, found->second.quality);
  for (const int interval : found->second.intervals) chord.tones.push_back((root + interval) % 12);
  chord.bass = bass < 0 ? root : bass % 12;
  chord.spelling = note_name(root, key) + suffix;
  if (chord.bass != root) chord.spelling += "/" + note_name(chord.bass, key);
  return chord;
}

std::vector<std::string> chord_suffixes() {
  std::vector<std::string> names;
  for (const auto& [name, spelling] : spellings()) names.push_back(name);
  return names;
}

}  // namespace instructme
