#include <algorithm>
#include <cmath>

#include "instructme/analysis/analysis_report.h"
#include "instructme/score/midi_file.h"

namespace instructme {
namespace {

/// The beats that were heard as the quarter notes of a MIDI file, behind as many as there is time for before the first.
class QuarterGrid {
 public:
  QuarterGrid(const std::vector<Beat>& beats, double usual_step_s) {
    const double first = beats.front().time_s;
    if (first > 0) lead_ = static_cast<size_t>(std::max(1L, std::lround(first / usual_step_s)));
    for (size_t i = 0; i < lead_; ++i) times_.push_back(first * static_cast<double>(i) / static_cast<double>(lead_));
    for (const Beat& beat : beats) times_.push_back(beat.time_s);
  }
  /// Quarters before the first beat.
  size_t lead() const { return lead_; }
  const std::vector<double>& times() const { return times_; }
  /// Behind the last beat time goes on at its speed.
  double quarter_of(double time_s) const {
    const auto after = std::upper_bound(times_.begin() + 1, times_.end() - 1, time_s);
    const auto i = static_cast<size_t>(after - times_.begin()) - 1;
    return static_cast<double>(i) + (time_s - times_[i]) / (times_[i + 1] - times_[i]);
  }

 private:
  std::vector<double> times_;
  size_t lead_ = 0;
};

MidiEvent head_event(size_t quarter, int ppq, MidiKind kind, int a, int b) {
  return {static_cast<uint32_t>(quarter) * static_cast<uint32_t>(ppq), kind, 0, a, b, ""};
}

/// A tempo wherever the one before would lead away from the next beat.
void add_tempos(const QuarterGrid& grid, int ppq, std::vector<MidiEvent>& events) {
  constexpr double kSame = 1e-3;
  constexpr double kSlowest = 16777215;  // microseconds per quarter
  double written_s = 0;                  // where the tempos so far lead to
  int tempo = 0;
  for (size_t quarter = 0; quarter + 1 < grid.times().size(); ++quarter) {
    const double wanted = 1e6 * (grid.times()[quarter + 1] - written_s);
    if (std::abs(wanted - tempo) > kSame * wanted) {
      tempo = static_cast<int>(std::lround(std::clamp(wanted, 1.0, kSlowest)));
      events.push_back(head_event(quarter, ppq, MidiKind::kTempo, tempo, 0));
    }
    written_s += 1e-6 * tempo;
  }
}

/// Bars that begin at the downbeats. The quarters before the first are whole bars behind a shorter one.
void add_metres(const std::vector<Beat>& beats, size_t lead, size_t usual, int ppq, std::vector<MidiEvent>& events) {
  std::vector<size_t> downbeats;
  for (size_t k = 0; k < beats.size(); ++k)
    if (beats[k].position == 0) downbeats.push_back(lead + k);
  if (downbeats.empty()) downbeats.push_back(lead);
  std::vector<size_t> bars;
  const size_t first = downbeats.front();
  if (first % usual > 0) bars.push_back(0);
  for (size_t quarter = first % usual; quarter < first; quarter += usual) bars.push_back(quarter);
  bars.insert(bars.end(), downbeats.begin(), downbeats.end());
  bars.push_back(bars.back() + usual);
  size_t written = 0;
  for (size_t i = 0; i + 1 < bars.size(); ++i) {
    const size_t length = std::min<size_t>(255, bars[i + 1] - bars[i]);
    if (length != written)
      events.push_back(head_event(bars[i], ppq, MidiKind::kTimeSignature, static_cast<int>(length), 4));
    written = length;
  }
}

/// Tempo and metre of the beats in place of the one tempo and the one metre of a score.
void set_beats(MidiFile& file, const std::vector<Beat>& beats, const QuarterGrid& grid, int beats_per_bar) {
  MidiTrack& head = file.tracks.front();
  std::erase_if(head.events, [](const MidiEvent& event) {
    return event.kind == MidiKind::kTempo || event.kind == MidiKind::kTimeSignature;
  });
  add_tempos(grid, file.ppq, head.events);
  add_metres(beats, grid.lead(), static_cast<size_t>(beats_per_bar), file.ppq, head.events);
  std::stable_sort(head.events.begin(), head.events.end(),
                   [](const MidiEvent& a, const MidiEvent& b) { return a.tick < b.tick; });
  head.end_tick = std::max(head.end_tick, head.events.back().tick);
}

}  // namespace

std::vector<uint8_t> midi_of_analysis(const Analysis& analysis) {
  const Hearing& hearing = analysis.hearing;
  Score score;
  score.title = analysis.name;
  if (hearing.tempo_bpm > 0) score.tempo_bpm = hearing.tempo_bpm;
  if (hearing.beats_per_bar > 0) score.beats_per_bar = hearing.beats_per_bar;
  score.key = hearing.key;
  score.duration_s = hearing.duration_s;
  Part part;
  part.name = "heard notes";
  part.notes = analysis.notes;
  score.parts = {part};
  if (hearing.beats.size() < 2) return write_midi(midi_of_score(score));

  const double step_s = 60 / score.tempo_bpm;
  const QuarterGrid grid(hearing.beats, step_s);
  // In even time the one tempo of a score puts every note on its quarter; then the tempo follows the beats.
  const auto even = [&](double time_s) { return grid.quarter_of(time_s) * step_s; };
  for (Note& note : score.parts.front().notes) {
    const double end_s = even(note.onset_s + note.duration_s);
    note.onset_s = even(note.onset_s);
    note.duration_s = end_s - note.onset_s;
  }
  score.duration_s = even(hearing.duration_s);
  MidiFile file = midi_of_score(score);
  set_beats(file, hearing.beats, grid, score.beats_per_bar);
  return write_midi(file);
}

}  // namespace instructme
