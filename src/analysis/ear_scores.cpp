#include "instructme/analysis/ear_scores.h"

#include "instructme/annotation/beat_scores.h"
#include "instructme/annotation/key_scores.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

std::string row(const char* what, const ChordRates& rates) {
  if (rates.root.judged_s <= 0) return "";
  return format("%-28s %6.3f %8.3f %9.3f\n", what, rates.root.share(), rates.majmin.share(), rates.sevenths.share());
}

}  // namespace

AudioBuffer mix_for_analysis(const SongSet& songs, size_t song) {
  if (songs.sample_rate() != kAnalysisRate)
    throw Error(ErrorKind::kInput, format("the songs have %d Hz, wanted %d Hz; render them at that rate",
                                          songs.sample_rate(), kAnalysisRate));
  const SongInfo& info = songs.info(song);
  std::vector<float> mix(static_cast<size_t>(info.frames), 0.0f);
  for (size_t stem = 0; stem < info.arrangements.at(0).versions.at(0).stems.size(); ++stem) {
    const std::vector<float> sound = songs.clip(song, 0, 0, stem, 0, info.frames);
    for (size_t i = 0; i < mix.size(); ++i) mix[i] += sound[i];
  }
  return from_mono(std::move(mix), kAnalysisRate);
}

void ChordRates::add(const std::vector<ChordSpan>& truth, const std::vector<ChordSpan>& found) {
  root += chord_overlap(truth, found, ChordRule::kRoot);
  majmin += chord_overlap(truth, found, ChordRule::kMajMin);
  sevenths += chord_overlap(truth, found, ChordRule::kSevenths);
}

void EarScores::add(const SongInfo& truth, const Analysis& analysis) {
  const Hearing& hearing = analysis.hearing;
  ++songs;
  heard.add(truth.chords, hearing.chord_spans);
  if (analysis.has_notes) {
    from_notes.add(truth.chords, analysis.note_chords);
    between_judges.add(hearing.chord_spans, analysis.note_chords);
  }
  beats += score_beats(beat_times(truth.beats), beat_times(hearing.beats));
  downbeats += score_beats(downbeat_times(truth.beats), downbeat_times(hearing.beats));
  if (!hearing.keys.empty()) key_sum += key_score(truth.key, hearing.key);
}

std::string EarScores::text() const {
  std::string text =
      format("%zu songs\n%-28s %6s %8s %9s\n", songs, "chords, share of the time", "root", "maj/min", "sevenths");
  text += row("heard", heard) + row("from notes", from_notes) + row("from notes against heard", between_judges);
  if (songs > 0) text += format("%-28s %6.3f\n", "key, MIREX weighted", key_sum / static_cast<double>(songs));
  if (beats.found > 0)
    text +=
        format("%-28s %6.3f\n%-28s %6.3f\n", "beats, F at 70 ms", beats.f1(), "downbeats, F at 70 ms", downbeats.f1());
  return text;
}

}  // namespace instructme
