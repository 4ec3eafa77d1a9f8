// Layout and metadata: Bittner et al., "MedleyDB: a multitrack dataset for annotation-intensive MIR research" (2014),
// and the package medleydb.
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/multitrack/stem_name.h"
#include "loaders.h"
#include "yaml_file.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

bool is_song(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return fs::is_directory(folder / (name + "_STEMS")) || fs::exists(folder / (name + "_MIX.wav"));
}

// Beside the audio (as in the downloads), in a folder of its own, or in a copy of the package's repository.
fs::path metadata_of(const LoaderContext& context, const fs::path& folder) {
  const std::string name = folder.filename().string() + "_METADATA.yaml";
  const fs::path above = folder.parent_path();
  const std::vector<fs::path> places{context.options.metadata,
                                     folder,
                                     above,
                                     above / "Metadata",
                                     above.parent_path() / "Metadata",
                                     above.parent_path() / "medleydb" / "data" / "Metadata",
                                     context.root / "Metadata",
                                     context.root / "medleydb" / "data" / "Metadata"};
  for (const fs::path& place : places)
    if (!place.empty() && fs::is_regular_file(place / name)) return place / name;
  throw Error(ErrorKind::kInput, "The metadata '" + name + "' is neither beside the audio nor in a folder 'Metadata'.");
}

std::vector<std::string> instruments_of(const nlohmann::json& entry, const fs::path& path) {
  if (!entry.contains("instrument") || !entry["instrument"].is_array()) return {yaml_text(entry, "instrument", path)};
  return entry["instrument"].get<std::vector<std::string>>();
}

void load_song(const LoaderContext& context, const fs::path& folder, MultitrackSong& song) {
  const fs::path path = metadata_of(context, folder);
  const nlohmann::json metadata = read_yaml_file(path);
  const auto text = [&](const char* key) { return yaml_text(metadata, key, path, ""); };
  const std::string artist = text("artist"), title = text("title"), name = folder.filename().string();
  if (!title.empty()) song.title = artist.empty() ? title : artist + " - " + title;
  song.genre = context.genre(text("genre"));
  const bool bleed = yaml_flag(metadata, "has_bleed", path, false);
  const fs::path stem_folder = file_in(folder, yaml_text(metadata, "stem_dir", path, name + "_STEMS"));
  const fs::path mix = file_in(folder, yaml_text(metadata, "mix_filename", path, name + "_MIX.wav"));
  if (fs::exists(mix)) song.mix = mix;
  const nlohmann::json stems = yaml_map(metadata, "stems", path);
  for (const auto& [id, entry] : stems.items()) {
    const std::vector<std::string> instruments = instruments_of(entry, path);
    MultitrackStem stem;
    stem.name = join(instruments, " + ");
    stem.instrument = context.instrument_or(stem.name, instrument_of_stem_names(instruments, context.lexicon));
    stem.files.push_back({file_in(stem_folder, yaml_text(entry, "filename", path))});
    stem.has_bleed = bleed;
    song.stems.push_back(std::move(stem));
  }
}

}  // namespace

bool looks_like_medley(const fs::path& root) { return any_folder_where(root, 2, is_song); }

std::vector<MultitrackSong> load_medley(const LoaderContext& context) {
  std::vector<MultitrackSong> songs;
  for (const fs::path& folder : folders_where(context.root, 2, is_song)) {
    MultitrackSong song;
    song.id = song.title = folder.filename().string();
    song.licence = "CC BY-NC-SA 4.0 (MedleyDB)";
    load_or_note(song, [&] { load_song(context, folder, song); });
    songs.push_back(std::move(song));
  }
  return songs;
}

}  // namespace instructme
