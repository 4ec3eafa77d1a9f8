#include "harmony.h"

#include <algorithm>
#include <array>

namespace instructme {
namespace {

enum class Function { kTonic, kSubdominant, kDominant };

struct Slot {
  int beats = 4;
  Function function = Function::kTonic;
  ChartChord chord;
};

int scale_tone(const Key& key, int degree) { return scale_pitch_classes(key)[static_cast<size_t>(degree % 7)]; }

std::string pick_suffix(Rng& rng, const std::vector<std::pair<const char*, double>>& choices) {
  std::vector<double> weights;
  for (const auto& choice : choices) weights.push_back(choice.second);
  return choices[rng.weighted(weights)].first;
}

std::string major_suffix(Rng& rng, int richness, bool lydian) {
  if (richness == 0) return pick_suffix(rng, {{"", 86}, {"add9", 6}, {"sus2", 2}, {"6", 2}, {"sus4", 2}, {"M7", 2}});
  if (richness == 1) return pick_suffix(rng, {{"", 30}, {"M7", 40}, {"6", 10}, {"add9", 10}, {"M9", 10}});
  if (lydian) return pick_suffix(rng, {{"M7", 35}, {"M9", 25}, {"M7#11", 30}, {"6(add9)", 10}});
  return pick_suffix(rng, {{"M7", 40}, {"M9", 20}, {"6", 18}, {"6(add9)", 14}, {"M13", 8}});
}

std::string minor_suffix(Rng& rng, int richness, bool tonic) {
  if (richness == 0) return pick_suffix(rng, {{"m", 85}, {"m7", 15}});
  if (tonic) {
    if (richness == 1) return pick_suffix(rng, {{"m", 35}, {"m7", 40}, {"m9", 12}, {"m6", 13}});
    return pick_suffix(rng, {{"m7", 35}, {"m9", 25}, {"m6", 15}, {"m6(add9)", 12}, {"mM7", 5}, {"m11", 8}});
  }
  if (richness == 1) return pick_suffix(rng, {{"m", 25}, {"m7", 60}, {"m9", 15}});
  return pick_suffix(rng, {{"m7", 60}, {"m9", 27}, {"m11", 13}});
}

// `to_minor`: the altered colours lead more naturally to a minor chord.
std::string dominant_suffix(Rng& rng, int richness, bool to_minor) {
  if (richness == 0) return pick_suffix(rng, {{"", 50}, {"7", 42}, {"7sus", 4}, {"sus4", 4}});
  if (to_minor) return pick_suffix(rng, {{"7", 40}, {"7b9", 30}, {"7b13", 12}, {"7#9", 12}, {"aug7", 6}});
  if (richness == 1) return pick_suffix(rng, {{"7", 60}, {"9", 18}, {"13", 8}, {"7sus", 10}, {"sus9", 4}});
  return pick_suffix(rng,
                     {{"7", 36}, {"9", 18}, {"13", 16}, {"7b9", 8}, {"7#11", 5}, {"sus9", 8}, {"13b9", 5}, {"7#9", 4}});
}

// The chord on a degree of the scale, with colour. Inversions now and then.
ChartChord diatonic(Rng& rng, const HarmonyStyle& style, int degree, bool dominant) {
  const Key& key = style.key;
  const int root = scale_tone(key, degree);
  const auto above = [&](int steps) { return (scale_tone(key, degree + steps) - root + 12) % 12; };
  const int third = above(2), fifth = above(4), seventh = above(6);
  std::string suffix;
  if (fifth == 6)
    suffix = style.richness == 0 ? "mb5" : "m7b5";
  else if (third == 3)
    suffix = minor_suffix(rng, style.richness, degree == 0);
  else if (dominant && seventh == 10)
    suffix = dominant_suffix(rng, style.richness, false);
  else if (seventh == 10)
    suffix = style.richness == 0 ? "" : pick_suffix(rng, {{"7", 55}, {"9", 20}, {"13", 12}, {"", 13}});
  else
    suffix = major_suffix(rng, style.richness, key.mode == Mode::kLydian && degree == 0);
  int bass = -1;
  if (fifth == 7 && rng.chance(style.richness == 0 ? 0.09 : 0.04)) bass = (root + (rng.chance(0.75) ? third : 7)) % 12;
  return spell_chord(root, suffix, key, bass);
}

ChartChord dominant_of(Rng& rng, const HarmonyStyle& style, const ChartChord& target) {
  const bool to_minor = target.chord.quality == ChordQuality::kMin || target.chord.quality == ChordQuality::kMin7;
  const int richness = style.richness;
  // A tritone substitute resolves down a semitone.
  if (richness == 2 && rng.chance(0.2))
    return spell_chord(target.chord.root + 1, rng.chance(0.5) ? "7" : "7#11", style.key);
  std::string suffix = dominant_suffix(rng, richness, to_minor && richness > 0);
  if (suffix.empty() || suffix == "sus4") suffix = "7";
  return spell_chord(target.chord.root + 7, suffix, style.key);
}

ChartChord chord_of_function(Rng& rng, const HarmonyStyle& style, Function function, bool cadential) {
  const Mode mode = style.key.mode;
  const auto degree = [&](std::initializer_list<double> weights) {
    return static_cast<int>(rng.weighted(std::vector<double>(weights)));
  };
  switch (function) {
    case Function::kTonic:
      if (cadential) return diatonic(rng, style, 0, false);
      if (mode == Mode::kMajor) return diatonic(rng, style, degree({58, 0, 15, 0, 0, 27, 0}), false);
      if (mode == Mode::kMinor) return diatonic(rng, style, degree({60, 0, 20, 0, 0, 20, 0}), false);
      return diatonic(rng, style, degree({75, 0, 12, 0, 0, 6, 7}), false);
    case Function::kSubdominant:
      switch (mode) {
        case Mode::kMajor: {
          if (rng.chance(0.07))
            return spell_chord(style.key.tonic + 5, minor_suffix(rng, style.richness, false), style.key);
          return diatonic(rng, style, degree({0, 45, 0, 43, 0, 12, 0}), false);
        }
        case Mode::kMinor: return diatonic(rng, style, degree({0, 22, 0, 45, 0, 25, 8}), false);
        case Mode::kDorian: return diatonic(rng, style, degree({0, 35, 0, 65, 0, 0, 0}), true);
        case Mode::kPhrygian: return diatonic(rng, style, degree({0, 60, 10, 20, 0, 10, 0}), false);
        case Mode::kLydian: return diatonic(rng, style, degree({0, 75, 0, 0, 0, 25, 0}), true);
        case Mode::kMixolydian: return diatonic(rng, style, degree({0, 15, 0, 70, 0, 15, 0}), false);
      }
      break;
    case Function::kDominant:
      switch (mode) {
        case Mode::kMajor: {
          if (rng.chance(0.07)) return spell_chord(style.key.tonic + 10, style.richness ? "9" : "", style.key);
          return diatonic(rng, style, degree({0, 0, 5, 0, 85, 0, 10}), true);
        }
        case Mode::kMinor: {
          // The dominant of the harmonic minor scale, the natural VII now and then.
          if (!cadential && rng.chance(0.4)) return diatonic(rng, style, rng.chance(0.7) ? 6 : 4, false);
          std::string suffix = dominant_suffix(rng, style.richness, style.richness > 0);
          return spell_chord(style.key.tonic + 7, suffix, style.key);
        }
        case Mode::kDorian: return diatonic(rng, style, degree({0, 0, 0, 0, 45, 0, 55}), false);
        case Mode::kPhrygian: return diatonic(rng, style, degree({0, 55, 0, 0, 0, 0, 45}), false);
        case Mode::kLydian: return diatonic(rng, style, degree({0, 45, 0, 0, 45, 0, 10}), false);
        case Mode::kMixolydian: return diatonic(rng, style, degree({0, 0, 0, 0, 30, 0, 70}), false);
      }
      break;
  }
  return diatonic(rng, style, 0, false);
}

// What usually comes before each function, so that a phrase can be written back from its cadence.
Function before(Rng& rng, Function function) {
  constexpr std::array<std::array<double, 3>, 3> kBefore = {{
      {25, 30, 45},  // before a tonic: T, S, D
      {65, 25, 10},  // before a subdominant
      {25, 62, 13},  // before a dominant
  }};
  return static_cast<Function>(rng.weighted(kBefore[static_cast<size_t>(function)]));
}

std::vector<Slot> harmonic_rhythm(Rng& rng, const HarmonyStyle& style, int bars) {
  std::vector<Slot> slots;
  const int beats = style.beats_per_bar;
  const int half = beats == 6 ? 3 : beats / 2;
  // Two chords share a bar of four as 2 + 2, of three as 2 + 1, of five as 3 + 2, of six as 3 + 3.
  const int first = beats % 2 == 0 ? half : beats - half;
  for (int bar = 0; bar < bars; ++bar) {
    const double density = style.chords_per_bar * (bar == bars - 1 ? 0.6 : 1.0);
    if (density < 1 && bar + 1 < bars && bar % 2 == 0 && rng.chance(1 - density)) {
      slots.push_back({2 * beats, {}, {}});
      ++bar;
    } else if (beats == 4 && density > 1.4 && rng.chance(0.08)) {
      for (int i = 0; i < 4; ++i) slots.push_back({1, {}, {}});
    } else if (beats == 4 && density > 1 && rng.chance(0.06)) {
      slots.push_back({2, {}, {}});
      slots.push_back({1, {}, {}});
      slots.push_back({1, {}, {}});
    } else if (first < beats && rng.chance(std::clamp(density - 0.75, 0.04, 0.85))) {
      slots.push_back({first, {}, {}});
      slots.push_back({beats - first, {}, {}});
    } else {
      slots.push_back({beats, {}, {}});
    }
  }
  return slots;
}

bool same(const ChartChord& a, const ChartChord& b) { return a.chord == b.chord && a.bass == b.bass; }

// Replaces or splits chords: secondary dominants, ii-V pairs, passing diminished, mediants, sus-to-major.
std::vector<Slot> elaborate(Rng& rng, const HarmonyStyle& style, std::vector<Slot> slots) {
  std::vector<Slot> out;
  for (size_t i = 0; i < slots.size(); ++i) {
    Slot slot = slots[i];
    const int length = slot.beats;
    const bool last = i + 1 == slots.size();
    const int tail = length >= 2 * style.beats_per_bar ? style.beats_per_bar : length / 2;
    if (last || length < 2 || !rng.chance(style.chromatic)) {
      out.push_back(slot);
      continue;
    }
    const ChartChord& next = slots[i + 1].chord;
    const auto split_off = [&](ChartChord chord) {
      slot.beats = length - tail;
      out.push_back(slot);
      out.push_back({tail, Function::kDominant, std::move(chord)});
    };
    const bool next_stable = next.chord.quality != ChordQuality::kDim && next.chord.quality != ChordQuality::kSus;
    const std::array<double, 5> weights = {next_stable ? 40.0 : 0.0, style.richness > 0 && next_stable ? 30.0 : 4.0,
                                           style.richness > 0 ? 12.0 : 3.0, 3.0,
                                           slot.function == Function::kDominant ? 20.0 : 4.0};
    switch (rng.weighted(weights)) {
      case 0: split_off(dominant_of(rng, style, next)); break;
      case 1: {
        if (tail < 2) {
          split_off(dominant_of(rng, style, next));
          break;
        }
        const bool minor = next.chord.quality == ChordQuality::kMin || next.chord.quality == ChordQuality::kMin7;
        const ChartChord two =
            spell_chord(next.chord.root + 2, minor ? "m7b5" : minor_suffix(rng, style.richness, false), style.key);
        slot.beats = length - tail;
        out.push_back(slot);
        out.push_back({tail - tail / 2, Function::kSubdominant, two});
        out.push_back({tail / 2, Function::kDominant, dominant_of(rng, style, next)});
        break;
      }
      case 2: split_off(spell_chord(next.chord.root + 11, "dim7", style.key)); break;
      case 3: {  // chromatic mediant of the tonic: bVI or bIII in major, III or VI in minor
        const bool minor =
            style.key.mode != Mode::kMajor && style.key.mode != Mode::kLydian && style.key.mode != Mode::kMixolydian;
        const int shift = minor ? (rng.chance(0.5) ? 4 : 9) : (rng.chance(0.6) ? 8 : 3);
        split_off(spell_chord(style.key.tonic + shift, style.richness ? "M7" : "", style.key));
        break;
      }
      default: {  // suspension that resolves
        const ChordQuality q = slot.chord.chord.quality;
        if (q != ChordQuality::kMaj && q != ChordQuality::k7) {
          out.push_back(slot);
          break;
        }
        Slot sus{length - length / 2, slot.function,
                 spell_chord(slot.chord.chord.root, q == ChordQuality::k7 ? "7sus" : "sus4", style.key)};
        slot.beats = length / 2;
        out.push_back(sus);
        out.push_back(slot);
      }
    }
  }
  return out;
}

// A bass note held under the whole phrase (tonic or dominant pedal).
void add_pedal(std::vector<Slot>& slots, const Key& key, int pedal) {
  for (Slot& slot : slots) {
    const size_t slash = slot.chord.spelling.find('/');
    const std::string name = slash == std::string::npos ? slot.chord.spelling : slot.chord.spelling.substr(0, slash);
    const std::string pedal_name = spell_chord(pedal, "", key).spelling;
    slot.chord.bass = pedal % 12;
    slot.chord.spelling = slot.chord.chord.root == pedal % 12 ? name : name + "/" + pedal_name;
  }
}

std::vector<std::vector<ChartChord>> to_bars(const std::vector<Slot>& slots, int beats_per_bar, int bars) {
  std::vector<std::vector<ChartChord>> out(static_cast<size_t>(bars));
  int at = 0;
  for (const Slot& slot : slots) {
    for (int beat = at; beat < at + slot.beats; ++beat) {
      const int bar = beat / beats_per_bar;
      // A chord that is held over a bar line is written again.
      if (bar >= bars || (beat != at && beat % beats_per_bar != 0)) continue;
      auto& here = out[static_cast<size_t>(bar)];
      if (!here.empty() && here.back().spelling == slot.chord.spelling) continue;
      here.push_back(slot.chord);
      here.back().beat = beat % beats_per_bar;
    }
    at += slot.beats;
  }
  // Four chords fill a bar; the first of a crowd lasts longer and the approach to the next bar stays.
  for (auto& bar : out)
    while (bar.size() > 4) bar.erase(bar.begin() + 1);
  return out;
}

}  // namespace

std::vector<std::vector<ChartChord>> make_phrase(Rng& rng, const HarmonyStyle& style, int bars, Cadence cadence) {
  std::vector<Slot> slots = harmonic_rhythm(rng, style, bars);
  const size_t n = slots.size();
  Function last = Function::kTonic;
  if (cadence == Cadence::kHalf) last = Function::kDominant;
  if (cadence == Cadence::kOpen && rng.chance(0.5)) last = Function::kSubdominant;
  slots[n - 1].function = last;
  for (size_t i = n - 1; i-- > 0;) {
    slots[i].function = before(rng, slots[i + 1].function);
    if (i == n - 2 && cadence == Cadence::kAuthentic) slots[i].function = Function::kDominant;
    if (i == n - 2 && cadence == Cadence::kPlagal) slots[i].function = Function::kSubdominant;
    if (i == n - 2 && cadence == Cadence::kDeceptive) slots[i].function = Function::kDominant;
    if (i == 0 && rng.chance(0.75)) slots[i].function = Function::kTonic;
  }
  for (size_t i = 0; i < n; ++i) {
    const bool end = i + 2 >= n && (cadence == Cadence::kAuthentic || cadence == Cadence::kHalf);
    const bool first_tonic = i == 0 && rng.chance(0.7);
    for (int attempt = 0; attempt < 3; ++attempt) {
      slots[i].chord = chord_of_function(rng, style, slots[i].function, end || first_tonic);
      if (i == 0 || !same(slots[i].chord, slots[i - 1].chord)) break;
    }
    if (i + 1 == n && cadence == Cadence::kDeceptive) slots[i].chord = diatonic(rng, style, 5, false);
  }
  slots = elaborate(rng, style, std::move(slots));
  if (rng.chance(0.05)) add_pedal(slots, style.key, style.key.tonic + (rng.chance(0.75) ? 0 : 7));
  return to_bars(slots, style.beats_per_bar, bars);
}

std::vector<std::vector<ChartChord>> make_loop(Rng& rng, const HarmonyStyle& style, int bars) {
  const std::array<double, 3> lengths = {style.key.mode == Mode::kMajor ? 3.0 : 12.0, 25.0, 70.0};
  const int loop_bars = std::min(bars, 1 << rng.weighted(lengths));
  HarmonyStyle inner = style;
  inner.chromatic *= 0.5;
  std::vector<std::vector<ChartChord>> loop;
  if (loop_bars == 1) {
    loop = {{chord_of_function(rng, inner, Function::kTonic, true)}};
  } else {
    const Cadence cadence = rng.chance(0.55) ? Cadence::kHalf : Cadence::kOpen;
    loop = make_phrase(rng, inner, loop_bars, cadence);
  }
  std::vector<std::vector<ChartChord>> out;
  for (int bar = 0; bar < bars; ++bar) out.push_back(loop[static_cast<size_t>(bar % loop_bars)]);
  return out;
}

std::vector<std::vector<ChartChord>> make_blues(Rng& rng, const HarmonyStyle& style, int bars) {
  const bool minor = style.key.mode == Mode::kMinor || style.key.mode == Mode::kDorian;
  const int tonic = style.key.tonic;
  const auto seventh = [&](int shift) {
    if (minor && shift != 7) return spell_chord(tonic + shift, rng.chance(0.7) ? "m7" : "m6", style.key);
    const double rich = style.richness == 2 ? 0.5 : 0.2;
    return spell_chord(tonic + shift, rng.chance(rich) ? (rng.chance(0.5) ? "9" : "13") : "7", style.key);
  };
  const bool jazz = style.richness == 2 && rng.chance(0.75);
  const int beats = style.beats_per_bar;
  const int half = (beats + 1) / 2;
  const auto pair = [&](ChartChord a, ChartChord b) {
    b.beat = half;
    return beats >= 2 ? std::vector<ChartChord>{std::move(a), std::move(b)} : std::vector<ChartChord>{std::move(a)};
  };
  std::vector<std::vector<ChartChord>> twelve;
  const bool quick = rng.chance(0.5);
  for (int bar = 0; bar < 12; ++bar) {
    const bool four = bar == 4 || bar == 5 || (bar == 1 && quick);
    twelve.push_back({seventh(four ? 5 : 0)});
  }
  if (jazz) {
    if (rng.chance(0.6)) twelve[3] = pair(spell_chord(tonic + 7, "m7", style.key), spell_chord(tonic, "9", style.key));
    if (rng.chance(0.5)) twelve[5] = {spell_chord(tonic + 6, "dim7", style.key)};
    twelve[7] = {spell_chord(tonic + 9, rng.chance(0.5) ? "7b9" : "7", style.key)};
    twelve[8] = {spell_chord(tonic + 2, minor ? "m7b5" : "m7", style.key)};
    twelve[9] = {seventh(7)};
    twelve[10] = pair(seventh(0), spell_chord(tonic + 9, "7b9", style.key));
    twelve[11] = pair(spell_chord(tonic + 2, minor ? "m7b5" : "m9", style.key), seventh(7));
  } else {
    if (minor && rng.chance(0.6))
      twelve[8] = {spell_chord(tonic + 8, "7", style.key)};
    else
      twelve[8] = {seventh(7)};
    twelve[9] = {rng.chance(0.7) && !minor ? seventh(5) : seventh(7)};
    twelve[11] = rng.chance(0.6) ? pair(seventh(0), seventh(7)) : std::vector<ChartChord>{seventh(7)};
  }
  std::vector<std::vector<ChartChord>> out;
  for (int bar = 0; bar < bars; ++bar) out.push_back(twelve[static_cast<size_t>(bar % 12)]);
  return out;
}

}  // namespace instructme
