#include "instructme/train/recipe.h"

#include <torch/torch.h>

#include <algorithm>
#include <optional>

#include "grown.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/data/song_identity.h"
#include "instructme/torchx/quantised_weights.h"
#include "instructme/torchx/state_dict.h"
#include "instructme/train/example_source.h"

namespace instructme {
namespace {

constexpr int64_t kMostParts = 64;  // of a mix: more than there are

T5EncoderOptions read_text(ConfigReader config) {
  T5EncoderOptions o;
  o.vocab_size = 512;
  o.d_model = 192;
  o.d_kv = 32;
  o.d_ff = 384;
  o.num_layers = 3;
  o.num_heads = 6;
  o.dropout_rate = 0;
  o.gated = true;
  config.read("vocab_size", o.vocab_size);
  config.read("d_model", o.d_model);
  config.read("d_kv", o.d_kv);
  config.read("d_ff", o.d_ff);
  config.read("num_layers", o.num_layers);
  config.read("num_heads", o.num_heads);
  config.read("gated", o.gated);
  config.finish();
  o.check(config.context());
  return o;
}

TripletOptions read_triplets(ConfigReader config, const PipelineConfig& pipeline) {
  TripletOptions o;
  config.read("seconds", o.seconds);
  config.read("proportions", o.proportions);
  config.read("phrase_probability", o.phrase_probability);
  config.read("pair_probability", o.pair_probability);
  config.read("part_probability", o.part_probability);
  config.read("genre_probability", o.genre_probability);
  config.read("tags_probability", o.tags_probability);
  config.read("requests", o.requests);
  config.read("siblings", o.siblings);
  config.read("stem_gain_db", o.stem_gain_db);
  config.read("silence_db", o.silence_db);
  config.finish();
  o.source_level_db = pipeline.level_dbfs;
  o.chord_frame_rate = pipeline.chord_rate();
  if (const std::string fault = o.fault(); !fault.empty())
    throw Error(ErrorKind::kModel, config.context() + ": " + fault);
  return o;
}

void require_rate(int sample_rate, const Recipe& recipe) {
  if (sample_rate != recipe.pipeline.vae.sample_rate)
    throw Error(ErrorKind::kInput,
                format("the songs have %d Hz, the recipe's VAE %lld Hz; render the songs at that rate", sample_rate,
                       static_cast<long long>(recipe.pipeline.vae.sample_rate)));
}

/// What is trained on: songs, or a sequence of examples made or stored elsewhere.
class TrainingData {
 public:
  TrainingData(const Recipe& recipe, const RecipePaths& paths) {
    if (paths.examples && !paths.songs.empty())
      throw Error(ErrorKind::kUsage, "training takes songs, a stream or shards, not several of them");
    if (!paths.examples && paths.songs.empty())
      throw Error(ErrorKind::kUsage, "there is nothing to train on; give --songs, --stream or --shards");
    if (paths.examples) {
      source_ = make_sequence_source(paths.examples, recipe.triplets);
    } else {
      songs_.emplace(paths.songs);
      source_ = make_song_source(*songs_, Lexicon::builtin(), recipe.triplets);
    }
    require_rate(source_->sample_rate(), recipe);
    if (!paths.validation_songs.empty())
      require_different_songs(songs_ ? songs_of(*songs_) : paths.examples->songs(),
                              songs_of(SongSet(paths.validation_songs)));
  }
  const ExampleSource& source() const { return *source_; }
  /// Absent where training is not from songs.
  const std::optional<SongSet>& songs() const { return songs_; }

 private:
  std::optional<SongSet> songs_;
  std::unique_ptr<ExampleSource> source_;
};

/// Enough examples for VaeImpl::initialise_linear_path: (N, S).
at::Tensor draw_music(const WaveSource& source, const VaeOptions& options, double seconds) {
  const int64_t values = options.frames_per_latent * (options.n_fft + 2);
  // At most two seconds each, and one sample less than the sampler's clips.
  const auto longest = static_cast<int64_t>(seconds * static_cast<double>(options.sample_rate)) - 1;
  const int64_t frames = std::clamp<int64_t>(longest / options.samples_per_latent(), 1, 100);
  const int64_t samples = frames * options.samples_per_latent();
  const int64_t count = 6 * values / frames + 1;
  at::Tensor waves = torch::empty({count, samples});
  for (int64_t i = 0; i < count; ++i) {
    Rng rng = Rng(0).fork("linear path").fork(static_cast<uint64_t>(i));
    const std::vector<float> wave = source(i, samples, rng);
    std::copy(wave.begin(), wave.end(), waves.data_ptr<float>() + i * samples);
  }
  return waves;
}

/// The same examples in every run; none without validation songs.
template <class Example, class Draw>
std::vector<Example> draw_validation(const Recipe& recipe, const RecipePaths& paths, const Draw& draw) {
  if (paths.validation_songs.empty()) return {};
  const SongSet songs(paths.validation_songs);
  require_rate(songs.sample_rate(), recipe);
  const TripletSampler sampler(songs, Lexicon::builtin(), recipe.triplets);
  std::vector<Example> examples;
  for (int64_t i = 0; i < recipe.validation_examples; ++i) {
    Rng rng = Rng(0).fork("validation").fork(static_cast<uint64_t>(i));
    examples.push_back(draw(sampler, i, rng));
  }
  return examples;
}

class VaeSession : public TrainingSession {
 public:
  VaeSession(const Recipe& recipe, const RecipePaths& paths) : data_(recipe, paths) {
    if (recipe.vae_task.seconds >= recipe.triplets.seconds)
      throw Error(ErrorKind::kModel, format("the recipe's vae_training has examples of %g s; they must be shorter than "
                                            "its triplets of %g s",
                                            recipe.vae_task.seconds, recipe.triplets.seconds));
    Vae vae(recipe.pipeline.vae);
    if (!paths.start_from.empty()) load_vae(vae, paths.start_from);
    const WaveSource source = [this](int64_t position, int64_t samples, Rng& rng) {
      return data_.source().mix(position, samples, rng);
    };
    if (paths.start_from.empty())
      vae->initialise_linear_path(draw_music(source, vae->options(), recipe.triplets.seconds));
    const double seconds = std::min(5.0, recipe.triplets.seconds);
    auto validation = draw_validation<std::vector<float>>(
        recipe, paths,
        [&](const TripletSampler& sampler, int64_t, Rng& rng) { return sampler.sample_mix(rng, seconds); });
    task_ = std::make_unique<VaeTask>(vae, recipe.vae_task, recipe.discriminators, source, std::move(validation));
  }
  TrainingTask& task() override { return *task_; }

 private:
  TrainingData data_;
  std::unique_ptr<VaeTask> task_;
};

/// The text encoder that is there is kept, with its sizes and its tokenizer; a U-Net may have grown.
Pipeline continue_pipeline(const Recipe& recipe, const RecipePaths& paths, std::string& note) {
  Pipeline old = Pipeline::load(paths.start_from);
  if (old.config.vae.to_json() != recipe.pipeline.vae.to_json())
    throw Error(ErrorKind::kModel, paths.start_from.string() +
                                       "/config.json and the recipe describe VAEs of different sizes; use the recipe "
                                       "the weights were trained with");
  const bool same = to_json(old.config.unet) == to_json(recipe.pipeline.unet);
  PipelineConfig config = recipe.pipeline;
  config.mask = old.config.mask;
  Pipeline pipeline(config, paths.text.empty() ? std::move(old.text) : TextEncoder::load(paths.text));
  if (pipeline.mask) pipeline.mask = old.mask;
  const auto fresh = adopt_weights(*pipeline.unet, named_tensors(*old.unet));
  load_into(*pipeline.vae, named_tensors(*old.vae), paths.start_from.string());
  if (!paths.vae.empty()) load_vae(pipeline.vae, paths.vae);
  const size_t all = named_tensors(*pipeline.unet).size();
  if (fresh.size() == all)
    throw Error(ErrorKind::kModel, "nothing of the U-Net in " + paths.start_from.string() + " fits the recipe's");
  if (!same)
    note = format("%zu of the U-Net's %zu tensors begin with the weights in %s, the others anew", all - fresh.size(),
                  all, paths.start_from.string().c_str());
  if (pipeline.config.unet.source_gate > 0 && std::find(fresh.begin(), fresh.end(), "gate_input.weight") != fresh.end())
    pipeline.unet->initialise_source_gate(pipeline.vae->linear_decoder());
  return pipeline;
}

Pipeline make_pipeline(const Recipe& recipe, const RecipePaths& paths, std::string& note) {
  if (!paths.start_from.empty()) return continue_pipeline(recipe, paths, note);
  if (paths.vae.empty() || (paths.tokenizer.empty() && paths.text.empty()))
    throw Error(ErrorKind::kUsage,
                "training an editor needs --vae and --text (or --tokenizer), or --from a model folder");
  PipelineConfig config = recipe.pipeline;
  config.mask = std::nullopt;  // is trained later
  Pipeline pipeline(
      config, paths.text.empty() ? TextEncoder::create(recipe.text, paths.tokenizer) : TextEncoder::load(paths.text));
  load_vae(pipeline.vae, paths.vae);
  if (pipeline.config.unet.source_gate > 0) pipeline.unet->initialise_source_gate(pipeline.vae->linear_decoder());
  return pipeline;
}

class TextSession : public TrainingSession {
 public:
  TextSession(const Recipe& recipe, const RecipePaths& paths)
      : text_(paths.text.empty() ? TextEncoder::create(recipe.text, require_tokenizer(paths))
                                 : TextEncoder::load(paths.text)),
        task_(text_, Lexicon::builtin(), recipe.text_task) {}
  TrainingTask& task() override { return task_; }

 private:
  static const std::filesystem::path& require_tokenizer(const RecipePaths& paths) {
    if (paths.tokenizer.empty())
      throw Error(ErrorKind::kUsage, "training a text encoder needs --tokenizer, or --from a T5 folder");
    return paths.tokenizer;
  }

  TextEncoder text_;
  TextTask task_;
};

class EditorSession : public TrainingSession {
 public:
  EditorSession(const Recipe& recipe, const RecipePaths& paths)
      : pipeline_(make_pipeline(recipe, paths, note_)), data_(recipe, paths) {
    // The operations in turn, so that each is judged by as many examples; recordings have no remixes.
    auto validation = draw_validation<Triplet>(recipe, paths, [](const TripletSampler& sampler, int64_t i, Rng& rng) {
      return sampler.sample_or_another(static_cast<Operation>(i % kOperations), rng);
    });
    task_ = std::make_unique<DiffusionTask>(
        pipeline_, recipe.diffusion_task,
        [this](int64_t position, Rng& rng) { return data_.source().triplets(position, rng); }, std::move(validation));
  }
  TrainingTask& task() override { return *task_; }
  std::string note() const override { return note_; }

 private:
  std::string note_;
  Pipeline pipeline_;
  TrainingData data_;
  std::unique_ptr<DiffusionTask> task_;
};

/// Trains the mask head of a model that is complete but for it. One that is there already goes on, with the
/// instruments it knows, those that the recipe names and those of the songs.
class MaskSession : public TrainingSession {
 public:
  MaskSession(const Recipe& recipe, const RecipePaths& paths)
      : data_(with_all_parts(recipe), paths), pipeline_(Pipeline::load(require_model(paths))) {
    if (!recipe.pipeline.mask) throw Error(ErrorKind::kModel, "the recipe's model has no \"mask\"");
    MaskHead old = pipeline_.mask;  // may be empty
    MaskHeadOptions options = *recipe.pipeline.mask;
    std::vector<std::string> wanted = std::move(options.instruments);
    options.instruments = old ? old->options.instruments : std::vector<std::string>();
    if (data_.songs())
      for (std::string& name : instruments_of(*data_.songs())) wanted.push_back(std::move(name));
    options.instruments = with_more(std::move(options.instruments), wanted);
    if (options.instruments.empty())
      throw Error(ErrorKind::kModel,
                  "without songs the instruments must be named in the recipe's model: \"mask\": {\"instruments\": …}");
    pipeline_.config.mask = options;
    pipeline_.mask = MaskHead(options);
    const bool goes_on = old && continue_mask(old);
    auto validation = draw_validation<Triplet>(recipe, paths, [](const TripletSampler& sampler, int64_t, Rng& rng) {
      return sampler.sample(Operation::kExtract, rng);
    });
    task_ = std::make_unique<MaskTask>(
        pipeline_, recipe.mask_task,
        [this](int64_t position, Rng& rng) { return data_.source().triplets(position, rng); }, std::move(validation));
    if (!goes_on) task_->standardise_input();
  }
  TrainingTask& task() override { return *task_; }
  std::string note() const override { return note_; }

 private:
  static const std::filesystem::path& require_model(const RecipePaths& paths) {
    if (paths.start_from.empty()) throw Error(ErrorKind::kUsage, "training a mask head needs --from a model folder");
    return paths.start_from;
  }

  bool continue_mask(MaskHead& old) {
    MaskHead& mask = pipeline_.mask;
    if (!mask->grow_from(*old)) {
      note_ = "the mask head begins anew, as the recipe gives it other sizes";
      return false;
    }
    const auto more = [](const auto& now, const auto& before) { return static_cast<long long>(now - before); };
    const auto instruments = more(mask->options.instruments.size(), old->options.instruments.size());
    const auto blocks = more(mask->listening->size(), old->listening->size());
    if (instruments > 0) note_ = format("the mask head learns %lld instruments more", instruments);
    if (blocks > 0) note_ += format("%sthe mask head has %lld blocks more", note_.empty() ? "" : "; ", 2 * blocks);
    return true;
  }

  std::string note_;
  TrainingData data_;
  Pipeline pipeline_;
  std::unique_ptr<MaskTask> task_;
};

}  // namespace

void load_vae(Vae& vae, const std::filesystem::path& folder) {
  const auto file = folder / "vae.safetensors";
  load_into(*vae, load_weights(file), file.string());
}

Recipe Recipe::read(const nlohmann::json& json, const std::string& context) {
  Recipe recipe;
  ConfigReader config(json, context);
  recipe.pipeline = PipelineConfig::read(config.raw("model"), context + ": model");
  recipe.text = read_text(config.object("text_encoder"));
  recipe.triplets = read_triplets(config.object("triplets"), recipe.pipeline);
  ConfigReader text = config.object("text_training"), vae = config.object("vae_training"),
               diffusion = config.object("editor_training"), mask = config.object("mask_training"),
               trainer = config.object("trainer");
  recipe.text_task = TextTaskOptions::read(text);
  recipe.vae_task = VaeTaskOptions::read(vae);
  recipe.discriminators = DiscriminatorOptions::read(config.object("discriminators"));
  recipe.diffusion_task = DiffusionTaskOptions::read(diffusion);
  recipe.mask_task = MaskTaskOptions::read(mask);
  recipe.trainer = TrainerOptions::read(trainer);
  config.read("validation_examples", recipe.validation_examples);
  config.raw("all");  // what `train all` does with it
  config.finish();
  return recipe;
}

Recipe with_all_parts(Recipe recipe) {
  recipe.triplets.proportions = {{operation_name(Operation::kExtract), 1.0}};
  recipe.triplets.siblings = kMostParts;
  return recipe;
}

std::unique_ptr<TrainingSession> make_text_training(const Recipe& recipe, const RecipePaths& paths) {
  return std::make_unique<TextSession>(recipe, paths);
}

std::unique_ptr<TrainingSession> make_vae_training(const Recipe& recipe, const RecipePaths& paths) {
  return std::make_unique<VaeSession>(recipe, paths);
}

std::unique_ptr<TrainingSession> make_editor_training(const Recipe& recipe, const RecipePaths& paths) {
  return std::make_unique<EditorSession>(recipe, paths);
}

std::unique_ptr<TrainingSession> make_mask_training(const Recipe& recipe, const RecipePaths& paths) {
  return std::make_unique<MaskSession>(recipe, paths);
}

}  // namespace instructme
