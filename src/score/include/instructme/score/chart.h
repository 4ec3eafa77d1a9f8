#pragma once

#include <string>
#include <vector>

#include "instructme/base/rng.h"
#include "instructme/score/score.h"

namespace instructme {

/// A chord of a chart: what is written (rich) and what it is called in the vocabulary (reduced).
struct ChartChord {
  int beat = 0;            ///< beat of the bar on which it enters, from 0
  Chord chord;             ///< label
  std::string spelling;    ///< as MMA writes it, with the bass after a slash: "Bbm7b5", "C/E"
  std::vector<int> tones;  ///< pitch classes, root first, at most six
  int bass = 0;            ///< pitch class of the lowest note; differs from the root in inversions and pedals
};

struct ChartSection {
  std::string name;  ///< "intro", "verse", "chorus", "bridge", "A", …; equal names have (nearly) equal chords
  int first_bar = 0;
  int bars = 0;
};

/// Chords, form, metre, key and tempo of a piece; says nothing about instruments. Constant tempo.
struct Chart {
  Key key;
  double tempo_bpm = 120;  ///< beats (of the metre) a minute
  int beats_per_bar = 4;
  std::vector<ChartSection> sections;         ///< in order, covering all bars
  std::vector<std::vector<ChartChord>> bars;  ///< every bar has a chord on beat 0; entries sorted by beat

  double beat_seconds() const { return 60.0 / tempo_bpm; }
  int total_beats() const { return static_cast<int>(bars.size()) * beats_per_bar; }
  double duration_s() const { return total_beats() * beat_seconds(); }
  /// The chord that sounds at a beat counted from the start (clamped to the piece).
  const ChartChord& chord_at(double beat) const;
};

/// A chord with its place, in beats from the start.
struct ChartSpan {
  double start_beat = 0;
  double end_beat = 0;
  const ChartChord* chord = nullptr;  ///< into the chart
};
/// One span for every chord entry. The pointers live as long as the chart.
std::vector<ChartSpan> chart_spans(const Chart& chart);
/// Labels over [0, duration); neighbours with equal labels are merged.
std::vector<ChordSpan> chord_spans(const Chart& chart);
std::vector<Beat> chart_beats(const Chart& chart);

struct ChartOptions {
  int bars = 16;           ///< exact length, 1..1000
  int beats_per_bar = 4;   ///< 2..7
  double tempo_low = 0;    ///< beats a minute; 0 = by genre and metre
  double tempo_high = 0;   ///< 0 = by genre and metre
  std::string genre = "";  ///< hint for form, harmony and tempo; "" = any
  int tonic = -1;          ///< 0..11; -1 = any
};

/// Composes a chart: a form (AABA, verse-chorus, 12-bar blues, vamp …) whose phrases come from a small grammar of
/// functional harmony: chains of tonic, subdominant and dominant functions that end in a cadence (authentic, half,
/// plagal, deceptive), elaborated by secondary dominants, ii-V pairs, borrowed chords, tritone substitutes, passing
/// diminished chords, pedal points and, rarely, chromatic mediants; modal pieces use the chords that mark their mode.
/// Deterministic in the state of `rng`. Throws kUsage when an option is out of range.
Chart make_chart(Rng& rng, const ChartOptions& options);

/// Usual tempo of a genre in beats a minute (quarter notes; eighths for six beats a bar).
struct TempoRange {
  double low = 0, high = 0;
};
TempoRange genre_tempo(const std::string& genre, int beats_per_bar);

/// A chord from an MMA suffix ("", "m7b5", "13", …) on a root. Throws kInternal for a suffix not in the table.
ChartChord spell_chord(int root, const std::string& suffix, const Key& key, int bass = -1);
/// All suffixes that spell_chord knows.
std::vector<std::string> chord_suffixes();

}  // namespace instructme
