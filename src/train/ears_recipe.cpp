#include "instructme/train/ears_recipe.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <type_traits>

#include "grown.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/data/song_identity.h"
#include "instructme/torchx/quantised_weights.h"
#include "instructme/torchx/state_dict.h"

namespace instructme {
namespace {

constexpr double kLongest_s = 60;                 // of whole songs
constexpr uint64_t kPartClips = 6;                // of a song, to judge a tagger by
constexpr double kExcerpt_s = 10, kLater_s = 12;  // length of excerpts, and where the later ones begin

template <class Clips>
void check_clips(const ConfigReader& config, const Clips& clips) {
  if (const std::string fault = clips.fault(); !fault.empty())
    throw Error(ErrorKind::kModel, config.context() + ": " + fault);
}

void read_clips(ConfigReader config, LabelledClipOptions& o) {
  config.read("seconds", o.seconds);
  config.read("stem_gain_db", o.stem_gain_db);
  config.read("thin_probability", o.thin_probability);
  config.read("drop_probability", o.drop_probability);
  config.read("mixed_probability", o.mixed_probability);
  config.read("silence_db", o.silence_db);
  config.finish();
  check_clips(config, o);
}

void read_clips(ConfigReader config, PartClipOptions& o) {
  config.read("seconds", o.seconds);
  config.read("parts", o.parts);
  config.read("gain_db", o.gain_db);
  config.read("foreign", o.foreign);
  config.finish();
  check_clips(config, o);
}

template <class Network, class Training, class Clips>
void read_ear(ConfigReader config, EarRecipe<Network, Training, Clips>& ear) {
  ear.network = Network::read(config.object("network"));
  read_clips(config.object("clips"), ear.clips);
  ear.training = Training::read(config.object("training"));
  ConfigReader trainer = config.object("trainer");
  ear.trainer = TrainerOptions::read(trainer);
  config.finish();
}

void require_heard_rate(const SongSet& songs) {
  if (songs.sample_rate() != kChordSampleRate)
    throw Error(ErrorKind::kInput,
                format("the networks that listen want songs of %d Hz, not of %d Hz; render the songs at that rate",
                       static_cast<int>(kChordSampleRate), songs.sample_rate()));
}

/// Songs to draw clips from with a sampler.
template <class Sampler = LabelledClipSampler, class Options = LabelledClipOptions>
class ClipData {
 public:
  ClipData(const EarsPaths& paths, const Options& options) : songs_(require_songs(paths)), sampler_(songs_, options) {
    require_heard_rate(songs_);
    if (!paths.validation_songs.empty())
      require_different_songs(songs_of(songs_), songs_of(SongSet(paths.validation_songs)));
  }
  ClipSource source() const {
    return [this](Rng& rng) { return sampler_.sample(rng); };
  }
  const SongSet& songs() const { return songs_; }

 private:
  static const std::vector<std::filesystem::path>& require_songs(const EarsPaths& paths) {
    if (paths.songs.empty()) throw Error(ErrorKind::kUsage, "there is nothing to train on; give --songs");
    return paths.songs;
  }
  SongSet songs_;
  Sampler sampler_;
};
using PartClipData = ClipData<PartClipSampler, PartClipOptions>;

/// A set for each folder; `add` adds the clips of one song.
template <class Sampler = LabelledClipSampler, class Options = LabelledClipOptions, class Add>
std::vector<ClipCollection> collect(const std::vector<std::filesystem::path>& folders, const Options& options,
                                    const Add& add) {
  std::vector<ClipCollection> sets;
  for (const auto& folder : folders) {
    const SongSet songs(folder);
    require_heard_rate(songs);
    ClipCollection set{own_name(folder), {}};
    if (std::any_of(sets.begin(), sets.end(), [&](const ClipCollection& other) { return other.name == set.name; }))
      throw Error(ErrorKind::kUsage, "two folders to validate on are called '" + set.name +
                                         "', and their figures could not be told apart; rename one");
    // Where no song is as long as a clip there are none, and a sampler would refuse them.
    const auto long_enough = [&](size_t i) {
      return static_cast<double>(songs.info(i).frames) >= options.seconds * songs.sample_rate();
    };
    std::optional<Sampler> sampler;
    for (size_t i = 0; i < songs.size(); ++i) {
      if (!long_enough(i)) continue;
      if (!sampler) sampler.emplace(songs, options);
      add(*sampler, i, songs.info(i), set.clips);
    }
    sets.push_back(std::move(set));
  }
  return sets;
}

LabelledClipOptions any_length() {
  LabelledClipOptions any;
  any.seconds = kLevelBlock_s;
  return any;
}

template <class Net>
void begin_with(Net& net, const EarsPaths& paths, const char* file) {
  if (paths.start_from.empty()) return;
  const auto path = paths.start_from / file;
  const TensorMap weights = load_weights(path);
  if constexpr (requires { net.grow_from(weights); })
    if (net.grow_from(weights)) return;
  load_into(net, weights, path.string());
}

/// A network that learns from clips and is judged by whole songs.
template <class Net, class Task>
class WholeSongSession : public TrainingSession {
 public:
  /// `more` is what the task wants besides.
  template <class Network, class Training, class... More>
  WholeSongSession(const EarRecipe<Network, Training>& ear, const EarsPaths& paths, const char* weights, More&&... more)
      : data_(paths, ear.clips), net_(ear.network) {
    begin_with(*net_, paths, weights);
    task_ = std::make_unique<Task>(net_, ear.training, data_.source(), whole_songs(paths.validation_songs),
                                   std::forward<More>(more)...);
  }
  TrainingTask& task() override { return *task_; }

 private:
  ClipData<> data_;
  Net net_;
  std::unique_ptr<Task> task_;
};

/// A tagger that is there already goes on, with what it knows and what the songs have besides.
class TaggerSession : public TrainingSession {
 public:
  TaggerSession(const EarsRecipe& recipe, const EarsPaths& paths) : data_(paths, recipe.tagger.clips) {
    TaggerOptions options = recipe.tagger.network;
    std::set<std::string> genres;
    for (size_t i = 0; i < data_.songs().size(); ++i)
      for (const ArrangementInfo& arrangement : data_.songs().info(i).arrangements)
        if (!arrangement.genre.empty()) genres.insert(arrangement.genre);
    if (options.instruments.empty()) options.instruments = instruments_of(data_.songs());
    if (options.genres.empty()) options.genres.assign(genres.begin(), genres.end());
    Tagger old{nullptr};
    if (!paths.start_from.empty()) {
      old = load_tagger(paths.start_from).net;
      options.instruments = with_more(old->options.instruments, options.instruments);
      options.genres = with_more(old->options.genres, options.genres);
    }
    // Of recordings no genre may be known; then there are some, but none is learned.
    if (options.genres.empty())
      for (const TagEntry& genre : Lexicon::builtin().genres()) options.genres.push_back(genre.name);
    net_ = Tagger(options);
    if (old) continue_tagger(old, paths.start_from);
    task_ =
        std::make_unique<TaggerTask>(net_, recipe.tagger.training, data_.source(), part_clips(paths.validation_songs));
  }
  TrainingTask& task() override { return *task_; }
  std::string note() const override { return note_; }

 private:
  void continue_tagger(const Tagger& old, const std::filesystem::path& folder) {
    if (!net_->grow_from(*old))
      throw Error(ErrorKind::kModel, "the tagger of '" + folder.string() +
                                         "' cannot go on, as the recipe gives it other sizes; only refinements may "
                                         "become more");
    if (const auto more = net_->options.instruments.size() - old->options.instruments.size(); more > 0)
      note_ = format("the tagger learns %zu instruments more", more);
  }

  std::string note_;
  PartClipData data_;
  Tagger net_{nullptr};
  std::unique_ptr<TaggerTask> task_;
};

class MuLanSession : public TrainingSession {
 public:
  MuLanSession(const EarsRecipe& recipe, const EarsPaths& paths) : data_(paths, recipe.mulan.clips) {
    if (paths.model.empty() || paths.tagger.empty())
      throw Error(
          ErrorKind::kUsage,
          "training a MuLan needs --model, a model folder with a text encoder, and --tagger, a folder with one");
    Tagger tagger = load_tagger(paths.tagger).net;
    MuLanOptions options = recipe.mulan.network;
    options.features = tagger->feature_channels();
    net_ = MuLan(options);
    begin_with(*net_, paths, "mulan.safetensors");
    task_ = std::make_unique<MuLanTask>(net_, tagger, Tokenizer(paths.model / "text_encoder" / "spiece.model"),
                                        Lexicon::builtin(), recipe.mulan.training, data_.source(),
                                        part_clips(paths.validation_songs));
  }
  TrainingTask& task() override { return *task_; }

 private:
  PartClipData data_;
  MuLan net_{nullptr};
  std::unique_ptr<MuLanTask> task_;
};

void require_long_clips(const decltype(EarsRecipe::beats)& beats) {
  // Else training would end at the first example that is played too fast.
  const auto clip_s = static_cast<double>(std::llround(beats.clips.seconds / kLevelBlock_s)) * kLevelBlock_s;
  const BeatTaskOptions& training = beats.training;
  if (clip_s < training.seconds * (1 + training.speed))
    throw Error(ErrorKind::kModel,
                format("the recipe's beats have clips of %g s; for examples of %g s that are played up to %g times as "
                       "fast they must have %g s",
                       clip_s, training.seconds, 1 + training.speed, training.seconds * (1 + training.speed)));
}

}  // namespace

std::vector<ClipCollection> whole_songs(const std::vector<std::filesystem::path>& folders) {
  return collect(folders, any_length(),
                 [](const LabelledClipSampler& sampler, size_t song, const SongInfo&, auto& clips) {
                   clips.push_back(sampler.full_mix(song, 0, 0, 0.0, kLongest_s));
                 });
}

std::vector<ClipCollection> excerpts(const std::vector<std::filesystem::path>& folders) {
  return collect(
      folders, any_length(), [](const LabelledClipSampler& sampler, size_t song, const SongInfo& info, auto& clips) {
        const double seconds = static_cast<double>(info.frames) / info.sample_rate;
        const double later = std::clamp(seconds - kExcerpt_s, 0.0, kLater_s);  // so that it is as long, if it can be
        clips.push_back(sampler.full_mix(song, 0, 0, 0.0, kExcerpt_s));
        clips.push_back(sampler.full_mix(song, info.arrangements.size() - 1,
                                         info.arrangements.back().versions.size() - 1, later, kExcerpt_s));
      });
}

std::vector<ClipCollection> part_clips(const std::vector<std::filesystem::path>& folders) {
  PartClipOptions options;
  options.seconds = kExcerpt_s;
  options.foreign = 0;
  return collect<PartClipSampler>(folders, options,
                                  [](const PartClipSampler& sampler, size_t song, const SongInfo&, auto& clips) {
                                    for (uint64_t i = 0; i < kPartClips; ++i) {
                                      Rng rng = Rng(0).fork("parts").fork(song).fork(i);
                                      clips.push_back(sampler.sample_song(song, rng));
                                    }
                                  });
}

EarsRecipe EarsRecipe::read(const nlohmann::json& json, const std::string& context) {
  EarsRecipe recipe;
  ConfigReader config(json, context);
  read_ear(config.object("chords"), recipe.chords);
  read_ear(config.object("beats"), recipe.beats);
  read_ear(config.object("keys"), recipe.keys);
  read_ear(config.object("tagger"), recipe.tagger);
  read_ear(config.object("mulan"), recipe.mulan);
  config.finish();
  return recipe;
}

void require_suitable_songs(const EarsRecipe& recipe, const SongSet& songs) {
  require_heard_rate(songs);
  require_long_clips(recipe.beats);
  const auto try_clips = [&]<class Sampler>(const char* network, const auto& clips, std::type_identity<Sampler>) {
    try {
      Sampler(songs, clips);
    } catch (const Error& error) {
      throw Error(error.kind(), std::string("of the clips of ") + network + ": " + error.what());
    }
  };
  try_clips("chords", recipe.chords.clips, std::type_identity<LabelledClipSampler>());
  try_clips("beats", recipe.beats.clips, std::type_identity<LabelledClipSampler>());
  try_clips("keys", recipe.keys.clips, std::type_identity<LabelledClipSampler>());
  try_clips("tagger", recipe.tagger.clips, std::type_identity<PartClipSampler>());
  try_clips("mulan", recipe.mulan.clips, std::type_identity<PartClipSampler>());
}

std::unique_ptr<TrainingSession> make_chord_training(const EarsRecipe& recipe, const EarsPaths& paths) {
  return std::make_unique<WholeSongSession<ChordNet, ChordTask>>(recipe.chords, paths, "chords.safetensors");
}

std::unique_ptr<TrainingSession> make_beat_training(const EarsRecipe& recipe, const EarsPaths& paths) {
  require_long_clips(recipe.beats);
  return std::make_unique<WholeSongSession<BeatNet, BeatTask>>(recipe.beats, paths, "beats.safetensors");
}

std::unique_ptr<TrainingSession> make_key_training(const EarsRecipe& recipe, const EarsPaths& paths) {
  if (paths.chords.empty())
    throw Error(ErrorKind::kUsage,
                "training keys needs --chords, a folder with chords.json, such as models/default/ears");
  return std::make_unique<WholeSongSession<KeyNet, KeyTask>>(
      recipe.keys, paths, "keys.safetensors",
      std::make_unique<NeuralChordExtractor>(NeuralChordExtractor::load(paths.chords)));
}

std::unique_ptr<TrainingSession> make_tagger_training(const EarsRecipe& recipe, const EarsPaths& paths) {
  return std::make_unique<TaggerSession>(recipe, paths);
}

std::unique_ptr<TrainingSession> make_mulan_training(const EarsRecipe& recipe, const EarsPaths& paths) {
  return std::make_unique<MuLanSession>(recipe, paths);
}

}  // namespace instructme
