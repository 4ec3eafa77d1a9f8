#include "instructme/edit/judge.h"

#include <torch/torch.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "family.h"
#include "instructme/annotation/beat_scores.h"
#include "instructme/annotation/chord_scores.h"
#include "instructme/audio/resample.h"
#include "instructme/ears/mono_to_hear.h"
#include "instructme/edit/harmony.h"
#include "instructme/pretrained/note_chord_judge.h"

namespace instructme {
namespace {

/// A hearing of nothing but chords.
Ears chord_ears(std::function<at::Tensor(const AudioBuffer&)> chords_of) {
  return [chords_of = std::move(chords_of)](const AudioBuffer& audio, const ProgressCallback&, const CancelToken&) {
    Hearing hearing;
    hearing.chord_spans = chord_spans(chords_of(audio));
    return hearing;
  };
}

/// What should be heard in the result, and what should not.
std::map<std::string, bool> wanted_instruments(const EditResult& result) {
  std::map<std::string, bool> wanted;
  for (size_t i = 0; i < result.plan.steps.size(); ++i) {
    const PlanStep& step = result.plan.steps[i];
    const Instruction& instruction = step.instruction;
    const bool takes = instruction.operation == Operation::kRemove || instruction.operation == Operation::kReplace;
    // Nothing is left of what was there before.
    if (instruction.operation == Operation::kExtract || instruction.operation == Operation::kAccompany ||
        instruction.operation == Operation::kRemix)
      wanted.clear();
    for (const std::string& name : instruction.instruments) {
      wanted.erase(name);
      // Where only some of it was taken, it is still there.
      if (!takes)
        wanted[name] = true;
      else if (result.regions[i].is_whole(result.audio.frames()) && step.strength.value_or(1) == 1)
        wanted[name] = false;
    }
    for (const std::string& name : instruction.replacements) wanted[name] = true;
  }
  return wanted;
}

}  // namespace

Judge chord_judge(Ears ears) {
  return {"chords agree",
          [ears = std::move(ears)](const AudioBuffer& source, const EditResult& result) -> std::optional<double> {
            const std::vector<ChordSpan> truth = ears(source, {}, {}).chord_spans;
            const ChordOverlap overlap =
                chord_overlap(truth, ears(result.audio, {}, {}).chord_spans, ChordRule::kTriads);
            if (overlap.judged_s <= 0) return std::nullopt;
            return overlap.share();
          }};
}

Judge beat_judge(Ears ears) {
  return {
      "beats agree",
      [ears = std::move(ears)](const AudioBuffer& source, const EditResult& result) -> std::optional<double> {
        if (!ears) return std::nullopt;
        const std::vector<Beat> truth = ears(source, {}, {}).beats;
        if (truth.empty()) return std::nullopt;
        // The beginning counts too: what is heard is the same ears' in both.
        constexpr double kWindow_s = 0.07, kFirst_s = 0;
        return score_beats(beat_times(truth), beat_times(ears(result.audio, {}, {}).beats), kWindow_s, kFirst_s).f1();
      }};
}

Judge instrument_judge(Ears ears) {
  return {"instrument heard",
          [ears = std::move(ears)](const AudioBuffer&, const EditResult& result) -> std::optional<double> {
            const std::map<std::string, bool> wanted = wanted_instruments(result);
            if (!ears || wanted.empty()) return std::nullopt;
            const Hearing hearing = ears(result.audio, {}, {});
            double sum = 0;
            for (const auto& [name, there] : wanted) {
              const auto certainty = tag_certainty(hearing, name);
              if (!certainty) return std::nullopt;
              sum += there ? *certainty : 1 - *certainty;
            }
            return sum / static_cast<double>(wanted.size());
          }};
}

std::optional<double> tag_certainty(const Hearing& hearing, const std::string& instrument) {
  const auto found = std::find_if(hearing.instruments.begin(), hearing.instruments.end(),
                                  [&](const HeardTag& tag) { return tag.name == instrument; });
  if (found == hearing.instruments.end()) return std::nullopt;
  const double threshold = std::clamp(found->threshold, 1e-6, 1 - 1e-6), probability = found->probability;
  return probability < threshold ? 0.5 * probability / threshold : 1 - 0.5 * (1 - probability) / (1 - threshold);
}

std::optional<double> family_certainty(const Hearing& hearing, const std::string& instrument) {
  std::optional<double> certainty;
  for (const HeardTag& tag : hearing.instruments)
    if (are_related(tag.name, instrument))
      certainty = std::max(certainty.value_or(0), *tag_certainty(hearing, tag.name));
  return certainty;
}

std::vector<Judge> standard_judges(Editor& editor, const std::filesystem::path& transcriber) {
  Ears chords = editor.ears();
  if (!transcriber.empty()) {
    const auto judge = std::make_shared<NoteChordJudge>(transcriber);
    chords = remembering(chord_ears([judge](const AudioBuffer& audio) {
      const at::Tensor wave = as_tensor(resample(mono_to_hear(audio), audio.sample_rate, kChordSampleRate));
      return judge->extract(wave, chord_frames(wave.size(0)))[0];
    }));
  } else if (!chords) {
    chords = remembering(chord_ears([&editor](const AudioBuffer& audio) { return editor.estimate_chords(audio); }));
  }
  return {instrument_judge(editor.ears()), chord_judge(chords), beat_judge(editor.ears())};
}

Scores judged(const std::vector<Judge>& judges, const AudioBuffer& source, const EditResult& result) {
  Scores scores;
  for (const Judge& judge : judges) scores[judge.name] = judge.score(source, result);
  return scores;
}

double mean_score(const Scores& scores) {
  double sum = 0;
  int count = 0;
  for (const auto& [name, score] : scores)
    if (score) sum += *score, ++count;
  return count == 0 ? 0 : sum / count;
}

nlohmann::json scores_json(const Scores& scores) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, score] : scores) out[name] = score ? nlohmann::json(*score) : nlohmann::json();
  return out;
}

}  // namespace instructme
