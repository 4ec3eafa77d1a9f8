#include "instructme/score/heard_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "instructme/base/error.h"
#include "instructme/base/statistics.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr int kSectionBars = 8;                   // fills and new patterns come that often
constexpr int kShortestBar = 2, kLongestBar = 7;  // of a chart, in beats

/// The usual number of beats between two downbeats; where that is more than charts have, an equal part of it.
int usual_bar(const std::vector<Beat>& beats) {
  std::map<int, int> counts;
  size_t last = beats.size();
  for (size_t i = 0; i < beats.size(); ++i) {
    if (beats[i].position != 0) continue;
    if (last < i) ++counts[static_cast<int>(i - last)];
    last = i;
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (counts.empty()) return 4;
  for (int bar = kLongestBar; bar >= kShortestBar; --bar)
    if (most->first % bar == 0) return bar;
  return std::clamp(most->first, kShortestBar, kLongestBar);
}

/// Times of `bar` beats for every bar, and of the end of the last one.
std::vector<double> even_bars(const std::vector<Beat>& beats, int bar) {
  std::vector<double> times, gaps;
  std::vector<size_t> downbeats;
  for (size_t i = 0; i < beats.size(); ++i) {
    times.push_back(beats[i].time_s);
    if (i > 0) gaps.push_back(times[i] - times[i - 1]);
    if (beats[i].position == 0) downbeats.push_back(i);
  }
  const double gap = upper_median(gaps);
  if (downbeats.empty()) downbeats.push_back(0);
  std::vector<double> grid;
  // The bar that the music begins within.
  const auto lead = static_cast<int>(downbeats.front());
  for (int missing = (bar - lead % bar) % bar; missing > 0; --missing) grid.push_back(times[0] - missing * gap);
  grid.insert(grid.end(), times.begin(), times.begin() + lead);
  for (size_t d = 0; d < downbeats.size(); ++d) {
    const size_t from = downbeats[d];
    const bool last = d + 1 == downbeats.size();
    const size_t count = (last ? times.size() : downbeats[d + 1]) - from;
    if (!last && count % static_cast<size_t>(bar) == 0) {  // a bar, or several of which the downbeats are not known
      for (size_t k = 0; k < count; ++k) grid.push_back(times[from + k]);
      continue;
    }
    for (int k = 0; k < bar; ++k) {
      const auto place = static_cast<size_t>(k);
      if (!last)
        grid.push_back(times[from] + (times[downbeats[d + 1]] - times[from]) * k / bar);
      else
        grid.push_back(place < count ? times[from + place] : grid.back() + gap);
    }
    // More beats after the last downbeat than a bar has: bars of which the downbeat was not heard.
    if (last)
      for (size_t k = static_cast<size_t>(bar), whole = (count + k - 1) / k * k; k < whole; ++k)
        grid.push_back(k < count ? times[from + k] : grid.back() + gap);
  }
  grid.push_back(grid.back() + gap);
  return grid;
}

const char* suffix_of(ChordQuality quality) {
  constexpr std::array<const char*, kChordQualities> kSuffixes = {"", "m", "7", "M7", "m7", "mb5", "aug", "sus4"};
  return kSuffixes[static_cast<size_t>(quality)];
}

/// The chord that sounds longest between two times, s.
Chord chord_between(const std::vector<ChordSpan>& chords, double from, double to) {
  std::map<int, double> seconds;
  for (const ChordSpan& span : chords) {
    const double together = std::min(span.end_s, to) - std::max(span.start_s, from);
    if (together > 0) seconds[chord_class(span.chord)] += together;
  }
  const auto most = std::max_element(seconds.begin(), seconds.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return seconds.empty() ? Chord::no_chord() : chord_of_class(most->first);
}

}  // namespace

HeardChart::HeardChart(const HeardMusic& music) : duration_s_(music.duration_s), silences_(music.silences) {
  const std::vector<Beat>& beats = music.beats;
  if (beats.size() < 2)
    throw Error(ErrorKind::kInput, format("joining in needs two beats of the music or more, not %zu", beats.size()));
  for (size_t i = 1; i < beats.size(); ++i)
    if (!(beats[i].time_s > beats[i - 1].time_s))
      throw Error(ErrorKind::kInput,
                  format("the times of beats must rise; %g s comes after %g s", beats[i].time_s, beats[i - 1].time_s));
  const int bar = usual_bar(beats);
  grid_ = even_bars(beats, bar);
  chart_.key = music.key.value_or(Key{});
  chart_.beats_per_bar = bar;
  const auto total = static_cast<int>(grid_.size()) - 1;
  chart_.tempo_bpm = 60 * total / (grid_.back() - grid_.front());

  std::vector<Chord> chords;
  for (int i = 0; i < total; ++i) {
    const auto at = static_cast<size_t>(i);
    Chord chord = chord_between(music.chords, grid_[at], grid_[at + 1]);
    if (chord.none && !chords.empty()) chord = chords.back();
    chords.push_back(chord);
  }
  const auto first = std::find_if(chords.begin(), chords.end(), [](const Chord& c) { return !c.none; });
  const bool minor = chart_.key.mode == Mode::kMinor;
  const Chord start =
      first == chords.end() ? Chord::of(chart_.key.tonic, minor ? ChordQuality::kMin : ChordQuality::kMaj) : *first;
  std::fill(chords.begin(), first, start);
  for (int i = 0; i < total; ++i) {
    const Chord& chord = chords[static_cast<size_t>(i)];
    if (i % bar == 0)
      chart_.bars.emplace_back();
    else if (chord == chords[static_cast<size_t>(i - 1)])
      continue;
    chart_.bars.back().push_back(spell_chord(chord.root, suffix_of(chord.quality), chart_.key));
    chart_.bars.back().back().beat = i % bar;
  }
  const auto bars = static_cast<int>(chart_.bars.size());
  for (int from = 0; from < bars; from += kSectionBars)
    chart_.sections.push_back({"heard", from, std::min(kSectionBars, bars - from)});
}

double HeardChart::seconds(double beat) const {
  const auto last = static_cast<double>(grid_.size() - 2);
  const auto at = static_cast<size_t>(std::clamp(std::floor(beat), 0.0, last));
  return grid_[at] + (grid_[at + 1] - grid_[at]) * (beat - static_cast<double>(at));
}

Part HeardChart::in_music(Part part) const {
  const double beat_s = chart_.beat_seconds();
  const auto moved = [&](double chart_s) { return seconds(chart_s / beat_s); };
  std::vector<Note> notes;
  for (const Note& note : part.notes) {
    // What began before the music sounds from its beginning if it is held, but a downbeat that is played a little early
    // is never left out.
    constexpr double kEarly = 0.05;
    const double onset = moved(note.onset_s), end = std::min(moved(note.onset_s + note.duration_s), duration_s_);
    if (end <= std::max(onset, 0.0) || (onset < -kEarly && end < chart_.beat_seconds())) continue;
    // A note stops where the music does, and one that is held over a silence begins anew after it.
    double start = std::max(onset, 0.0);
    const auto sound = [&](double until) {
      if (until < start + std::min(kEarly, end - start)) return;
      notes.push_back(note);
      notes.back().onset_s = start;
      notes.back().duration_s = until - start;
    };
    for (const TimeSpan& silence : silences_) {
      if (silence.end_s <= start + kEarly || silence.start_s >= end) continue;
      sound(silence.start_s);
      start = silence.end_s;
    }
    if (start < end) sound(end);
  }
  std::stable_sort(notes.begin(), notes.end(), [](const Note& a, const Note& b) { return a.onset_s < b.onset_s; });
  part.notes = std::move(notes);
  for (ControlChange& control : part.controls) control.time_s = std::max(0.0, moved(control.time_s));
  return part;
}

}  // namespace instructme
