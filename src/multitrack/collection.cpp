#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "instructme/base/error.h"
#include "instructme/base/names.h"
#include "instructme/base/strings.h"
#include "instructme/multitrack/stem_name.h"
#include "loaders.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr Names<CollectionKind, 6> kNames{{{CollectionKind::kSlakh, "slakh"},
                                           {CollectionKind::kMusdb, "musdb"},
                                           {CollectionKind::kMoises, "moisesdb"},
                                           {CollectionKind::kMedley, "medleydb"},
                                           {CollectionKind::kFretsOnFire, "fretsonfire"},
                                           {CollectionKind::kFolders, "folders"}}};

// The layout of the most levels is that of plain folders.
constexpr int kDeepest = 5;

std::vector<fs::path> visible_entries(const fs::path& folder, const std::function<bool(const fs::path&)>& accept) {
  std::vector<fs::path> entries;
  std::error_code code;
  for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code))
    if (!it->path().filename().string().starts_with(".") && accept(it->path())) entries.push_back(it->path());
  if (code) throw Error(ErrorKind::kIo, "The folder '" + folder.string() + "' cannot be read: " + code.message() + ".");
  std::sort(entries.begin(), entries.end());
  return entries;
}

// Folders that may not be entered, say.
template <class Action>
auto with_disk_errors(const fs::path& path, Action&& action) {
  try {
    return action();
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::kIo, "The folder '" + path.string() + "' cannot be read: " + error.code().message() + ".");
  }
}

bool is_folder(const fs::path& path) {
  std::error_code code;
  return fs::is_directory(path, code);
}

void add_folders(const fs::path& folder, int depth, const std::function<bool(const fs::path&)>& accept,
                 std::vector<fs::path>& found) {
  if (accept(folder)) {
    found.push_back(folder);
    return;
  }
  if (depth == 0) return;
  for (const fs::path& inner : sub_folders(folder)) {
    try {
      with_disk_errors(inner, [&] { add_folders(inner, depth - 1, accept, found); });
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kIo) throw;
      found.push_back(inner);  // loading it tells why
    }
  }
}

// Absolute and without "/" at the end, so that the names of the folder and of those above it are known.
fs::path full_path(const fs::path& path) {
  const fs::path full = fs::absolute(path).lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

CollectionKind detect(const fs::path& path, const Lexicon& lexicon) {
  if (looks_like_slakh(path)) return CollectionKind::kSlakh;
  if (looks_like_musdb(path)) return CollectionKind::kMusdb;
  if (looks_like_moises(path)) return CollectionKind::kMoises;
  if (looks_like_medley(path)) return CollectionKind::kMedley;
  if (looks_like_frets_on_fire(path)) return CollectionKind::kFretsOnFire;
  if (looks_like_compressed_musdb(path))
    throw Error(ErrorKind::kInput, "'" + path.string() +
                                       "' holds MUSDB18 as .stem.mp4, which cannot be read; get MUSDB18-HQ, or unpack "
                                       "every song to a folder of WAV files.");
  if (looks_like_folders(path, lexicon)) return CollectionKind::kFolders;
  const auto closed = folders_where(path, kDeepest, [](const fs::path&) { return false; });
  if (!closed.empty())
    throw Error(ErrorKind::kIo, "'" + path.string() + "' holds no songs in stems beside what cannot be read, as '" +
                                    closed.front().string() + "'; allow it to be read.");
  throw Error(
      ErrorKind::kInput,
      "'" + path.string() +
          "' holds no songs in stems: wanted Slakh2100, MUSDB18-HQ, MoisesDB, MedleyDB, Frets on Fire songs, or "
          "folders of at least two sound files named after instruments, such as song/drums.wav.");
}

// Songs of one id, as those of two copies of a collection side by side, would be written to one folder.
void refuse_copies(std::vector<MultitrackSong>& songs) {
  for (size_t i = 1; i < songs.size(); ++i) {
    if (songs[i].id != songs[i - 1].id) continue;
    songs[i].problems.push_back("Another song before it has the same name; give the folder of one collection alone.");
    songs[i].stems.clear();
  }
}

std::vector<MultitrackSong> load(CollectionKind kind, const LoaderContext& context) {
  switch (kind) {
    case CollectionKind::kSlakh: return load_slakh(context);
    case CollectionKind::kMusdb: return load_musdb(context);
    case CollectionKind::kMoises: return load_moises(context);
    case CollectionKind::kMedley: return load_medley(context);
    case CollectionKind::kFretsOnFire: return load_frets_on_fire(context);
    case CollectionKind::kFolders: return load_folders(context);
  }
  return {};
}

}  // namespace

const char* collection_name(CollectionKind kind) { return name_of(kind, kNames); }
CollectionKind parse_collection_name(const std::string& name) {
  return value_called(name, kNames, "kind of collection");
}

std::string LoaderContext::instrument_or(const std::string& name, const std::string& otherwise) const {
  const std::string words = plain_words(name);
  for (const auto& [key, instrument] : options.instruments)
    if (plain_words(key) == words)
      return instrument.empty() ? "" : lexicon.find_instrument(instrument)->name;  // find_songs has checked it
  return otherwise;
}

std::string LoaderContext::instrument(const std::string& name) const {
  return instrument_or(name, instrument_of_stem_name(name, lexicon));
}

std::string LoaderContext::genre(const std::string& name) const {
  if (const TagEntry* tag = lexicon.find_genre(plain_words(name))) return tag->name;
  for (const std::string& piece : split(name, '/'))
    if (const TagEntry* tag = lexicon.find_genre(plain_words(piece))) return tag->name;
  return "";
}

std::vector<fs::path> sub_folders(const fs::path& folder) { return visible_entries(folder, is_folder); }

bool is_sound_file(const fs::path& path) {
  static const std::vector<std::string> endings{".wav", ".aif", ".aiff", ".flac", ".ogg", ".oga", ".opus", ".mp3"};
  return std::find(endings.begin(), endings.end(), lower(path.extension().string())) != endings.end();
}

std::vector<fs::path> sound_files(const fs::path& folder) {
  return visible_entries(folder, [](const fs::path& path) { return is_sound_file(path) && !is_folder(path); });
}

std::vector<fs::path> folders_where(const fs::path& folder, int depth,
                                    const std::function<bool(const fs::path&)>& accept) {
  std::vector<fs::path> found;
  add_folders(folder, depth, accept, found);
  return found;
}

bool any_folder_where(const fs::path& folder, int depth, const std::function<bool(const fs::path&)>& accept) {
  bool any = false;
  folders_where(folder, depth, [&](const fs::path& inner) { return any = any || accept(inner); });
  return any;
}

std::string split_of_folder(const fs::path& folder) {
  const std::string name = lower(folder.filename().string());
  if (name == "train" || name == "training") return "train";
  if (name == "validation" || name == "valid" || name == "val" || name == "dev") return "validation";
  return name == "test" ? "test" : "";
}

void load_or_note(MultitrackSong& song, const std::function<void()>& load) {
  try {
    load();
    return;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kMissing) throw;  // no fault of the song
    song.problems.emplace_back(error.what());
  } catch (const nlohmann::json::exception& error) {
    song.problems.push_back("Its metadata cannot be understood (" + std::string(error.what()) + ").");
  } catch (const fs::filesystem_error& error) {
    song.problems.push_back("'" + error.path1().string() + "' cannot be read: " + error.code().message() + ".");
  }
  song.stems.clear();
}

fs::path file_in(const fs::path& folder, const std::string& name) {
  if (name.empty() || name == ".." || fs::path(name).filename() != name)
    throw Error(ErrorKind::kInput, "The metadata of '" + folder.string() + "' names the file '" + name +
                                       "' where a plain file name is wanted.");
  return folder / name;
}

CollectionKind detect_collection(const fs::path& path, const Lexicon& lexicon) {
  if (!is_folder(path))
    throw Error(ErrorKind::kInput, "'" + path.string() + "' is not a folder; give the folder of a collection.");
  return with_disk_errors(path, [&] { return detect(full_path(path), lexicon); });
}

std::vector<MultitrackSong> find_songs(const fs::path& path, CollectionKind kind, const Lexicon& lexicon,
                                       const FindOptions& options) {
  if (!is_folder(path))
    throw Error(ErrorKind::kInput, "'" + path.string() + "' is not a folder; give the folder of a collection.");
  std::vector<std::string> known;
  for (const InstrumentEntry& entry : lexicon.instruments()) known.push_back(entry.name);
  for (const auto& [name, instrument] : options.instruments)
    if (!instrument.empty() && lexicon.find_instrument(instrument) == nullptr)
      throw Error(ErrorKind::kUsage, "'" + instrument + "', given for stems named '" + name +
                                         "', is no instrument of the lexicon" + did_you_mean(instrument, known) + ".");
  const LoaderContext context{full_path(path), lexicon, options};
  std::vector<MultitrackSong> songs = with_disk_errors(path, [&] { return load(kind, context); });
  if (songs.empty())
    throw Error(ErrorKind::kInput, format("There is no song of the kind '%s' below '%s'; give the folder that holds "
                                          "the collection.",
                                          collection_name(kind), path.c_str()));
  for (MultitrackSong& song : songs) {
    song.collection = collection_name(kind);
    if (song.licence.empty()) song.licence = options.licence;
  }
  std::stable_sort(songs.begin(), songs.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  refuse_copies(songs);
  return songs;
}

}  // namespace instructme
