#include "instructme/eval/ears_evaluation.h"

#include <torch/torch.h>

#include <algorithm>

#include "instructme/base/strings.h"
#include "instructme/ears/listener.h"
#include "instructme/ears/tagger.h"
#include "instructme/train/beat_task.h"
#include "instructme/train/chord_task.h"
#include "instructme/train/ears_recipe.h"
#include "instructme/train/tagger_task.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kStep_s = 0.02;  // at which chords are compared

bool is_minor(const Key& key) {
  return key.mode == Mode::kMinor || key.mode == Mode::kDorian || key.mode == Mode::kPhrygian;
}

void compare_chords(const LabelledClip& clip, const std::vector<ChordSpan>& answer, ChordAgreement& agreement) {
  const auto steps = static_cast<int>(clip.labelled_s / kStep_s);
  const std::vector<int> truth = chord_classes(clip.chords, 0.0, steps, 1.0 / kStep_s);
  const std::vector<int> heard = chord_classes(answer, 0.0, steps, 1.0 / kStep_s);
  for (size_t i = 0; i < truth.size(); ++i) agreement.add(truth[i], heard[i]);
}

std::vector<ChordSpan> template_chords(ChromaTemplateChordExtractor& templates, const Tensor& wave) {
  const Tensor best = templates.extract(wave, chord_frames(wave.size(0)))[0].argmax(1);
  constexpr double kFrame_s = static_cast<double>(kChordHop) / static_cast<double>(kChordSampleRate);
  std::vector<ChordSpan> spans;
  for (int64_t t = 0; t < best.size(0); ++t)
    spans.push_back({static_cast<double>(t) * kFrame_s, static_cast<double>(t + 1) * kFrame_s,
                     chord_of_class(best[t].item<int>())});
  return spans;
}

std::vector<double> beat_times(const std::vector<Beat>& beats, double until_s, bool downbeats) {
  std::vector<double> times;
  for (const Beat& beat : beats)
    if (beat.time_s < until_s && (!downbeats || beat.position == 0)) times.push_back(beat.time_s);
  return times;
}

double share(int64_t right, int64_t all) { return all > 0 ? static_cast<double>(right) / static_cast<double>(all) : 0; }

}  // namespace

double key_score(const Key& truth, const Key& answer) {
  const bool minor = is_minor(truth), same_mode = minor == is_minor(answer);
  const int above = ((answer.tonic - truth.tonic) % 12 + 12) % 12;
  if (same_mode) return above == 0 ? 1.0 : above == 7 ? 0.5 : 0.0;
  if (above == 0) return 0.2;
  return above == (minor ? 3 : 9) ? 0.3 : 0.0;
}

EarsReport evaluate_ears(const std::filesystem::path& model, const std::vector<std::filesystem::path>& sets,
                         const ProgressCallback& progress, const CancelToken& cancel) {
  Listener listener(model);
  ChromaTemplateChordExtractor templates;
  EarsReport report;
  for (const ClipCollection& set : whole_songs(sets)) {
    ChordAgreement trained, by_templates;
    double beats = 0, downbeats = 0, metres = 0, keys = 0;
    int64_t done = 0;
    for (const LabelledClip& clip : set.clips) {
      cancel.check();
      if (progress) progress({"listening to " + set.name, done++, static_cast<int64_t>(set.clips.size()), ""});
      const Hearing heard = listener.listen(from_mono(clip.wave, static_cast<int>(kChordSampleRate)));
      compare_chords(clip, heard.chord_spans, trained);
      compare_chords(clip, template_chords(templates, wave_of(clip)[0]), by_templates);
      const auto f_measure = [&](bool down) {
        return event_f_measure(beat_times(clip.beats, clip.labelled_s, down),
                               beat_times(heard.beats, clip.labelled_s, down));
      };
      beats += f_measure(false);
      downbeats += f_measure(true);
      metres += heard.beats_per_bar == clip.beats_per_bar ? 1.0 : 0.0;
      if (!heard.keys.empty()) keys += key_score(clip.key, heard.key);
    }
    const auto count = static_cast<double>(std::max<size_t>(1, set.clips.size()));
    report.rows.push_back({"chords, major and minor", set.name, share(trained.majmin_right, trained.majmin)});
    report.rows.push_back({"chords, with sevenths", set.name, share(trained.sevenths_right, trained.sevenths)});
    report.rows.push_back(
        {"chroma templates, major and minor", set.name, share(by_templates.majmin_right, by_templates.majmin)});
    report.rows.push_back(
        {"chroma templates, with sevenths", set.name, share(by_templates.sevenths_right, by_templates.sevenths)});
    report.rows.push_back({"beats, F-measure", set.name, beats / count});
    report.rows.push_back({"downbeats, F-measure", set.name, downbeats / count});
    report.rows.push_back({"beats per bar right", set.name, metres / count});
    report.rows.push_back({"key, MIREX weighted", set.name, keys / count});
  }
  if (!std::filesystem::is_regular_file(model / "ears" / "tagger.json")) return report;
  CalibratedTagger tagger = load_tagger(model / "ears");
  for (const ClipCollection& set : excerpts(sets)) {
    cancel.check();
    const TagScores scores = score_tags(tagger.net, tagger.instrument_thresholds, set.clips);
    report.rows.push_back({"instruments, mean ROC-AUC", set.name, scores.auc});
    report.rows.push_back({"instruments, F1 of all decisions", set.name, scores.f1});
    report.rows.push_back({"instruments, mean F1 of instruments", set.name, scores.class_f1});
    report.rows.push_back({"genre right", set.name, scores.genre});
    for (const TagScores::Class& c : scores.classes)
      report.instruments.push_back({c.name, set.name, c.threshold, c.auc, c.f1, c.clips});
  }
  return report;
}

std::string EarsReport::markdown() const {
  std::vector<std::string> sets, names;
  const auto add = [](std::vector<std::string>& list, const std::string& name) {
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
  };
  for (const Row& row : rows) add(sets, row.set), add(names, row.what);
  std::string text = "| |";
  for (const std::string& set : sets) text += " " + set + " |";
  text += "\n|---|";
  for (size_t i = 0; i < sets.size(); ++i) text += "---|";
  text += "\n";
  for (const std::string& name : names) {
    text += "| " + name + " |";
    for (const std::string& set : sets) {
      const auto row =
          std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.what == name && r.set == set; });
      text += row == rows.end() ? " |" : format(" %.3f |", row->value);
    }
    text += "\n";
  }
  if (instruments.empty()) return text;
  text += "\n| instrument | threshold | set | clips | ROC-AUC | F1 |\n|---|---|---|---|---|---|\n";
  std::vector<Instrument> ordered = instruments;
  std::stable_sort(ordered.begin(), ordered.end(), [](auto& a, auto& b) { return a.name < b.name; });
  for (const Instrument& i : ordered)
    text += format("| %s | %.2f | %s | %lld | %.3f | %.2f |\n", i.name.c_str(), i.threshold, i.set.c_str(),
                   static_cast<long long>(i.clips), i.auc, i.f1);
  return text;
}

}  // namespace instructme
