#include "instructme/train/diffusion_task.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/base/error.h"
#include "instructme/dsp/metrics.h"

namespace instructme {

using at::Tensor;

namespace {

/// Everything the optimizer moves, under one roof.
struct EditorNetworks : torch::nn::Module {
  EditorNetworks(UNet unet, T5Encoder text) {
    register_module("unet", std::move(unet));
    register_module("text", std::move(text));
  }
};

}  // namespace

DiffusionTaskOptions DiffusionTaskOptions::read(ConfigReader& config) {
  DiffusionTaskOptions o;
  config.read("batch", o.batch);
  config.read("text_drop", o.text_drop);
  config.read("terminal_share", o.terminal_share);
  config.read("audibility", o.audibility);
  config.finish();
  if (o.batch < 1 || o.text_drop < 0 || o.text_drop > 1 || o.terminal_share < 0 || o.terminal_share > 1 ||
      o.audibility < 0 || o.audibility > 1)
    throw Error(ErrorKind::kModel, config.context() +
                                       ": batch must be at least 1, text_drop, terminal_share and audibility within "
                                       "0 and 1");
  return o;
}

DiffusionTask::DiffusionTask(Pipeline& pipeline, DiffusionTaskOptions options, TripletSource training,
                             std::vector<Triplet> validation)
    : pipeline_(pipeline),
      options_(options),
      trained_(std::make_shared<EditorNetworks>(pipeline.unet, pipeline.text.module())),
      training_(std::move(training)),
      validation_(std::move(validation)) {
  pipeline_.vae->eval();
  for (auto& parameter : pipeline_.vae->parameters()) parameter.set_requires_grad(false);
}

std::vector<Player> DiffusionTask::players() { return {{"editor", trained_, 1.0}}; }

// Converting the VAE here keeps its copies and casts out of every step.
void DiffusionTask::move_to(at::Device device, at::ScalarType type) { pipeline_.vae->to(device, type); }

Batch DiffusionTask::collate(const std::vector<Triplet>& triplets) const {
  const int64_t count = static_cast<int64_t>(triplets.size());
  const int64_t samples = static_cast<int64_t>(triplets.front().source.size());
  const int64_t chord_frames = triplets.front().chord_frames;
  Tensor source = torch::empty({count, samples}), target = torch::empty({count, samples});
  Tensor chords = torch::empty({count, chord_frames, kChordClasses});
  Tensor operations = torch::empty({count}, at::kLong);
  Batch batch;
  for (int64_t i = 0; i < count; ++i) {
    const Triplet& triplet = triplets[static_cast<size_t>(i)];
    ensure(static_cast<int64_t>(triplet.source.size()) == samples && triplet.chord_frames == chord_frames,
           "the triplets of a batch must have one length");
    std::copy(triplet.source.begin(), triplet.source.end(), source.data_ptr<float>() + i * samples);
    std::copy(triplet.target.begin(), triplet.target.end(), target.data_ptr<float>() + i * samples);
    std::copy(triplet.chords.begin(), triplet.chords.end(),
              chords.data_ptr<float>() + i * chord_frames * kChordClasses);
    batch.sentences.push_back(triplet.sentence);
    operations[i] = static_cast<int64_t>(triplet.instruction.operation);
  }
  batch.tensors = {{"source", source}, {"target", target}, {"chords", chords}, {"operation", operations}};
  return batch;
}

Batch DiffusionTask::make_batch(int64_t step, Rng rng) const {
  std::vector<Triplet> triplets;
  for (uint64_t i = 0; static_cast<int64_t>(triplets.size()) < options_.batch; ++i) {
    Rng own = rng.fork(i);
    const int64_t position = step * options_.batch + static_cast<int64_t>(triplets.size());
    for (Triplet& triplet : training_(position, own)) triplets.push_back(std::move(triplet));
  }
  triplets.resize(static_cast<size_t>(options_.batch));
  return collate(triplets);
}

DiffusionTask::Latents DiffusionTask::encode(const Batch& batch) {
  torch::NoGradGuard no_grad;
  const Tensor& source = batch.tensors.at("source");
  const auto both = pipeline_.vae->encode(torch::cat({source, batch.tensors.at("target")})).split(source.size(0));
  return {pipeline_.describe_source(both[0], source), both[1]};
}

Tensor DiffusionTask::measure_channel_weights(at::Device device) {
  // The same examples in every run, so that a resumed one has the same weights.
  Batch batch = make_batch(0, Rng(0).fork("audibility"));
  for (auto& [name, tensor] : batch.tensors) tensor = tensor.to(device);
  const Tensor weights = channel_audibility(pipeline_.vae, encode(batch).target);
  return (1.0 - options_.audibility) + options_.audibility * weights;
}

DiffusionTask::Words DiffusionTask::read(const Batch& batch) {
  const auto device = pipeline_.unet->null_text.device();
  const TokenBatch tokens = pipeline_.text.tokenize(batch.sentences);
  const Tensor mask = tokens.mask.to(device);
  return {pipeline_.text.module()->forward(tokens.ids.to(device), mask), mask};
}

LossValue DiffusionTask::loss(size_t, const Batch& batch, int64_t, at::Generator generator) {
  const Words words = read(batch);
  LossValue value;
  const Latents z = encode(batch);
  const auto device = z.target.device();
  const int64_t count = z.source.size(0), last = pipeline_.schedule.steps();

  const Tensor uniform = torch::randint(1, last + 1, {count}, generator, torch::TensorOptions(at::kLong));
  const Tensor terminal = torch::rand({count}, generator) < options_.terminal_share;
  const Tensor t = torch::where(terminal, torch::full_like(uniform, last), uniform);
  const Tensor noise = torch::randn(z.target.sizes(), generator).to(device);
  const Tensor drop = (torch::rand({count}, generator) < options_.text_drop).to(device);

  const Tensor z_t = pipeline_.schedule.add_noise(z.target, noise, t.to(device));
  const Tensor wanted = pipeline_.schedule.training_target(z.target, noise, t.to(device), pipeline_.config.prediction);
  const UNetCondition condition =
      pipeline_.unet->encode_condition(z.source, words.embeddings, words.mask, batch.tensors.at("chords"), drop);
  const Tensor features = pipeline_.unet->features(z_t, t.to(device).to(at::kFloat), condition);
  const Tensor predicted = pipeline_.unet->answer(features, condition).to(at::kFloat);

  if (!channel_weights_.defined()) channel_weights_ = measure_channel_weights(device);
  const Tensor per_example = ((predicted - wanted).pow(2) * channel_weights_).mean({1, 2});  // (N)
  value.total = per_example.mean();
  const Tensor at_end = (t == last).to(device);
  // Operations differ much in how far the answer can be known, so their mean would say little.
  for (int i = 0; i < kOperations; ++i) {
    const Tensor of_kind = at_end * batch.tensors.at("operation").eq(i);
    const Tensor answers = of_kind.sum();
    if (answers.item<int64_t>() > 0)
      value.parts.emplace_back(std::string("one_step_loss_") + operation_name(static_cast<Operation>(i)),
                               (per_example.detach() * of_kind).sum() / answers);
  }
  return value;
}

std::map<std::string, double> DiffusionTask::validate() {
  if (validation_.empty()) return {};
  const auto device = pipeline_.unet->parameters().front().device();
  const LogMelDistance log_mel;
  std::map<std::string, std::pair<double, int>> sums;
  const auto add = [&](const std::string& name, double value) {
    sums[name].first += value;
    sums[name].second += 1;
  };
  SamplingSettings one_step;
  one_step.sampler.steps = 1;
  for (const Triplet& triplet : validation_) {
    Batch batch = collate({triplet});
    for (auto& [name, tensor] : batch.tensors) tensor = tensor.to(device);
    const bool single = triplet.further.empty();
    const std::string name = single ? operation_name(triplet.instruction.operation) : "several";
    const bool extracts = single && triplet.instruction.operation == Operation::kExtract;
    const Tensor& target = batch.tensors.at("target");
    const Latents z = encode(batch);
    const Tensor answer = pipeline_.sample_target(z.source, batch.sentences, batch.tensors.at("chords"), one_step);
    add(name + "_latent_loss", (answer - z.target).pow(2).mean().item<double>());
    if (!extracts) continue;
    const Tensor wave = pipeline_.vae->decode(answer, target.size(1));
    add(name + "_log_mel", log_mel.distance(wave, target).item<double>());
    add(name + "_si_sdr", si_sdr(wave, target).item<double>());
  }
  std::map<std::string, double> figures;
  for (const auto& [name, sum] : sums) figures[name] = sum.first / sum.second;
  return figures;
}

void DiffusionTask::export_model(const std::string& folder, int64_t step) {
  pipeline_.save(folder, {{"steps", std::to_string(step)}});
}

Tensor channel_audibility(Vae& vae, const Tensor& z) {
  torch::NoGradGuard no_grad;
  constexpr double kStep = 0.5;
  const int64_t channels = z.size(2), samples = z.size(1) * vae->options().samples_per_latent();
  const Tensor sound = vae->decode(z, samples);
  Tensor power = torch::empty({channels}, at::kFloat);
  for (int64_t c = 0; c < channels; ++c) {
    Tensor changed = z.clone();
    changed.select(2, c).add_(kStep);
    power[c] = (vae->decode(changed, samples) - sound).pow(2).mean().to(at::kCPU, at::kFloat);
  }
  return (power / power.mean().clamp_min(1e-20)).to(z.device());
}

}  // namespace instructme
