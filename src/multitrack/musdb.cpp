// Layout: Rafii et al., "MUSDB18-HQ" (2019); the validation songs are those of the package musdb.
#include <array>
#include <set>

#include "instructme/base/strings.h"
#include "loaders.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMix = "mixture.wav";
constexpr std::array kStems{"drums", "bass", "vocals", "other"};

// One of the files may be missing, which is to be reported.
bool is_song(const fs::path& folder) {
  size_t found = fs::exists(folder / kMix) ? 1 : 0;
  for (const char* stem : kStems) found += fs::exists(folder / (std::string(stem) + ".wav")) ? 1 : 0;
  return found >= kStems.size();
}

void load_song(const LoaderContext& context, const fs::path& folder, MultitrackSong& song) {
  if (fs::exists(folder / kMix)) song.mix = folder / kMix;
  for (const char* name : kStems) {
    MultitrackStem stem;
    stem.name = name;
    stem.instrument = context.instrument(name);
    stem.files.push_back({folder / (stem.name + ".wav")});
    song.stems.push_back(std::move(stem));
  }
}

const std::set<std::string>& validation_songs() {
  static const std::set<std::string> songs{"Actions - One Minute Smile",
                                           "Clara Berry And Wooldog - Waltz For My Victims",
                                           "Johnny Lokke - Promises & Lies",
                                           "Patrick Talbot - A Reason To Leave",
                                           "Triviul - Angelsaint",
                                           "Alexander Ross - Goodbye Bolero",
                                           "Fergessen - Nos Palpitants",
                                           "Leaf - Summerghost",
                                           "Skelpolu - Human Mistakes",
                                           "Young Griffo - Pennies",
                                           "ANiMAL - Rockshow",
                                           "James May - On The Line",
                                           "Meaxic - Take A Step",
                                           "Traffic Experiment - Sirens"};
  return songs;
}

}  // namespace

bool looks_like_musdb(const fs::path& root) {
  // Separation programs write the same four stems, but no mixture.
  return any_folder_where(root, 2, [](const fs::path& folder) { return is_song(folder) && fs::exists(folder / kMix); });
}

bool looks_like_compressed_musdb(const fs::path& root) {
  return any_folder_where(root, 2, [](const fs::path& folder) {
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().filename().string().ends_with(".stem.mp4")) return true;
    return false;
  });
}

std::vector<MultitrackSong> load_musdb(const LoaderContext& context) {
  std::vector<MultitrackSong> songs;
  for (const fs::path& folder : folders_where(context.root, 2, is_song)) {
    MultitrackSong song;
    song.id = song.title = folder.filename().string();
    song.split = split_of_folder(folder.parent_path());
    if (song.split == "train" && validation_songs().contains(song.id)) song.split = "validation";
    song.licence = "for non-commercial, academic use only (MUSDB18-HQ; terms differ by song)";
    load_or_note(song, [&] { load_song(context, folder, song); });
    songs.push_back(std::move(song));
  }
  return songs;
}

}  // namespace instructme
