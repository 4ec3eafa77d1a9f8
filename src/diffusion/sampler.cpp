#include "instructme/diffusion/sampler.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "instructme/base/error.h"
#include "instructme/base/names.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr Names<SamplerKind, 3> kNames{
    {{SamplerKind::kDdpm, "ddpm"}, {SamplerKind::kDdim, "ddim"}, {SamplerKind::kDpmpp, "dpm++"}}};

// Seeds of the noise inside a run must differ from that of its start, or the first added noise would
// repeat z_T.
constexpr uint64_t kStepNoise = 0x9E3779B97F4A7C15ULL;

at::Tensor draw(at::IntArrayRef shape, at::Generator generator, const at::TensorOptions& options) {
  const at::Tensor noise = at::randn(shape, generator, at::TensorOptions().dtype(at::kFloat));
  return noise.to(options.device(), c10::typeMetaToScalarType(options.dtype()));
}

double log_snr_half(const NoiseSchedule& schedule, int64_t t) {
  return std::log(schedule.alpha(t)) - std::log(schedule.sigma(t));
}

// Weight of the newest x0 estimate in the second-order extrapolation of DPM-Solver++(2M); the previous
// estimate gets 1 minus it. 1 makes the step first order.
double newest_weight(const NoiseSchedule& schedule, int64_t before, int64_t now, int64_t next) {
  if (next == 0) return 1.0;                          // infinite step in lambda: extrapolating is not possible
  if (schedule.alpha_bar(before) == 0.0) return 1.0;  // infinite previous step: no slope is known
  const double lambda = log_snr_half(schedule, now);
  const double ratio = (log_snr_half(schedule, next) - lambda) / (lambda - log_snr_half(schedule, before));
  return 1.0 + 0.5 * ratio;
}

}  // namespace

std::string sampler_kind_name(SamplerKind kind) { return name_of(kind, kNames); }
SamplerKind parse_sampler_kind(const std::string& name) { return value_called(name, kNames, "sampler"); }

void SamplerOptions::validate() const {
  if (steps < 1)
    throw Error(ErrorKind::kUsage, format("sampling needs at least 1 step, not %lld", static_cast<long long>(steps)));
  if (!(eta >= 0.0 && eta <= 1.0))
    throw Error(ErrorKind::kUsage, format("eta of the sampler must lie in 0..1, not %g", eta));
  if (!(clip_x0 >= 0.0)) throw Error(ErrorKind::kUsage, format("clip_x0 must be 0 (off) or more, not %g", clip_x0));
}

SamplerOptions SamplerOptions::read(ConfigReader config) {
  SamplerOptions options;
  std::string kind = sampler_kind_name(options.kind);
  config.read("kind", kind);
  config.read("steps", options.steps);
  config.read("eta", options.eta);
  config.read("seed", options.seed);
  config.read("clip_x0", options.clip_x0);
  config.finish();
  options.kind = parse_sampler_kind(kind);
  options.validate();
  return options;
}

nlohmann::json SamplerOptions::to_json() const {
  return {{"kind", sampler_kind_name(kind)}, {"steps", steps}, {"eta", eta}, {"seed", seed}, {"clip_x0", clip_x0}};
}

std::vector<int64_t> trailing_time_steps(int64_t schedule_steps, int64_t sampling_steps) {
  if (sampling_steps < 1 || sampling_steps > schedule_steps)
    throw Error(ErrorKind::kUsage,
                format("the number of sampling steps must lie in 1..%lld, not %lld",
                       static_cast<long long>(schedule_steps), static_cast<long long>(sampling_steps)));
  std::vector<int64_t> times;
  for (int64_t left = sampling_steps; left >= 0; --left)
    times.push_back((2 * schedule_steps * left + sampling_steps) / (2 * sampling_steps));  // rounds to nearest
  return times;
}

at::Tensor seeded_noise(at::IntArrayRef shape, uint64_t seed, const at::TensorOptions& options) {
  return draw(shape, at::make_generator<at::CPUGeneratorImpl>(seed), options);
}

at::Tensor sample(const NoiseSchedule& schedule, Prediction prediction, const Denoiser& denoiser, at::IntArrayRef shape,
                  const SamplerOptions& options, const at::TensorOptions& tensor_options, const SamplerHooks& hooks) {
  options.validate();
  return sample_from(schedule, prediction, denoiser, seeded_noise(shape, options.seed, tensor_options), options, hooks);
}

at::Tensor sample_from(const NoiseSchedule& schedule, Prediction prediction, const Denoiser& denoiser,
                       const at::Tensor& noise, const SamplerOptions& options, const SamplerHooks& hooks) {
  options.validate();
  ensure(noise.scalar_type() == at::kFloat || noise.scalar_type() == at::kDouble,
         "the sampler's state must be float32 or float64");
  if (prediction == Prediction::kEpsilon && schedule.alpha_bar(schedule.steps()) == 0.0)
    throw Error(ErrorKind::kModel,
                "a model with epsilon-prediction cannot be sampled on a schedule with zero_terminal_snr, whose first "
                "step has no signal; use v-prediction or switch zero_terminal_snr off");

  const at::NoGradGuard no_grad;
  const std::vector<int64_t> times = trailing_time_steps(schedule.steps(), options.steps);
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(options.seed ^ kStepNoise);
  const double eta =
      options.kind == SamplerKind::kDdpm ? 1.0 : (options.kind == SamplerKind::kDdim ? options.eta : 0.0);

  at::Tensor z = noise, previous_x0;
  for (size_t i = 0; i + 1 < times.size(); ++i) {
    hooks.cancel.check();
    const int64_t t = times[i], next = times[i + 1];
    const at::Tensor output = denoiser(z, static_cast<double>(t));
    ensure(output.sizes() == z.sizes(), "the denoiser's prediction must have the shape of its input");
    const at::Tensor answer = output.to(z.options());
    const double alpha_t = schedule.alpha(t), sigma_t = schedule.sigma(t);
    const double alpha_s = schedule.alpha(next), sigma_s = schedule.sigma(next);

    at::Tensor x0 = schedule.to_x0(answer, z, t, prediction);
    if (options.clip_x0 > 0.0) x0 = x0.clamp(-options.clip_x0, options.clip_x0);

    if (next == 0) {
      z = x0;
    } else {
      // The noise of the posterior q(z_s | z_t, x0), scaled by eta. With eta = 1 the mean below is the
      // posterior mean of DDPM, so both samplers are one formula (Song et al. 2021, Eq. 12 and 16).
      const double ratio = alpha_t / alpha_s;
      const double fresh = eta * sigma_s / sigma_t * std::sqrt(1.0 - ratio * ratio);
      // An estimate of x0 that was extrapolated or clipped no longer agrees with the network's epsilon;
      // dividing z - alpha x0 by sigma keeps the two consistent, and is exact at alpha = 0.
      const at::Tensor epsilon = (z - alpha_t * x0) / sigma_t;
      at::Tensor data = x0;
      if (options.kind == SamplerKind::kDpmpp && previous_x0.defined()) {
        const double weight = newest_weight(schedule, times[i - 1], t, next);
        if (weight != 1.0) data = weight * x0 + (1.0 - weight) * previous_x0;
      }
      // First order: alpha_s x0 + sigma_s epsilon. DPM-Solver++ writes the same as
      // sigma_s / sigma_t z - alpha_s expm1(-h) x0, with the extrapolated x0 in the second term only.
      z = alpha_s * x0 + std::sqrt(std::max(0.0, sigma_s * sigma_s - fresh * fresh)) * epsilon;
      if (!data.is_same(x0)) z = z + (alpha_s - sigma_s * alpha_t / sigma_t) * (data - x0);
      if (fresh > 0.0) z = z + fresh * draw(z.sizes(), generator, z.options());
    }
    previous_x0 = x0;
    if (hooks.correct) z = hooks.correct(z, static_cast<double>(next));
    if (hooks.progress) hooks.progress({"sampling", static_cast<int64_t>(i) + 1, options.steps, ""});
  }
  return z;
}

}  // namespace instructme
