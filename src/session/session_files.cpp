#include "session_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "instructme/audio/audio_file.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/hash.h"
#include "instructme/base/strings.h"
#include "instructme/score/midi_file.h"

namespace fs = std::filesystem;

namespace instructme {

using nlohmann::json;

namespace {

constexpr const char* kFormat = "instructme-session";
constexpr int kVersion = 1;

json file_json(const SessionFile& file) { return {{"file", file.name}, {"bytes", file.bytes}, {"hash", file.hash}}; }

SessionFile read_file_json(ConfigReader config) {
  SessionFile file;
  config.require("file", file.name);
  config.require("bytes", file.bytes);
  config.require("hash", file.hash);
  config.finish();
  return file;
}

std::string node_name(int id) { return "nodes/" + format("%06d", id) + ".json"; }

/// One beat, or note, in a line; doubles so that they come back as they were.
std::string beat_lines(const std::vector<Beat>& beats) {
  std::string text;
  for (const Beat& beat : beats) text += format("%.17g %d %d\n", beat.time_s, beat.bar, beat.position);
  return text;
}

std::string note_lines(const std::vector<Note>& notes) {
  std::string text;
  for (const Note& note : notes)
    text += format("%.17g %.17g %d %d\n", note.onset_s, note.duration_s, note.pitch, note.velocity);
  return text;
}

/// What was read must be all that is there, as it would be written.
void check_lines(const std::string& read, const std::string& text, const std::string& what) {
  if (read != text) throw Error(ErrorKind::kModel, what + " cannot be understood");
}

std::vector<Beat> parse_beats(const std::string& text, const std::string& context) {
  std::vector<Beat> beats;
  std::istringstream in(text);
  for (Beat beat; in >> beat.time_s >> beat.bar >> beat.position;) beats.push_back(beat);
  check_lines(beat_lines(beats), text, context + ": beats");
  return beats;
}

std::vector<Note> parse_notes(const std::string& text, const std::string& context) {
  std::vector<Note> notes;
  std::istringstream in(text);
  for (Note note; in >> note.onset_s >> note.duration_s >> note.pitch >> note.velocity;) notes.push_back(note);
  check_lines(note_lines(notes), text, context + ": notes");
  return notes;
}

SessionNode read_node(const json& value, const std::string& context) {
  SessionNode node;
  ConfigReader config(value, context);
  config.require("id", node.id);
  config.require("parent", node.parent);
  config.require("action", node.action);
  config.require("text", node.text);
  config.read("sentence", node.sentence);
  node.plan = config.raw("plan");
  config.read("seed", node.seed);
  config.read("steps", node.steps);
  config.read("guidance", node.guidance);
  config.read("pan", node.pan);
  if (bool thorough = false; config.has("thorough")) {
    config.read("thorough", thorough);
    node.thorough = thorough;
  }
  config.read("parts", node.parts);
  config.read("part_notes", node.part_notes);
  config.read("chords", node.chords);
  config.read("key", node.key);
  std::string beats, notes;
  config.read("beats", beats);
  config.read("notes", notes);
  node.beats = parse_beats(beats, context);
  node.notes = parse_notes(notes, context);
  config.read("mode", node.mode);
  config.read("model", node.model);
  config.read("replaces", node.replaces);
  config.read("dropped", node.dropped);
  config.read("layer", node.layer);
  config.read("level_db", node.level_db);
  for (const json& entry : config.raw("layers")) {
    ConfigReader layer_config(entry, context + ": layers");
    NewLayer layer;
    layer_config.require("id", layer.id);
    layer_config.require("name", layer.name);
    layer_config.require("removed", layer.removed);
    layer.file = read_file_json(layer_config.object("sound"));
    if (!layer_config.raw("notes").is_null()) layer.notes = read_file_json(layer_config.object("notes"));
    layer_config.read("level_db", layer.level_db);
    layer_config.read("soloed", layer.soloed);
    layer_config.read("extracted", layer.extracted);
    layer_config.finish();
    node.layers.push_back(std::move(layer));
  }
  config.finish();
  return node;
}

}  // namespace

void SessionFiles::damaged(const std::string& what) const {
  throw Error(ErrorKind::kInput, "the session " + folder_.string() + " is damaged: " + what +
                                     "; put a copy of the folder in its place, or begin a new session");
}

json SessionFiles::read_json(const std::string& name) const {
  std::error_code code;
  if (!fs::exists(path(name), code)) damaged(name + " is missing");
  try {
    return read_json_file(path(name));
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kIo) throw;
    damaged(name + " cannot be understood");
  }
}

void SessionFiles::write_head(const SessionFile& music) const {
  write_json_file(path("session.json"), {{"format", kFormat}, {"version", kVersion}, {"music", file_json(music)}});
}

SessionFile SessionFiles::read_head() const {
  std::error_code code;
  if (!fs::is_directory(folder_, code))
    throw Error(ErrorKind::kInput, "there is no session " + folder_.string() + ": begin one with 'session new'");
  if (!fs::exists(path("session.json"), code))
    throw Error(ErrorKind::kInput, folder_.string() + " is no session: it has no session.json");
  const json head = read_json("session.json");
  std::string kind;
  int64_t version = 0;
  try {
    ConfigReader config(head, "session.json");
    config.require("format", kind);
    config.require("version", version);
  } catch (const Error& error) {
    damaged(error.what());
  }
  if (kind != kFormat || version < 1) damaged("session.json is not of a session");
  if (version > kVersion)
    throw Error(ErrorKind::kInput, "the session " + folder_.string() +
                                       format(" was made by a newer version of this program (format %lld; this one "
                                              "knows up to %d)",
                                              static_cast<long long>(version), kVersion));
  try {
    return read_file_json(ConfigReader(head, "session.json").object("music"));
  } catch (const Error&) {
    damaged("session.json does not say what its music is");
  }
}

void SessionFiles::write_node(const SessionNode& node) const {
  json layers = json::array();
  for (const NewLayer& layer : node.layers) {
    layers.push_back({{"id", layer.id},
                      {"name", layer.name},
                      {"removed", layer.removed},
                      {"sound", file_json(layer.file)},
                      {"notes", layer.notes ? file_json(*layer.notes) : json()},
                      {"level_db", layer.level_db},
                      {"soloed", layer.soloed}});
    if (layer.extracted) layers.back()["extracted"] = true;
  }
  json described = {{"id", node.id},
                    {"parent", node.parent},
                    {"action", node.action},
                    {"text", node.text},
                    {"sentence", node.sentence},
                    {"plan", node.plan},
                    {"seed", node.seed},
                    {"steps", node.steps},
                    {"guidance", node.guidance},
                    {"pan", node.pan},
                    {"parts", node.parts},
                    {"part_notes", node.part_notes},
                    {"chords", node.chords},
                    {"key", node.key},
                    {"beats", beat_lines(node.beats)},
                    {"notes", note_lines(node.notes)},
                    {"mode", node.mode},
                    {"model", node.model},
                    {"replaces", node.replaces},
                    {"dropped", node.dropped},
                    {"layers", layers},
                    {"layer", node.layer},
                    {"level_db", node.level_db}};
  if (node.thorough) described["thorough"] = *node.thorough;
  write_json_file(path(node_name(node.id)), described);
}

std::vector<SessionNode> SessionFiles::read_nodes() const {
  std::error_code code;
  if (!fs::is_directory(path("nodes"), code)) damaged("the folder nodes is missing");
  size_t count = 0;
  for (const auto& entry : fs::directory_iterator(path("nodes"), code))
    // Temporary files of a process that was ended begin with a dot.
    if (entry.path().extension() == ".json" && !entry.path().filename().string().starts_with(".")) ++count;
  if (count == 0) damaged("nodes holds nothing");
  std::vector<SessionNode> nodes;
  for (size_t i = 0; i < count; ++i) {
    const int id = static_cast<int>(i);
    const json value = read_json(node_name(id));
    try {
      nodes.push_back(read_node(value, node_name(id)));
    } catch (const std::exception& error) {
      damaged(error.what());
    }
    const SessionNode& node = nodes.back();
    if (node.id != id || node.parent >= id || (node.parent < 0) != (id == 0))
      damaged(node_name(id) + " does not follow from those before it");
    for (const NewLayer& layer : node.layers) {
      check_size(layer.file);
      if (layer.notes) check_size(*layer.notes);
    }
  }
  return nodes;
}

void SessionFiles::write_state(const SessionState& state) const {
  write_json_file(path("state.json"),
                  {{"head", state.head}, {"branch", state.branch}, {"branches", state.branches}, {"redo", state.redo}});
}

SessionState SessionFiles::read_state(const std::vector<SessionNode>& nodes) const {
  const json value = read_json("state.json");
  SessionState state;
  try {
    ConfigReader config(value, "state.json");
    config.require("head", state.head);
    config.require("branch", state.branch);
    state.branches.clear();
    config.require("branches", state.branches);
    // One list was that of the branch where the session stands.
    if (config.raw("redo").is_array())
      config.require("redo", state.redo[state.branch]);
    else
      config.require("redo", state.redo);
    config.finish();
  } catch (const Error& error) {
    damaged(error.what());
  }
  const auto known = [&](int id) { return id >= 0 && id < static_cast<int>(nodes.size()); };
  const bool fine =
      known(state.head) && state.branches.count(state.branch) > 0 &&
      std::all_of(state.branches.begin(), state.branches.end(), [&](const auto& b) { return known(b.second); }) &&
      std::all_of(state.redo.begin(), state.redo.end(), [&](const auto& undone) {
        return state.branches.count(undone.first) > 0 && std::all_of(undone.second.begin(), undone.second.end(), known);
      });
  if (!fine) damaged("state.json names a change that is not there");
  return state;
}

SessionFile SessionFiles::noted(const std::string& name) const {
  const std::string bytes = read_text_file(path(name));
  return {name, static_cast<int64_t>(bytes.size()), hash_text(stable_hash(bytes))};
}

void SessionFiles::check_size(const SessionFile& file) const {
  std::error_code code;
  const auto bytes = fs::file_size(path(file.name), code);
  if (code) damaged(file.name + " is missing");
  if (static_cast<int64_t>(bytes) != file.bytes)
    damaged(file.name + format(" has %lld bytes instead of %lld", static_cast<long long>(bytes),
                               static_cast<long long>(file.bytes)));
}

void SessionFiles::check_contents(const SessionFile& file) const {
  check_size(file);
  if (noted(file.name).hash != file.hash) damaged("the contents of " + file.name + " have changed");
}

AudioBuffer SessionFiles::read(const SessionFile& file) const {
  check_contents(file);
  return read_audio(path(file.name));
}

std::vector<Note> SessionFiles::read_notes(const SessionFile& file) const {
  check_contents(file);
  return tones_of_midi(load_midi(path(file.name).string()));
}

}  // namespace instructme
