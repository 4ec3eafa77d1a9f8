#include <torch/torch.h>
// The precompiled torch header comes first.
#include <algorithm>
#include <cmath>

#include "instructme/audio/loudness.h"
#include "instructme/base/error.h"
#include "instructme/edit/editor.h"
#include "instructme/edit/stem_extractor.h"
#include "stopwatch.h"

namespace instructme {

namespace {

void add(AudioBuffer& sum, const AudioBuffer& part, float factor) {
  ensure(sum.samples.size() == part.samples.size(), "only stems of the same music can be added up");
  for (size_t i = 0; i < sum.samples.size(); ++i) sum.samples[i] += factor * part.samples[i];
}

/// Medians over 143 rendered songs of a stem's active RMS below that of its mix, dB, by the role it mostly plays.
double usual_level_db(const std::string& instrument) {
  const InstrumentEntry* entry = Lexicon::builtin().find_instrument(instrument);
  const std::string role = entry == nullptr || entry->roles.empty() ? "chords" : entry->roles.front();
  if (role == "drums") return -9;
  if (role == "bass" || role == "melody") return -8;
  if (role == "arpeggio") return -13;
  return -11;  // chords, counter-melody
}

/// The model's own idea of how loud a part should be is poor: parts came out as loud as the mix.
void match_level(AudioBuffer& stem, const AudioBuffer& mix, const std::string& instrument) {
  const double loudness = active_rms(stem);
  if (loudness <= 0) return;
  const double gain = active_rms(mix) * std::pow(10.0, usual_level_db(instrument) / 20) / loudness;
  for (float& x : stem.samples) x = static_cast<float>(x * gain);
}

}  // namespace

AudioBuffer Editor::compose(const AudioBuffer& source, const EditOptions& options, EditResult& result,
                            const ProgressCallback& progress, const CancelToken& cancel) {
  const Instruction& instruction = result.instruction;
  const Operation operation = instruction.operation;
  const bool takes_out =
      operation == Operation::kExtract || operation == Operation::kRemove || operation == Operation::kReplace;
  const bool puts_in =
      operation == Operation::kAdd || operation == Operation::kAccompany || operation == Operation::kReplace;
  const bool keeps = operation != Operation::kExtract && operation != Operation::kAccompany;

  AudioBuffer mix = source;    // the source as edited so far
  AudioBuffer named = source;  // the sum of what is taken out or put in
  std::fill(named.samples.begin(), named.samples.end(), 0.0f);
  if (takes_out) {
    const Stopwatch watch(result.seconds_encode);
    StemExtractor extractor(pipeline_.mask, static_cast<int>(pipeline_.config.vae.sample_rate),
                            pipeline_.config.level_dbfs);
    std::vector<AudioBuffer> stems = extractor.extract(source, instruction.instruments, progress, cancel);
    for (size_t i = 0; i < stems.size(); ++i) {
      add(mix, stems[i], -1.0f);
      add(named, stems[i], 1.0f);
      result.stems.push_back({instruction.instruments[i], false, std::move(stems[i])});
    }
  }
  if (puts_in) {
    const auto& names = operation == Operation::kReplace ? instruction.replacements : instruction.instruments;
    // One part at a time, each hearing those before it, so that each is a stem of its own.
    for (const std::string& name : names) {
      Instruction alone;
      alone.operation = Operation::kAccompany;
      alone.instruments = {name};
      AudioBuffer stem = direct(mix, Operation::kAccompany, plain_sentence(alone), options, result, progress, cancel);
      match_level(stem, source, name);
      add(mix, stem, 1.0f);
      add(named, stem, 1.0f);
      result.stems.push_back({name, true, std::move(stem)});
    }
  }
  return keeps ? mix : named;
}

}  // namespace instructme
