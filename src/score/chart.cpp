#include "instructme/score/chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "harmony.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

struct GenreHarmony {
  TempoRange tempo;                // quarter notes a minute
  std::array<double, 3> richness;  // weights of 0, 1, 2
  std::array<double, 6> modes;     // weights in the order of Mode
  double chords_per_bar = 1.0;
  double chromatic = 0.15;
  double blues = 0;    // chance of a twelve-bar form
  double aaba = 0.2;   // chance of a 32-bar form
  double loops = 0.5;  // chance that a section is a loop
};

const GenreHarmony& genre_harmony(const std::string& genre) {
  static const std::map<std::string, GenreHarmony> kTable = {
      {"jazz", {{90, 220}, {0, 15, 85}, {62, 22, 10, 1, 1, 4}, 1.3, 0.38, 0.15, 0.65, 0.12}},
      {"latin", {{90, 200}, {20, 45, 35}, {50, 35, 8, 3, 1, 3}, 1.0, 0.25, 0.02, 0.4, 0.35}},
      {"rock", {{90, 165}, {85, 15, 0}, {50, 28, 6, 2, 1, 13}, 1.0, 0.08, 0.08, 0.12, 0.65}},
      {"country", {{85, 170}, {85, 15, 0}, {88, 5, 1, 0, 0, 6}, 0.95, 0.12, 0.06, 0.25, 0.35}},
      {"folk", {{75, 140}, {88, 12, 0}, {65, 15, 8, 1, 2, 9}, 0.95, 0.08, 0.02, 0.3, 0.4}},
      {"ballad", {{55, 90}, {35, 45, 20}, {70, 26, 2, 0, 1, 1}, 1.3, 0.22, 0.01, 0.35, 0.3}},
      {"blues", {{60, 150}, {5, 60, 35}, {75, 18, 4, 0, 0, 3}, 1.0, 0.12, 0.85, 0.1, 0.3}},
      {"funk", {{85, 125}, {10, 65, 25}, {18, 30, 32, 2, 1, 17}, 0.9, 0.12, 0.05, 0.08, 0.85}},
      {"soul", {{70, 125}, {20, 55, 25}, {60, 25, 7, 0, 1, 7}, 1.1, 0.2, 0.06, 0.2, 0.55}},
      {"r&b", {{65, 120}, {15, 50, 35}, {52, 36, 8, 0, 1, 3}, 1.1, 0.2, 0.05, 0.15, 0.65}},
      {"disco", {{108, 132}, {40, 50, 10}, {45, 45, 6, 0, 0, 4}, 1.0, 0.12, 0.0, 0.1, 0.75}},
      {"electronic", {{105, 165}, {65, 30, 5}, {35, 45, 7, 6, 3, 4}, 0.85, 0.06, 0.0, 0.02, 0.92}},
      {"waltz", {{85, 190}, {60, 30, 10}, {75, 22, 1, 0, 0, 2}, 0.9, 0.18, 0.0, 0.55, 0.15}},
      {"march", {{95, 125}, {90, 10, 0}, {88, 11, 0, 0, 0, 1}, 1.1, 0.15, 0.0, 0.35, 0.15}},
      {"fusion", {{85, 150}, {0, 35, 65}, {22, 20, 28, 4, 12, 14}, 0.95, 0.25, 0.06, 0.2, 0.55}},
      {"hip-hop", {{72, 105}, {30, 50, 20}, {22, 58, 12, 6, 0, 2}, 0.85, 0.08, 0.02, 0.03, 0.92}},
      {"metal", {{100, 190}, {100, 0, 0}, {5, 68, 8, 18, 0, 1}, 1.0, 0.08, 0.0, 0.02, 0.75}},
      {"pop", {{80, 140}, {70, 27, 3}, {68, 24, 3, 0, 1, 4}, 1.0, 0.1, 0.0, 0.1, 0.7}},
      {"reggae", {{65, 100}, {70, 28, 2}, {48, 42, 6, 0, 0, 4}, 1.0, 0.05, 0.0, 0.05, 0.85}},
      {"broadway", {{85, 170}, {30, 45, 25}, {85, 14, 0, 0, 1, 0}, 1.3, 0.32, 0.0, 0.7, 0.05}},
      {"classical", {{60, 130}, {92, 8, 0}, {62, 38, 0, 0, 0, 0}, 1.4, 0.25, 0.0, 0.4, 0.05}},
  };
  static const GenreHarmony kAny = {{70, 150}, {50, 35, 15}, {55, 28, 6, 2, 3, 6}, 1.1, 0.15, 0.05, 0.25, 0.5};
  const auto found = kTable.find(genre);
  return found == kTable.end() ? kAny : found->second;
}

using Bars = std::vector<std::vector<ChartChord>>;

struct Plan {
  std::string name;
  int bars;
};

std::vector<Plan> make_form(Rng& rng, const GenreHarmony& genre, int total, bool blues) {
  std::vector<Plan> form;
  int length = 0;
  const auto add = [&](const std::string& name, int bars) {
    if (length >= total) return;
    bars = std::min(bars, total - length);
    form.push_back({name, bars});
    length += bars;
  };
  if (total >= 12 && rng.chance(0.35)) add("intro", rng.chance(0.6) ? 4 : 2);
  if (blues) {
    while (length < total) add("blues", 12);
    return form;
  }
  const bool aaba = rng.chance(genre.aaba);
  const bool short_sections = total < 24 && rng.chance(0.7);
  const int unit = short_sections ? 4 : 8;
  if (aaba) {
    while (length < total) {
      add("A", unit);
      add("A", unit);
      add("B", unit);
      add("A", unit);
    }
    return form;
  }
  switch (rng.weighted(std::array<double, 4>{50, 20, 15, 15})) {
    case 0:
      while (length < total) {
        add("verse", unit);
        if (rng.chance(0.4)) add("verse", unit);
        if (rng.chance(0.2)) add("pre-chorus", 4);
        add("chorus", unit);
        if (length > total / 2 && rng.chance(0.35)) add("bridge", unit);
      }
      break;
    case 1:
      while (length < total) {
        add("A", unit);
        add("B", unit);
      }
      break;
    case 2:
      while (length < total) {
        add("A", unit);
        add("A", unit);
        add("B", unit);
        add("C", unit);
      }
      break;
    default:
      while (length < total) add("vamp", unit);
  }
  return form;
}

Cadence pick_cadence(Rng& rng, bool inner) {
  if (inner) {
    constexpr std::array<Cadence, 3> kInner = {Cadence::kHalf, Cadence::kOpen, Cadence::kDeceptive};
    return kInner[rng.weighted(std::array<double, 3>{60, 28, 12})];
  }
  constexpr std::array<Cadence, 4> kFinal = {Cadence::kAuthentic, Cadence::kPlagal, Cadence::kHalf, Cadence::kOpen};
  return kFinal[rng.weighted(std::array<double, 4>{64, 14, 14, 8})];
}

Bars make_section(Rng& rng, const HarmonyStyle& style, const Plan& plan, const GenreHarmony& genre) {
  const int bars = plan.bars;
  if (plan.name == "blues") return make_blues(rng, style, bars);
  if (plan.name == "vamp" || rng.chance(plan.name == "bridge" ? genre.loops * 0.4 : genre.loops))
    return make_loop(rng, style, bars);
  if (bars <= 4) return make_phrase(rng, style, bars, pick_cadence(rng, plan.name == "intro"));
  // A period: antecedent and consequent, the second often begins like the first.
  const int first = bars / 2;
  Bars out = make_phrase(rng, style, first, pick_cadence(rng, true));
  Bars answer = make_phrase(rng, style, bars - first, pick_cadence(rng, false));
  if (rng.chance(0.5))
    for (int bar = 0; bar < first / 2; ++bar) answer[static_cast<size_t>(bar)] = out[static_cast<size_t>(bar)];
  out.insert(out.end(), answer.begin(), answer.end());
  return out;
}

HarmonyStyle pick_style(Rng& rng, const ChartOptions& options, const GenreHarmony& genre) {
  HarmonyStyle style;
  style.beats_per_bar = options.beats_per_bar;
  style.key.tonic = options.tonic >= 0 ? options.tonic : static_cast<int>(rng.integer(0, 11));
  style.key.mode = static_cast<Mode>(rng.weighted(genre.modes));
  style.richness = static_cast<int>(rng.weighted(genre.richness));
  const double metre = options.beats_per_bar == 6 ? 1.1 : options.beats_per_bar == 4 ? 1.0 : 0.85;
  style.chords_per_bar = genre.chords_per_bar * metre * rng.uniform(0.75, 1.35);
  style.chromatic = genre.chromatic * rng.uniform(0.3, 1.7);
  return style;
}

}  // namespace

const ChartChord& Chart::chord_at(double beat) const {
  ensure(!bars.empty(), "chord_at needs a chart with bars");
  const double last = total_beats() - 1e-9;
  beat = std::clamp(beat, 0.0, last);
  const auto bar = std::min(static_cast<size_t>(beat / beats_per_bar), bars.size() - 1);
  const double inside = beat - static_cast<double>(bar) * beats_per_bar;
  const ChartChord* found = &bars[bar].front();
  for (const ChartChord& chord : bars[bar])
    if (chord.beat <= inside + 1e-6) found = &chord;
  return *found;
}

std::vector<ChartSpan> chart_spans(const Chart& chart) {
  std::vector<ChartSpan> spans;
  for (size_t bar = 0; bar < chart.bars.size(); ++bar)
    for (const ChartChord& chord : chart.bars[bar]) {
      const double start = static_cast<double>(bar) * chart.beats_per_bar + chord.beat;
      if (!spans.empty()) spans.back().end_beat = start;
      spans.push_back({start, start, &chord});
    }
  if (!spans.empty()) spans.back().end_beat = chart.total_beats();
  return spans;
}

std::vector<ChordSpan> chord_spans(const Chart& chart) {
  std::vector<ChordSpan> spans;
  const double beat_s = chart.beat_seconds();
  for (const ChartSpan& span : chart_spans(chart)) {
    if (!spans.empty() && spans.back().chord == span.chord->chord)
      spans.back().end_s = span.end_beat * beat_s;
    else
      spans.push_back({span.start_beat * beat_s, span.end_beat * beat_s, span.chord->chord});
  }
  return spans;
}

std::vector<Beat> chart_beats(const Chart& chart) {
  std::vector<Beat> beats;
  for (int i = 0; i < chart.total_beats(); ++i)
    beats.push_back({i * chart.beat_seconds(), i / chart.beats_per_bar, i % chart.beats_per_bar});
  return beats;
}

TempoRange genre_tempo(const std::string& genre, int beats_per_bar) {
  TempoRange range = genre_harmony(genre).tempo;
  // Six beats are eighth notes in two groups of three; their rate is three times the felt pulse.
  if (beats_per_bar == 6) return {std::max(120.0, range.low * 1.7), std::max(200.0, std::min(300.0, range.high * 2.0))};
  if (beats_per_bar == 3) return {range.low, range.high * 1.1};
  return range;
}

Chart make_chart(Rng& rng, const ChartOptions& options) {
  const auto wrong = [](const std::string& what) {
    throw Error(ErrorKind::kUsage, "A chart cannot be made: " + what + ".");
  };
  if (options.bars < 1 || options.bars > 1000) wrong(format("%d bars are not in 1..1000", options.bars));
  if (options.beats_per_bar < 2 || options.beats_per_bar > 7)
    wrong(format("%d beats a bar are not in 2..7", options.beats_per_bar));
  if (options.tonic < -1 || options.tonic > 11) wrong(format("the tonic %d is not in -1..11", options.tonic));
  const GenreHarmony& genre = genre_harmony(options.genre);
  TempoRange tempo = genre_tempo(options.genre, options.beats_per_bar);
  if (options.tempo_low > 0) tempo.low = options.tempo_low;
  if (options.tempo_high > 0) tempo.high = options.tempo_high;
  if (options.tempo_low > 0 && options.tempo_high <= 0) tempo.high = std::max(tempo.high, tempo.low);
  if (options.tempo_high > 0 && options.tempo_low <= 0) tempo.low = std::min(tempo.low, tempo.high);
  if (tempo.low > tempo.high || tempo.low < 20 || tempo.high > 400)
    wrong(format("the tempo range %.0f..%.0f is not inside 20..400", tempo.low, tempo.high));

  Chart chart;
  chart.beats_per_bar = options.beats_per_bar;
  // Whole beats a minute, as tempos are written.
  chart.tempo_bpm = std::clamp(std::round(rng.uniform(tempo.low, tempo.high)), tempo.low, tempo.high);
  HarmonyStyle style = pick_style(rng, options, genre);
  const bool blues = rng.chance(genre.blues);
  if (blues) {
    style.key.mode = rng.chance(0.8) ? Mode::kMajor : Mode::kMinor;
    style.richness = std::max(style.richness, 1);
  }
  chart.key = style.key;
  std::map<std::string, Bars> known;
  for (const Plan& plan : make_form(rng, genre, options.bars, blues)) {
    Bars& bars = known[plan.name];
    if (bars.size() < static_cast<size_t>(plan.bars)) bars = make_section(rng, style, plan, genre);
    Bars here(bars.begin(), bars.begin() + plan.bars);
    // A repeat may end another way.
    if (!chart.sections.empty() && plan.bars >= 4 && plan.name != "blues" && rng.chance(0.25)) {
      const Bars ending = make_phrase(rng, style, 2, pick_cadence(rng, false));
      std::copy(ending.begin(), ending.end(), here.end() - 2);
    }
    chart.sections.push_back({plan.name, static_cast<int>(chart.bars.size()), plan.bars});
    chart.bars.insert(chart.bars.end(), here.begin(), here.end());
  }
  if (rng.chance(0.7)) {
    const bool minor =
        style.key.mode == Mode::kMinor || style.key.mode == Mode::kDorian || style.key.mode == Mode::kPhrygian;
    const char* colour = blues ? (minor ? "m7" : "7") : minor ? "m" : style.richness == 2 ? "6(add9)" : "";
    chart.bars.back() = {spell_chord(style.key.tonic, colour, style.key)};
  }
  return chart;
}

}  // namespace instructme
