#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "instructme/data/part_clip.h"
#include "instructme/train/beat_task.h"
#include "instructme/train/chord_task.h"
#include "instructme/train/key_task.h"
#include "instructme/train/mulan_task.h"
#include "instructme/train/recipe.h"
#include "instructme/train/tagger_task.h"

namespace instructme {

/// How one of the networks that listen is made and trained.
template <class Network, class Training, class Clips = LabelledClipOptions>
struct EarRecipe {
  Network network;
  Clips clips;
  Training training;
  TrainerOptions trainer;
};

/// One file that says all about the networks that listen (configs/train/ears.json). Each has its own network, clips,
/// training and trainer. Unknown keys are errors.
struct EarsRecipe {
  EarRecipe<ChordNetOptions, ChordTaskOptions> chords;
  EarRecipe<BeatNetOptions, BeatTaskOptions> beats;
  EarRecipe<KeyNetOptions, KeyTaskOptions> keys;
  /// Names that it lacks are those of the songs, and genres those of the lexicon where no song tells its own.
  EarRecipe<TaggerOptions, TaggerTaskOptions, PartClipOptions> tagger;
  EarRecipe<MuLanOptions, MuLanTaskOptions, PartClipOptions> mulan;

  static EarsRecipe read(const nlohmann::json& json, const std::string& context);  ///< throws kModel
};

/// Where a run finds its inputs.
struct EarsPaths {
  std::vector<std::filesystem::path> songs;
  /// Each is a set of its own in the figures, named as the folder.
  std::vector<std::filesystem::path> validation_songs;
  std::filesystem::path start_from;  ///< a folder with weights to begin with; may be empty
  std::filesystem::path model;       ///< MuLan: a model folder, whose tokenizer it goes with
  std::filesystem::path tagger;      ///< MuLan: a folder with the tagger that it stands on
  std::filesystem::path chords;      ///< keys: a folder with the chord network that they go with
};

/// Songs to judge by, a set for each folder and named as it: the first version of every song, its first minute.
std::vector<ClipCollection> whole_songs(const std::vector<std::filesystem::path>& folders);
/// Ten seconds each of the first and of the last version of every song.
std::vector<ClipCollection> excerpts(const std::vector<std::filesystem::path>& folders);
/// Six clips of 10 s of every song, each of one to eight of its parts, always the same ones.
std::vector<ClipCollection> part_clips(const std::vector<std::filesystem::path>& folders);

/// What the trainings of all these networks would refuse in the songs, or in what the recipe makes of them, without
/// training any. Throws kInput and kModel, naming the network.
void require_suitable_songs(const EarsRecipe& recipe, const SongSet& songs);

/// Throw kUsage when a path is needed and not given; what SongSet throws; kInput when songs to train on are among those
/// for validation, kModel when weights do not fit the recipe, or the clips of beats their examples.
std::unique_ptr<TrainingSession> make_chord_training(const EarsRecipe& recipe, const EarsPaths& paths);
std::unique_ptr<TrainingSession> make_beat_training(const EarsRecipe& recipe, const EarsPaths& paths);
std::unique_ptr<TrainingSession> make_key_training(const EarsRecipe& recipe, const EarsPaths& paths);
std::unique_ptr<TrainingSession> make_tagger_training(const EarsRecipe& recipe, const EarsPaths& paths);
std::unique_ptr<TrainingSession> make_mulan_training(const EarsRecipe& recipe, const EarsPaths& paths);

}  // namespace instructme
