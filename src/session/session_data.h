#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "instructme/base/folder_lock.h"
#include "instructme/session/session.h"
#include "session_files.h"

namespace instructme {

/// A session in memory: what its files say, and where it stands.
struct Session::Data {
  /// A layer with what is noted of its files.
  struct Heard {
    SessionLayer layer;
    SessionFile file;
    std::optional<SessionFile> notes;
  };

  /// A layer that is being made.
  struct MadeLayer {
    std::string name = {};
    bool removed = false;
    AudioBuffer audio = {};                 ///< at the level 0 dB
    std::optional<Part> notes = {};         ///< to be written
    std::optional<SessionFile> noted = {};  ///< notes that an earlier edit has written
    double level_db = 0;
    bool soloed = false;
    bool extracted = false;  ///< of the music itself: all that an edit left of it
  };

  /// An edit that is being made.
  struct Draft {
    SessionNode node = {};
    std::vector<Heard> before = {};    ///< the layers that it is made on
    AudioBuffer mix = {};              ///< of what it leaves of them, whatever is soloed
    std::vector<MadeLayer> made = {};  ///< the layers that it brings in
  };

  /// What is left of a plan, and the notes of own parts that its last replacement puts others in the place of.
  struct Rest {
    Plan plan = {};
    std::vector<Note> notes = {};
  };

  explicit Data(const std::filesystem::path& folder) : files(folder) {}

  SessionFiles files;
  std::unique_ptr<FolderLock> lock;
  SessionFile music;
  std::vector<SessionNode> nodes;
  SessionState state;
  std::vector<Heard> heard;          ///< the layers where the session stands
  std::vector<SessionLayer> layers;  ///< the same, for users

  const SessionNode& at(int id) const { return nodes[static_cast<size_t>(id)]; }
  int next_layer() const;
  std::vector<Heard> layers_at(int head) const;

  void stand_at(const SessionState& next);
  void refresh();
  /// Writes a change and goes there.
  void append(SessionNode node);
  [[noreturn]] void refuse_layer(const std::string& name) const;
  void change_layer(const std::string& action, int id, double level_db, const std::string& remark);

  /// A sound at a level, with its sign turned if wanted.
  static AudioBuffer at_level(AudioBuffer audio, double level_db, bool turned = false);
  /// What a layer adds to the mix.
  AudioBuffer contribution(const Heard& h, bool turned) const;
  static bool plays(const Heard& h, bool any_solo) { return any_solo ? h.layer.soloed : !h.layer.muted; }
  AudioBuffer mix_of(const std::vector<Heard>& all, bool with_solo) const;

  /// A new edit with its layers, which are written; the node is not. What a person should know of it is appended to
  /// `notes`.
  SessionNode make_edit(int parent, const EditorSource& editor, const Plan& plan, EditOptions options,
                        std::vector<std::string>& notes, const ProgressCallback& progress,
                        const CancelToken& cancel) const;
  /// Removes what earlier edits added, and returns what of the plan is left to do.
  Rest take_own_parts(const Plan& plan, const std::vector<Beat>& beats, Draft& draft) const;
  /// Puts the parts of a name that earlier edits added among the layers that this one makes, for it to change them.
  void bring_own_parts(const std::string& name, Draft& draft) const;
  /// Takes a step's share out of a part, and out of the mix.
  static void take_out(MadeLayer& part, const Region& region, double strength, AudioBuffer& mix);
  /// Does the rest by an editor; whether another seed would make something else.
  static bool edit_rest(const Rest& rest, Editor& editor, EditOptions options, Draft& draft,
                        std::vector<std::string>& notes, const ProgressCallback& progress, const CancelToken& cancel);
  void write_layers(Draft& draft, const CancelToken& cancel) const;
};

}  // namespace instructme
