#include "instructme/eval/ears_evaluation.h"

#include <torch/torch.h>

#include <algorithm>
#include <optional>

#include "instructme/analysis/analysis.h"
#include "instructme/annotation/beat_scores.h"
#include "instructme/annotation/chord_scores.h"
#include "instructme/annotation/key_scores.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/strings.h"
#include "instructme/ears/beat_net.h"
#include "instructme/ears/listener.h"
#include "instructme/ears/mono_to_hear.h"
#include "instructme/ears/mulan.h"
#include "instructme/ears/tagger.h"
#include "instructme/pretrained/note_chord_judge.h"
#include "instructme/train/beat_task.h"
#include "instructme/train/chord_task.h"
#include "instructme/train/ears_recipe.h"
#include "instructme/train/mulan_task.h"
#include "instructme/train/tagger_task.h"

namespace instructme {

using at::Tensor;

namespace {

struct ChordScores {
  ChordOverlap majmin, sevenths;

  void add(const std::vector<ChordSpan>& truth, const std::vector<ChordSpan>& answer) {
    majmin += chord_overlap(truth, answer, ChordRule::kMajMin);
    sevenths += chord_overlap(truth, answer, ChordRule::kSevenths);
  }
  void report(const std::string& what, const std::string& set, EarsReport& report) const {
    if (majmin.judged_s <= 0) return;
    report.rows.push_back({what + ", major and minor", set, majmin.share()});
    report.rows.push_back({what + ", with sevenths", set, sevenths.share()});
  }
};

std::vector<ChordSpan> chords_by(ChordExtractor& extractor, const LabelledClip& clip) {
  const Tensor wave = wave_of(clip)[0];
  const double duration = static_cast<double>(wave.size(0)) / static_cast<double>(kChordSampleRate);
  return likeliest_chords(extractor.extract(wave, chord_frames(wave.size(0)))[0], duration);
}

/// Those where beats can be heard and are known.
std::vector<Beat> audible_beats(std::vector<Beat> beats, const LabelledClip& clip) {
  constexpr double kNear_s = 0.1;  // a beat is not always where its sound begins
  const auto [first, end] = sounding_part(clip.wave, kBeatHop);
  const double from_s = static_cast<double>(first) / kChordSampleRate - kNear_s,
               until_s = static_cast<double>(end) / kChordSampleRate + kNear_s;
  std::erase_if(beats, [&](const Beat& beat) {
    return beat.time_s < from_s || beat.time_s > until_s || beat.time_s >= clip.labelled_s;
  });
  return beats;
}

void judge_tagger(const std::filesystem::path& model, const std::vector<std::filesystem::path>& sets,
                  EarsReport& report, const CancelToken& cancel) {
  CalibratedTagger tagger = load_tagger(model / "ears");
  for (const ClipCollection& set : excerpts(sets)) {
    cancel.check();
    if (set.clips.empty()) continue;
    const TagScores scores = score_tags(tagger.net, tagger.instrument_thresholds, set.clips);
    report.rows.push_back({"instruments of full mixes, mean ROC-AUC", set.name, scores.auc});
    report.rows.push_back({"instruments of full mixes, F1 of all decisions", set.name, scores.f1});
  }
  for (const ClipCollection& set : part_clips(sets)) {
    cancel.check();
    if (set.clips.empty()) continue;
    const TagScores scores = score_tags(tagger.net, tagger.instrument_thresholds, set.clips);
    report.rows.push_back({"instruments, mean ROC-AUC", set.name, scores.auc});
    report.rows.push_back({"instruments, F1 of all decisions", set.name, scores.f1});
    report.rows.push_back({"instruments, mean F1 of instruments", set.name, scores.class_f1});
    report.rows.push_back({"genre right", set.name, scores.genre});
    for (const TagScores::Class& c : scores.classes)
      report.instruments.push_back({c.name, set.name, c.threshold, c.auc, c.f1, c.clips});
  }
}

/// By descriptions of 50 clips of some parts each.
void judge_mulan(const std::filesystem::path& model, const std::vector<std::filesystem::path>& sets, EarsReport& report,
                 const CancelToken& cancel) {
  constexpr int64_t kClips = 50;
  MuLanJudge judge = MuLanJudge::load(model);
  for (ClipCollection& set : part_clips(sets)) {
    cancel.check();
    const auto clips = hear_evenly(judge.tagger(), std::move(set.clips), kClips);
    if (clips.empty()) continue;
    const Retrieval found = score_retrieval(judge.net(), judge.tokenizer(), Lexicon::builtin(), clips);
    const std::string what = format("description finds its clip among %zu", clips.size());
    report.rows.push_back({what + ", R@1", set.name, found.recall_1});
    report.rows.push_back({what + ", R@5", set.name, found.recall_5});
  }
}

}  // namespace

EarsReport evaluate_ears(const std::filesystem::path& model, const std::vector<std::filesystem::path>& sets,
                         const std::filesystem::path& transcriber, const ProgressCallback& progress,
                         const CancelToken& cancel) {
  Listener listener(model);
  ChromaTemplateChordExtractor templates;
  std::optional<NoteChordJudge> judge;
  if (!transcriber.empty()) judge.emplace(transcriber);
  const auto has = [&](const char* network) { return std::filesystem::is_regular_file(model / "ears" / network); };
  EarsReport report;
  for (const ClipCollection& set : whole_songs(sets)) {
    ChordScores trained, by_templates, by_notes, between;
    double beats = 0, downbeats = 0, metres = 0, keys = 0;
    // Recordings may tell no beats or, without chords, no key (data/song_folder.h), and of the beats none may sound.
    double with_beats = 0, with_downbeats = 0, with_metre = 0, with_key = 0;
    int64_t done = 0;
    for (const LabelledClip& clip : set.clips) {
      cancel.check();
      if (progress) progress({"listening to " + set.name, done++, static_cast<int64_t>(set.clips.size()), ""});
      const Hearing heard = listener.listen(from_mono(clip.wave, static_cast<int>(kChordSampleRate)));
      trained.add(clip.chords, heard.chord_spans);
      by_templates.add(clip.chords, chords_by(templates, clip));
      if (judge) {
        const std::vector<ChordSpan> of_notes = chords_by(*judge, clip);
        by_notes.add(clip.chords, of_notes);
        between.add(heard.chord_spans, of_notes);
      }
      if (clip.labelled_s > 0) {
        ++with_key;
        if (!heard.keys.empty()) keys += key_score(clip.key, heard.key);
      }
      if (clip.beats.empty()) continue;
      const auto truth = audible_beats(clip.beats, clip), found = audible_beats(heard.beats, clip);
      // Songs of data sets are short, so that their beginnings count too.
      constexpr double kWindow_s = 0.07, kFirst_s = 0;
      const auto score = [&](const std::vector<double>& there, const std::vector<double>& answer, double& sum,
                             double& count) {
        if (there.empty() && answer.empty()) return;
        sum += score_beats(there, answer, kWindow_s, kFirst_s).f1();
        ++count;
      };
      score(beat_times(truth), beat_times(found), beats, with_beats);
      score(downbeat_times(truth), downbeat_times(found), downbeats, with_downbeats);
      ++with_metre;
      metres += heard.beats_per_bar == clip.beats_per_bar ? 1.0 : 0.0;
    }
    trained.report("chords", set.name, report);
    by_templates.report("chroma templates", set.name, report);
    by_notes.report("chords of notes", set.name, report);
    between.report("chords of notes against chords", set.name, report);
    if (with_beats > 0) report.rows.push_back({"beats, F-measure", set.name, beats / with_beats});
    if (with_downbeats > 0) report.rows.push_back({"downbeats, F-measure", set.name, downbeats / with_downbeats});
    if (with_metre > 0) report.rows.push_back({"beats per bar right", set.name, metres / with_metre});
    if (has("keys.json") && with_key > 0) report.rows.push_back({"key, MIREX weighted", set.name, keys / with_key});
  }
  if (has("tagger.json")) judge_tagger(model, sets, report, cancel);
  if (has("mulan.json")) judge_mulan(model, sets, report, cancel);
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
