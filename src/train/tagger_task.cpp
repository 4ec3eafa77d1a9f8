#include "instructme/train/tagger_task.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "instructme/base/error.h"
#include "instructme/ears/log_frequency.h"
#include "instructme/ears/mono_to_hear.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr float kNotKnown = -1.0f;
constexpr double kCommonClips = 40;  // as much as so many clips of its own, the common threshold counts
constexpr double kUsualThreshold = 0.4;
constexpr double kMelPerDb = 0.5 * 0.1151292546;  // LogMel is 0.5 per neper
constexpr double kMelBandsPerPoint = 12;

double power_of(double db) { return std::pow(10.0, db / 10.0); }

struct Answers {
  Tensor truth, probability;              // (clips, I)
  Tensor genre_truth, genre_probability;  // (clips), (clips, G)
};

Answers answer(Tagger& net, const std::vector<LabelledClip>& clips, double audible_db, double inaudible_db) {
  std::vector<Tensor> truth, probability, genres;
  std::vector<int64_t> genre;
  for (const LabelledClip& clip : clips) {
    const ClipTags known = clip_tags(clip, net->options, audible_db, inaudible_db);
    const Tags tags = listen_for_tags(net, wave_of(clip));
    truth.push_back(known.whole);
    probability.push_back(tags.instruments);
    genre.push_back(known.genre);
    genres.push_back(tags.genres);
  }
  return {torch::stack(truth), torch::stack(probability), torch::tensor(genre), torch::stack(genres)};
}

std::vector<float> sorted_scores(const Tensor& truth, const Tensor& score, float wanted) {
  const Tensor chosen = score.masked_select(truth.eq(wanted)).to(at::kCPU, at::kFloat).contiguous();
  std::vector<float> values(chosen.data_ptr<float>(), chosen.data_ptr<float>() + chosen.numel());
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace

TaggerTaskOptions TaggerTaskOptions::read(ConfigReader config) {
  TaggerTaskOptions o;
  config.read("batch", o.batch);
  config.read("audible_db", o.audible_db);
  config.read("inaudible_db", o.inaudible_db);
  config.read("speed", o.speed);
  config.read("equaliser_db", o.equaliser_db);
  config.read("level_db", o.level_db);
  config.read("genre_weight", o.genre_weight);
  config.read("calibration_clips", o.calibration_clips);
  config.finish();
  if (o.batch < 1 || o.audible_db < 0 || o.inaudible_db < o.audible_db || o.speed < 0 || o.speed > 0.5 ||
      o.equaliser_db < 0 || o.level_db < 0 || o.genre_weight < 0 || o.calibration_clips < 0)
    throw Error(ErrorKind::kModel, config.context() +
                                       ": batch is at least 1, inaudible_db at least audible_db, speed 0 to 0.5, and "
                                       "nothing is negative");
  return o;
}

double roc_auc(const Tensor& truth, const Tensor& score) {
  const std::vector<float> negatives = sorted_scores(truth, score, 0.0f), positives = sorted_scores(truth, score, 1.0f);
  if (negatives.empty() || positives.empty()) return std::numeric_limits<double>::quiet_NaN();
  double won = 0;
  for (const float p : positives) {
    const auto [low, high] = std::equal_range(negatives.begin(), negatives.end(), p);
    won += static_cast<double>(low - negatives.begin()) + 0.5 * static_cast<double>(high - low);
  }
  return won / (static_cast<double>(positives.size()) * static_cast<double>(negatives.size()));
}

double best_f1_threshold(const Tensor& truth, const Tensor& score, double fallback) {
  const std::vector<float> negatives = sorted_scores(truth, score, 0.0f), positives = sorted_scores(truth, score, 1.0f);
  if (positives.empty()) return fallback;
  double best = -1, threshold = fallback;
  for (size_t i = 0; i < positives.size(); ++i) {
    const auto right = static_cast<double>(positives.size() - i);
    const auto first_wrong = std::lower_bound(negatives.begin(), negatives.end(), positives[i]);
    const auto wrong = static_cast<double>(negatives.end() - first_wrong);
    const double f1 = 2 * right / (right + wrong + static_cast<double>(positives.size()));
    if (f1 <= best) continue;
    best = f1;
    // Half way to the next answer below.
    double below = i > 0 ? positives[i - 1] : 0.0;
    if (first_wrong != negatives.begin()) below = std::max(below, static_cast<double>(*(first_wrong - 1)));
    threshold = 0.5 * (below + positives[i]);
  }
  return std::clamp(threshold, 1e-4, 1 - 1e-4);
}

std::vector<double> shrunk_thresholds(const Tensor& truth, const Tensor& score) {
  const double common = best_f1_threshold(truth.flatten(), score.flatten(), kUsualThreshold);
  std::vector<double> thresholds;
  for (int64_t c = 0; c < truth.size(1); ++c) {
    const Tensor is = truth.select(1, c);
    const auto clips = is.eq(1).sum().item<double>();
    const double own = best_f1_threshold(is, score.select(1, c), common);
    thresholds.push_back((clips * own + kCommonClips * common) / (clips + kCommonClips));
  }
  return thresholds;
}

TaggerTask::TaggerTask(Tagger net, TaggerTaskOptions options, ClipSource training,
                       std::vector<ClipCollection> validation)
    : net_(std::move(net)),
      options_(options),
      training_(std::move(training)),
      validation_(std::move(validation)),
      thresholds_(net_->options.instruments.size(), kUsualThreshold) {}

std::vector<Player> TaggerTask::players() { return {{"tagger", net_.ptr(), 1.0}}; }

ClipTags clip_tags(const LabelledClip& clip, const TaggerOptions& names, double audible_db, double inaudible_db) {
  const auto blocks =
      static_cast<int64_t>(clip.wave.size() + TaggerImpl::kBlockSamples - 1) / TaggerImpl::kBlockSamples;
  const auto classes = static_cast<int64_t>(names.instruments.size());
  // A stem without a name may be of any instrument, so of none is known that it is not there.
  const float absent = clip.unnamed ? kNotKnown : 0.0f;
  ClipTags tags{torch::full({blocks, classes}, absent), torch::full({classes}, absent), -1};
  double energy = 0;
  for (const float sample : clip.wave) energy += static_cast<double>(sample) * sample;
  const double level = 10.0 * std::log10(energy / static_cast<double>(std::max<size_t>(1, clip.wave.size())) + 1e-13);
  // A part that rests throughout is as loud as a clip of nothing else, and still not there.
  if (is_silence(clip.wave)) return tags;
  auto in_blocks = tags.blocks.accessor<float, 2>();
  auto in_whole = tags.whole.accessor<float, 1>();
  const auto judge = [&](double db) {
    if (db >= level - audible_db) return 1.0f;
    return db < level - inaudible_db ? absent : kNotKnown;
  };
  for (const InstrumentLevels& heard : clip.instruments) {
    const auto found = std::find(names.instruments.begin(), names.instruments.end(), heard.instrument);
    if (found == names.instruments.end()) continue;
    const auto c = static_cast<int64_t>(found - names.instruments.begin());
    double sum = 0;
    for (int64_t b = 0; b < blocks && b < static_cast<int64_t>(heard.blocks_db.size()); ++b) {
      const double db = heard.blocks_db[static_cast<size_t>(b)];
      in_blocks[b][c] = judge(db);
      sum += power_of(db);
    }
    in_whole[c] = judge(10.0 * std::log10(sum / static_cast<double>(blocks) + 1e-13));
  }
  const auto genre = std::find(names.genres.begin(), names.genres.end(), clip.genre);
  if (!clip.genre.empty() && genre != names.genres.end()) tags.genre = genre - names.genres.begin();
  return tags;
}

Batch TaggerTask::make_batch(int64_t, Rng rng) const {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> waves, curves, blocks, whole;
  std::vector<int64_t> genres;
  for (int64_t i = 0; i < options_.batch; ++i) {
    Rng own = rng.fork(static_cast<uint64_t>(i));
    const LabelledClip clip = training_(own);
    const ClipTags known = clip_tags(clip, net_->options, options_.audible_db, options_.inaudible_db);
    const double gain = std::pow(10.0, own.uniform(-options_.level_db, options_.level_db) / 20.0);
    Tensor wave = at_usual_level(wave_of(clip)) * gain;
    const int64_t samples = wave.size(1) / TaggerImpl::kBlockSamples * TaggerImpl::kBlockSamples;
    // A speed so small does not move labels of half seconds much.
    const auto length =
        static_cast<int64_t>(static_cast<double>(samples) * (1.0 + own.uniform(-options_.speed, options_.speed)));
    wave = at::upsample_linear1d(wave.unsqueeze(1), {length}, /*align_corners=*/false).squeeze(1);
    waves.push_back(length >= samples ? wave.narrow(1, 0, samples) : at::constant_pad_nd(wave, {0, samples - length}));
    curves.push_back(random_curve(net_->options.bands, options_.equaliser_db, kMelBandsPerPoint, own));
    blocks.push_back(known.blocks.slice(0, 0, samples / TaggerImpl::kBlockSamples));
    whole.push_back(known.whole);
    genres.push_back(known.genre);
  }
  Batch batch;
  batch.tensors = {{"wave", torch::cat(waves)},
                   {"curve", torch::stack(curves)},
                   {"blocks", torch::stack(blocks)},
                   {"whole", torch::stack(whole)},
                   {"genre", torch::tensor(genres)}};
  return batch;
}

void TaggerTask::finish_batch(Batch& batch, Rng) const {
  const torch::NoGradGuard no_grad;
  auto& t = batch.tensors;
  const Tensor spectrum = net_->spectrum(t.at("wave")) + t.at("curve").unsqueeze(1) * kMelPerDb;
  t.erase("wave");
  t.erase("curve");
  t["spectrum"] = spectrum.to(net_->fold->weight.scalar_type());
}

LossValue TaggerTask::loss(size_t, const Batch& batch, int64_t, at::Generator) {
  const TaggerLogits said = net_->forward(batch.tensors.at("spectrum"));
  const auto known_mean = [](const Tensor& each, const Tensor& truth) {
    const Tensor known = truth.ge(0).to(at::kFloat);
    return (each * known).sum() / known.sum().clamp_min(1);
  };
  const Tensor& blocks = batch.tensors.at("blocks");
  const Tensor& whole = batch.tensors.at("whole");
  const Tensor of_blocks = known_mean(
      at::binary_cross_entropy_with_logits(said.blocks, blocks.clamp_min(0), {}, {}, at::Reduction::None), blocks);
  const Tensor pooled = TaggerImpl::pool(said.blocks.sigmoid()).clamp(1e-5, 1 - 1e-5);
  const Tensor of_whole =
      known_mean(at::binary_cross_entropy(pooled, whole.clamp_min(0), {}, at::Reduction::None), whole);
  const Tensor& genre = batch.tensors.at("genre");
  const Tensor genre_known = genre.ge(0).to(at::kFloat);
  const Tensor of_genre =
      (at::cross_entropy_loss(said.genres, genre.clamp_min(0), {}, at::Reduction::None, -100, 0.05) * genre_known)
          .sum() /
      genre_known.sum().clamp_min(1);
  LossValue value;
  // Sums over classes, as the mean over sixty of them would be small beside the genre's.
  constexpr double kScale = 10;
  value.total = kScale * (of_blocks + of_whole) + options_.genre_weight * of_genre;
  value.parts = {{"blocks", of_blocks.detach()}, {"whole", of_whole.detach()}, {"genre", of_genre.detach()}};
  return value;
}

std::vector<double> TaggerTask::calibrate() {
  std::vector<LabelledClip> clips;
  for (int64_t i = 0; i < options_.calibration_clips; ++i) {
    Rng rng = Rng(0).fork("calibration").fork(static_cast<uint64_t>(i));
    clips.push_back(training_(rng));
  }
  if (clips.empty()) return std::vector<double>(net_->options.instruments.size(), kUsualThreshold);
  const Answers given = answer(net_, clips, options_.audible_db, options_.inaudible_db);
  return shrunk_thresholds(given.truth, given.probability);
}

TagScores score_tags(Tagger& net, const std::vector<double>& thresholds, const std::vector<LabelledClip>& clips,
                     double audible_db, double inaudible_db) {
  TagScores scores;
  if (clips.empty()) return scores;
  const Answers given = answer(net, clips, audible_db, inaudible_db);
  double right = 0, found = 0, there = 0;
  for (size_t i = 0; i < thresholds.size(); ++i) {
    const auto c = static_cast<int64_t>(i);
    const Tensor truth = given.truth.select(1, c), score = given.probability.select(1, c);
    const Tensor said = score.ge(thresholds[i]) & truth.ge(0), is = truth.eq(1);
    const auto both = (said & is).sum().item<double>(), of_said = said.sum().item<double>(),
               of_is = is.sum().item<double>();
    right += both, found += of_said, there += of_is;
    const double area = roc_auc(truth, score);
    if (std::isnan(area)) continue;
    scores.classes.push_back(
        {net->options.instruments[i], thresholds[i], area, 2 * both / (of_said + of_is), static_cast<int64_t>(of_is)});
    scores.auc += area;
    scores.class_f1 += scores.classes.back().f1;
  }
  const auto count = static_cast<double>(std::max<size_t>(1, scores.classes.size()));
  scores.auc /= count;
  scores.class_f1 /= count;
  scores.f1 = 2 * right / std::max(1.0, found + there);
  const auto right_genres = given.genre_probability.argmax(1).eq(given.genre_truth).sum().item<double>(),
             known_genres = given.genre_truth.ge(0).sum().item<double>();
  scores.genre = right_genres / std::max(1.0, known_genres);
  return scores;
}

std::map<std::string, double> TaggerTask::validate() {
  thresholds_ = calibrate();
  calibrated_ = true;
  std::map<std::string, double> figures;
  for (const ClipCollection& set : validation_) {
    if (set.clips.empty()) continue;
    const TagScores scores = score_tags(net_, thresholds_, set.clips, options_.audible_db, options_.inaudible_db);
    figures[set.name + "_auc"] = scores.auc;
    figures[set.name + "_class_f1"] = scores.class_f1;
    figures[set.name + "_f1"] = scores.f1;
    figures[set.name + "_genre"] = scores.genre;
  }
  return figures;
}

void TaggerTask::export_model(const std::string& folder, int64_t step) {
  if (!calibrated_) thresholds_ = calibrate();
  calibrated_ = false;  // the weights go on
  save_tagger({net_, thresholds_, std::vector<double>(net_->options.genres.size(), kUsualThreshold)}, folder, step);
}

}  // namespace instructme
