#include <torch/torch.h>
// The precompiled torch header comes first.
#include <algorithm>
#include <cmath>

#include "instructme/audio/loudness.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/edit/editor.h"
#include "instructme/edit/stem_extractor.h"
#include "job.h"
#include "stopwatch.h"

namespace instructme {

Editor::Replaced Editor::hear_replaced(const AudioBuffer& heard, const std::vector<EditedStem>& taken,
                                       const Instruction& instruction, EditResult& result, const Job& job) {
  constexpr double kHardly_lu = 20;
  Replaced replaced;
  AudioBuffer all = taken.front().audio;
  for (size_t i = 1; i < taken.size(); ++i) add_audio(all, taken[i].audio);
  const double lufs = loudness_lufs(all);
  // What takes the place of hardly anything is as loud as such parts mostly are; else all together are as loud as that.
  if (std::isfinite(lufs) && lufs >= loudness_lufs(heard) - kHardly_lu)
    replaced.lufs = lufs - 10 * std::log10(static_cast<double>(instruction.replacements.size()));
  replaced.notes = hear_notes(taken, instruction, result, job);
  replaced.whose = "the notes that are heard of the " + join(instruction.instruments, " and the ");
  return replaced;
}

bool hears_thoroughly(const EditOptions& options, double seconds) {
  return options.thorough.value_or(seconds <= kThoroughUpTo_s);
}

std::vector<EditedStem> Editor::find_stems(const AudioBuffer& heard, int64_t first, const Instruction& instruction,
                                           EditResult& result, const Job& job) {
  const Operation operation = instruction.operation;
  const bool takes_out =
      operation == Operation::kExtract || operation == Operation::kRemove || operation == Operation::kReplace;
  const bool puts_in =
      operation == Operation::kAdd || operation == Operation::kAccompany || operation == Operation::kReplace;
  if (operation == Operation::kRemix) return play_remix(heard, first, instruction, result, job);
  std::vector<EditedStem> found;
  const auto& names = operation == Operation::kReplace ? instruction.replacements : instruction.instruments;
  // As edited so far; where nothing changes before the last part is made, what is heard will do.
  const bool changes = puts_in && (takes_out || names.size() > 1);
  AudioBuffer mix = changes ? heard : AudioBuffer();
  if (takes_out) {
    const Stopwatch watch(result.seconds_encode);
    for (const std::string& name : instruction.instruments)
      if (!pipeline_.mask->find(name))
        result.notes.push_back("this model has not learned the sound of '" + name +
                               "': all instruments of its family (" + Lexicon::builtin().find_instrument(name)->family +
                               ") were taken for it.");
    const bool thorough = hears_thoroughly(job.options, heard.seconds());
    result.thorough |= thorough;
    StemExtractor extractor(pipeline_.mask, static_cast<int>(pipeline_.config.vae.sample_rate),
                            pipeline_.config.level_dbfs, thorough);
    std::vector<AudioBuffer> stems = extractor.extract(heard, instruction.instruments, job.progress, job.cancel);
    for (size_t i = 0; i < stems.size(); ++i) {
      if (puts_in) add_audio(mix, stems[i], -1);
      found.push_back({.instrument = instruction.instruments[i],
                       .added = false,
                       .in_result = operation == Operation::kExtract,
                       .audio = std::move(stems[i])});
    }
  }
  if (puts_in) {
    Replaced replaced = takes_out ? hear_replaced(heard, found, instruction, result, job) : Replaced();
    if (would_play_notes(instruction, job.options) && !job.options.notes.empty()) {
      replaced.notes = notes_within(job.options.notes, static_cast<double>(first) / heard.sample_rate, heard.seconds());
      replaced.whose = "the notes that were given";
    }
    // One part at a time, each hearing those before it, so that each is a stem of its own.
    for (const std::string& name : names) {
      job.cancel.check();
      found.push_back(make_part(heard, changes ? mix : heard, first, name, replaced, result, job));
      if (names.size() > 1) add_audio(mix, found.back().audio);
    }
  }
  return found;
}

void Editor::run_step(const PlanStep& step, size_t index, const AudioBuffer& source, EditResult& result,
                      const Job& job) {
  const Instruction& instruction = step.instruction;
  const Region region = result.regions[index];
  AudioBuffer& mix = result.audio;
  const int64_t frames = mix.frames();
  const double strength = step.strength.value_or(1.0);
  // Only what is near the range is listened to.
  const auto [first, last] = around(region, frames, mix.sample_rate);
  const bool whole = first == 0 && last == frames;
  const AudioBuffer part = whole ? AudioBuffer() : slice(mix, first, last);
  const AudioBuffer& heard = whole ? mix : part;
  if (is_silent(heard))
    throw Error(ErrorKind::kInput,
                whole ? "the music is silent (below -80 dBFS) after the steps before: there is nothing to edit"
                      : format("the music is silent (below -80 dBFS) around %.2f s to %.2f s: there is nothing to edit",
                               static_cast<double>(region.begin) / source.sample_rate,
                               static_cast<double>(region.end) / source.sample_rate));
  const auto place = [&](const AudioBuffer& audio, int64_t from) {
    return placed(audio, from, frames, region, strength, job.grid);
  };

  std::vector<EditedStem> stems;
  if (result.modes[index] == EditMode::kCompose) {
    stems = find_stems(heard, first, instruction, result, job);
    for (EditedStem& stem : stems) {
      stem.step = index;
      stem.audio = place(stem.audio, first);
    }
    const bool keeps = instruction.operation != Operation::kExtract && instruction.operation != Operation::kAccompany &&
                       instruction.operation != Operation::kRemix;
    if (!keeps) {
      add_audio(mix, place(mix, 0), -1);
      for (EditedStem& earlier : result.stems) earlier.in_result = false;
    }
    for (const EditedStem& stem : stems) add_audio(mix, stem.audio, stem.added || !keeps ? 1.0f : -1.0f);
  } else {
    const AudioBuffer edited = direct(heard, first, instruction.operation, plain_sentence(instruction), result, job);
    add_audio(mix, place(mix, 0), -1);
    add_audio(mix, place(edited, first));
    for (EditedStem& earlier : result.stems) earlier.in_result = false;
  }
  for (EditedStem& stem : stems) result.stems.push_back(std::move(stem));
}

}  // namespace instructme
