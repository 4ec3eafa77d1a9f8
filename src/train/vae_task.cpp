#include "instructme/train/vae_task.h"

#include <torch/torch.h>

#include <algorithm>

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/dsp/metrics.h"
#include "instructme/torchx/quantised_weights.h"

namespace instructme {

using at::Tensor;

namespace {

constexpr int kLongestWindow = 4096;

/// ||a - b||^2 / ||b||^2 per example, averaged; `floor` (mean square) keeps silence from counting more
/// than everything else. Squares rather than absolute values: they let strong partials lead, so that
/// phase is learned before the decoder settles for magnitudes.
Tensor relative_error(const Tensor& a, const Tensor& b, double floor) {
  const Tensor error = (a - b).pow(2).flatten(1).mean(1), power = b.pow(2).flatten(1).mean(1);
  return (error / (power + floor)).mean();
}

}  // namespace

VaeTaskOptions VaeTaskOptions::read(ConfigReader& config) {
  VaeTaskOptions o;
  config.read("batch", o.batch);
  config.read("seconds", o.seconds);
  config.read("spectrum_weight", o.spectrum_weight);
  config.read("wave_weight", o.wave_weight);
  config.read("stft_weight", o.stft_weight);
  config.read("stft_sizes", o.stft_sizes);
  config.read("mel_weight", o.mel_weight);
  config.read("kl_weight", o.kl_weight);
  config.read("train_encoder", o.train_encoder);
  config.read("adversarial_from", o.adversarial_from);
  config.read("adversarial_weight", o.adversarial_weight);
  config.read("feature_weight", o.feature_weight);
  config.read("discriminator_rate", o.discriminator_rate);
  config.finish();
  if (o.batch < 1 || o.seconds < 0.2)
    throw Error(ErrorKind::kModel, config.context() + ": batch must be at least 1 and seconds at least 0.2");
  for (const double weight : {o.spectrum_weight, o.wave_weight, o.stft_weight, o.mel_weight, o.kl_weight,
                              o.adversarial_weight, o.feature_weight, o.discriminator_rate})
    if (!(weight >= 0))
      throw Error(ErrorKind::kModel, config.context() + ": weights and discriminator_rate must not be negative");
  if (o.stft_sizes.empty() || std::any_of(o.stft_sizes.begin(), o.stft_sizes.end(),
                                          [](int64_t n) { return n < 16 || n > kLongestWindow || n % 8 != 0; }))
    throw Error(ErrorKind::kModel,
                config.context() + format(": stft_sizes are multiples of 8 from 16 to %d", kLongestWindow));
  return o;
}

VaeTask::VaeTask(Vae vae, VaeTaskOptions options, DiscriminatorOptions discriminators, WaveSource training,
                 std::vector<std::vector<float>> validation)
    : vae_(std::move(vae)),
      options_(options),
      training_(std::move(training)),
      validation_(std::move(validation)),
      stft_loss_(options_.stft_sizes),
      mel_loss_(static_cast<double>(vae_->options().sample_rate)) {
  if (!options_.train_encoder) vae_->freeze_encoder();
  if (options_.adversarial_from >= 0) discriminators_ = Discriminators(discriminators);
}

std::vector<Player> VaeTask::players() {
  std::vector<Player> out{{"vae", vae_.ptr(), 1.0}};
  if (discriminators_) out.push_back({"discriminators", discriminators_.ptr(), options_.discriminator_rate});
  return out;
}

bool VaeTask::plays(size_t player, int64_t step) const { return player == 0 || adversarial(step); }

Batch VaeTask::make_batch(int64_t step, Rng rng) const {
  // Whole latent frames, so that the decoder gives back as many samples as went in.
  const int64_t r = vae_->options().samples_per_latent();
  const int64_t samples =
      static_cast<int64_t>(options_.seconds * static_cast<double>(vae_->options().sample_rate)) / r * r;
  Tensor wave = torch::empty({options_.batch, samples});
  for (int64_t i = 0; i < options_.batch; ++i) {
    Rng own = rng.fork(static_cast<uint64_t>(i));
    const std::vector<float> example = training_(step * options_.batch + i, samples, own);
    ensure(static_cast<int64_t>(example.size()) == samples, "the wave source gave a wrong number of samples");
    std::copy(example.begin(), example.end(), wave.data_ptr<float>() + i * samples);
  }
  return {{{"wave", wave}}, {}};
}

Tensor VaeTask::reconstruct(const Tensor& wave, at::Generator generator, LossValue* loss) {
  const VaePosterior q = vae_->posterior(wave);
  const Tensor noise = torch::randn(q.mean.sizes(), generator).to(q.mean.device());
  const VaeDecoded decoded = vae_->decode_raw(q.mean + (0.5 * q.log_variance).exp() * noise, wave.size(1));
  if (loss) {
    const Tensor spectrum = relative_error(decoded.compressed, vae_->compressed_spectrum(wave), 1e-2);
    const Tensor direct = relative_error(decoded.wave, wave, 1e-5);
    const Tensor stft = stft_loss_(decoded.wave, wave), mel = mel_loss_(decoded.wave, wave);
    const Tensor kl = kl_loss(q.mean, q.log_variance);
    loss->total = options_.spectrum_weight * spectrum + options_.wave_weight * direct + options_.stft_weight * stft +
                  options_.mel_weight * mel + options_.kl_weight * kl;
    loss->parts = {{"spectrum", spectrum.detach()},
                   {"wave", direct.detach()},
                   {"stft", stft.detach()},
                   {"mel", mel.detach()},
                   {"kl", kl.detach()}};
  }
  return decoded.wave;
}

LossValue VaeTask::loss(size_t player, const Batch& batch, int64_t step, at::Generator generator) {
  const Tensor& wave = batch.tensors.at("wave");
  LossValue value;
  // Discriminators run in the type of their weights.
  const auto judged = [&](const Tensor& x) { return x.to(discriminators_->parameters().front().scalar_type()); };
  if (player == 0) {
    const Tensor fake = reconstruct(wave, generator, &value);
    if (adversarial(step)) {
      const DiscriminatorOutput of_fake = discriminators_->forward(judged(fake));
      const DiscriminatorOutput of_real = discriminators_->forward(judged(wave));
      const Tensor fooling = generator_loss(of_fake, AdversarialLoss::kHinge);
      const Tensor matching = feature_matching_loss(of_real, of_fake);
      value.total = value.total + options_.adversarial_weight * fooling + options_.feature_weight * matching;
      value.parts.emplace_back("fooling", fooling.detach());
      value.parts.emplace_back("matching", matching.detach());
    }
    return value;
  }
  Tensor fake;
  {
    torch::NoGradGuard no_grad;
    fake = reconstruct(wave, generator, nullptr);
  }
  value.total = discriminator_loss(discriminators_->forward(judged(wave)), discriminators_->forward(judged(fake)),
                                   AdversarialLoss::kHinge);
  return value;
}

std::map<std::string, double> VaeTask::validate() {
  if (validation_.empty()) return {};
  const LogMelDistance log_mel;
  const auto device = vae_->parameters().front().device();
  double distance = 0, ratio = 0, attack = 0, treble = 0;
  for (const auto& example : validation_) {
    const Tensor wave =
        torch::from_blob(const_cast<float*>(example.data()), {1, static_cast<int64_t>(example.size())}).to(device);
    const Tensor output = vae_->decode_raw(vae_->posterior(wave).mean, wave.size(1)).wave;
    distance += log_mel.distance(output, wave).item<double>();
    ratio += si_sdr(output, wave).item<double>();
    const Crispness crisp = crispness(output, wave);
    attack += crisp.attack.item<double>();
    treble += crisp.treble.item<double>();
  }
  const double count = static_cast<double>(validation_.size());
  return {
      {"log_mel", distance / count}, {"si_sdr", ratio / count}, {"attack", attack / count}, {"treble", treble / count}};
}

void VaeTask::measure_latent_statistics() {
  constexpr int64_t kBatches = 8;
  const auto device = vae_->parameters().front().device();
  // Asked for once: a stream of new songs would have to make its first ones again.
  for (int64_t i = static_cast<int64_t>(measured_.size()); i < kBatches; ++i) {
    Rng rng = Rng(0).fork("latent statistics").fork(static_cast<uint64_t>(i));
    measured_.push_back(make_batch(i, rng).tensors.at("wave"));
  }
  std::vector<Tensor> means;
  for (const Tensor& wave : measured_)
    means.push_back(vae_->posterior(wave.to(device)).mean.flatten(0, 1));  // (N T, C)
  const Tensor all = torch::cat(means);
  vae_->set_latent_statistics(all.mean(0), all.std(0));
}

void VaeTask::export_model(const std::string& folder, int64_t step) {
  make_folder(folder);
  if (options_.train_encoder) measure_latent_statistics();
  save_weights(folder + "/vae.safetensors", named_tensors(*vae_), WeightFormat::kBFloat16,
               {{"steps", std::to_string(step)}});
  write_json_file(folder + "/vae.json", vae_->options().to_json());
}

}  // namespace instructme
