#include "instructme/train/beat_task.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/annotation/beat_scores.h"
#include "instructme/base/error.h"
#include "instructme/ears/beat_tracker.h"
#include "instructme/ears/log_frequency.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr float kNeighbour = 0.5f;  // target of the frames beside a beat
constexpr double kBandsPerPoint = 12;

}  // namespace

BeatTaskOptions BeatTaskOptions::read(ConfigReader config) {
  BeatTaskOptions o;
  config.read("batch", o.batch);
  config.read("seconds", o.seconds);
  config.read("speed", o.speed);
  config.read("equaliser_db", o.equaliser_db);
  config.read("level_db", o.level_db);
  config.read("positive_weight", o.positive_weight);
  config.finish();
  if (o.batch < 1 || !(o.seconds >= 1) || o.speed < 0 || o.speed > 0.5 || o.equaliser_db < 0 || o.level_db < 0 ||
      !(o.positive_weight > 0))
    throw Error(ErrorKind::kModel, config.context() +
                                       ": batch and seconds are at least 1, speed 0 to 0.5, positive_weight above 0, "
                                       "and nothing is negative");
  return o;
}

double event_f_measure(const std::vector<double>& truth, const std::vector<double>& answer, double window_s) {
  if (truth.empty() && answer.empty()) return 1.0;
  return score_beats(truth, answer, window_s, /*first_s=*/0).f1();
}

Tensor beat_targets(const LabelledClip& clip, double speed, int64_t frames) {
  Tensor targets = torch::zeros({frames, 2});
  auto at = targets.accessor<float, 2>();
  for (const Beat& beat : clip.beats) {
    const auto frame = static_cast<int64_t>(std::floor(beat.time_s / speed * kBeatRate));
    for (int64_t t = std::max<int64_t>(0, frame - 1); t <= std::min(frames - 1, frame + 1); ++t)
      for (int64_t c = 0; c < (beat.position == 0 ? 2 : 1); ++c)
        at[t][c] = std::max(at[t][c], t == frame ? 1.0f : kNeighbour);
  }
  const auto known = static_cast<int64_t>(std::ceil(clip.labelled_s / speed * kBeatRate));
  if (known < frames) targets.slice(0, std::max<int64_t>(0, known)).fill_(-1.0f);
  return targets;
}

BeatTask::BeatTask(BeatNet net, BeatTaskOptions options, ClipSource training, std::vector<ClipCollection> validation)
    : net_(std::move(net)), options_(options), training_(std::move(training)), validation_(std::move(validation)) {}

std::vector<Player> BeatTask::players() { return {{"beats", net_.ptr(), 1.0}}; }

Batch BeatTask::make_batch(int64_t, Rng rng) const {
  const torch::NoGradGuard no_grad;
  const auto frames = static_cast<int64_t>(std::llround(options_.seconds * kBeatRate));
  std::vector<Tensor> spectra, targets;
  for (int64_t i = 0; i < options_.batch; ++i) {
    Rng own = rng.fork(static_cast<uint64_t>(i));
    const LabelledClip clip = training_(own);
    const double speed = std::exp(std::log1p(options_.speed) * own.uniform(-1, 1));
    const double gain = std::pow(10.0, own.uniform(-options_.level_db, options_.level_db) / 20.0);
    Tensor wave = at_usual_level(wave_of(clip)) * gain;
    const auto length = static_cast<int64_t>(static_cast<double>(wave.size(1)) / speed);
    wave = at::upsample_linear1d(wave.unsqueeze(1), {length}, /*align_corners=*/false).squeeze(1);
    const int64_t wanted = frames * kBeatHop;
    if (length < wanted)
      throw Error(ErrorKind::kModel, "the clips are shorter than the beats' examples times their greatest speed");
    Tensor x = spectrum_.forward(wave.narrow(1, 0, wanted));
    x = x + random_curve(x.size(2), options_.equaliser_db, kBandsPerPoint, own) * kSpectrumPerDb;
    spectra.push_back(x.to(net_->input->weight.scalar_type()));
    targets.push_back(beat_targets(clip, speed, frames));
  }
  Batch batch;
  batch.tensors = {{"spectrum", torch::cat(spectra)}, {"beats", torch::stack(targets)}};
  return batch;
}

LossValue BeatTask::loss(size_t, const Batch& batch, int64_t, at::Generator) {
  const Tensor logits = net_->forward(batch.tensors.at("spectrum"));  // (N, T, 2)
  const Tensor& wanted = batch.tensors.at("beats");
  const Tensor known = wanted.ge(0);
  const Tensor weight = known.to(at::kFloat) * (1.0 + (options_.positive_weight - 1.0) * wanted.clamp_min(0));
  const Tensor each =
      at::binary_cross_entropy_with_logits(logits, wanted.clamp_min(0), weight, {}, at::Reduction::None);
  const Tensor per_channel = each.flatten(0, 1).sum(0) / known.flatten(0, 1).sum(0).clamp_min(1);  // (2)
  LossValue value;
  value.total = per_channel.sum();
  value.parts.emplace_back("beat", per_channel[0].detach());
  value.parts.emplace_back("downbeat", per_channel[1].detach());
  return value;
}

std::map<std::string, double> BeatTask::validate() {
  std::map<std::string, double> figures;
  for (const ClipCollection& set : validation_) {
    double beats = 0, downbeats = 0;
    int64_t count = 0;
    for (const LabelledClip& clip : set.clips) {
      if (clip.labelled_s <= 0) continue;  // a recording whose beats nobody knows
      ++count;
      const BeatTrack track = track_beats(beat_activations(net_, spectrum_, wave_of(clip)));
      const auto times = [&](const std::vector<Beat>& from, bool down) {
        std::vector<double> out;
        for (const Beat& beat : from)
          if (beat.time_s < clip.labelled_s && (!down || beat.position == 0)) out.push_back(beat.time_s);
        return out;
      };
      beats += event_f_measure(times(clip.beats, false), times(track.beats, false));
      downbeats += event_f_measure(times(clip.beats, true), times(track.beats, true));
    }
    if (count == 0) continue;
    figures[set.name + "_beats"] = beats / static_cast<double>(count);
    figures[set.name + "_downbeats"] = downbeats / static_cast<double>(count);
  }
  return figures;
}

void BeatTask::export_model(const std::string& folder, int64_t step) { save_beat_net(net_, folder, step); }

}  // namespace instructme
