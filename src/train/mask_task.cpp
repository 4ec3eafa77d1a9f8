#include "instructme/train/mask_task.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/dsp/metrics.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr uint64_t kBatchesToMeasure = 4;
constexpr int kGroupsToTry = 1000;
// How much of the music is said to be there: one instrument, as when somebody asks for it, or anything from none to
// all.
constexpr double kOneAsked = 0.7;
constexpr double kAskedWeight = 3;  // what is asked for counts more than what is only heard beside it
constexpr int64_t kMels = 80;
constexpr double kMelFloor = 1e-4;  // 80 dB below a full-scale sine, as in LogMelDistance

/// Whether two examples have the same source, up to the order in which its parts were added up.
bool same_mix(const Triplet& a, const Triplet& b) {
  if (a.song != b.song || a.start_frame != b.start_frame || a.source_instruments != b.source_instruments) return false;
  constexpr float kRounding = 1e-4f;
  return std::equal(a.source.begin(), a.source.end(), b.source.begin(), b.source.end(),
                    [](float x, float y) { return std::abs(x - y) < kRounding; });
}

}  // namespace

MaskTaskOptions MaskTaskOptions::read(ConfigReader& config) {
  MaskTaskOptions o;
  config.read("batch", o.batch);
  config.read("log_mel_weight", o.log_mel_weight);
  o.augmentation = StemAugmentation::read(config.object("augmentation"));
  config.finish();
  if (o.batch < 1) throw Error(ErrorKind::kModel, config.context() + ": batch must be at least 1");
  if (o.log_mel_weight < 0) throw Error(ErrorKind::kModel, config.context() + ": log_mel_weight must not be negative");
  return o;
}

MaskTask::MaskTask(Pipeline& pipeline, MaskTaskOptions options, TripletSource training, std::vector<Triplet> validation)
    : pipeline_(pipeline), options_(options), training_(std::move(training)) {
  if (!pipeline_.mask) throw Error(ErrorKind::kModel, "the model has no \"mask\" to be trained");
  const MaskHeadOptions& mask = pipeline_.mask->options;
  mel_bank_ = mel_filter_bank(mask.n_fft, kMels, static_cast<double>(pipeline_.config.vae.sample_rate));
  mel_bank_ = mel_bank_ / mel_bank_.sum(0, true).clamp_min(1e-8);  // (F, mels)
  const Tensor width = pipeline_.mask->bands().width();
  mel_bank_ = pipeline_.mask->bands().gather(mel_bank_.t()).t() / width.unsqueeze(1);
  for (Triplet& triplet : validation)
    if (fits(triplet)) validation_.push_back(std::move(triplet));
}

std::vector<Player> MaskTask::players() { return {{"mask", pipeline_.mask.ptr(), 1.0}}; }

bool MaskTask::fits(const Triplet& triplet) const {
  const Instruction& instruction = triplet.instruction;
  return triplet.further.empty() && names_source_stems(instruction.operation) && instruction.instruments.size() == 1 &&
         pipeline_.mask->find(instruction.instruments.front());
}

Batch MaskTask::collate(const std::vector<Triplet>& triplets) const {
  const auto count = static_cast<int64_t>(triplets.size());
  const auto samples = static_cast<int64_t>(triplets.front().source.size());
  const auto tensor_of = [&](const std::vector<float>& wave) {
    return torch::from_blob(const_cast<float*>(wave.data()), {samples});
  };
  std::vector<Tensor> sources;
  Tensor stem = torch::empty({count, samples}), instrument = torch::empty({count}, at::kLong);
  Tensor piece = torch::empty({count}, at::kLong);
  for (int64_t i = 0; i < count; ++i) {
    const Triplet& triplet = triplets[static_cast<size_t>(i)];
    const Tensor source = tensor_of(triplet.source), target = tensor_of(triplet.target);
    stem[i] = triplet.instruction.operation == Operation::kExtract ? target : source - target;
    instrument[i] = *pipeline_.mask->find(triplet.instruction.instruments.front());
    // Siblings ask about the same mix, which is heard once.
    if (i == 0 || !same_mix(triplets[static_cast<size_t>(i - 1)], triplet)) sources.push_back(source);
    piece[i] = static_cast<int64_t>(sources.size()) - 1;
  }
  Batch batch;
  batch.tensors = {{"source", torch::stack(sources)}, {"stem", stem}, {"instrument", instrument}, {"piece", piece}};
  return batch;
}

Batch MaskTask::make_batch(int64_t step, Rng rng) const {
  std::vector<Triplet> triplets;
  for (uint64_t i = 0; static_cast<int64_t>(triplets.size()) < options_.batch; ++i) {
    if (i >= static_cast<uint64_t>(kGroupsToTry * options_.batch))
      throw Error(ErrorKind::kInput, "the songs have hardly a part of its own to be extracted; give others");
    Rng own = rng.fork(i);
    for (Triplet& triplet : training_(step * options_.batch + static_cast<int64_t>(i), own))
      if (fits(triplet)) triplets.push_back(std::move(triplet));
  }
  triplets.resize(static_cast<size_t>(options_.batch));
  Batch batch = collate(triplets);
  auto& t = batch.tensors;
  t["asked"] = draw_asked(t.at("instrument"), t.at("piece"), t.at("source").size(0), rng.fork("asked"));
  return batch;
}

void MaskTask::finish_batch(Batch& batch, Rng rng) const {
  auto& t = batch.tensors;
  StemBatch stems{t.at("source"), t.at("stem"), t.at("instrument"), t.at("piece")};
  augment(stems, options_.augmentation, static_cast<double>(pipeline_.config.vae.sample_rate), rng);
  t["source"] = stems.source;
  t["stem"] = stems.stem;
}

Tensor MaskTask::draw_asked(const Tensor& instrument, const Tensor& piece, int64_t pieces, Rng rng) const {
  const std::vector<int64_t> bounds = stem_bounds(piece, pieces);
  Tensor asked = torch::zeros({pieces, static_cast<int64_t>(pipeline_.mask->options.instruments.size())});
  auto value = asked.accessor<float, 2>();
  const auto names = instrument.accessor<int64_t, 1>();
  for (int64_t mix = 0; mix < pieces; ++mix) {
    const int64_t first = bounds[static_cast<size_t>(mix)], end = bounds[static_cast<size_t>(mix) + 1];
    if (rng.chance(kOneAsked)) {
      value[mix][names[rng.integer(first, end - 1)]] = 1;
    } else {
      const double share = rng.uniform(0, 1);
      for (int64_t i = first; i < end; ++i) value[mix][names[i]] = rng.chance(share) ? 1.0f : 0.0f;
    }
  }
  return asked;
}

MaskTask::Answer MaskTask::answer(const Batch& batch) {
  MaskHead& mask = pipeline_.mask;
  const auto& t = batch.tensors;
  const Tensor& piece = t.at("piece");
  const Tensor mixture = mask->spectrum(t.at("source"));  // (G, T, F)
  const MaskHeadImpl::Heard heard = mask->listen(mixture.abs());
  return {mask->answer(heard, t.at("asked"), piece, t.at("instrument")), mixture, piece,
          mask->compare(mixture, piece, mask->spectrum(t.at("stem")))};
}

void MaskTask::standardise_input() {
  std::vector<Tensor> magnitudes;
  for (uint64_t i = 0; i < kBatchesToMeasure; ++i) {
    const Rng rng = Rng(0).fork("bins").fork(i);
    Batch batch = make_batch(static_cast<int64_t>(i), rng);
    finish_batch(batch, rng.fork("finish"));
    magnitudes.push_back(pipeline_.mask->spectrum(batch.tensors.at("source")).abs());
  }
  pipeline_.mask->standardise(torch::cat(magnitudes));
}

Tensor MaskTask::log_mel_loss(const Answer& given) {
  mel_bank_ = mel_bank_.to(given.shares.device());
  const auto log_of = [](const Tensor& mel) { return (mel + kMelFloor).log(); };
  const BandedStems& stems = given.stems;
  const Tensor bands = stems.mixture.index_select(0, given.piece);  // (M, T, B)
  const Tensor whole = at::matmul(bands, mel_bank_);
  const Tensor part = at::matmul(bands * given.shares, mel_bank_);  // (M, T, mels)
  const Tensor stem = log_of(at::matmul(stems.stem, mel_bank_)), rest = log_of(at::matmul(stems.rest, mel_bank_));
  return 0.5 * ((log_of(part) - stem).abs().mean() + (log_of((whole - part).clamp_min(0.0)) - rest).abs().mean());
}

LossValue MaskTask::loss(size_t, const Batch& batch, int64_t, at::Generator) {
  const Answer given = answer(batch);
  const Tensor& instrument = batch.tensors.at("instrument");
  const Tensor asked = batch.tensors.at("asked")
                           .index_select(0, batch.tensors.at("piece"))
                           .gather(1, instrument.unsqueeze(1))
                           .squeeze(1);  // (M)
  const Tensor weight = 1.0 + (kAskedWeight - 1.0) * asked;
  const Tensor losses = pipeline_.mask->loss(given.shares, given.stems, given.piece);
  LossValue value;
  value.total = (weight * losses).sum() / weight.sum();
  if (options_.log_mel_weight > 0) {
    const Tensor log_mel = log_mel_loss(given);
    value.parts = {{"mask_energy", value.total.detach()}, {"mask_log_mel", log_mel.detach()}};
    value.total = value.total + options_.log_mel_weight * log_mel;
  }
  return value;
}

std::map<std::string, double> MaskTask::validate() {
  if (validation_.empty()) return {};
  torch::NoGradGuard no_grad;
  double loss = 0, gain = 0, log_mel = 0;
  for (const Triplet& triplet : validation_) {
    Batch batch = collate({triplet});
    const Tensor& instrument = batch.tensors.at("instrument");
    batch.tensors["asked"] =
        at::one_hot(instrument, static_cast<int64_t>(pipeline_.mask->options.instruments.size())).to(at::kFloat);
    for (auto& [name, tensor] : batch.tensors) tensor = tensor.to(pipeline_.mask->band_mean.device());
    const Answer given = answer(batch);
    const Tensor& source = batch.tensors.at("source");
    const Tensor& stem = batch.tensors.at("stem");
    loss += pipeline_.mask->loss(given.shares, given.stems, given.piece).item<double>();
    log_mel += log_mel_loss(given).item<double>();
    gain +=
        (si_sdr(pipeline_.mask->inverse(given.mixture * pipeline_.mask->scatter(given.shares), source.size(1)), stem) -
         si_sdr(source, stem))
            .item<double>();
  }
  const auto count = static_cast<double>(validation_.size());
  return {{"mask_loss", loss / count}, {"si_sdr_gain", gain / count}, {"mask_log_mel", log_mel / count}};
}

void MaskTask::export_model(const std::string& folder, int64_t step) {
  pipeline_.save(folder, {{"steps", std::to_string(step)}});
}

}  // namespace instructme
