#include "instructme/train/mulan_task.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/annotation/key_scores.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/ears/log_frequency.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr double kAudible_db = 20;  // below the clip's level

std::string said(const std::string& name, const std::vector<std::string>& synonyms, Rng& rng, bool plain) {
  constexpr double kSynonymProbability = 0.3;
  return !plain && !synonyms.empty() && rng.chance(kSynonymProbability) ? rng.pick(synonyms) : name;
}

/// A mood by rule: what slow or fast music in major or minor is usually called.
std::string mood_of(bool minor, double tempo_bpm, const Lexicon& lexicon, Rng& rng, bool plain) {
  constexpr double kSlow_bpm = 85, kFast_bpm = 120;
  const std::vector<std::string> words =
      tempo_bpm < kSlow_bpm
          ? (minor ? std::vector<std::string>{"sad", "dark"} : std::vector<std::string>{"calm", "soft"})
      : tempo_bpm > kFast_bpm
          ? (minor ? std::vector<std::string>{"tense", "energetic"} : std::vector<std::string>{"happy", "energetic"})
          : std::vector<std::string>{minor ? "nostalgic" : "playful"};
  const std::string word = plain ? words.front() : rng.pick(words);
  const TagEntry* const mood = lexicon.find_mood(word);
  return mood != nullptr ? said(mood->name, mood->synonyms, rng, plain) : word;
}

}  // namespace

std::string describe_clip(const LabelledClip& clip, const Lexicon& lexicon, Rng& rng, bool plain) {
  constexpr double kSlow_bpm = 80, kFast_bpm = 125;
  double energy = 0;
  for (const InstrumentLevels& heard : clip.instruments)
    for (const float db : heard.blocks_db) energy += std::pow(10.0, db / 10.0);
  std::vector<std::string> instruments;
  constexpr double kSilent = 1e-8;  // mean power of a block; what is softer does not sound, whatever its share
  for (const InstrumentLevels& heard : clip.instruments) {
    if (energy < kSilent * static_cast<double>(heard.blocks_db.size())) break;
    double own = 0;
    for (const float db : heard.blocks_db) own += std::pow(10.0, db / 10.0);
    if (!(10.0 * std::log10((own + 1e-12) / (energy + 1e-12)) > -kAudible_db)) continue;
    const InstrumentEntry* const entry = lexicon.find_instrument(heard.instrument);
    if (entry != nullptr) instruments.push_back(said(entry->name, entry->synonyms, rng, plain));
  }
  if (!plain) {
    constexpr double kAllProbability = 0.5;
    rng.shuffle(instruments);
    if (instruments.size() > 1 && !rng.chance(kAllProbability))
      instruments.resize(static_cast<size_t>(rng.integer(1, static_cast<int64_t>(instruments.size()))));
  }
  const bool minor = !has_major_third(clip.key);
  const auto say = [&](double probability) { return plain || rng.chance(probability); };
  std::vector<std::string> words;
  const bool whole = clip.tempo_bpm > 0;  // not put together from several songs
  if (whole && say(0.5))
    words.push_back(clip.tempo_bpm < kSlow_bpm ? "slow" : clip.tempo_bpm > kFast_bpm ? "fast" : "moderate");
  if (whole && say(0.3)) words.push_back(mood_of(minor, clip.tempo_bpm, lexicon, rng, plain));
  if (!clip.genre.empty() && say(0.8)) {
    const TagEntry* const genre = lexicon.find_genre(clip.genre);
    words.push_back(genre != nullptr ? said(genre->name, genre->synonyms, rng, plain) : clip.genre);
  }
  words.emplace_back("music");
  if (whole && say(0.3)) words.emplace_back(minor ? "in minor" : "in major");
  std::string text = join(words, " ");
  if (!instruments.empty()) {
    const std::string last = instruments.back();
    instruments.pop_back();
    text += " with " + (instruments.empty() ? last : join(instruments, ", ") + " and " + last);
  }
  return text;
}

HeardClip hear_clip(Tagger& tagger, LabelledClip clip) {
  const torch::NoGradGuard no_grad;
  const Tensor features = tagger->features_of_wave(wave_of(clip))[0].to(at::kBFloat16);
  clip.wave.clear();
  clip.wave.shrink_to_fit();
  return {std::move(clip), features};
}

std::vector<HeardClip> hear_evenly(Tagger& tagger, std::vector<LabelledClip> clips, int64_t count) {
  const auto all = static_cast<int64_t>(clips.size()), wanted = std::min(all, count);
  std::vector<HeardClip> heard;
  for (int64_t i = 0; i < wanted; ++i)
    heard.push_back(hear_clip(tagger, std::move(clips[static_cast<size_t>(i * all / wanted)])));
  return heard;
}

Retrieval score_retrieval(MuLan& net, const Tokenizer& tokenizer, const Lexicon& lexicon,
                          const std::vector<HeardClip>& clips) {
  const torch::NoGradGuard no_grad;
  const bool was_training = net->is_training();
  net->eval();
  const at::Device device = net->log_scale.device();
  std::vector<Tensor> music;
  std::vector<std::string> sentences;
  Rng unused(0);
  for (const HeardClip& clip : clips) {
    music.push_back(net->embed_music(clip.features.unsqueeze(0).to(device)));
    sentences.push_back(describe_clip(clip.clip, lexicon, unused, /*plain=*/true));
  }
  const auto [ids, mask] = token_batch(tokenizer, sentences);
  const Tensor scores =
      net->embed_text(ids.to(device), mask.to(device)).matmul(torch::cat(music).t());  // (texts, music)
  net->train(was_training);
  const Tensor better = scores.gt(scores.diagonal().unsqueeze(1)).sum(1).to(at::kFloat);
  return {better.lt(1).to(at::kFloat).mean().item<double>(), better.lt(5).to(at::kFloat).mean().item<double>()};
}

MuLanTaskOptions MuLanTaskOptions::read(ConfigReader config) {
  MuLanTaskOptions o;
  config.read("batch", o.batch);
  config.read("bank", o.bank);
  config.read("seconds", o.seconds);
  config.read("retrieval", o.retrieval);
  config.finish();
  if (o.batch < 2 || o.bank < o.batch || !(o.seconds > 0) || o.retrieval < 2)
    throw Error(ErrorKind::kModel,
                config.context() + ": batch and retrieval are at least 2, bank at least batch, seconds above 0");
  return o;
}

MuLanTask::MuLanTask(MuLan net, Tagger tagger, Tokenizer tokenizer, const Lexicon& lexicon, MuLanTaskOptions options,
                     const ClipSource& training, std::vector<ClipCollection> validation)
    : net_(std::move(net)), tokenizer_(std::move(tokenizer)), lexicon_(lexicon), options_(options) {
  if (net_->options.vocab_size < tokenizer_.vocab_size())
    throw Error(ErrorKind::kModel, format("the text tower knows %lld tokens, the tokenizer has %d",
                                          static_cast<long long>(net_->options.vocab_size), tokenizer_.vocab_size()));
  for (int64_t i = 0; i < options_.bank; ++i) {
    Rng rng = Rng(0).fork("bank").fork(static_cast<uint64_t>(i));
    bank_.push_back(hear_clip(tagger, training(rng)));
  }
  for (ClipCollection& set : validation)
    validation_.emplace_back(set.name, hear_evenly(tagger, std::move(set.clips), options_.retrieval));
}

std::vector<Player> MuLanTask::players() { return {{"mulan", net_.ptr(), 1.0}}; }

Batch MuLanTask::make_batch(int64_t, Rng rng) const {
  constexpr double kBlockSeconds = static_cast<double>(TaggerImpl::kBlockSamples) / kChordSampleRate;
  const auto wanted = std::max<int64_t>(1, std::llround(options_.seconds / kBlockSeconds));
  std::vector<Tensor> features;
  std::vector<std::string> sentences;
  std::vector<int64_t> entries;
  for (int64_t i = 0; i < options_.batch; ++i) {
    entries.push_back(rng.integer(0, static_cast<int64_t>(bank_.size()) - 1));
    const HeardClip& entry = bank_[static_cast<size_t>(entries.back())];
    const int64_t blocks = std::min(wanted, entry.features.size(0));
    features.push_back(entry.features.narrow(0, rng.integer(0, entry.features.size(0) - blocks), blocks));
    sentences.push_back(describe_clip(entry.clip, lexicon_, rng));
  }
  const auto [ids, mask] = token_batch(tokenizer_, sentences);
  Batch batch;
  batch.tensors = {
      {"features", torch::stack(features)}, {"ids", ids}, {"mask", mask}, {"entry", torch::tensor(entries)}};
  return batch;
}

LossValue MuLanTask::loss(size_t, const Batch& batch, int64_t, at::Generator) {
  const Tensor music = net_->embed_music(batch.tensors.at("features"));
  const Tensor text = net_->embed_text(batch.tensors.at("ids"), batch.tensors.at("mask"));
  const Tensor& entry = batch.tensors.at("entry");
  LossValue value;
  value.total = net_->loss(music, text, entry.unsqueeze(0).eq(entry.unsqueeze(1)));
  value.parts.emplace_back("scale", net_->log_scale.detach().to(at::kFloat).exp().sum());
  return value;
}

std::map<std::string, double> MuLanTask::validate() {
  std::map<std::string, double> figures;
  for (const auto& [name, clips] : validation_) {
    if (clips.empty()) continue;
    const Retrieval found = score_retrieval(net_, tokenizer_, lexicon_, clips);
    figures[name + "_recall_1"] = found.recall_1;
    figures[name + "_recall_5"] = found.recall_5;
  }
  return figures;
}

void MuLanTask::export_model(const std::string& folder, int64_t step) { save_mulan(net_, folder, step); }

}  // namespace instructme
