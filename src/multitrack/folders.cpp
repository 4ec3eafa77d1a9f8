#include <algorithm>
#include <map>
#include <set>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/multitrack/stem_name.h"
#include "loaders.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

// Deep enough for collection/split/artist/album/song.
constexpr int kDepth = 5;

bool has_word(const std::string& words, std::initializer_list<const char*> wanted) {
  for (const std::string& word : split(words, ' '))
    for (const char* candidate : wanted)
      if (word == candidate) return true;
  return false;
}

bool is_click(const std::string& words) { return has_word(words, {"click", "clicktrack", "metronome"}); }

// "drums mix" is drums, and so is what the caller calls so.
bool is_mix(const std::string& name, const LoaderContext& context) {
  return has_word(plain_words(name), {"mix", "mixture", "mixdown", "fullmix", "master", "mastered"}) &&
         context.instrument(name).empty();
}

// Of what is in a folder.
struct SoundFiles {
  std::vector<fs::path> stems, mixes;
  size_t named = 0;  // stems that have an instrument
};

SoundFiles sorted_files(const LoaderContext& context, const fs::path& folder) {
  SoundFiles files;
  for (const fs::path& path : sound_files(folder)) {
    const std::string name = path.stem().string();
    if (is_click(plain_words(name))) continue;
    if (is_mix(name, context)) {
      files.mixes.push_back(path);
      continue;
    }
    files.stems.push_back(path);
    if (!context.instrument(name).empty()) ++files.named;
  }
  return files;
}

// How many levels a folder is below the one that was given.
int level_of(const LoaderContext& context, const fs::path& folder) {
  if (folder == context.root) return 0;
  const fs::path inside = folder.lexically_relative(context.root);
  return static_cast<int>(std::distance(inside.begin(), inside.end()));
}

// At least two stems. Loose files beside folders of songs, such as demos, are none: they give way to a song below them
// that has more stems with a name, or, when they have no such name themselves, to any.
bool is_song(const LoaderContext& context, const fs::path& folder) {
  const SoundFiles own = sorted_files(context, folder);
  if (own.stems.size() < 2) return false;
  return !any_folder_where(folder, kDepth - level_of(context, folder), [&](const fs::path& below) {
    if (below == folder) return false;
    const SoundFiles files = sorted_files(context, below);
    return files.stems.size() >= 2 && (own.named == 0 || files.named > own.named);
  });
}

// The name without the word of a side, if it has exactly one; `side` is 'l', 'r' or 0.
std::string without_side(const std::string& words, char& side) {
  std::vector<std::string> rest;
  side = 0;
  int sides = 0;
  for (const std::string& word : split(words, ' ')) {
    const bool left = word == "l" || word == "left", right = word == "r" || word == "right";
    if (left || right) {
      side = left ? 'l' : 'r';
      ++sides;
    } else {
      rest.push_back(word);
    }
  }
  if (sides != 1) side = 0;
  return side == 0 ? words : join(rest, " ");
}

// Halves of a stereo recording: a mono mix has the mean of both.
void weigh_pairs(std::vector<StemPart>& parts) {
  std::map<std::string, std::string> sides;
  for (const StemPart& part : parts) {
    char side = 0;
    const std::string name = without_side(plain_words(part.path.stem().string()), side);
    if (side != 0) sides[name] += side;
  }
  for (StemPart& part : parts) {
    char side = 0;
    const std::string name = without_side(plain_words(part.path.stem().string()), side);
    if (side != 0 && (sides[name] == "lr" || sides[name] == "rl")) part.gain = 0.5;
  }
}

void load_song(const LoaderContext& context, const fs::path& folder, MultitrackSong& song) {
  const SoundFiles files = sorted_files(context, folder);
  if (!files.mixes.empty()) song.mix = files.mixes.front();
  std::vector<StemPart> parts;
  for (const fs::path& path : files.stems) parts.push_back({path});
  weigh_pairs(parts);
  std::map<std::string, size_t> merged;  // stems of several files: kits, and pairs by their name without the side
  for (const StemPart& part : parts) {
    const std::string name = part.path.stem().string(), instrument = context.instrument(name);
    const InstrumentEntry* entry = context.lexicon.find_instrument(instrument);
    char side = 0;
    std::string key;
    if (entry != nullptr && entry->family == "drums")
      key = "kit " + instrument;
    else if (part.gain != 1)
      key = "pair " + without_side(plain_words(name), side);
    if (!key.empty() && merged.contains(key)) {
      song.stems[merged[key]].files.push_back(part);
      continue;
    }
    if (!key.empty()) merged[key] = song.stems.size();
    MultitrackStem stem;
    stem.name = name;
    stem.instrument = instrument;
    stem.files.push_back(part);
    song.stems.push_back(std::move(stem));
  }
}

std::string relative_id(const fs::path& folder, const fs::path& root) {
  return folder == root ? root.filename().string() : folder.lexically_relative(root).generic_string();
}

// By the folders above the song, from the one that was given on: the song's own may be called anything.
std::string split_of_song(const fs::path& folder, const fs::path& root) {
  if (folder == root) return "";
  for (const fs::path& part : folder.parent_path().lexically_relative(root))
    if (std::string split = split_of_folder(part); !split.empty()) return split;
  return split_of_folder(root);
}

// A folder whose name only says that there are stems in it is called after the one above.
std::string title_of(const fs::path& id) {
  static const std::set<std::string> idle{"stems", "tracks",      "multitrack", "multitracks",
                                          "audio", "audio files", "wav",        "flac"};
  for (fs::path path = id; !path.empty(); path = path.parent_path())
    if (!idle.contains(plain_words(path.filename().string()))) return path.filename().string();
  return id.filename().string();
}

// song.ini of the game: "name = value" lines after "[song]".
std::map<std::string, std::string> read_ini(const fs::path& path) {
  std::map<std::string, std::string> values;
  for (const std::string& line : split(read_text_file(path), '\n')) {
    const size_t equals = line.find('=');
    if (equals != std::string::npos) values[lower(trim(line.substr(0, equals)))] = trim(line.substr(equals + 1));
  }
  return values;
}

bool is_game_song(const fs::path& folder) {
  return fs::exists(folder / "song.ini") && (fs::exists(folder / "song.ogg") || fs::exists(folder / "guitar.ogg"));
}

void load_game_song(const LoaderContext& context, const fs::path& folder, MultitrackSong& song) {
  const auto values = read_ini(folder / "song.ini");
  const auto value = [&](const char* key) { return values.contains(key) ? values.at(key) : std::string(); };
  if (!value("name").empty())
    song.title = value("artist").empty() ? value("name") : value("artist") + " - " + value("name");
  song.genre = context.genre(value("genre"));
  for (const char* wanted : {"guitar.ogg", "song.ogg"})
    if (!fs::exists(folder / wanted))
      throw Error(ErrorKind::kInput,
                  "'" + folder.string() + "' has no " + wanted + ", so its parts cannot be told apart.");
  for (const fs::path& path : sound_files(folder)) {
    MultitrackStem stem;
    stem.name = path.stem().string();
    if (stem.name == "preview") continue;
    if (stem.name == "guitar")
      stem.instrument = context.instrument_or(stem.name, "electric guitar");
    else if (stem.name == "song" || stem.name == "rhythm")
      stem.instrument = context.instrument_or(stem.name, "");  // rhythm may be a bass or a second guitar
    else
      stem.instrument = context.instrument(stem.name);
    stem.files.push_back({path});
    song.stems.push_back(std::move(stem));
  }
}

}  // namespace

bool looks_like_folders(const fs::path& root, const Lexicon& lexicon) {
  const FindOptions none;
  const LoaderContext context{root, lexicon, none};
  return any_folder_where(root, kDepth, [&](const fs::path& folder) {
    return is_song(context, folder) && sorted_files(context, folder).named > 0;
  });
}

bool looks_like_frets_on_fire(const fs::path& root) { return any_folder_where(root, kDepth, is_game_song); }

std::vector<MultitrackSong> load_folders(const LoaderContext& context) {
  std::vector<MultitrackSong> songs;
  const auto accept = [&](const fs::path& folder) { return is_song(context, folder); };
  for (const fs::path& folder : folders_where(context.root, kDepth, accept)) {
    MultitrackSong song;
    song.id = relative_id(folder, context.root);
    song.title = title_of(song.id);
    song.split = split_of_song(folder, context.root);
    load_or_note(song, [&] { load_song(context, folder, song); });
    songs.push_back(std::move(song));
  }
  return songs;
}

std::vector<MultitrackSong> load_frets_on_fire(const LoaderContext& context) {
  std::vector<MultitrackSong> songs;
  for (const fs::path& folder : folders_where(context.root, kDepth, is_game_song)) {
    MultitrackSong song;
    song.id = relative_id(folder, context.root);
    song.title = fs::path(song.id).filename().string();
    load_or_note(song, [&] { load_game_song(context, folder, song); });
    songs.push_back(std::move(song));
  }
  return songs;
}

}  // namespace instructme
