#include "instructme/session/session.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/edit/report.h"
#include "instructme/text/lexicon.h"
#include "session_data.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

/// Removes a folder that has not been given another name by then.
class UnfinishedFolder {
 public:
  explicit UnfinishedFolder(fs::path path) : path_(std::move(path)) { remove(); }
  ~UnfinishedFolder() { remove(); }
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;
  const fs::path& path() const { return path_; }

 private:
  void remove() const {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path path_;
};

/// Whether a file of this name would be inside of a folder. A link is where it lies, and where it leads.
bool lies_in(const fs::path& file, const fs::path& folder) {
  std::error_code code;
  const fs::path home = fs::weakly_canonical(fs::absolute(folder, code), code), whole = fs::absolute(file, code);
  for (const fs::path& place :
       {fs::weakly_canonical(whole, code), fs::weakly_canonical(whole.parent_path(), code) / whole.filename()}) {
    const fs::path within = place.lexically_relative(home);
    if (!within.empty() && *within.begin() != "..") return true;
  }
  return false;
}

constexpr const char* kStemList = "stems.json";

/// Removes the stems of an earlier export that its list names, so that those that are there add up.
void remove_listed(const fs::path& list) {
  std::error_code code;
  if (!fs::exists(list, code)) return;
  const nlohmann::json before = nlohmann::json::parse(read_text_file(list), nullptr, /*allow_exceptions=*/false);
  if (!before.is_object() || !before.contains("stems") || !before["stems"].is_array()) return;
  for (const nlohmann::json& name : before["stems"])
    if (name.is_string() && fs::path(name.get<std::string>()).filename() == name.get<std::string>())
      fs::remove(list.parent_path() / name.get<std::string>(), code);
}

}  // namespace

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
  const UnfinishedFolder unfinished(place.parent_path() /
                                    ("." + place.filename().string() + format(".part-%d", ::getpid())));
  make_folder(unfinished.path() / "nodes");
  make_folder(unfinished.path() / "stems");
  const SessionFiles files(unfinished.path());
  const std::string name = "music" + lower(music.extension().string());
  write_file_atomically(files.path(name), read_text_file(music));
  SessionNode begin;
  begin.action = "begin";
  begin.text = "begin with " + music.filename().string();
  begin.layers.push_back({0, "music", false, files.noted(name), {}});
  files.write_head(begin.layers.front().file);
  files.write_node(begin);
  files.write_state({});
  fs::rename(unfinished.path(), place, code);
  if (code) throw Error(ErrorKind::kIo, "cannot make the session " + folder.string() + ": " + code.message());
  return open(place);
}

Session Session::open(const fs::path& folder) {
  auto data = std::make_unique<Data>(folder);
  data->files.read_head();  // before a lock file is made in a folder that is no session
  data->lock = std::make_unique<FolderLock>(folder, "the session");
  data->music = data->files.read_head();
  data->files.check_size(data->music);
  data->nodes = data->files.read_nodes();
  data->state = data->files.read_state(data->nodes);
  data->refresh();
  return Session(std::move(data));
}

void Session::undo() {
  SessionState next = data_->state;
  const int parent = data_->at(next.head).parent;
  if (parent < 0) throw Error(ErrorKind::kUsage, "nothing has been done that could be undone");
  next.redo[next.branch].push_back(next.head);
  next.head = next.branches[next.branch] = parent;
  data_->stand_at(next);
}

void Session::redo() {
  SessionState next = data_->state;
  std::vector<int>& undone = next.redo[next.branch];
  if (undone.empty()) throw Error(ErrorKind::kUsage, "nothing has been undone that could be done again");
  next.head = next.branches[next.branch] = undone.back();
  undone.pop_back();
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
  next.redo[name] = next.redo[next.branch];
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
  data_->stand_at(next);
}

const std::string& Session::current_branch() const { return data_->state.branch; }

int Session::layer_called(const std::string& name) const {
  const InstrumentEntry* instrument = Lexicon::builtin().find_instrument(name);
  std::vector<std::string> numbers;
  for (const SessionLayer& layer : data_->layers) {
    if (name == std::to_string(layer.id)) return layer.id;
    if (layer.name == name || (instrument != nullptr && layer.name == instrument->name))
      numbers.push_back(std::to_string(layer.id));
  }
  if (numbers.empty()) data_->refuse_layer(name);
  if (numbers.size() > 1)
    throw Error(ErrorKind::kUsage,
                "the layers " + join(numbers, " and ") + " are all called " + name + ": give the number of one");
  return std::stoi(numbers.front());
}

void Session::mute(int layer, bool muted) { data_->change_layer(muted ? "mute" : "unmute", layer, 0, ""); }
void Session::solo(int layer, bool soloed) { data_->change_layer(soloed ? "solo" : "unsolo", layer, 0, ""); }
void Session::level(int layer, double level_db) {
  if (!(level_db >= -120 && level_db <= 40))
    throw Error(ErrorKind::kUsage, "a level is from -120 to 40 dB; to leave a layer out, mute it");
  data_->change_layer("level", layer, level_db, format(": %.2f dB", level_db));
}

fs::path Session::music() const { return data_->files.path(data_->music.name); }

AudioInfo Session::music_info() const {
  AudioInfo info = probe_audio(music());
  if (!tells_its_length(info)) info.frames = data_->files.read(data_->music).frames();
  return info;
}

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
  for (const fs::path& place : {output, stems})
    if (!place.empty() && lies_in(place, data_->files.folder()))
      throw Error(ErrorKind::kUsage, "the output " + place.string() + " would be inside of the session " +
                                         data_->files.folder().string() +
                                         ", among the files that it is made of; name a place elsewhere");
  const auto stem_of = [](const SessionLayer& layer) {
    return format("%02d_", layer.id) + layer.name + (layer.removed ? "_removed" : "");
  };
  for (const Data::Heard& h : data_->heard)
    if (!stems.empty() && output.stem() == stem_of(h.layer) && lies_in(output, stems))
      throw Error(ErrorKind::kUsage, output.string() +
                                         " is where a layer of that name would be written; name another "
                                         "folder for the layers, or another output");
  const AudioBuffer music = data_->files.read(data_->music);
  const WrittenLike written = write_like(data_->files.path(data_->music.name), music, output, render());
  if (stems.empty()) return written;
  make_folder(stems);
  remove_listed(stems / kStemList);
  std::vector<std::string> files;
  // Written with each stem, for what an export that is stopped leaves is to be removed by the next one.
  const auto list = [&] { write_json_file(stems / kStemList, {{"stems", files}}); };
  list();
  const bool any_solo =
      std::any_of(data_->heard.begin(), data_->heard.end(), [](const Data::Heard& h) { return h.layer.soloed; });
  for (const Data::Heard& h : data_->heard) {
    if (!data_->plays(h, any_solo)) continue;
    files.push_back(write_exactly(stems, stem_of(h.layer), data_->contribution(h, h.layer.removed && !any_solo)));
    list();
  }
  return written;
}

}  // namespace instructme
