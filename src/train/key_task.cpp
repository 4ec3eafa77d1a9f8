#include "instructme/train/key_task.h"

#include <torch/torch.h>

#include <algorithm>

#include "instructme/annotation/key_scores.h"
#include "instructme/base/error.h"
#include "instructme/ears/key_estimate.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int64_t kNoKey = -1;

/// A song without chords says nothing of its key (data/song_folder.h).
/// Of drums alone nobody can tell it.
bool key_is_known(const LabelledClip& clip) {
  return clip.labelled_s > 0 &&
         std::any_of(clip.chords.begin(), clip.chords.end(), [](const ChordSpan& span) { return !span.chord.none; });
}

}  // namespace

KeyTaskOptions KeyTaskOptions::read(ConfigReader config) {
  KeyTaskOptions o;
  config.read("batch", o.batch);
  config.read("penalty", o.penalty);
  config.finish();
  if (o.batch < 1 || o.penalty < 0)
    throw Error(ErrorKind::kModel, config.context() + ": batch is at least 1, penalty not negative");
  return o;
}

int64_t key_class(const Key& key) { return key.tonic + (has_major_third(key) ? 0 : 12); }

KeyTask::KeyTask(KeyNet net, KeyTaskOptions options, ClipSource training, std::vector<ClipCollection> validation,
                 std::unique_ptr<ChordExtractor> chords)
    : net_(std::move(net)),
      options_(options),
      training_(std::move(training)),
      validation_(std::move(validation)),
      chords_(std::move(chords)) {}

std::vector<Player> KeyTask::players() { return {{"keys", net_.ptr(), 1.0}}; }

Batch KeyTask::make_batch(int64_t, Rng rng) const {
  std::vector<Tensor> waves, known;
  std::vector<int64_t> keys;
  constexpr double kRate = static_cast<double>(kChordSampleRate) / static_cast<double>(kChordHop);
  for (int64_t i = 0; i < options_.batch; ++i) {
    Rng own = rng.fork(static_cast<uint64_t>(i));
    const LabelledClip clip = training_(own);
    const Tensor wave = wave_of(clip);
    Tensor frames = torch::zeros({chord_frames(wave.size(1))});
    frames.slice(0, 0, std::max<int64_t>(1, static_cast<int64_t>(clip.labelled_s * kRate))).fill_(1.0f);
    waves.push_back(wave);
    known.push_back(frames / frames.sum());
    keys.push_back(key_is_known(clip) ? key_class(clip.key) : kNoKey);
  }
  Batch batch;
  batch.tensors = {{"wave", torch::cat(waves)}, {"weight", torch::stack(known)}, {"key", torch::tensor(keys)}};
  return batch;
}

LossValue KeyTask::loss(size_t, const Batch& batch, int64_t, at::Generator) {
  const Tensor& weight = batch.tensors.at("weight");  // (N, T)
  Tensor chords;                                      // (N, T, classes)
  {
    const torch::NoGradGuard no_grad;
    chords = chords_->extract(batch.tensors.at("wave"), weight.size(1));
  }
  const Tensor logits = net_->forward((chords.to(weight.device()) * weight.unsqueeze(2)).sum(1)).to(at::kFloat);
  const Tensor& wanted = batch.tensors.at("key");
  const Tensor known = wanted.ne(kNoKey).sum().clamp_min(1);
  LossValue value;
  const Tensor entropy = at::cross_entropy_loss(logits, wanted, {}, at::Reduction::Sum, kNoKey) / known;
  value.total = entropy + options_.penalty * net_->weight.to(at::kFloat).square().sum();
  value.parts = {{"key_entropy", entropy.detach()},
                 {"key_accuracy", logits.detach().argmax(1).eq(wanted).sum().to(at::kFloat) / known}};
  return value;
}

std::map<std::string, double> KeyTask::validate() {
  const torch::NoGradGuard no_grad;
  std::map<std::string, double> figures;
  for (const ClipCollection& set : validation_) {
    double score = 0;
    int64_t known = 0;
    for (const LabelledClip& clip : set.clips) {
      if (!key_is_known(clip)) continue;
      ++known;
      const Tensor wave = wave_of(clip);
      const auto spans = estimate_keys(net_, chords_->extract(wave, chord_frames(wave.size(1)))[0],
                                       static_cast<double>(clip.wave.size()) / static_cast<double>(kChordSampleRate));
      if (!spans.empty()) score += key_score(clip.key, longest_key(spans));
    }
    if (known > 0) figures[set.name + "_key"] = score / static_cast<double>(known);
  }
  return figures;
}

void KeyTask::export_model(const std::string& folder, int64_t step) { save_key_net(net_, folder, step); }

}  // namespace instructme
