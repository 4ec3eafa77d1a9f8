// Layout: Pereira et al., "MoisesDB: a dataset for source separation beyond 4-stems" (2023), and the package moisesdb.
#include <algorithm>

#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/multitrack/stem_name.h"
#include "loaders.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kMetadata = "data.json";

// Only data.json tells, and other things have a file of this name too.
bool is_song(const fs::path& folder) {
  if (!fs::is_regular_file(folder / kMetadata)) return false;
  try {
    const json data = read_json_file(folder / kMetadata);
    return data.is_object() && data.contains("stems");
  } catch (const Error&) {
    return true;  // broken: to be reported, not overlooked
  }
}

std::string text(const json& object, const char* key) {
  return object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
}

// Clicks are for the musicians; nobody hears them in the song.
bool is_click(const std::string& type) { return plain_words(type).starts_with("click"); }

void load_stem(const LoaderContext& context, const fs::path& folder, const json& entry, MultitrackSong& song) {
  const std::string stem_name = text(entry, "stemName");
  const fs::path stem_folder = file_in(folder, stem_name);
  const json& tracks = entry.at("tracks");
  if (!tracks.is_array())
    throw Error(ErrorKind::kInput, "'" + (folder / kMetadata).string() + "' has no tracks for '" + stem_name + "'.");
  for (const json& track : tracks) {
    const std::string type = text(track, "trackType"), id = text(track, "id");
    if (is_click(type)) continue;
    const std::string ending = text(track, "extension");
    const fs::path path = file_in(stem_folder, id + "." + (ending.empty() ? "wav" : ending));
    const std::string name = type.empty() ? stem_name : type, instrument = context.instrument(name);
    // Microphones of one instrument are one stem; what has no instrument stays apart, for the report.
    const auto found = std::find_if(song.stems.begin(), song.stems.end(), [&](const MultitrackStem& stem) {
      return stem.files.front().path.parent_path() == stem_folder && stem.instrument == instrument &&
             (!instrument.empty() || stem.name == name);
    });
    MultitrackStem& stem = found != song.stems.end() ? *found : song.stems.emplace_back();
    if (stem.name.empty()) stem.name = name;
    stem.instrument = instrument;
    stem.files.push_back({path});
    if (track.contains("has_bleed") && track["has_bleed"].is_boolean())
      stem.has_bleed |= track["has_bleed"].get<bool>();
  }
}

void load_song(const LoaderContext& context, const fs::path& folder, MultitrackSong& song) {
  json data;
  try {
    data = read_json_file(folder / kMetadata);
  } catch (const Error& error) {
    throw Error(ErrorKind::kInput, error.what());
  }
  const std::string artist = text(data, "artist"), title = text(data, "song");
  if (!title.empty()) song.title = artist.empty() ? title : artist + " - " + title;
  song.genre = context.genre(text(data, "genre"));
  if (!data.contains("stems") || !data["stems"].is_array())
    throw Error(ErrorKind::kInput, "'" + (folder / kMetadata).string() + "' has no list of stems.");
  for (const json& entry : data["stems"]) load_stem(context, folder, entry, song);
}

}  // namespace

bool looks_like_moises(const fs::path& root) { return any_folder_where(root, 2, is_song); }

std::vector<MultitrackSong> load_moises(const LoaderContext& context) {
  std::vector<MultitrackSong> songs;
  for (const fs::path& folder : folders_where(context.root, 2, is_song)) {
    MultitrackSong song;
    song.id = song.title = folder.filename().string();
    song.licence = "CC BY-NC-SA 4.0 (MoisesDB)";
    load_or_note(song, [&] { load_song(context, folder, song); });
    songs.push_back(std::move(song));
  }
  return songs;
}

}  // namespace instructme
