#include "instructme/score/single_part.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "instructme/score/accompaniment.h"
#include "instructme/score/guitar.h"
#include "instructme/score/melody.h"
#include "instructme/score/pattern_arranger.h"
#include "instruments.h"

namespace instructme {
namespace {

/// The part of an instrument's range within [low, high], or all of it where that is too narrow.
PitchRange narrowed(PitchRange range, int low, int high) {
  const PitchRange narrow{std::max(range.low, low), std::min(range.high, high)};
  return narrow.high - narrow.low >= 14 ? narrow : range;
}

std::string feel_for(Rng& rng, double tempo_bpm) {
  const std::string quiet = "ballad", usual = "rock", busy = "funk";
  if (tempo_bpm < 80) return rng.chance(0.7) ? quiet : usual;
  if (tempo_bpm > 150) return rng.chance(0.3) ? quiet : usual;
  return rng.chance(0.3) ? busy : usual;
}

bool is_one_of(int program, int first, int last) { return program >= first && program <= last; }

/// Instruments that hold their chords: organs, strings and choirs, brass, pads.
bool holds_chords(int program) {
  return is_one_of(program, 16, 20) || is_one_of(program, 40, 55) || is_one_of(program, 56, 79) ||
         is_one_of(program, 88, 103);
}

Part make_chords(Rng& rng, const Chart& chart, PartOptions options) {
  const int program = options.program;
  if (is_one_of(program, 29, 30)) return make_power_chords(rng, chart, options);
  if (is_one_of(program, 24, 28))
    return rng.chance(program == 24 ? 0.7 : 0.35) ? make_picking(rng, chart, options) : make_strum(rng, chart, options);
  const bool holds = holds_chords(program);
  const PitchRange range = narrowed({options.low, options.high}, holds ? 53 : 43, 79);
  options.low = range.low;
  options.high = range.high;
  return holds ? make_pad(rng, chart, options) : make_comping(rng, chart, options);
}

Part make_line(Rng& rng, const Chart& chart, PartOptions options) {
  const PitchRange range = narrowed({options.low, options.high}, 55, 84);
  options.low = range.low;
  options.high = range.high;
  options.density = rng.uniform(0.2, 0.5);
  return make_melody(rng, chart, options);
}

}  // namespace

Part make_single_part(Rng& rng, const Chart& chart, Role role, int program) {
  if (role == Role::kDrums) {
    Part part = make_drums(rng, chart, feel_for(rng, chart.tempo_bpm));
    part.program = program;
    return part;
  }
  const PitchRange all = instrument_range(program);
  PartOptions options;
  options.program = program;
  options.low = all.low;
  options.high = all.high;
  options.name = program_name(program);
  switch (role) {
    case Role::kBass: {
      constexpr std::array<BassStyle, 3> kStyles = {BassStyle::kEighths, BassStyle::kRootFifth, BassStyle::kRoots};
      const std::array<double, 3> weights = {chart.tempo_bpm < 90 ? 2.0 : 5.0, 4, chart.tempo_bpm > 130 ? 3.0 : 1.0};
      const PitchRange range = narrowed(all, 28, 48);
      options.low = range.low;
      options.high = range.high;
      return make_bass(rng, chart, kStyles[rng.weighted(weights)], options);
    }
    case Role::kArpeggio: {
      const PitchRange range = narrowed(all, 52, 84);
      options.low = range.low;
      options.high = range.high;
      return make_arpeggio(rng, chart, options);
    }
    case Role::kMelody:
    case Role::kCounterMelody: return make_line(rng, chart, options);
    default: return make_chords(rng, chart, options);
  }
}

Part make_hand_percussion(Rng& rng, const Chart& chart) {
  // Bass drum, side stick, snare and hats of a bossa nova: low and high congas, a tambourine, a cabasa.
  static const std::map<int, int> kKeys = {{36, 64}, {37, 62}, {38, 63}, {42, 69}, {46, 54}, {49, 54},
                                           {51, 69}, {45, 64}, {47, 63}, {50, 62}, {70, 70}};
  Part part = make_drums(rng, chart, "bossa");
  part.name = "Percussion";
  for (Note& note : part.notes)
    if (const auto key = kKeys.find(note.pitch); key != kKeys.end()) note.pitch = key->second;
  return part;
}

}  // namespace instructme
