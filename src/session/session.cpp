#include "instructme/session/session.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "instructme/annotation/chord_file.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/hash.h"
#include "instructme/base/strings.h"
#include "instructme/edit/report.h"
#include "instructme/score/key_label.h"
#include "session_files.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

bool holds(const std::vector<int>& ids, int id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }

AudioBuffer scaled(const AudioBuffer& audio, double factor) {
  return placed(audio, 0, audio.frames(), {0, audio.frames(), 0, 0}, factor, is_on_grid(audio));
}

}  // namespace

struct Session::Data {
  /// A layer with what is noted of its file.
  struct Heard {
    SessionLayer layer;
    SessionFile file;
    std::optional<SessionFile> notes;
  };

  /// A layer that is being made.
  struct MadeLayer {
    std::string name;
    bool removed = false;
    AudioBuffer audio;
    std::optional<Part> notes = {};
  };

  explicit Data(const fs::path& folder) : files(folder) {}

  SessionFiles files;
  std::unique_ptr<FolderLock> lock;
  SessionFile music;
  std::vector<SessionNode> nodes;
  SessionState state;
  std::vector<Heard> heard;          ///< the layers where the session stands
  std::vector<SessionLayer> layers;  ///< the same, for users

  const SessionNode& at(int id) const { return nodes[static_cast<size_t>(id)]; }

  int next_layer() const {
    int next = 1;
    for (const SessionNode& node : nodes)
      for (const NewLayer& layer : node.layers) next = std::max(next, layer.id + 1);
    return next;
  }

  std::vector<Heard> layers_at(int head) const {
    std::vector<int> path;
    for (int id = head; id >= 0; id = at(id).parent) path.push_back(id);
    std::vector<Heard> out;
    for (auto id = path.rbegin(); id != path.rend(); ++id) {
      const SessionNode& node = at(*id);
      if (node.replaces) out.clear();
      std::erase_if(out, [&](const Heard& h) { return holds(node.dropped, h.layer.id); });
      for (const NewLayer& layer : node.layers)
        out.push_back({{.id = layer.id, .name = layer.name, .removed = layer.removed, .file = layer.file.name},
                       layer.file,
                       layer.notes});
      for (Heard& h : out) {
        if (h.layer.id != node.layer) continue;
        if (node.action == "level") h.layer.level_db = node.level_db;
        if (node.action == "mute" || node.action == "unmute") h.layer.muted = node.action == "mute";
        if (node.action == "solo" || node.action == "unsolo") h.layer.soloed = node.action == "solo";
      }
    }
    return out;
  }

  void stand_at(const SessionState& next) {
    files.write_state(next);
    state = next;
    refresh();
  }

  void refresh() {
    heard = layers_at(state.head);
    layers.clear();
    for (const Heard& h : heard) layers.push_back(h.layer);
  }

  /// Writes a change and goes there.
  void append(SessionNode node) {
    node.id = static_cast<int>(nodes.size());
    files.write_node(node);
    SessionState next = state;
    next.head = next.branches[next.branch] = node.id;
    next.redo.clear();
    nodes.push_back(std::move(node));
    stand_at(next);
  }

  void change_layer(const std::string& action, int id, double level_db, const std::string& remark) {
    const auto found = std::find_if(layers.begin(), layers.end(), [&](const SessionLayer& l) { return l.id == id; });
    if (found == layers.end()) {
      std::vector<std::string> known;
      for (const SessionLayer& layer : layers) known.push_back(format("%d (", layer.id) + layer.name + ")");
      throw Error(ErrorKind::kUsage, format("there is no layer %d; there are ", id) + join(known, ", "));
    }
    SessionNode node;
    node.parent = state.head;
    node.action = action;
    node.text = action + format(" %d ", id) + found->name + remark;
    node.layer = id;
    node.level_db = level_db;
    append(std::move(node));
  }

  /// What a layer adds to the mix.
  AudioBuffer contribution(const Heard& h, bool turned) const {
    AudioBuffer audio = files.read(h.file);
    const double factor = std::pow(10.0, h.layer.level_db / 20) * (turned ? -1 : 1);
    return factor == 1 ? audio : scaled(audio, factor);
  }

  bool plays(const Heard& h, bool any_solo) const { return any_solo ? h.layer.soloed : !h.layer.muted; }

  AudioBuffer mix_of(const std::vector<Heard>& all, bool with_solo) const {
    const bool any_solo =
        with_solo && std::any_of(all.begin(), all.end(), [](const Heard& h) { return h.layer.soloed; });
    AudioBuffer mix;
    for (const Heard& h : all) {
      if (!plays(h, any_solo)) continue;
      // Alone, what was taken out is heard as it was.
      AudioBuffer part = contribution(h, h.layer.removed && !any_solo);
      if (mix.samples.empty())
        mix = std::move(part);
      else
        add_audio(mix, part);
    }
    if (!mix.samples.empty()) return mix;
    mix = files.read(music);
    std::fill(mix.samples.begin(), mix.samples.end(), 0.0f);
    return mix;
  }

  /// The notes of the edit are appended to `notes`.
  SessionNode make_edit(int parent, const EditorSource& editor, const Plan& plan, EditOptions options,
                        std::vector<std::string>& notes, const ProgressCallback& progress, const CancelToken& cancel);
  /// What is left of a plan, and the notes of own parts that its last replacement puts others in the place of.
  struct Rest {
    Plan plan;
    std::vector<Note> notes;
  };
  Rest take_own_layers(const Plan& plan, const EditOptions& options, const std::vector<Heard>& all, AudioBuffer& mix,
                       SessionNode& node, std::vector<MadeLayer>& made) const;
};

/// Removes what earlier edits added, and returns what of the plan is left to do.
Session::Data::Rest Session::Data::take_own_layers(const Plan& plan, const EditOptions& options,
                                                   const std::vector<Heard>& all, AudioBuffer& mix, SessionNode& node,
                                                   std::vector<MadeLayer>& made) const {
  Rest rest{{{}, plan.keep}, {}};
  for (PlanStep step : plan.steps) {
    Instruction& instruction = step.instruction;
    if (instruction.operation == Operation::kRemove || instruction.operation == Operation::kReplace) {
      const Region region = resolve_range(step.range, mix.frames(), mix.sample_rate, options.beats);
      const double strength = step.strength.value_or(1);
      std::vector<Note> own;
      std::erase_if(instruction.instruments, [&](const std::string& name) {
        bool found = false;
        for (const Heard& h : all) {
          if (h.layer.id == 0 || h.layer.removed || h.layer.muted || h.layer.name != name ||
              holds(node.dropped, h.layer.id))
            continue;
          found = true;
          if (h.notes && instruction.operation == Operation::kReplace)
            for (const Note& note : files.read_notes(*h.notes)) own.push_back(note);
          const AudioBuffer part = contribution(h, false);
          const bool grid = is_on_grid(part);
          const AudioBuffer gone = placed(part, 0, part.frames(), region, strength, grid);
          add_audio(mix, gone, -1);
          if (region.is_whole(mix.frames()) && strength == 1)
            node.dropped.push_back(h.layer.id);
          else
            made.push_back({name, true, gone});
        }
        return found;
      });
      if (instruction.instruments.empty()) {
        if (instruction.operation == Operation::kRemove) continue;
        instruction.operation = Operation::kAdd;
        instruction.instruments = std::exchange(instruction.replacements, {});
        rest.notes = std::move(own);
      }
    }
    rest.plan.steps.push_back(std::move(step));
  }
  std::stable_sort(rest.notes.begin(), rest.notes.end(),
                   [](const Note& a, const Note& b) { return a.onset_s < b.onset_s; });
  return rest;
}

SessionNode Session::Data::make_edit(int parent, const EditorSource& editor, const Plan& plan, EditOptions options,
                                     std::vector<std::string>& notes, const ProgressCallback& progress,
                                     const CancelToken& cancel) {
  check_plan(plan);
  SessionNode node;
  node.id = static_cast<int>(nodes.size());
  node.parent = parent;
  node.action = "apply";
  const std::vector<Heard> all = layers_at(parent);
  AudioBuffer mix = mix_of(all, false);
  // By the beats of the music as it came, so that bars stay what they are from round to round.
  if (has_bars(plan) && options.beats.empty()) options.beats = editor().hear_beats(files.read(music), progress, cancel);
  Plan said = plan;  // bars become seconds, so that it can be done again without the beats
  for (PlanStep& step : said.steps)
    if (step.range && step.range->unit == PlanRange::Unit::kBars) {
      const Region region = resolve_range(step.range, mix.frames(), mix.sample_rate, options.beats);
      step.range = PlanRange{PlanRange::Unit::kSeconds, static_cast<double>(region.begin) / mix.sample_rate,
                             static_cast<double>(region.end) / mix.sample_rate};
    }
  std::vector<MadeLayer> made;
  const auto [rest, own_notes] = take_own_layers(said, options, all, mix, node, made);
  bool sampled = false;
  if (!rest.steps.empty()) {
    Editor& with = editor();
    EditOptions told = options;
    // What takes the place of a part that an edit brought in plays its very notes.
    if (rest.steps.size() == 1 && options.notes.empty() && options.part_notes == PartNotes::kAuto &&
        with.would_play_notes(rest.steps.front().instruction, options))
      told.notes = own_notes;
    EditResult result = with.edit(mix, rest, told, progress, cancel);
    notes.insert(notes.end(), result.notes.begin(), result.notes.end());
    sampled = result.seconds_sample > 0 || std::any_of(result.stems.begin(), result.stems.end(),
                                                       [](const EditedStem& s) { return s.notes.has_value(); });
    if (!with.model_folder().empty()) node.model = folder_hash(with.model_folder());
    const bool sum = result.is_sum_of_stems();
    if (!sum) {
      node.replaces = true;
      node.dropped.clear();
      made.clear();
      if (AudioBuffer residual = result.residual(); peak(residual.samples) > 0)
        made.push_back({"music", false, std::move(residual)});
    }
    for (EditedStem& stem : result.stems)
      if (sum || stem.in_result)
        made.push_back({stem.instrument, sum && !stem.added, std::move(stem.audio), std::move(stem.notes)});
  }
  node.sentence = plain_sentence(said);
  node.text = "apply: " + node.sentence +
              (sampled ? format(" (seed %llu)", static_cast<unsigned long long>(options.seed)) : "");
  node.plan = plan_json(said);
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
  int id = next_layer();
  for (size_t i = 0; i < made.size(); ++i) {
    cancel.check();
    const std::string name = format("%06d_%zu", node.id, i + 1);
    const std::string file = "stems/" + write_exactly(files.path("stems"), name, made[i].audio);
    NewLayer layer{id++, made[i].name, made[i].removed, files.noted(file), {}};
    if (made[i].notes)
      layer.notes = files.noted("stems/" + write_notes(files.path(file), *made[i].notes, made[i].audio.seconds(), 120));
    node.layers.push_back(std::move(layer));
  }
  return node;
}

Session::Session(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Session Session::create(const fs::path& folder, const fs::path& music) {
  std::error_code code;
  if (fs::exists(folder, code))
    throw Error(ErrorKind::kUsage, folder.string() + " exists: a new session needs a folder of its own");
  read_audio(music, {.max_seconds = Editor::max_seconds()});
  // The folder appears under its name only when complete.
  const fs::path place = folder.has_filename() ? folder : folder.parent_path();
  const fs::path unfinished = place.parent_path() / ("." + place.filename().string() + format(".part-%d", ::getpid()));
  fs::remove_all(unfinished, code);
  make_folder(unfinished / "nodes");
  make_folder(unfinished / "stems");
  {
    const SessionFiles files(unfinished);
    const std::string name = "music" + lower(music.extension().string());
    write_file_atomically(files.path(name), read_text_file(music));
    const SessionFile noted = files.noted(name);
    files.write_head(noted);
    SessionNode begin;
    begin.action = "begin";
    begin.text = "begin with " + music.filename().string();
    begin.layers.push_back({0, "music", false, noted, {}});
    files.write_node(begin);
    files.write_state({});
  }
  fs::rename(unfinished, place, code);
  if (code) {
    const std::string why = code.message();
    fs::remove_all(unfinished, code);
    throw Error(ErrorKind::kIo, "cannot make the session " + folder.string() + ": " + why);
  }
  return open(place);
}

Session Session::open(const fs::path& folder) {
  auto data = std::make_unique<Data>(folder);
  data->files.read_head();  // before a lock file is made in a folder that is no session
  data->lock = std::make_unique<FolderLock>(folder);
  data->music = data->files.read_head();
  data->files.check_size(data->music);
  data->nodes = data->files.read_nodes();
  data->state = data->files.read_state(data->nodes);
  data->refresh();
  return Session(std::move(data));
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
  EditOptions options;
  options.mode = parse_edit_mode(last.mode);
  options.force = true;  // what was done once was heard, or forced
  options.seed = seed.value_or(last.seed + 1);
  options.steps = last.steps;
  options.guidance = last.guidance;
  options.pan = last.pan;
  options.thorough = last.thorough;
  options.parts = parse_part_maker(last.parts);
  options.part_notes = parse_part_notes(last.part_notes);
  // There is but one version with the notes that are heard.
  if (options.part_notes == PartNotes::kAuto) options.part_notes = PartNotes::kWritten;
  if (!last.chords.empty()) options.chords = parse_chords(last.chords, last.text);
  if (!last.key.empty()) options.key = parse_key(last.key);
  const Plan plan = parse_plan(last.sentence, Lexicon::builtin());
  std::vector<std::string> notes;
  data_->append(data_->make_edit(last.parent, editor, plan, options, notes, progress, cancel));
  return notes;
}

void Session::undo() {
  SessionState next = data_->state;
  const int parent = data_->at(next.head).parent;
  if (parent < 0) throw Error(ErrorKind::kUsage, "nothing has been done that could be undone");
  next.redo.push_back(next.head);
  next.head = next.branches[next.branch] = parent;
  data_->stand_at(next);
}

void Session::redo() {
  SessionState next = data_->state;
  if (next.redo.empty()) throw Error(ErrorKind::kUsage, "nothing has been undone that could be done again");
  next.head = next.branches[next.branch] = next.redo.back();
  next.redo.pop_back();
  data_->stand_at(next);
}

void Session::branch(const std::string& name) {
  const bool word = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c >= 0x80;
  });
  if (!word)
    throw Error(ErrorKind::kUsage, "'" + name + "' cannot be the name of a branch: use letters, digits, - and _");
  SessionState next = data_->state;
  if (next.branches.count(name)) throw Error(ErrorKind::kUsage, "there is a branch '" + name + "' already");
  next.branches[name] = next.head;
  next.branch = name;
  data_->stand_at(next);
}

void Session::switch_to(const std::string& name) {
  SessionState next = data_->state;
  if (!next.branches.count(name)) {
    std::vector<std::string> known;
    for (const auto& [branch, id] : next.branches) known.push_back(branch);
    throw Error(ErrorKind::kUsage,
                "there is no branch '" + name + "'" + did_you_mean(name, known) + "; there are " + join(known, ", "));
  }
  next.branch = name;
  next.head = next.branches[name];
  next.redo.clear();
  data_->stand_at(next);
}

const std::string& Session::current_branch() const { return data_->state.branch; }

void Session::mute(int layer, bool muted) { data_->change_layer(muted ? "mute" : "unmute", layer, 0, ""); }
void Session::solo(int layer, bool soloed) { data_->change_layer(soloed ? "solo" : "unsolo", layer, 0, ""); }
void Session::level(int layer, double level_db) {
  if (!(level_db >= -120 && level_db <= 40))
    throw Error(ErrorKind::kUsage, "a level is from -120 to 40 dB; to leave a layer out, mute it");
  data_->change_layer("level", layer, level_db, format(": %.2f dB", level_db));
}

fs::path Session::music() const { return data_->files.path(data_->music.name); }

const std::vector<SessionLayer>& Session::layers() const { return data_->layers; }

std::vector<SessionEntry> Session::log() const {
  std::vector<SessionEntry> out;
  for (const SessionNode& node : data_->nodes) {
    SessionEntry entry{node.id, node.parent, node.text, node.id == data_->state.head, {}};
    for (const auto& [name, id] : data_->state.branches)
      if (id == node.id) entry.branches.push_back(name);
    out.push_back(std::move(entry));
  }
  return out;
}

AudioBuffer Session::render() const { return data_->mix_of(data_->heard, true); }

WrittenLike Session::export_mix(const fs::path& output, const fs::path& stems) const {
  const AudioBuffer music = data_->files.read(data_->music);
  const WrittenLike written = write_like(data_->files.path(data_->music.name), music, output, render());
  if (stems.empty()) return written;
  make_folder(stems);
  const bool any_solo =
      std::any_of(data_->heard.begin(), data_->heard.end(), [](const Data::Heard& h) { return h.layer.soloed; });
  for (const Data::Heard& h : data_->heard) {
    if (!data_->plays(h, any_solo)) continue;
    const std::string name = format("%02d_", h.layer.id) + h.layer.name + (h.layer.removed ? "_removed" : "");
    write_exactly(stems, name, data_->contribution(h, h.layer.removed && !any_solo));
  }
  return written;
}

}  // namespace instructme
