#include "session_data.h"

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

int Session::Data::next_layer() const {
  int next = 1;
  for (const SessionNode& node : nodes)
    for (const NewLayer& layer : node.layers) next = std::max(next, layer.id + 1);
  return next;
}

std::vector<Session::Data::Heard> Session::Data::layers_at(int head) const {
  std::vector<int> path;
  for (int id = head; id >= 0; id = at(id).parent) path.push_back(id);
  std::vector<Heard> out;
  for (auto id = path.rbegin(); id != path.rend(); ++id) {
    const SessionNode& node = at(*id);
    if (node.replaces) out.clear();
    std::erase_if(out, [&](const Heard& h) { return node.drops(h.layer.id); });
    for (const NewLayer& layer : node.layers)
      out.push_back({{.id = layer.id,
                      .name = layer.name,
                      .removed = layer.removed,
                      .level_db = layer.level_db,
                      .soloed = layer.soloed,
                      .file = layer.file.name,
                      .extracted = layer.extracted},
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

void Session::Data::stand_at(const SessionState& next) {
  files.write_state(next);
  state = next;
  refresh();
}

void Session::Data::refresh() {
  heard = layers_at(state.head);
  layers.clear();
  for (const Heard& h : heard) layers.push_back(h.layer);
}

void Session::Data::append(SessionNode node) {
  node.id = static_cast<int>(nodes.size());
  files.write_node(node);
  SessionState next = state;
  next.head = next.branches[next.branch] = node.id;
  next.redo[next.branch].clear();
  nodes.push_back(std::move(node));
  stand_at(next);
}

void Session::Data::refuse_layer(const std::string& name) const {
  std::vector<std::string> known;
  for (const SessionLayer& layer : layers) known.push_back(format("%d (", layer.id) + layer.name + ")");
  throw Error(ErrorKind::kUsage, "there is no layer " + name + "; there are " + join(known, ", "));
}

void Session::Data::change_layer(const std::string& action, int id, double level_db, const std::string& remark) {
  const auto found = std::find_if(layers.begin(), layers.end(), [&](const SessionLayer& l) { return l.id == id; });
  if (found == layers.end()) refuse_layer(std::to_string(id));
  SessionNode node;
  node.parent = state.head;
  node.action = action;
  node.text = action + format(" %d ", id) + found->name + remark;
  node.layer = id;
  node.level_db = level_db;
  append(std::move(node));
}

AudioBuffer Session::Data::at_level(AudioBuffer audio, double level_db, bool turned) {
  const double factor = std::pow(10.0, level_db / 20) * (turned ? -1 : 1);
  if (factor == 1) return audio;
  return placed(audio, 0, audio.frames(), {0, audio.frames(), 0, 0}, factor, is_on_grid(audio));
}

AudioBuffer Session::Data::contribution(const Heard& h, bool turned) const {
  return at_level(files.read(h.file), h.layer.level_db, turned);
}

AudioBuffer Session::Data::mix_of(const std::vector<Heard>& all, bool with_solo) const {
  const bool any_solo = with_solo && std::any_of(all.begin(), all.end(), [](const Heard& h) { return h.layer.soloed; });
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

}  // namespace instructme
