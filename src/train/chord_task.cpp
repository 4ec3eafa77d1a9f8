#include "instructme/train/chord_task.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/annotation/chord_scores.h"
#include "instructme/base/error.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int64_t kUnknown = -1;
constexpr int kTunings = 5;

}  // namespace

ChordTaskOptions ChordTaskOptions::read(ConfigReader config) {
  ChordTaskOptions o;
  config.read("batch", o.batch);
  config.read("shift", o.shift);
  config.read("detune", o.detune);
  config.read("equaliser_db", o.equaliser_db);
  config.read("label_smoothing", o.label_smoothing);
  config.read("level_db", o.level_db);
  config.finish();
  if (o.batch < 1 || o.shift < 0 || o.shift > 3 || o.detune < 0 || o.detune > 0.5 || o.equaliser_db < 0 ||
      o.label_smoothing < 0 || o.label_smoothing >= 1 || o.level_db < 0)
    throw Error(ErrorKind::kModel, config.context() +
                                       ": batch is at least 1, shift 0 to 3, detune 0 to 0.5, label_smoothing 0 to 1, "
                                       "and nothing is negative");
  return o;
}

std::vector<int64_t> frame_chords(const LabelledClip& clip, int64_t frames, int transposition) {
  constexpr double kRate = static_cast<double>(kChordSampleRate) / static_cast<double>(kChordHop);
  std::vector<int64_t> classes;
  const std::vector<int> played = chord_classes(clip.chords, 0.0, static_cast<int>(frames), kRate);
  for (size_t i = 0; i < played.size(); ++i) {
    Chord chord = chord_of_class(played[i]);
    if (!chord.none) chord.root = ((chord.root + transposition) % 12 + 12) % 12;
    const bool known = (static_cast<double>(i) + 0.5) / kRate < clip.labelled_s;
    classes.push_back(known ? chord_class(chord) : kUnknown);
  }
  return classes;
}

void ChordAgreement::add(int64_t truth, int64_t answer) {
  if (truth == kUnknown) return;
  const auto compare = [&](ChordRule rule, int64_t& judged, int64_t& right) {
    const auto agree =
        chords_agree(chord_of_class(static_cast<int>(truth)), chord_of_class(static_cast<int>(answer)), rule);
    judged += agree.has_value();
    right += agree.value_or(false);
  };
  compare(ChordRule::kMajMin, majmin, majmin_right);
  compare(ChordRule::kSevenths, sevenths, sevenths_right);
}

Tensor random_curve(int64_t bins, double spread_db, double bins_per_point, Rng& rng) {
  const auto points = static_cast<int64_t>(static_cast<double>(bins) / bins_per_point) + 2;
  std::vector<double> gains;
  for (int64_t i = 0; i < points; ++i) gains.push_back(spread_db * rng.normal());
  Tensor curve = torch::empty({bins});
  for (int64_t b = 0; b < bins; ++b) {
    const double place = static_cast<double>(b) / bins_per_point;
    const auto low = static_cast<size_t>(place);
    const double share = place - static_cast<double>(low);
    curve.data_ptr<float>()[b] = static_cast<float>((1 - share) * gains[low] + share * gains[low + 1]);
  }
  return curve;
}

Tensor wave_of(const LabelledClip& clip) { return torch::tensor(clip.wave).unsqueeze(0); }

ChordTask::ChordTask(ChordNet net, ChordTaskOptions options, ClipSource training,
                     std::vector<ClipCollection> validation)
    : net_(std::move(net)), options_(options), training_(std::move(training)), validation_(std::move(validation)) {
  for (int i = 0; i < kTunings; ++i)
    spectra_.emplace_back(net_->options.lowest - static_cast<double>(options_.shift),
                          net_->semitones() + 2 * options_.shift, options_.detune * (2.0 * i / (kTunings - 1) - 1.0));
}

std::vector<Player> ChordTask::players() { return {{"chords", net_.ptr(), 1.0}}; }

Batch ChordTask::make_batch(int64_t, Rng rng) const {
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> spectra, labels;
  for (int64_t i = 0; i < options_.batch; ++i) {
    Rng own = rng.fork(static_cast<uint64_t>(i));
    const LabelledClip clip = training_(own);
    // The middle tunings are the usual ones.
    const auto tuning = static_cast<size_t>(own.chance(0.5) ? kTunings / 2 : own.integer(0, kTunings - 1));
    const double gain = std::pow(10.0, own.uniform(-options_.level_db, options_.level_db) / 20.0);
    Tensor x = spectra_[tuning].forward(at_usual_level(wave_of(clip)) * gain);
    x = x + (random_curve(x.size(2), options_.equaliser_db, 12 * LogFrequency::kPerSemitone, own) * kSpectrumPerDb)
                .unsqueeze(1);
    const int64_t shift = own.integer(-options_.shift, options_.shift);
    const int64_t width = net_->semitones() * LogFrequency::kPerSemitone;
    // Beginning higher on the axis, the network hears everything lower.
    x = x.narrow(2, (options_.shift + shift) * LogFrequency::kPerSemitone, width);
    spectra.push_back(x.to(net_->input->weight.scalar_type()));
    labels.push_back(torch::tensor(frame_chords(clip, x.size(1), static_cast<int>(-shift))));
  }
  Batch batch;
  batch.tensors = {{"spectrum", torch::cat(spectra)}, {"chords", torch::stack(labels)}};
  return batch;
}

LossValue ChordTask::loss(size_t, const Batch& batch, int64_t, at::Generator) {
  const Tensor logits = net_->forward(batch.tensors.at("spectrum")).flatten(0, 1);  // (N T, classes)
  const Tensor wanted = batch.tensors.at("chords").flatten();
  // Recordings may have no chart; a batch of them alone teaches nothing.
  const Tensor known = wanted.ne(kUnknown).sum().clamp_min(1);
  LossValue value;
  value.total =
      at::cross_entropy_loss(logits, wanted, {}, at::Reduction::Sum, kUnknown, options_.label_smoothing) / known;
  value.parts.emplace_back("frame_accuracy", logits.detach().argmax(1).eq(wanted).sum().to(at::kFloat) / known);
  return value;
}

std::map<std::string, double> ChordTask::validate() {
  std::map<std::string, double> figures;
  NeuralChordExtractor extractor(net_);
  for (const ClipCollection& set : validation_) {
    ChordAgreement agreement;
    for (const LabelledClip& clip : set.clips) {
      const Tensor wave = wave_of(clip);
      const int64_t frames = chord_frames(wave.size(1));
      const Tensor answer = extractor.extract(wave, frames)[0].argmax(1).contiguous();
      const int64_t* const classes = answer.data_ptr<int64_t>();
      const std::vector<int64_t> truth = frame_chords(clip, frames);
      for (int64_t t = 0; t < frames; ++t) agreement.add(truth[static_cast<size_t>(t)], classes[t]);
    }
    if (agreement.majmin == 0) continue;
    const auto share = [](int64_t right, int64_t all) { return all > 0 ? double(right) / double(all) : 0.0; };
    figures[set.name + "_majmin"] = share(agreement.majmin_right, agreement.majmin);
    figures[set.name + "_sevenths"] = share(agreement.sevenths_right, agreement.sevenths);
  }
  return figures;
}

void ChordTask::export_model(const std::string& folder, int64_t step) { save_chord_net(net_, folder, step); }

}  // namespace instructme
