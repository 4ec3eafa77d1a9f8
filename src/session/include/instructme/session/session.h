#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "instructme/audio/audio_file.h"
#include "instructme/edit/editor.h"
#include "instructme/edit/file_edit.h"

namespace instructme {

/// One sound of a session's mix: the music it began with, a part that was added, or one that was taken out.
struct SessionLayer {
  int id = 0;              ///< the music itself is 0
  std::string name;        ///< instrument, or "music"
  bool removed = false;    ///< it is subtracted; muted, it is back
  double level_db = 0;     ///< relative to how it was made, -120..40
  bool muted = false;      ///< plays no part in the mix
  bool soloed = false;     ///< where any is, only those are heard
  std::string file;        ///< in the session's folder
  bool extracted = false;  ///< what an edit has left of the music, and so no part that it added
};

/// What happened in a session, one entry for each change.
struct SessionEntry {
  int id = 0;
  int parent = 0;                     ///< the entry that it was made on; -1 for the beginning
  std::string text;                   ///< e.g. "apply: remove drum kit (seed 3)", "level of 2 violin: -3.0 dB"
  bool current = false;               ///< where the session stands
  std::vector<std::string> branches;  ///< that stand here
};

/// Edits of one piece of music that can be taken back, gone through again, branched and mixed, kept in a folder:
/// the music as it came, the stems of every edit, and a graph of what was done, to which is only ever added. Nothing
/// decays from edit to edit: the mix is the sum of the layers each time, and a part that was added is removed by
/// leaving it out, or in part by another layer that has the rest of it. A crash at any moment leaves the session as it
/// was before the change or after it. docs/formats.md has the files.
///
/// One thread at a time uses a Session; several that are open on different folders know nothing of each other. While
/// one is open on a folder, no other can be, in this process or another: open() refuses at once and does not wait. The
/// system lets go of the folder when the process ends, however it ends. That holds where flock() does, so between
/// machines that share a folder only if their file system passes locks on.
class Session {
 public:
  /// Begins a session with a copy of a music file. Throws kUsage when the folder exists, as read_audio does, and kIo;
  /// no folder is left then.
  static Session create(const std::filesystem::path& folder, const std::filesystem::path& music);
  /// Throws kInput when the folder is no session, is damaged (saying what is wrong), was made by a newer version, or is
  /// in use by another process.
  static Session open(const std::filesystem::path& folder);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  /// Edits the mix, whatever is soloed. Instruments that an earlier edit added are removed exactly, by their own stems;
  /// what a range or a strength leaves of one is a layer of the same name, with its notes, at its level.
  /// Throws as Editor::edit does; the session is then as it was. `editor` is asked for only when a model is needed.
  /// Returns what a person should know of the edit, as EditResult::notes.
  using EditorSource = std::function<Editor&()>;
  std::vector<std::string> apply(const EditorSource& editor, const Plan& plan, const EditOptions& options = {},
                                 const ProgressCallback& progress = {}, const CancelToken& cancel = {});
  /// Makes the last edit anew with the options that it had and another seed: without one, that of the last edit plus 1.
  /// Throws kUsage when the last change was no edit. Returns notes like apply().
  std::vector<std::string> reroll(const EditorSource& editor, std::optional<uint64_t> seed = {},
                                  const ProgressCallback& progress = {}, const CancelToken& cancel = {});

  /// Each branch remembers what was undone in it, until something else is done there. Throw kUsage when there is
  /// nothing to undo or redo.
  void undo();
  void redo();
  /// A name for where the session stands; what follows belongs to it. Throws kUsage for a name that is taken or no
  /// word.
  void branch(const std::string& name);
  /// Goes to where a branch stands. Throws kUsage for an unknown name.
  void switch_to(const std::string& name);
  const std::string& current_branch() const;

  /// The number of the layer with a name or number: "1", "violin", "violins". Throws kUsage where none or several have
  /// that name.
  int layer_called(const std::string& name) const;
  /// Changes of a layer's place in the mix. Throw kUsage for an unknown layer.
  void mute(int layer, bool muted);
  void solo(int layer, bool soloed);
  /// From -120 to 40 dB, relative to how the layer was made: 0 is as it was. Throws kUsage for another level, too.
  void level(int layer, double level_db);

  /// The file of the music as it came.
  std::filesystem::path music() const;
  /// What that file says of itself, but with the length that its sound has: headers of files with loss may tell
  /// another, so those are read. Throws kInput when the file is damaged, as far as it is looked at.
  AudioInfo music_info() const;
  const std::vector<SessionLayer>& layers() const;
  std::vector<SessionEntry> log() const;

  /// The mix. Throws kInput when a file is damaged.
  AudioBuffer render() const;
  /// Writes the mix as write_like does and, if wanted, every layer that is heard: as it is in the mix, so that they add
  /// up to it (what is removed has its sign turned). Throws kUsage for a place inside of the session's folder, kInput
  /// when a file of the session is damaged.
  WrittenLike export_mix(const std::filesystem::path& output, const std::filesystem::path& stems = {}) const;

 private:
  struct Data;
  explicit Session(std::unique_ptr<Data> data);
  std::unique_ptr<Data> data_;
};

}  // namespace instructme
