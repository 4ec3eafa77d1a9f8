#include "instruments.h"

#include <array>
#include <map>
#include <vector>

#include "instructme/base/error.h"

namespace instructme {
namespace {

using Programs = std::vector<int>;

const Programs& preferred(const std::map<std::string, Programs>& table, const std::string& genre,
                          const Programs& other) {
  const auto found = table.find(genre);
  return found == table.end() ? other : found->second;
}

const std::map<std::string, Programs>& leads() {
  static const std::map<std::string, Programs> kTable = {{"jazz", {65, 66, 56, 59, 71, 26, 11, 57, 64, 73}},
                                                         {"latin", {73, 56, 65, 24, 75, 11, 21}},
                                                         {"rock", {29, 30, 27, 18, 80, 65}},
                                                         {"country", {110, 25, 22, 105, 40}},
                                                         {"folk", {110, 73, 21, 22, 78, 74, 40, 25}},
                                                         {"ballad", {73, 65, 0, 40, 68, 11, 53, 60}},
                                                         {"blues", {27, 22, 29, 66, 17}},
                                                         {"funk", {65, 56, 28, 81, 4, 66}},
                                                         {"soul", {65, 56, 17, 66, 53}},
                                                         {"r&b", {4, 65, 53, 80, 11}},
                                                         {"disco", {48, 56, 81, 62, 73}},
                                                         {"electronic", {80, 81, 87, 84, 62, 98, 90}},
                                                         {"waltz", {40, 71, 21, 73, 22}},
                                                         {"march", {56, 72, 58, 60, 71, 73}},
                                                         {"fusion", {65, 81, 29, 4, 87, 11}},
                                                         {"hip-hop", {80, 4, 53, 75, 11, 81}},
                                                         {"metal", {30, 29, 81}},
                                                         {"pop", {0, 73, 80, 27, 11, 53, 40, 65}},
                                                         {"reggae", {57, 16, 22, 65, 56}},
                                                         {"broadway", {71, 56, 40, 73, 65}},
                                                         {"classical", {40, 73, 68, 71, 42, 60}},
                                                         {"gospel", {16, 53, 0, 65}},
                                                         {"world", {75, 104, 77, 72, 107, 110, 111}}};
  return kTable;
}

}  // namespace

PitchRange instrument_range(int program) {
  static const std::map<int, PitchRange> kRanges = {
      {13, {65, 96}},  {9, {72, 98}},   {10, {65, 96}},  {11, {53, 84}},  {12, {48, 84}},  {22, {60, 88}},
      {21, {53, 86}},  {40, {55, 93}},  {41, {48, 81}},  {42, {38, 69}},  {43, {28, 55}},  {56, {55, 82}},
      {57, {41, 70}},  {58, {30, 55}},  {59, {55, 80}},  {60, {43, 74}},  {64, {56, 86}},  {65, {50, 80}},
      {66, {45, 75}},  {67, {38, 68}},  {68, {59, 88}},  {69, {53, 79}},  {70, {36, 67}},  {71, {52, 86}},
      {72, {74, 98}},  {73, {60, 92}},  {74, {65, 92}},  {75, {60, 88}},  {77, {58, 86}},  {78, {65, 92}},
      {110, {55, 90}}, {105, {50, 82}}, {104, {50, 80}}, {107, {48, 84}}, {111, {58, 84}}, {15, {55, 86}},
      {46, {40, 90}}};
  const auto found = kRanges.find(program);
  if (found != kRanges.end()) return found->second;
  if (program >= 24 && program < 32) return {45, 81};
  if (program >= 32 && program < 40) return {28, 52};
  if (program >= 52 && program < 55) return {50, 79};
  return {48, 86};
}

PitchRange playable_range(int program) {
  struct Programs {
    int first, last;
    PitchRange range;
  };
  // Pianos, celesta, organs, accordion, guitars, basses; harp, ensembles, choirs, brass sections; synthesizers.
  static constexpr Programs kWide[] = {{0, 7, {21, 108}},  {8, 8, {60, 108}},  {16, 20, {36, 96}}, {21, 21, {41, 93}},
                                       {23, 23, {41, 93}}, {24, 31, {40, 88}}, {32, 39, {28, 60}}, {46, 46, {24, 103}},
                                       {44, 45, {28, 96}}, {48, 51, {28, 96}}, {52, 54, {40, 81}}, {61, 63, {34, 82}},
                                       {80, 86, {36, 96}}, {88, 103, {24, 96}}};
  for (const Programs& programs : kWide)
    if (program >= programs.first && program <= programs.last) return programs.range;
  return instrument_range(program);
}

int pick_program(Rng& rng, Role role, const std::string& genre) {
  static const Programs kAllLeads = {0,  4,  11, 12, 13, 16, 18, 21, 22, 24, 25, 26, 27, 29, 40, 41, 42,  53,  56, 57,
                                     59, 60, 64, 65, 66, 68, 69, 70, 71, 72, 73, 74, 75, 78, 80, 81, 104, 105, 110};
  static const Programs kChords = {0,  1,  2,  3,  4,  5,  6,  7,  11, 12, 16, 17, 18, 19, 21, 24,
                                   25, 26, 27, 28, 46, 48, 49, 50, 52, 61, 62, 88, 89, 90, 105};
  static const Programs kArpeggios = {0, 4, 5, 6, 8, 9, 10, 11, 12, 13, 24, 25, 26, 27, 45, 46, 80, 98, 105, 107, 15};
  static const Programs kBasses = {32, 32, 33, 33, 33, 34, 35, 35, 36, 37, 38, 39};
  static const std::map<std::string, Programs> kGenreBasses = {{"jazz", {32, 32, 32, 35, 33}},
                                                               {"electronic", {38, 39, 38, 39, 87}},
                                                               {"hip-hop", {38, 39, 33, 32}},
                                                               {"funk", {36, 37, 33, 34}},
                                                               {"rock", {33, 34, 33}},
                                                               {"metal", {34, 33}},
                                                               {"classical", {43, 42, 32}},
                                                               {"country", {32, 33}},
                                                               {"folk", {32, 33}},
                                                               {"march", {58, 32, 43}},
                                                               {"disco", {38, 36, 33, 34}}};
  switch (role) {
    case Role::kBass: return rng.pick(preferred(kGenreBasses, genre, kBasses));
    case Role::kChords: return rng.pick(kChords);
    case Role::kArpeggio: return rng.pick(kArpeggios);
    case Role::kMelody:
    case Role::kCounterMelody: return rng.pick(rng.chance(0.6) ? preferred(leads(), genre, kAllLeads) : kAllLeads);
    case Role::kDrums: break;
  }
  throw Error(ErrorKind::kInternal, "A drum kit was asked for as a melodic instrument; use pick_kit.");
}

int pick_pad_program(Rng& rng, const std::string& genre) {
  static const Programs kPads = {48, 49, 50, 51, 52, 53, 88, 89, 90, 91, 92, 94, 95, 16, 19, 61, 48, 89};
  static const std::map<std::string, Programs> kGenre = {{"jazz", {48, 49, 61, 17, 52}},
                                                         {"classical", {48, 49, 44, 52, 19}},
                                                         {"electronic", {50, 51, 88, 89, 90, 94, 95}},
                                                         {"gospel", {16, 18, 19, 52, 53}},
                                                         {"rock", {18, 16, 48, 50, 89}},
                                                         {"soul", {16, 48, 61, 52}}};
  return rng.pick(preferred(kGenre, genre, kPads));
}

int pick_kit(Rng& rng, const std::string& genre) {
  static const std::map<std::string, Programs> kKits = {
      {"jazz", {0, 32, 32, 40}},       {"ballad", {0, 8, 40}},      {"rock", {0, 8, 16, 16}}, {"metal", {16, 16, 8}},
      {"electronic", {24, 25, 25, 0}}, {"hip-hop", {25, 24, 0, 8}}, {"blues", {0, 8, 32}},    {"funk", {0, 8, 16}},
      {"disco", {0, 24, 8}},           {"classical", {48, 0}},      {"march", {0, 48}},       {"fusion", {0, 8, 16}},
      {"broadway", {0, 32, 40}},       {"waltz", {0, 40, 32}}};
  static const Programs kUsual = {0, 0, 0, 8, 16};
  return rng.pick(preferred(kKits, genre, kUsual));
}

std::string program_name(int program) {
  static const std::array<const char*, 16> kFamilies = {
      "Piano", "Mallets", "Organ", "Guitar", "Bass",         "Strings", "Ensemble",   "Brass",
      "Reed",  "Pipe",    "Lead",  "Pad",    "Synth effect", "World",   "Percussion", "Effect"};
  ensure(program >= 0 && program < 128, "a General MIDI program must be in 0..127");
  return kFamilies[static_cast<size_t>(program / 8)];
}

}  // namespace instructme
