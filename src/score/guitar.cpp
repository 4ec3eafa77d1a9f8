#include "instructme/score/guitar.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "instructme/base/error.h"
#include "part_writer.h"

namespace instructme {
namespace {

constexpr std::array<int, 6> kOpen = {40, 45, 50, 55, 59, 64};  // E A D G B E
constexpr int kHighestFret = 12;
constexpr int kHighestCapo = 5;

// Lower is better; 1e9 when a hand cannot hold it.
double grip_cost(const GuitarVoicing& grip, const ChartChord& chord, int near) {
  int lowest = 99, highest = 0, fretted = 0, at_lowest = 0, sounding = 0, inner_mutes = 0, first = -1;
  std::vector<int> heard;
  for (int s = 0; s < 6; ++s) {
    const int fret = grip.frets[static_cast<size_t>(s)];
    if (fret < 0) {
      inner_mutes += first >= 0;
      continue;
    }
    if (first < 0) first = s;
    ++sounding;
    heard.push_back(grip.pitch(s) % 12);
    if (fret == 0) continue;
    ++fretted;
    if (fret < lowest) {
      lowest = fret;
      at_lowest = 0;
    }
    at_lowest += fret == lowest;
    highest = std::max(highest, fret);
  }
  if (sounding < 3 || (fretted > 0 && highest - lowest > 3)) return 1e9;
  const bool open = fretted < sounding;
  // A barre needs all strings stopped; then the first finger counts once.
  const int fingers = !open && at_lowest > 1 ? fretted - at_lowest + 1 : fretted;
  if (fingers > 4) return 1e9;
  double cost = 0.45 * inner_mutes + 0.25 * (6 - sounding) + 0.12 * fingers;
  const int position = fretted == 0 ? 0 : open ? std::max(0, lowest - 1) : lowest;
  cost += 0.22 * std::abs(position - near) + 0.03 * position + (open && highest > 4 ? 1.5 : 0);
  const size_t count = chord.tones.size();
  for (size_t i = 0; i < count; ++i) {
    if (contains(heard, chord.tones[i])) continue;
    // The fifth of a rich chord is the first to go, the third and seventh the last.
    cost += i == 0 ? 1.5 : i == 1 ? 5.0 : i == 2 && count > 3 ? 0.5 : i == 3 ? 3.0 : i == 2 ? 2.0 : 1.2;
  }
  return cost;
}

struct Stroke {
  double at;  // beats from the start of the bar
  char kind;  // 'D' 'd' down, 'U' 'u' up, 'x' muted, 'B' bass note alone, 'b' the other bass note
};

bool is_bass(const Stroke& stroke) { return stroke.kind == 'B' || stroke.kind == 'b'; }

std::vector<Stroke> strum_pattern(Rng& rng, const Chart& chart, double density) {
  const int beats = chart.beats_per_bar;
  std::string pattern;
  int per_beat = 2;
  // Bass note and chord in turn, as in folk, country and waltzes.
  if ((beats == 4 || beats == 3 || beats == 6) && rng.chance(0.28)) {
    static const std::vector<std::string> kFour = {"B.D.b.D.", "B.DUb.DU", "B.D.b.DU",
                                                   "B.dUb.dU", "B.xUb.DU", "B.DUDUDU"},
                                          kThree = {"B.D.D.", "B.DUDU", "B.D.DU", "b.D.DU", "B.dxdU"},
                                          kSix = {"B.Db.D", "BddbdD", "B.DDuD", "B.db.D"};
    pattern = rng.pick(beats == 4 ? kFour : beats == 3 ? kThree : kSix);
    if (beats == 6) per_beat = 1;
  } else if (beats == 4 && chart.tempo_bpm < 112 && rng.chance(0.25 + 0.35 * density)) {
    static const std::vector<std::string> kSixteen = {"D..uD.xu.uDux.du", "D.du..duD.du..du", "D..u..D.D..uD.xu",
                                                      "DuxuDuxu.uxuDuxu", "D...xudu.uduxudu", "D.xuD.xuD.xuDuxu"};
    pattern = rng.pick(kSixteen);
    per_beat = 4;
  } else if (beats == 4) {
    static const std::vector<std::string> kEight = {"D.DU.UDU", "D.D.DUDU", "D.d.D.dU", "D..U.UDU", "DuDuDuDu",
                                                    "D.x.D.xU", "D...D.DU", ".U.U.U.U", "D.xU.UxU", "D.......",
                                                    "D.d.d.d.", "D..U..DU", "D.DuxUDu"};
    pattern = rng.pick(kEight);
  } else if (beats == 3) {
    static const std::vector<std::string> kThree = {"D.DUDU", "D.d.d.", "D..UDU", "D.dudu", "D.D.DU", "D.xUx."};
    pattern = rng.pick(kThree);
  } else if (beats == 6) {
    static const std::vector<std::string> kSix = {"D.uD.u", "DduDdu", "D..D.u", "D.uDdu", "DuuDuu"};
    pattern = rng.pick(kSix);
    per_beat = 1;
  } else {
    static const std::vector<std::string> kBeat = {"D.", "DU", "dU", "x.", ".U"};
    pattern = "D.";
    for (int beat = 1; beat < beats; ++beat) pattern += rng.pick(kBeat);
  }
  std::vector<Stroke> strokes;
  for (size_t i = 0; i < pattern.size(); ++i)
    if (pattern[i] != '.') strokes.push_back({static_cast<double>(i) / per_beat, pattern[i]});
  return strokes;
}

// The strokes of one bar with small changes, as a player does.
std::vector<Stroke> varied(Rng& rng, std::vector<Stroke> strokes, double amount) {
  if (strokes.size() < 3 || !rng.chance(amount)) return strokes;
  const auto i = static_cast<size_t>(rng.integer(1, static_cast<int64_t>(strokes.size()) - 1));
  if (rng.chance(0.5))
    strokes.erase(strokes.begin() + static_cast<long>(i));
  else
    strokes[i].kind = strokes[i].kind == 'x' ? 'u' : 'x';
  return strokes;
}

struct Gripped {
  ChartSpan span;
  GuitarVoicing grip;
};

std::vector<Gripped> grips_of(Rng& rng, const Chart& chart) {
  std::vector<Gripped> out;
  // Some players stay near the nut, some play barre chords further up.
  const int home = rng.chance(0.65) ? 0 : static_cast<int>(rng.integer(2, 7));
  const int capo = home == 0 && rng.chance(0.5) ? best_capo(chart) : 0;
  std::map<std::string, GuitarVoicing> known;  // a chart has few different chords
  for (const ChartSpan& span : chart_spans(chart)) {
    const auto [found, fresh] = known.try_emplace(span.chord->spelling);
    if (fresh) found->second = guitar_voicing(*span.chord, home, capo);
    out.push_back({span, found->second});
  }
  return out;
}

const Gripped& at_beat(const std::vector<Gripped>& grips, double beat) {
  auto after = std::upper_bound(grips.begin(), grips.end(), beat + 1e-6,
                                [](double b, const Gripped& g) { return b < g.span.start_beat; });
  return after == grips.begin() ? *after : *(after - 1);
}

// The lowest of the strings, or for the other bass note one beside it, the fifth if it is there.
int bass_string(const Gripped& held, const std::vector<int>& strings, bool other) {
  if (!other || strings.size() < 2) return strings.front();
  const ChartChord& chord = *held.span.chord;
  for (size_t i = 1; i < std::min<size_t>(3, strings.size()); ++i)
    if (chord.tones.size() > 2 && held.grip.pitch(strings[i]) % 12 == chord.tones[2]) return strings[i];
  return strings[1];
}

}  // namespace

int GuitarVoicing::pitch(int string) const {
  const int fret = frets.at(static_cast<size_t>(string));
  return fret < 0 ? -1 : kOpen[static_cast<size_t>(string)] + capo + fret;
}

int best_capo(const Chart& chart) {
  int best = 0;
  double best_beats = -1;
  for (int capo = 0; capo <= kHighestCapo; ++capo) {
    double beats = 0;
    for (const ChartSpan& span : chart_spans(chart)) {
      const Chord& chord = span.chord->chord;
      const bool minor = chord.quality == ChordQuality::kMin || chord.quality == ChordQuality::kMin7;
      // C, D, E, G, A and Dm, Em, Am.
      const std::vector<int> open = minor ? std::vector<int>{2, 4, 9} : std::vector<int>{0, 2, 4, 7, 9};
      if (contains(open, chord.root - capo)) beats += span.end_beat - span.start_beat;
    }
    if (beats <= best_beats) continue;
    best_beats = beats;
    best = capo;
  }
  return best;
}

GuitarVoicing guitar_voicing(const ChartChord& sounding, int near, int capo) {
  ensure(!sounding.tones.empty(), "a guitar chord needs tones");
  ensure(capo >= 0 && capo <= 7, "a capo sits on fret 0 to 7");
  ChartChord chord = sounding;
  for (int& tone : chord.tones) tone = (tone + 12 - capo) % 12;
  chord.bass = (chord.bass + 12 - capo) % 12;
  GuitarVoicing best;
  double best_cost = 1e8;
  for (int position = 1; position <= kHighestFret - 3; ++position)
    for (int bass_string = 0; bass_string < 4; ++bass_string) {
      // On each string the choices are: not played, open, or one of four frets with a chord tone on it.
      std::array<std::vector<int>, 6> choices;
      for (int s = bass_string; s < 6; ++s) {
        auto& list = choices[static_cast<size_t>(s)];
        if (s > bass_string) list.push_back(-1);
        for (int fret = 0; fret <= position + 3; fret = fret == 0 ? position : fret + 1) {
          const int pc = (kOpen[static_cast<size_t>(s)] + fret) % 12;
          if (s == bass_string ? pc == chord.bass : contains(chord.tones, pc)) list.push_back(fret);
        }
      }
      if (choices[static_cast<size_t>(bass_string)].empty()) continue;
      GuitarVoicing grip;
      const auto search = [&](const auto& self, int s) -> void {
        if (s == 6) {
          const double cost = grip_cost(grip, chord, near);
          if (cost < best_cost) {
            best_cost = cost;
            best = grip;
          }
          return;
        }
        const auto index = static_cast<size_t>(s);
        const auto& list = choices[index];
        // A silent string is only tried where nothing on it fits or near the top.
        for (const int fret : list) {
          if (fret < 0 && list.size() > 1 && s < 5) continue;
          grip.frets[index] = fret;
          self(self, s + 1);
        }
        grip.frets[index] = -1;
      };
      search(search, bass_string);
    }
  if (best_cost >= 1e8) {  // a grip that nobody can hold; the three lowest tones on the middle strings
    for (int s = 1; s < 4; ++s)
      for (int fret = 0; fret < 12; ++fret) {
        const int wanted = s == 1 ? chord.bass : chord.tones[static_cast<size_t>(s - 1) % chord.tones.size()];
        if ((kOpen[static_cast<size_t>(s)] + fret) % 12 != wanted) continue;
        best.frets[static_cast<size_t>(s)] = fret;
        break;
      }
  }
  best.capo = capo;
  return best;
}

Part make_strum(Rng& rng, const Chart& chart, const PartOptions& options) {
  PartWriter writer(chart, options, Role::kChords);
  const auto grips = grips_of(rng, chart);
  std::vector<Stroke> pattern = strum_pattern(rng, chart, options.density);
  const double spread_s = rng.uniform(0.008, 0.025);
  const double restless = rng.uniform(0.05, 0.35);
  const bool choked = rng.chance(0.15);  // short chords, as in reggae and funk
  for (const ChartSection& section : chart.sections) {
    if (rng.chance(0.15)) pattern = strum_pattern(rng, chart, options.density);
    for (int bar = section.first_bar; bar < section.first_bar + section.bars; ++bar) {
      const double start = static_cast<double>(bar) * chart.beats_per_bar;
      std::vector<Stroke> strokes = varied(rng, pattern, restless);
      // A chord that enters between strokes gets its own.
      for (const ChartChord& chord : chart.bars[static_cast<size_t>(bar)])
        if (std::none_of(strokes.begin(), strokes.end(),
                         [&](const Stroke& s) { return std::abs(s.at - chord.beat) < 0.6; }))
          strokes.push_back({static_cast<double>(chord.beat), 'D'});
      std::sort(strokes.begin(), strokes.end(), [](const Stroke& a, const Stroke& b) { return a.at < b.at; });
      const bool with_bass = std::any_of(strokes.begin(), strokes.end(), is_bass);
      for (size_t i = 0; i < strokes.size(); ++i) {
        const double beat = start + strokes[i].at;
        const double next = i + 1 < strokes.size() ? start + strokes[i + 1].at : start + chart.beats_per_bar;
        const Gripped& held = at_beat(grips, beat);
        const char kind = strokes[i].kind;
        const bool up = kind == 'U' || kind == 'u', muted = kind == 'x', bass = is_bass(strokes[i]);
        std::vector<int> strings;
        for (int s = 0; s < 6; ++s)
          if (held.grip.frets[static_cast<size_t>(s)] >= 0) strings.push_back(s);
        if (strings.empty()) continue;
        double ring = next;
        if (bass) {
          strings = {bass_string(held, strings, kind == 'b')};
          // It sounds on under the chord.
          for (size_t k = i + 1; k <= strokes.size(); ++k) {
            ring = k < strokes.size() ? start + strokes[k].at : start + chart.beats_per_bar;
            if (k < strokes.size() && is_bass(strokes[k])) break;
          }
        } else if (with_bass && !up && strings.size() > 3) {
          strings.erase(strings.begin());
        }
        if (up) {
          const size_t most = static_cast<size_t>(rng.integer(3, 4));
          if (strings.size() > most) strings.erase(strings.begin(), strings.end() - static_cast<long>(most));
          std::reverse(strings.begin(), strings.end());
        }
        const bool on_beat = std::abs(strokes[i].at - std::round(strokes[i].at)) < 0.01;
        double velocity = options.velocity + (kind == 'D' || kind == 'U' || bass ? 4 : -8) + (up ? -8 : 0) +
                          (on_beat && strokes[i].at < 0.01 ? 6 : 0) + 3 * rng.normal();
        if (muted) velocity = options.velocity * 0.5 + 3 * rng.normal();
        const double hand = writer.jitter(rng);
        const double step =
            strings.size() > 1 ? spread_s * rng.uniform(0.8, 1.2) / static_cast<double>(strings.size() - 1) : 0;
        double length = ring - beat;
        if (muted)
          length = std::min(length, 0.045 / chart.beat_seconds());
        else if (choked)
          length = std::min(length, 0.35);
        for (size_t k = 0; k < strings.size(); ++k)
          writer.add(beat, length, held.grip.pitch(strings[k]),
                     velocity - 1.5 * static_cast<double>(k) + 2 * rng.normal(), hand + step * static_cast<double>(k));
      }
    }
  }
  return writer.finish();
}

Part make_picking(Rng& rng, const Chart& chart, const PartOptions& options) {
  PartWriter writer(chart, options, Role::kArpeggio);
  const auto grips = grips_of(rng, chart);
  const int beats = chart.beats_per_bar;
  // 'b' bass, 'a' alternate bass; 1 2 3 the highest sounding strings; 'p' bass and top together.
  std::string pattern;
  int per_beat = 2;
  if (beats == 4) {
    static const std::vector<std::string> kFour = {"b2a1b2a1", "p3a2b1a2", "b321b321", "b3231323",
                                                   "b123b123", "p.2a1.2a", "b.321.23", "b2a3b1a2"};
    pattern = rng.pick(kFour);
  } else if (beats == 3) {
    static const std::vector<std::string> kThree = {"b32123", "b.1.1.", "b.2a1.", "b3231.", "p.21.2"};
    pattern = rng.pick(kThree);
  } else if (beats == 6) {
    static const std::vector<std::string> kSix = {"b32123", "b21a21", "b3212."};
    pattern = rng.pick(kSix);
    per_beat = 1;
  } else {
    pattern = "b3";
    for (int i = 1; i < beats; ++i) pattern += i % 2 ? "21" : "a2";
  }
  for (int bar = 0; bar < static_cast<int>(chart.bars.size()); ++bar)
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '.' || (i > 0 && rng.chance(0.04))) continue;
      const double beat = static_cast<double>(bar) * beats + static_cast<double>(i) / per_beat;
      const Gripped& held = at_beat(grips, beat);
      std::vector<int> strings;
      for (int s = 0; s < 6; ++s)
        if (held.grip.frets[static_cast<size_t>(s)] >= 0) strings.push_back(s);
      if (strings.size() < 3) continue;
      const double until_change = held.span.end_beat - beat;
      const double ring = std::min({until_change, 2.5, chart.total_beats() - beat});
      const auto pluck = [&](size_t index, double accent) {
        writer.add(beat, ring, held.grip.pitch(strings[index]), options.velocity + accent + 4 * rng.normal(),
                   writer.jitter(rng));
      };
      const size_t top = strings.size() - 1;
      // The first stroke after a change of chord is always the bass.
      const bool fresh = std::abs(beat - held.span.start_beat) < 0.01;
      const char kind = fresh && pattern[i] != 'p' ? 'b' : pattern[i];
      switch (kind) {
        case 'b': pluck(0, 5); break;
        case 'a': pluck(1, 2); break;
        case 'p':
          pluck(0, 5);
          pluck(top, 0);
          break;
        default: pluck(top - std::min<size_t>(static_cast<size_t>(kind - '1'), top - 1), -3);
      }
    }
  return writer.finish();
}

Part make_power_chords(Rng& rng, const Chart& chart, const PartOptions& options) {
  PartWriter writer(chart, options, Role::kChords);
  // 'C' rings, 'm' palm-muted, '.' nothing; eighths.
  static const std::vector<std::string> kBars = {"CmmCmmCm", "CmmmCmmm", "mmmmmmmm", "C.......", "C...C...",
                                                 "CmmCm.C.", "C..C..C.", "CCCCCCCC", "C.mmC.mm"};
  std::string pattern = rng.pick(kBars);
  const bool octave = rng.chance(0.5);
  const int beats = chart.beats_per_bar;
  const double step_beats = beats == 6 ? 1.0 : 0.5;
  const int steps = static_cast<int>(std::lround(beats / step_beats));
  for (const ChartSection& section : chart.sections) {
    if (rng.chance(0.4)) pattern = rng.pick(kBars);
    for (int bar = section.first_bar; bar < section.first_bar + section.bars; ++bar)
      for (int i = 0; i < steps; ++i) {
        const double beat = static_cast<double>(bar) * beats + i * step_beats;
        const ChartChord& chord = chart.chord_at(beat);
        const int in_bar = static_cast<int>(std::lround(i * step_beats * 2));
        const bool fresh =
            std::any_of(chart.bars[static_cast<size_t>(bar)].begin(), chart.bars[static_cast<size_t>(bar)].end(),
                        [&](const ChartChord& c) { return 2 * c.beat == in_bar; });
        char kind = pattern[static_cast<size_t>(i) % pattern.size()];
        if (fresh && kind == '.') kind = 'C';
        if (kind == '.') continue;
        int length = 1;
        if (kind == 'C')
          while (i + length < steps && pattern[static_cast<size_t>(i + length) % pattern.size()] == '.') ++length;
        const bool muted = kind == 'm';
        const int root = nearest_pitch(chord.bass, 44, 40, 51);
        const bool flat_five = chord.chord.quality == ChordQuality::kDim;
        const double velocity = options.velocity + (muted ? -14 : 4) + 3 * rng.normal();
        const double beats_long = muted ? step_beats * 0.45 : length * step_beats * 0.97;
        const double hand = writer.jitter(rng);
        const int fifth = chord.chord.root + (flat_five ? 6 : 7);
        writer.add(beat, beats_long, root, velocity, hand);
        writer.add(beat, beats_long, nearest_pitch(fifth % 12, root + 7, root + 1, root + 12), velocity - 3,
                   hand + 0.004);
        if (octave) writer.add(beat, beats_long, root + 12, velocity - 5, hand + 0.008);
      }
  }
  return writer.finish();
}

}  // namespace instructme
