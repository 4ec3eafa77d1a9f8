#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "instructme/analysis/analysis.h"
#include "instructme/annotation/chord_scores.h"
#include "instructme/base/error.h"
#include "instructme/ears/mono_to_hear.h"
#include "instructme/models/chord_extractor.h"
#include "instructme/pretrained/note_chord_judge.h"
#include "instructme/score/chord_estimate.h"

namespace instructme {
namespace {

std::vector<std::vector<float>> rows_of(const at::Tensor& matrix) {
  const at::Tensor values = matrix.to(at::kCPU, at::kFloat).contiguous();
  std::vector<std::vector<float>> rows;
  for (int64_t i = 0; i < values.size(0); ++i) {
    const float* row = values.data_ptr<float>() + i * values.size(1);
    rows.emplace_back(row, row + values.size(1));
  }
  return rows;
}

at::Tensor tensor_of(const AudioBuffer& music) {
  return at::from_blob(const_cast<float*>(music.samples.data()), {music.frames()}, at::kFloat);
}

// Chord probabilities by templates, in pieces of ten minutes that know a little of their neighbours, so that memory
// does not grow with the length. (frames, kChordClasses)
at::Tensor template_chords(ChromaTemplateChordExtractor& templates, const AudioBuffer& music,
                           const CancelToken& cancel) {
  constexpr int64_t kPiece = 7500, kMargin = 125;  // chord frames
  const int64_t frames = chord_frames(music.frames());
  const at::Tensor wave = tensor_of(music);
  std::vector<at::Tensor> pieces;
  for (int64_t start = 0; start < frames; start += kPiece) {
    cancel.check();
    const int64_t end = std::min(frames, start + kPiece);
    const int64_t first = std::max<int64_t>(0, start - kMargin), last = std::min(frames, end + kMargin);
    const at::Tensor chords = templates.extract(wave.slice(0, first * kChordHop, last * kChordHop), last - first)[0];
    pieces.push_back(chords.slice(0, start - first, end - first).clone());
  }
  return at::cat(pieces);
}

// Chord probabilities of silence. (frames, kChordClasses)
at::Tensor no_chords(int64_t frames) {
  at::Tensor chords = at::zeros({frames, kChordClasses});
  chords.select(1, 0).fill_(1.0);
  return chords;
}

// Whether chords were heard of which a key network would have told the key.
bool has_chord(const Hearing& hearing) {
  return std::any_of(hearing.chord_spans.begin(), hearing.chord_spans.end(),
                     [](const ChordSpan& span) { return !span.chord.none; });
}

// The key of notes, or of the tones of chords where there are no notes.
void estimate_one_key(Analysis& analysis) {
  Score score;
  Part part;
  part.notes = analysis.notes;
  if (part.notes.empty())
    for (const ChordSpan& span : analysis.hearing.chord_spans)
      for (const int tone : chord_pitch_classes(span.chord))
        part.notes.push_back({span.start_s, span.end_s - span.start_s, 60 + tone, 90});
  if (part.notes.empty()) return;
  score.parts = {part};
  analysis.hearing.key = estimate_key(score);
  analysis.hearing.keys = {{0, analysis.hearing.duration_s, analysis.hearing.key, 0}};
}

}  // namespace

struct Analyzer::Parts {
  Ears ears;
  std::optional<NoteTranscriber> transcriber;
  ChromaTemplateChordExtractor templates;
};

Analyzer::Analyzer(Ears ears, const std::filesystem::path& transcriber) : parts_(std::make_unique<Parts>()) {
  parts_->ears = std::move(ears);
  if (!transcriber.empty()) parts_->transcriber.emplace(transcriber);
}

Analyzer::~Analyzer() = default;

Analysis Analyzer::analyze(const AudioBuffer& music, const ProgressCallback& progress, const CancelToken& cancel) {
  ensure(music.sample_rate == kAnalysisRate && music.channels == 1, "analysis hears one channel at 24 kHz");
  if (music.samples.empty()) throw Error(ErrorKind::kInput, "there is no sound to analyse: the music has no samples");
  const at::NoGradGuard no_grad;
  Analysis analysis;
  analysis.level_db = rms_db(music.samples);
  analysis.silent = is_silence(music.samples);
  const int64_t frames = chord_frames(music.frames());

  if (parts_->transcriber) {
    KeyActivity keys;
    analysis.has_notes = true;
    if (!analysis.silent)
      analysis.notes = parts_->transcriber->transcribe(
          music.samples, kAnalysisRate,
          [&](int64_t first, const NotePosteriors& posteriors) { keys.add(first, posteriors); }, progress, cancel);
    const at::Tensor matrix = keys.matrix(frames);
    analysis.keys = rows_of(matrix);
    analysis.note_chords = likeliest_chords(chords_of_keys(matrix), music.seconds());
  } else {
    analysis.missing.push_back("notes: there is no note transcriber, or it was not wanted");
  }

  Hearing& hearing = analysis.hearing;
  const auto compare_judges = [&] {
    if (!analysis.has_notes) return;
    const ChordOverlap both = chord_overlap(hearing.chord_spans, analysis.note_chords, ChordRule::kMajMin);
    if (both.judged_s > 0) analysis.chord_agreement = both.share();
  };
  if (parts_->ears) {
    analysis.trained_ears = true;
    hearing = parts_->ears(music, progress, cancel);
    compare_judges();
    if (hearing.keys.empty() && has_chord(hearing)) analysis.missing.push_back("key: the model has no key network");
    if (!hearing.has_tagger) analysis.missing.push_back("instruments: the model has no tagger");
    return analysis;
  }
  cancel.check();
  hearing.duration_s = music.seconds();
  hearing.chord_rate = static_cast<double>(kChordSampleRate) / kChordHop;
  const at::Tensor chords = analysis.silent ? no_chords(frames) : template_chords(parts_->templates, music, cancel);
  hearing.chords = rows_of(chords);
  hearing.chord_spans = likeliest_chords(chords, hearing.duration_s);
  compare_judges();
  estimate_one_key(analysis);
  analysis.missing.push_back("beats, tempo, metre and instruments: the model folder has no trained ears");
  return analysis;
}

Analysis Analyzer::analyze(const std::filesystem::path& path, const ProgressCallback& progress,
                           const CancelToken& cancel) {
  const AudioInfo info = probe_audio(path);
  Analysis analysis = analyze(read_for_analysis(path, cancel), progress, cancel);
  analysis.name = path.filename().string();
  analysis.file = info;
  return analysis;
}

}  // namespace instructme
