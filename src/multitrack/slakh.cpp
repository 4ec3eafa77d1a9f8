// Layout and metadata: Manilow et al., "Cutting music source separation some Slakh" (2019), and slakh-utils.
#include <cctype>
#include <cstdlib>

#include "loaders.h"
#include "yaml_file.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMetadata = "metadata.yaml";
// Splits of the original release, by the number of the track.
constexpr long kLastTrain = 1500, kLastValidation = 1875;

bool is_track_name(const std::string& name) {
  if (name.size() != 10 || !name.starts_with("Track")) return false;
  for (size_t i = 5; i < name.size(); ++i)
    if (std::isdigit(static_cast<unsigned char>(name[i])) == 0) return false;
  return true;
}

// A track without metadata is one all the same, so that it is missed.
bool is_track(const fs::path& folder) {
  return is_track_name(folder.filename().string()) &&
         (fs::exists(folder / kMetadata) || fs::is_directory(folder / "stems"));
}

std::string split_of_track(const fs::path& folder) {
  const fs::path parent = folder.parent_path();
  if (std::string split = split_of_folder(parent); !split.empty()) return split;
  if (parent.filename() == "omitted") return "omitted";  // of Slakh2100-redux: songs that occur twice
  const long number = std::strtol(folder.filename().string().c_str() + 5, nullptr, 10);
  return number <= kLastTrain ? "train" : number <= kLastValidation ? "validation" : "test";
}

// FLAC as published, WAV as BabySlakh and converted copies have it.
fs::path sound_named(const fs::path& folder, const std::string& name) {
  for (const char* ending : {".flac", ".wav"})
    if (fs::exists(folder / (name + ending))) return folder / (name + ending);
  return "";
}

MultitrackStem load_stem(const LoaderContext& context, const fs::path& folder, const std::string& id,
                         const nlohmann::json& entry) {
  const fs::path metadata = folder / kMetadata;
  MultitrackStem stem;
  const int program = yaml_integer(entry, "program_num", metadata);
  const bool drums = yaml_flag(entry, "is_drum", metadata, false);
  stem.name = yaml_text(entry, "midi_program_name", metadata, id);
  // The program of a drum track is 128 here; what it was in the MIDI file is not told.
  const InstrumentEntry* instrument = context.lexicon.instrument_of_program(drums ? 0 : program, drums);
  stem.instrument = context.instrument_or(stem.name, instrument == nullptr ? "" : instrument->name);
  // Left as published where it is missing, so that the one who looks for the file is told its name.
  const fs::path published = file_in(folder / "stems", id + ".flac"), found = sound_named(folder / "stems", id);
  stem.files.push_back({found.empty() ? published : found});
  return stem;
}

void load_track(const LoaderContext& context, const fs::path& folder, MultitrackSong& song) {
  song.mix = sound_named(folder, "mix");
  const nlohmann::json metadata = read_yaml_file(folder / kMetadata);
  song.title = yaml_text(metadata, "UUID", folder / kMetadata, song.title);
  const nlohmann::json stems = yaml_map(metadata, "stems", folder / kMetadata);
  for (const auto& [id, entry] : stems.items())
    if (yaml_flag(entry, "audio_rendered", folder / kMetadata, true))
      song.stems.push_back(load_stem(context, folder, id, entry));
}

}  // namespace

bool looks_like_slakh(const fs::path& root) { return any_folder_where(root, 2, is_track); }

std::vector<MultitrackSong> load_slakh(const LoaderContext& context) {
  std::vector<MultitrackSong> songs;
  for (const fs::path& folder : folders_where(context.root, 2, is_track)) {
    MultitrackSong song;
    song.id = song.title = folder.filename().string();
    song.split = split_of_track(folder);
    song.licence = "CC BY 4.0 (Slakh2100)";
    load_or_note(song, [&] { load_track(context, folder, song); });
    songs.push_back(std::move(song));
  }
  return songs;
}

}  // namespace instructme
