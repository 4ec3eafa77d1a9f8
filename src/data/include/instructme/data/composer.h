#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/progress.h"
#include "instructme/data/song_renderer.h"
#include "instructme/score/groove_library.h"
#include "instructme/score/midi_songs.h"
#include "instructme/score/pop909.h"

namespace instructme {

struct ComposerOptions {
  double seconds =
      60;  ///< shortest length of a song, but for songs of others that are shorter; at most two bars are added
  std::optional<GrooveSplit> split;  ///< style files, songs and MIDI files to choose from; absent = all
  bool second_arrangement = true;    ///< the same chart and tune in another genre, for remixes
  bool mma = true;                   ///< false: only this project's own patterns, without the program MMA
  double performance = 1;            ///< how freely the songs are played, see PerformanceOptions::of; 0 = as written

  std::filesystem::path pop909 = {};             ///< folder or archive of POP909; empty = none
  std::vector<std::filesystem::path> midi = {};  ///< folders of MIDI files
  // How often a song is of which kind; kinds without music do not count.
  double own_weight = 1;
  double pop909_weight = 1;
  double midi_weight = 1;
};

/// The music of others that the options name, read and checked. Immutable; safe to share between threads.
struct MusicStock {
  Pop909 pop909;
  std::vector<MidiSongs> midi;  ///< in the order of ComposerOptions::midi

  /// Songs that cannot be used, with the reason.
  std::vector<std::string> refused() const;
};

/// Throws what load_pop909 and find_midi_songs throw, kCancelled.
std::shared_ptr<const MusicStock> load_music(const ComposerOptions& options, const ProgressCallback& progress = {},
                                             const CancelToken& cancel = {});

/// A composer that takes a chart - its own or a song of POP909 - arranges it, and arranges it again in another genre;
/// or takes a window of a MIDI file, which has one arrangement and no genre, so that it is in no remix to a genre. All
/// arrangements of a song are then performed alike. `stock` is read here when it is absent. Throws kMissing when MMA is
/// wanted and not installed, kUsage for a bad length, bad weights or POP909 without MMA, and what load_music throws.
Composer make_composer(const ComposerOptions& options, const GrooveLibrary& library = GrooveLibrary::builtin(),
                       std::shared_ptr<const MusicStock> stock = nullptr);

/// The options for a data set's manifest; with the stock's number of songs and hashes, which tell where music came from
/// wherever its files lie. `stock` may be absent only when the options name none.
nlohmann::json composer_json(const ComposerOptions& options, const MusicStock* stock = nullptr);

}  // namespace instructme
