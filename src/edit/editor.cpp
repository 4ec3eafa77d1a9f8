#include "instructme/edit/editor.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "family.h"
#include "instructme/audio/loudness.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/names.h"
#include "instructme/base/rng.h"
#include "instructme/base/strings.h"
#include "instructme/ears/chord_net.h"
#include "instructme/ears/mono_to_hear.h"
#include "instructme/edit/harmony.h"
#include "instructme/edit/judge.h"
#include "instructme/edit/stem_extractor.h"
#include "instructme/torchx/runtime.h"
#include "job.h"
#include "stopwatch.h"

namespace instructme {

using at::Tensor;

Tensor as_tensor(const std::vector<float>& wave) {
  return torch::from_blob(const_cast<float*>(wave.data()), {static_cast<int64_t>(wave.size())}, at::kFloat).clone();
}

double level_gain(const Tensor& wave, double level_dbfs) {
  const double rms = std::sqrt(wave.to(at::kDouble).pow(2).mean().item<double>());
  return std::pow(10.0, level_dbfs / 20) / std::max(rms, 1e-6);
}

namespace {

constexpr Names<EditMode, 3> kModeNames{
    {{EditMode::kAuto, "auto"}, {EditMode::kDirect, "direct"}, {EditMode::kCompose, "compose"}}};

/// One channel at the model's rate (S); nothing else of it stays in memory.
Tensor heard_by_model(const AudioBuffer& heard, double rate) {
  const std::vector<float> mono = resample(mono_to_hear(heard), heard.sample_rate, rate);
  if (mono.empty()) throw Error(ErrorKind::kInput, "the music is shorter than one sample of the model");
  return as_tensor(mono);
}

}  // namespace

Editor::Editor(const std::filesystem::path& model_folder, EditorOptions options)
    : Editor(Pipeline::load(model_folder), std::move(options)) {
  const auto folder = model_folder / "ears";
  if (std::filesystem::is_regular_file(folder / "chords.json"))
    chord_extractor_ = std::make_unique<NeuralChordExtractor>(NeuralChordExtractor::load(folder));
  if (Ears own = ears_of(model_folder); own && !options_.ears) options_.ears = remembering(std::move(own));
  if (Ears tagger = tagger_of(model_folder); tagger && !options_.hears)
    options_.hears = [own = remembering(std::move(tagger))](const AudioBuffer& music, const std::string& name) {
      return tag_certainty(own(music, {}, {}), name);
    };
  model_folder_ = model_folder;
}

Editor::Editor(Pipeline pipeline, EditorOptions options)
    : pipeline_(std::move(pipeline)),
      options_(std::move(options)),
      chord_extractor_(std::make_unique<ChromaTemplateChordExtractor>()) {
  if (options_.ears) options_.ears = remembering(std::move(options_.ears));
  pipeline_.eval();
  const c10::Device device = find_device(options_.device);
  pipeline_.to(device);
  options_.bfloat16 = options_.bfloat16 && multiplies_bfloat16(device);
  if (options_.bfloat16) pipeline_.to(at::kBFloat16);
}

const char* edit_mode_name(EditMode mode) { return name_of(mode, kModeNames); }
EditMode parse_edit_mode(const std::string& name) { return value_called(name, kModeNames, "mode of editing"); }

bool Editor::can(EditMode mode, const Instruction& instruction) const {
  if (mode != EditMode::kCompose) return true;
  const Operation operation = instruction.operation;
  if (operation == Operation::kRemix) {
    if (!options_.accompanist) return false;
    const auto& names = instruction.instruments;
    if (names.empty()) return instruction.genre && options_.accompanist->plays_genre(*instruction.genre);
    return std::all_of(names.begin(), names.end(),
                       [&](const std::string& name) { return options_.accompanist->plays(name); });
  }
  if (operation == Operation::kAdd || operation == Operation::kAccompany) return true;
  return pipeline_.mask &&
         std::all_of(instruction.instruments.begin(), instruction.instruments.end(),
                     [&](const std::string& name) { return !mask_places(*pipeline_.mask, name).empty(); });
}

EditMode Editor::mode_for(const Instruction& instruction, const EditOptions& options) const {
  if (options.mode != EditMode::kAuto) return options.mode;
  if (instruction.operation == Operation::kRemix && (options.parts == PartMaker::kModel || !knows_harmony(options)))
    return EditMode::kDirect;
  return can(EditMode::kCompose, instruction) ? EditMode::kCompose : EditMode::kDirect;
}

Tensor Editor::edit_direct(const Tensor& source, Operation operation, const std::string& sentence,
                           const EditOptions& options, Tensor chords, EditResult& report,
                           const ProgressCallback& progress, const CancelToken& cancel) {
  torch::NoGradGuard no_grad;
  ensure(source.dim() == 1 && source.scalar_type() == at::kFloat, "edit_direct wants a float wave of shape (S)");
  const PipelineConfig& config = pipeline_.config;
  const auto device = find_device(options_.device);
  const int64_t samples = source.size(0);

  // Training music has one level; the model gets the same and the answer is brought back.
  const double gain = level_gain(source, config.level_dbfs);
  const Tensor wave = (source * gain).to(device);

  SamplingSettings settings = config.sampling_of(operation);
  settings.sampler.seed = options.seed;
  if (options.steps > 0) settings.sampler.steps = options.steps;
  if (options.guidance >= 0) settings.guidance.scale = options.guidance;
  settings.sampler.validate();
  settings.guidance.validate();
  report.settings = settings;

  Tensor z_s;
  {
    const Stopwatch watch(report.seconds_encode);
    if (progress) progress({"listening", 0, 1, ""});
    z_s = pipeline_.describe_source(encode_long(pipeline_.vae, wave, cancel), wave.unsqueeze(0));  // (1, T, C + M)
    if (!chords.defined() && config.unet.chord_classes > 0)
      chords = chord_extractor_->extract(wave.cpu(), chord_frames(samples))[0];
    if (progress) progress({"listening", 1, 1, ""});
  }
  report.chords = chords;
  Tensor z;
  {
    const Stopwatch watch(report.seconds_sample);
    SamplerHooks hooks;
    hooks.cancel = cancel;
    hooks.progress = progress;
    const Tensor condition = chords.defined() ? chords.unsqueeze(0).to(device) : Tensor();
    z = pipeline_.sample_target(z_s, {sentence}, condition, settings, hooks);
  }
  const Stopwatch watch(report.seconds_decode);
  if (progress) progress({"decoding", 0, 1, ""});
  const Tensor edited = decode_long(pipeline_.vae, z, samples, cancel) / gain;
  if (progress) progress({"decoding", 1, 1, ""});
  return edited.cpu();
}

AudioBuffer Editor::direct(const AudioBuffer& heard, int64_t first, Operation operation, const std::string& sentence,
                           EditResult& result, const Job& job) {
  const double rate = static_cast<double>(pipeline_.config.vae.sample_rate);
  const Tensor wave = heard_by_model(heard, rate);
  Tensor chords;
  if (pipeline_.config.unet.chord_classes > 0 && (!job.options.chords.empty() || job.options.key)) {
    const int64_t frames = chord_frames(wave.size(0));
    chords = job.options.chords.empty()
                 ? chord_extractor_->extract(wave, frames)[0]
                 : chord_matrix(job.options.chords, static_cast<double>(first) / heard.sample_rate, frames);
    if (job.options.key) chords = in_key(chords, *job.options.key);
  }
  const Tensor edited =
      edit_direct(wave, operation, sentence, job.options, chords, result, job.progress, job.cancel).contiguous();
  const std::vector<float> back = resample(
      std::span<const float>(edited.data_ptr<float>(), static_cast<size_t>(edited.size(0))), rate, heard.sample_rate);
  return in_channels(back, heard);
}

Tensor Editor::estimate_chords(const AudioBuffer& source) {
  const Tensor wave = as_tensor(resample(mono_to_hear(source), source.sample_rate, kChordSampleRate));
  return chord_extractor_->extract(wave, chord_frames(wave.size(0)))[0];
}

std::vector<Beat> Editor::hear_beats(const AudioBuffer& source, const ProgressCallback& progress,
                                     const CancelToken& cancel) {
  constexpr const char* kInstead = "name a file of them with --beats, or give the range in seconds";
  if (!ears())
    throw Error(ErrorKind::kInput, std::string("a range in bars needs the beats of the music, and this model has no "
                                               "ears to hear them: ") +
                                       kInstead);
  std::vector<Beat> beats = ears()(source, progress, cancel).beats;
  if (beats.empty())
    throw Error(ErrorKind::kInput,
                std::string("a range in bars needs the beats of the music, and none are heard in it: ") + kInstead);
  return beats;
}

void Editor::check_source(const AudioBuffer& source) const {
  if (source.frames() == 0) throw Error(ErrorKind::kInput, "the music is empty: there is nothing to edit");
  if (source.seconds() > max_seconds())
    throw Error(ErrorKind::kInput, format("the music is %.0f s long; at most %.0f s can be edited at once: cut it into "
                                          "parts first",
                                          source.seconds(), max_seconds()));
  if (is_silent(source))
    throw Error(ErrorKind::kInput, "the music is silent (below -80 dBFS): there is nothing to edit");
}

/// That of an instrument or its relatives, which are easily taken for each other; 1 where nobody can tell.
double Editor::heard_certainty(const AudioBuffer& source, const std::string& instrument) const {
  std::optional<double> most;
  for (const InstrumentEntry& entry : Lexicon::builtin().instruments())
    if (are_related(entry.name, instrument))
      if (const auto certainty = options_.hears(source, entry.name)) most = std::max(most.value_or(0), *certainty);
  return most.value_or(1);
}

void Editor::check_heard(const AudioBuffer& source, const Plan& plan) const {
  std::vector<std::string> brought;
  for (const PlanStep& step : plan.steps) {
    const Instruction& instruction = step.instruction;
    const bool takes = names_source_stems(instruction.operation) || instruction.operation == Operation::kReplace;
    for (const std::string& name : instruction.instruments) {
      if (!takes || std::find(brought.begin(), brought.end(), name) != brought.end()) continue;
      const double certainty = heard_certainty(source, name);
      if (certainty < kHeard)
        throw Error(ErrorKind::kInput,
                    "the music has no " + name + format(" that can be heard (certainty %.2f); ", certainty) +
                        "'instructme analyze' lists what is heard; if it is there all the same, use --force");
    }
    const auto& added =
        instruction.operation == Operation::kReplace ? instruction.replacements : instruction.instruments;
    if (!takes || instruction.operation == Operation::kReplace)
      brought.insert(brought.end(), added.begin(), added.end());
  }
}

void Editor::check_notes(const Plan& plan, const EditOptions& options) const {
  if (options.notes.empty()) return;
  if (options.part_notes != PartNotes::kAuto)
    throw Error(ErrorKind::kUsage, "a new part plays either the notes that are given or those that are " +
                                       std::string(part_notes_name(options.part_notes)) + ": leave one of them out");
  const bool played = std::any_of(plan.steps.begin(), plan.steps.end(), [&](const PlanStep& step) {
    return mode_for(step.instruction, options) == EditMode::kCompose && would_play_notes(step.instruction, options);
  });
  if (!played)
    throw Error(ErrorKind::kInput, "nothing plays the notes that are given: '" + plain_sentence(plan) +
                                       "' has no new part with tones that is played on a SoundFont");
}

EditMode Editor::choose_mode(const Instruction& instruction, const AudioBuffer& source, const Region& region,
                             const EditOptions& options, std::vector<std::string>& notes,
                             const ProgressCallback& progress, const CancelToken& cancel) {
  constexpr const char* kAnew = ", in one channel and with nothing above 12 kHz";
  const EditMode mode = mode_for(instruction, options);
  const bool composed = mode == EditMode::kCompose;
  if (!composed && instruction.operation == Operation::kReplace && options.part_notes == PartNotes::kHeard)
    throw Error(ErrorKind::kUsage, "to " + plain_sentence(instruction) +
                                       " the music is rendered anew, and no part plays notes that are heard; leave "
                                       "--part-notes heard out");
  if (instruction.operation == Operation::kRemix && composed && options.parts == PartMaker::kModel)
    throw Error(
        ErrorKind::kUsage,
        "in compose mode a remix is played; leave --mode compose or --parts model out to have the model make it");
  if (options.mode != EditMode::kAuto) return mode;
  if (instruction.operation == Operation::kRemix && composed &&
      !knows_beat(source, region, options, progress, cancel)) {
    notes.push_back("the remix was made by the model: " + without_beat(options) + ".");
    return EditMode::kDirect;
  }
  if (composed) return mode;
  if (instruction.operation != Operation::kRemix)
    notes.push_back("to " + plain_sentence(instruction) + " the whole mix was made anew by the model" + kAnew +
                    ": it has not learned to take that out of the music.");
  else if (options.parts != PartMaker::kModel)
    notes.push_back(std::string("the remix was made anew by the model") + kAnew +
                    "; remixes of named instruments, and of a genre where the program MMA is installed, are played "
                    "instead.");
  return mode;
}

EditResult Editor::edit(const AudioBuffer& source, const std::string& sentence, const EditOptions& options,
                        const ProgressCallback& progress, const CancelToken& cancel) {
  return edit(source, parse_plan_with_kinds(sentence, Lexicon::builtin()), options, progress, cancel);
}

Plan Editor::settled(const AudioBuffer& source, const Plan& plan, const EditOptions& options,
                     std::vector<std::string>& notes) const {
  const bool has_kinds =
      std::any_of(plan.steps.begin(), plan.steps.end(), [](const PlanStep& step) { return !step.kinds.empty(); });
  if (!has_kinds) return plan;
  // Without ears everything of the kind is meant.
  const auto certainty = [&](const std::string& name) {
    return options_.hears ? options_.hears(source, name).value_or(0) : 1.0;
  };
  return settle_kinds(plan, certainty, options.force ? 0.0 : kHeard, notes);
}

EditResult Editor::edit(const AudioBuffer& source, const Plan& asked, const EditOptions& options,
                        const ProgressCallback& progress, const CancelToken& cancel) {
  check_plan(asked);
  check_source(source);
  if (!(options.pan >= -1 && options.pan <= 1))
    throw Error(ErrorKind::kUsage, "a pan is a number from -1 (left) to 1 (right)");
  if (options.pan != 0 && source.channels != 2)
    throw Error(
        ErrorKind::kUsage,
        format("only in music of two channels can a part be panned; this has %d: leave the pan out", source.channels));
  check_notes(asked, options);
  EditResult result;
  const Plan plan = settled(source, asked, options, result.notes);
  result.plan = plan;
  if (has_bars(plan)) {
    result.beats = options.beats.empty() ? hear_beats(source, progress, cancel) : options.beats;
    if (options.beats.empty()) result.heard_beats = result.beats;
  }
  for (const PlanStep& step : plan.steps) {
    const Region region = resolve_range(step.range, source.frames(), source.sample_rate, result.beats);
    result.regions.push_back(region);
    result.modes.push_back(choose_mode(step.instruction, source, region, options, result.notes, progress, cancel));
    const std::string wanted = plain_sentence(step.instruction);
    if (!can(result.modes.back(), step.instruction))
      throw Error(ErrorKind::kUsage, "this model cannot " + wanted + " in compose mode; use direct mode");
    if (result.modes.back() == EditMode::kDirect && !plan.keep.empty())
      throw Error(ErrorKind::kInput, "to " + wanted +
                                         " this model has to render the music anew, so it cannot keep the " +
                                         join(plan.keep, " and the ") + " as it is");
    // Notes that sound elsewhere would make a part that is silent.
    if (result.modes.back() == EditMode::kCompose && !options.notes.empty() &&
        would_play_notes(step.instruction, options))
      notes_within(options.notes, static_cast<double>(region.begin) / source.sample_rate,
                   static_cast<double>(region.end - region.begin) / source.sample_rate);
  }
  if (options_.hears && !options.force) check_heard(source, plan);
  result.audio = source;
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    cancel.check();
    Job job{options, is_on_grid(source), progress, cancel};
    // Parts of different steps do not share their noise.
    if (i > 0) job.options.seed = Rng(options.seed).fork(i).next();
    if (progress && plan.steps.size() > 1)
      job.progress = [&, i](const Progress& now) {
        Progress shown = now;
        shown.detail =
            format("step %zu of %zu", i + 1, plan.steps.size()) + (now.detail.empty() ? "" : ", " + now.detail);
        progress(shown);
      };
    run_step(plan.steps[i], i, source, result, job);
  }
  const bool panned = std::any_of(result.stems.begin(), result.stems.end(), [&](const EditedStem& stem) {
    return stem.added && plan.steps[stem.step].instruction.operation != Operation::kRemix;
  });
  if (options.pan != 0 && !panned)
    result.notes.push_back("the pan changed nothing: there is no new part to be panned.");
  const bool replaces = std::any_of(plan.steps.begin(), plan.steps.end(), [](const PlanStep& step) {
    return step.instruction.operation == Operation::kReplace;
  });
  if (options.part_notes == PartNotes::kHeard && !replaces)
    result.notes.push_back("nothing of the music is replaced, so no part plays notes that are heard.");
  return result;
}

EditMode EditResult::mode() const {
  const bool composed = std::all_of(modes.begin(), modes.end(), [](EditMode m) { return m == EditMode::kCompose; });
  return composed ? EditMode::kCompose : EditMode::kDirect;
}

bool EditResult::is_sum_of_stems() const {
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const Operation operation = plan.steps[i].instruction.operation;
    if (modes[i] != EditMode::kCompose || operation == Operation::kExtract || operation == Operation::kAccompany ||
        operation == Operation::kRemix)
      return false;
  }
  return true;
}

AudioBuffer EditResult::residual() const {
  AudioBuffer rest = audio;
  for (const EditedStem& stem : stems)
    if (stem.in_result) add_audio(rest, stem.audio, -1);
  return rest;
}

}  // namespace instructme
