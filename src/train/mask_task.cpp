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
  config.finish();
  if (o.batch < 1) throw Error(ErrorKind::kModel, config.context() + ": batch must be at least 1");
  return o;
}

MaskTask::MaskTask(Pipeline& pipeline, MaskTaskOptions options, TripletSource training, std::vector<Triplet> validation)
    : pipeline_(pipeline), options_(options), training_(std::move(training)) {
  if (!pipeline_.mask) throw Error(ErrorKind::kModel, "the model has no \"mask\" to be trained");
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
  Tensor source = torch::empty({count, samples}), stem = torch::empty({count, samples});
  Tensor instrument = torch::empty({count}, at::kLong), mix = torch::arange(count);
  for (int64_t i = 0; i < count; ++i) {
    const Triplet& triplet = triplets[static_cast<size_t>(i)];
    const bool extracts = triplet.instruction.operation == Operation::kExtract;
    float* const x = source.data_ptr<float>() + i * samples;
    float* const y = stem.data_ptr<float>() + i * samples;
    std::copy(triplet.source.begin(), triplet.source.end(), x);
    for (int64_t s = 0; s < samples; ++s) {
      const float target = triplet.target[static_cast<size_t>(s)];
      y[s] = extracts ? target : x[s] - target;
    }
    instrument[i] = *pipeline_.mask->find(triplet.instruction.instruments.front());
    if (i > 0 && same_mix(triplets[static_cast<size_t>(i - 1)], triplet)) mix[i] = mix[i - 1];
  }
  Batch batch;
  batch.tensors = {{"source", source}, {"stem", stem}, {"instrument", instrument}, {"mix", mix}};
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
  return collate(triplets);
}

MaskTask::Answer MaskTask::answer(const Batch& batch) {
  MaskHead& mask = pipeline_.mask;
  // Siblings ask about the same mix, which is heard once. `mix` holds the first example of each one's group.
  const auto [mixes, mix_of, counts] = at::unique_consecutive(batch.tensors.at("mix"), true);
  const Tensor mixture = mask->spectrum(batch.tensors.at("source").index_select(0, mixes));  // (G, T, F)
  const Tensor heard = mask->listen(mixture.abs()).index_select(0, mix_of);
  return {mask->answer(heard, batch.tensors.at("instrument")), mixture.index_select(0, mix_of),
          mask->spectrum(batch.tensors.at("stem"))};
}

void MaskTask::standardise_input() {
  std::vector<Tensor> magnitudes;
  for (uint64_t i = 0; i < kBatchesToMeasure; ++i) {
    const Batch batch = make_batch(static_cast<int64_t>(i), Rng(0).fork("bins").fork(i));
    magnitudes.push_back(pipeline_.mask->spectrum(batch.tensors.at("source")).abs());
  }
  pipeline_.mask->standardise(torch::cat(magnitudes));
}

LossValue MaskTask::loss(size_t, const Batch& batch, int64_t, at::Generator) {
  const Answer given = answer(batch);
  LossValue value;
  value.total = MaskHeadImpl::loss(given.mask, given.source, given.stem).mean();
  return value;
}

std::map<std::string, double> MaskTask::validate() {
  if (validation_.empty()) return {};
  torch::NoGradGuard no_grad;
  double loss = 0, gain = 0;
  for (const Triplet& triplet : validation_) {
    Batch batch = collate({triplet});
    for (auto& [name, tensor] : batch.tensors) tensor = tensor.to(pipeline_.mask->bin_mean.device());
    const Answer given = answer(batch);
    const Tensor& source = batch.tensors.at("source");
    const Tensor& stem = batch.tensors.at("stem");
    loss += MaskHeadImpl::loss(given.mask, given.source, given.stem).item<double>();
    gain += (si_sdr(pipeline_.mask->inverse(given.source * given.mask, source.size(1)), stem) - si_sdr(source, stem))
                .item<double>();
  }
  const auto count = static_cast<double>(validation_.size());
  return {{"mask_loss", loss / count}, {"si_sdr_gain", gain / count}};
}

void MaskTask::export_model(const std::string& folder, int64_t step) {
  pipeline_.save(folder, {{"steps", std::to_string(step)}});
}

}  // namespace instructme
