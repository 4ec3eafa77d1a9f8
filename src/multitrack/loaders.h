#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "instructme/multitrack/multitrack_song.h"

namespace instructme {

/// What all loaders need.
struct LoaderContext {
  std::filesystem::path root;  ///< absolute
  const Lexicon& lexicon;
  const FindOptions& options;

  /// Instrument of a stem by its name: the caller's choice, or by the lexicon.
  std::string instrument(const std::string& name) const;
  /// The caller's choice for the name, or `otherwise`.
  std::string instrument_or(const std::string& name, const std::string& otherwise) const;
  /// A genre of the lexicon for "Singer/Songwriter", or "".
  std::string genre(const std::string& name) const;
};

std::vector<MultitrackSong> load_slakh(const LoaderContext& context);
std::vector<MultitrackSong> load_musdb(const LoaderContext& context);
std::vector<MultitrackSong> load_moises(const LoaderContext& context);
std::vector<MultitrackSong> load_medley(const LoaderContext& context);
std::vector<MultitrackSong> load_frets_on_fire(const LoaderContext& context);
std::vector<MultitrackSong> load_folders(const LoaderContext& context);

bool looks_like_slakh(const std::filesystem::path& root);
bool looks_like_musdb(const std::filesystem::path& root);
bool looks_like_moises(const std::filesystem::path& root);
bool looks_like_medley(const std::filesystem::path& root);
bool looks_like_frets_on_fire(const std::filesystem::path& root);
bool looks_like_folders(const std::filesystem::path& root, const Lexicon& lexicon);
/// MUSDB18 as it is mostly distributed: .stem.mp4.
bool looks_like_compressed_musdb(const std::filesystem::path& root);

/// Visible entries of a folder, sorted by name. Throws kIo when it cannot be read.
std::vector<std::filesystem::path> sub_folders(const std::filesystem::path& folder);
std::vector<std::filesystem::path> sound_files(const std::filesystem::path& folder);
bool is_sound_file(const std::filesystem::path& path);
/// `folder` and the folders in it, to `depth` levels below, those that `accept` takes; it does not look into them.
/// Those in it that cannot be read are taken too, so that loading them tells why.
std::vector<std::filesystem::path> folders_where(const std::filesystem::path& folder, int depth,
                                                 const std::function<bool(const std::filesystem::path&)>& accept);
/// Whether `accept` takes one of these folders; those that cannot be read do not count.
bool any_folder_where(const std::filesystem::path& folder, int depth,
                      const std::function<bool(const std::filesystem::path&)>& accept);
/// "train", "validation" or "test" for a folder name that means it, else "".
std::string split_of_folder(const std::filesystem::path& folder);
/// Runs `load`; an Error, JSON of another shape, or what the disk refuses becomes a problem of the song, which then has
/// no stems. kMissing is thrown on.
void load_or_note(MultitrackSong& song, const std::function<void()>& load);
/// `name`, which metadata gives, as a file inside `folder`. Throws kInput when it is no plain file name.
std::filesystem::path file_in(const std::filesystem::path& folder, const std::string& name);

}  // namespace instructme
