#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "instructme/annotation/chord_file.h"
#include "instructme/base/error.h"
#include "instructme/base/hash.h"
#include "instructme/base/strings.h"
#include "instructme/edit/report.h"
#include "instructme/score/key_label.h"
#include "session_data.h"

namespace instructme {
namespace {

/// Bars become seconds, so that the plan can be done again without the beats.
Plan in_seconds(Plan plan, const AudioBuffer& mix, const std::vector<Beat>& beats) {
  for (PlanStep& step : plan.steps) {
    if (!step.range || step.range->unit != PlanRange::Unit::kBars) continue;
    const Region region = resolve_range(step.range, mix.frames(), mix.sample_rate, beats);
    step.range = PlanRange{PlanRange::Unit::kSeconds, static_cast<double>(region.begin) / mix.sample_rate,
                           static_cast<double>(region.end) / mix.sample_rate};
  }
  return plan;
}

/// Whether anything of a note is heard in a range of the sound that has it.
bool is_heard(const Note& note, const AudioBuffer& sound, const Region& region) {
  const auto frame_at = [&](double time_s) { return std::llround(time_s * sound.sample_rate); };
  const int64_t from = std::max<int64_t>(region.begin, frame_at(note.onset_s)),
                to = std::min<int64_t>(region.end, frame_at(note.onset_s + note.duration_s));
  return from < to && peak(slice(sound, from, to).samples) > 0;
}

void note_options(SessionNode& node, const EditOptions& options) {
  node.seed = options.seed;
  node.steps = options.steps;
  node.guidance = options.guidance;
  node.pan = options.pan;
  node.thorough = options.thorough;
  node.parts = part_maker_name(options.parts);
  node.part_notes = part_notes_name(options.part_notes);
  node.mode = edit_mode_name(options.mode);
  if (!options.chords.empty()) node.chords = chord_text(options.chords);
  if (options.key) node.key = key_label(*options.key);
  node.beats = options.beats;
  node.notes = options.notes;
}

/// Those with which an edit is made anew.
EditOptions noted_options(const SessionNode& node) {
  EditOptions options;
  options.mode = parse_edit_mode(node.mode);
  options.force = true;  // what was done once was heard, or forced
  options.seed = node.seed;
  options.steps = node.steps;
  options.guidance = node.guidance;
  options.pan = node.pan;
  options.thorough = node.thorough;
  options.parts = parse_part_maker(node.parts);
  options.part_notes = parse_part_notes(node.part_notes);
  if (!node.chords.empty()) options.chords = parse_chords(node.chords, node.text);
  if (!node.key.empty()) options.key = parse_key(node.key);
  options.beats = node.beats;
  options.notes = node.notes;
  return options;
}

/// "The guitar", where an edit brought one in, is that one.
void settle_own_kinds(PlanStep& step, const std::vector<std::string>& brought_in) {
  std::erase_if(step.kinds, [&](const InstrumentKind& kind) {
    const auto is_of_kind = [&](const std::string& name) {
      return std::find(kind.instruments.begin(), kind.instruments.end(), name) != kind.instruments.end();
    };
    if (std::none_of(brought_in.begin(), brought_in.end(), is_of_kind)) return false;
    std::erase_if(step.instruction.instruments, is_of_kind);
    return true;
  });
}

}  // namespace

void Session::Data::bring_own_parts(const std::string& name, Draft& draft) const {
  for (const Heard& h : draft.before) {
    const SessionLayer& layer = h.layer;
    if (layer.id == 0 || layer.removed || layer.extracted || layer.muted || layer.name != name ||
        draft.node.drops(layer.id))
      continue;
    draft.node.dropped.push_back(layer.id);
    draft.made.push_back({.name = name,
                          .audio = files.read(h.file),
                          .noted = h.notes,
                          .level_db = layer.level_db,
                          .soloed = layer.soloed});
  }
}

void Session::Data::take_out(MadeLayer& part, const Region& region, double strength, AudioBuffer& mix) {
  AudioBuffer gone = at_level(part.audio, part.level_db);
  add_audio(part.audio, placed(part.audio, 0, part.audio.frames(), region, strength, is_on_grid(part.audio)), -1);
  // The difference of what is heard, so that the mix stays as it is where the part does.
  add_audio(gone, at_level(part.audio, part.level_db), -1);
  add_audio(mix, gone, -1);
}

Session::Data::Rest Session::Data::take_own_parts(const Plan& plan, const std::vector<Beat>& beats,
                                                  Draft& draft) const {
  Rest rest{{{}, plan.keep}, {}};
  for (PlanStep step : plan.steps) {
    Instruction& instruction = step.instruction;
    const bool replaces = instruction.operation == Operation::kReplace;
    if (replaces || instruction.operation == Operation::kRemove) {
      const Region region = resolve_range(step.range, draft.mix.frames(), draft.mix.sample_rate, beats);
      std::vector<Note> own;
      std::vector<std::string> brought_in;
      std::erase_if(instruction.instruments, [&](const std::string& name) {
        bring_own_parts(name, draft);
        bool found = false;
        for (MadeLayer& part : draft.made) {
          if (part.name != name) continue;
          found = true;
          if (part.noted && replaces)
            for (const Note& note : files.read_notes(*part.noted))
              if (is_heard(note, part.audio, region)) own.push_back(note);
          take_out(part, region, step.strength.value_or(1), draft.mix);
        }
        if (found) brought_in.push_back(name);
        return found;
      });
      settle_own_kinds(step, brought_in);
      if (instruction.instruments.empty()) {
        if (!replaces) continue;
        instruction.operation = Operation::kAdd;
        instruction.instruments = std::exchange(instruction.replacements, {});
        rest.notes = std::move(own);
      }
    }
    rest.plan.steps.push_back(std::move(step));
  }
  // A part of which nothing is left is no layer any more.
  std::erase_if(draft.made, [](const MadeLayer& part) { return peak(part.audio.samples) == 0; });
  std::stable_sort(rest.notes.begin(), rest.notes.end(),
                   [](const Note& a, const Note& b) { return a.onset_s < b.onset_s; });
  return rest;
}

bool Session::Data::edit_rest(const Rest& rest, Editor& editor, EditOptions options, Draft& draft,
                              std::vector<std::string>& notes, const ProgressCallback& progress,
                              const CancelToken& cancel) {
  // What takes the place of a part that an edit brought in plays its very notes.
  if (rest.plan.steps.size() == 1 && !rest.notes.empty() && options.notes.empty() &&
      options.part_notes != PartNotes::kWritten &&
      editor.would_play_notes(rest.plan.steps.front().instruction, options)) {
    options.notes = rest.notes;
    options.part_notes = PartNotes::kAuto;
  }
  EditResult result = editor.edit(draft.mix, rest.plan, options, progress, cancel);
  notes.insert(notes.end(), result.notes.begin(), result.notes.end());
  if (!editor.model_folder().empty()) draft.node.model = folder_hash(editor.model_folder());
  const bool sum = result.is_sum_of_stems();
  if (!sum) {
    draft.node.replaces = true;
    draft.node.dropped.clear();
    draft.made.clear();
    if (AudioBuffer residual = result.residual(); peak(residual.samples) > 0)
      draft.made.push_back({"music", false, std::move(residual)});
  }
  bool seeded = result.seconds_sample > 0;
  for (EditedStem& stem : result.stems) {
    seeded = seeded || stem.notes.has_value();
    if (sum || stem.in_result)
      draft.made.push_back({.name = stem.instrument,
                            .removed = sum && !stem.added,
                            .audio = std::move(stem.audio),
                            .notes = std::move(stem.notes),
                            .extracted = !sum && !stem.added});
  }
  return seeded;
}

void Session::Data::write_layers(Draft& draft, const CancelToken& cancel) const {
  int id = next_layer();
  for (size_t i = 0; i < draft.made.size(); ++i) {
    cancel.check();
    const MadeLayer& made = draft.made[i];
    const std::string name = format("%06d_%zu", draft.node.id, i + 1);
    const std::string file = "stems/" + write_exactly(files.path("stems"), name, made.audio);
    NewLayer layer{.id = id++,
                   .name = made.name,
                   .removed = made.removed,
                   .file = files.noted(file),
                   .notes = made.noted,
                   .level_db = made.level_db,
                   .soloed = made.soloed,
                   .extracted = made.extracted};
    if (made.notes)
      layer.notes = files.noted("stems/" + write_notes(files.path(file), *made.notes, made.audio.seconds(), 120));
    draft.node.layers.push_back(std::move(layer));
  }
}

SessionNode Session::Data::make_edit(int parent, const EditorSource& editor, const Plan& plan, EditOptions options,
                                     std::vector<std::string>& notes, const ProgressCallback& progress,
                                     const CancelToken& cancel) const {
  check_plan(plan);
  Draft draft;
  SessionNode& node = draft.node;
  node.id = static_cast<int>(nodes.size());
  node.parent = parent;
  node.action = "apply";
  draft.before = layers_at(parent);
  draft.mix = mix_of(draft.before, false);
  // By the beats of the music as it came, so that bars stay what they are from round to round.
  if (has_bars(plan) && options.beats.empty()) options.beats = editor().hear_beats(files.read(music), progress, cancel);
  const Plan said = in_seconds(plan, draft.mix, options.beats);
  Rest rest = take_own_parts(said, options.beats, draft);
  if (!rest.plan.steps.empty() && is_silent(draft.mix)) {
    // It was all that is heard, and nothing is left that a new part could join: so it is edited as music is.
    draft.made.clear();
    node.dropped.clear();
    draft.mix = mix_of(draft.before, false);
    rest.plan = said;
  }
  const bool seeded = !rest.plan.steps.empty() && edit_rest(rest, editor(), options, draft, notes, progress, cancel);
  node.sentence = plain_sentence(said);
  node.text = "apply: " + node.sentence;
  if (seeded) node.text += format(" (seed %llu)", static_cast<unsigned long long>(options.seed));
  node.plan = plan_json(said);
  note_options(node, options);
  write_layers(draft, cancel);
  return std::move(draft.node);
}

std::vector<std::string> Session::apply(const EditorSource& editor, const Plan& plan, const EditOptions& options,
                                        const ProgressCallback& progress, const CancelToken& cancel) {
  std::vector<std::string> notes;
  data_->append(data_->make_edit(data_->state.head, editor, plan, options, notes, progress, cancel));
  return notes;
}

std::vector<std::string> Session::reroll(const EditorSource& editor, std::optional<uint64_t> seed,
                                         const ProgressCallback& progress, const CancelToken& cancel) {
  const SessionNode last = data_->at(data_->state.head);
  if (last.action != "apply")
    throw Error(ErrorKind::kUsage,
                "the last change is '" + last.text + "', which is no edit: only an edit can be made anew");
  EditOptions options = noted_options(last);
  options.seed = seed.value_or(last.seed + 1);
  // There is but one version with the notes that are heard. Those that were given are played again.
  if (options.part_notes == PartNotes::kAuto && options.notes.empty()) options.part_notes = PartNotes::kWritten;
  const Plan plan = parse_plan_with_kinds(last.sentence, Lexicon::builtin());
  std::vector<std::string> notes;
  data_->append(data_->make_edit(last.parent, editor, plan, options, notes, progress, cancel));
  return notes;
}

}  // namespace instructme
