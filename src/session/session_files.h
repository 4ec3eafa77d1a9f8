#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "instructme/audio/audio_buffer.h"
#include "instructme/score/score.h"

namespace instructme {

/// A file of a session, with what shows that it is as it was written.
struct SessionFile {
  std::string name;  ///< in the session's folder
  int64_t bytes = 0;
  std::string hash;  ///< of its contents, see stable_hash
};

/// A layer as a node brings it in.
struct NewLayer {
  int id = 0;
  std::string name;
  bool removed = false;
  SessionFile file;
  std::optional<SessionFile> notes;  ///< MIDI, of a part that was played
  double level_db = 0;               ///< what is left of another layer has its place in the mix
  bool soloed = false;
  bool extracted = false;  ///< of the music itself: all that an edit left of it
};

/// One change. Written once and never again.
struct SessionNode {
  int id = 0, parent = -1;
  std::string action;  ///< "begin", "apply", "mute", "unmute", "solo", "unsolo", "level"
  std::string text;    ///< for people
  // apply
  std::string sentence;
  nlohmann::json plan;
  uint64_t seed = 0;
  int64_t steps = 0;
  double guidance = -1, pan = 0;
  std::optional<bool> thorough;
  std::string parts = "auto", part_notes = "auto";  ///< maker of new parts, and what they play
  std::string chords, key;                          ///< as given: lines of a chord file, label of a key
  std::vector<Beat> beats;                          ///< as given, or heard for ranges in bars
  std::vector<Note> notes;                          ///< as given
  std::string mode, model;
  bool replaces = false;         ///< nothing of the earlier layers is left
  std::vector<int> dropped;      ///< layers that are left out from here on
  std::vector<NewLayer> layers;  ///< that are new
  // mute … level
  int layer = 0;
  double level_db = 0;

  bool drops(int id_of_layer) const { return std::find(dropped.begin(), dropped.end(), id_of_layer) != dropped.end(); }
};

/// Where a session stands; the only file that is written again and again.
struct SessionState {
  int head = 0;
  std::string branch = "main";
  std::map<std::string, int> branches = {{"main", 0}};
  std::map<std::string, std::vector<int>> redo;  ///< what was undone in each branch, the next last
};

/// The files of a session's folder. Everything that can be wrong with them is a kInput error that says what it is.
class SessionFiles {
 public:
  explicit SessionFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path path(const std::string& name) const { return folder_ / name; }

  /// session.json.
  void write_head(const SessionFile& music) const;
  SessionFile read_head() const;

  void write_node(const SessionNode& node) const;
  /// All nodes in order. Throws when one is damaged or its parent is missing.
  std::vector<SessionNode> read_nodes() const;

  void write_state(const SessionState& state) const;
  SessionState read_state(const std::vector<SessionNode>& nodes) const;

  /// What is to be noted of a file that has been written.
  SessionFile noted(const std::string& name) const;
  /// Whether all is there, by the sizes.
  void check_size(const SessionFile& file) const;
  /// The sound in a file, after its contents have been compared with what was noted.
  AudioBuffer read(const SessionFile& file) const;
  /// The same of a MIDI file's tones.
  std::vector<Note> read_notes(const SessionFile& file) const;

 private:
  void check_contents(const SessionFile& file) const;
  [[noreturn]] void damaged(const std::string& what) const;
  nlohmann::json read_json(const std::string& name) const;

  std::filesystem::path folder_;
};

}  // namespace instructme
