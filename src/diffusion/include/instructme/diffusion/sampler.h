#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/TensorOptions.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "instructme/base/cancel.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/progress.h"
#include "instructme/diffusion/schedule.h"

namespace instructme {

/// The network with its conditions bound: z_t (N, ...) and t in 1..T -> prediction, shaped as z_t. Called
/// without gradients, once per step.
using Denoiser = std::function<at::Tensor(const at::Tensor& z_t, double t)>;

enum class SamplerKind {
  kDdpm,   ///< ancestral sampling with the posterior variance (Ho et al. 2020); for many steps
  kDdim,   ///< Song et al. 2021; deterministic with eta = 0
  kDpmpp,  ///< DPM-Solver++(2M), second order, deterministic (Lu et al. 2022)
};

std::string sampler_kind_name(SamplerKind kind);          ///< "ddpm", "ddim", "dpm++"
SamplerKind parse_sampler_kind(const std::string& name);  ///< throws kUsage for an unknown name

struct SamplerOptions {
  SamplerKind kind = SamplerKind::kDpmpp;
  int64_t steps = 25;  ///< N, 1..T network evaluations; with N = 1 the result is the x0 predicted at t = T
  double eta = 0.0;    ///< DDIM only, 0 (deterministic) to 1 (the noise of DDPM)
  uint64_t seed = 0;   ///< of all noise: the same seed gives the same bytes on the same machine and libtorch
  /// Limits every x0 estimate to [-clip_x0, clip_x0]; 0 = off. An epsilon-prediction divides its error by
  /// alpha(T), 5e-5 for the cosine schedule: there a limit of about 5 for unit-variance latents is needed.
  double clip_x0 = 0.0;

  /// Throws kUsage when a value is out of range.
  void validate() const;
  /// Keys "kind", "steps", "eta", "seed", "clip_x0"; all optional.
  static SamplerOptions read(ConfigReader config);
  nlohmann::json to_json() const;
};

/// Optional parts of a sampling run.
struct SamplerHooks {
  ProgressCallback progress;  ///< stage "sampling", after every step
  CancelToken cancel;         ///< polled before every step
  /// Replaces z after the step that arrived at time t (0 after the last one); for guidance by gradients
  /// (Eq. 6), which must enable gradients itself.
  std::function<at::Tensor(const at::Tensor& z, double t)> correct;
};

/// The N + 1 times of a run with "trailing" spacing (Lin et al. 2023, Table 2): round(T (N - i) / N) for
/// i = 0..N, so first T, last 0. Throws kUsage unless 1 <= N <= T.
std::vector<int64_t> trailing_time_steps(int64_t schedule_steps, int64_t sampling_steps);

/// Standard normal noise of this shape, drawn on the CPU in float32 by a generator of this seed, then moved
/// to the device and dtype of `options`.
at::Tensor seeded_noise(at::IntArrayRef shape, uint64_t seed, const at::TensorOptions& options = {});

/// Draws z_0 from the model: from seeded_noise(shape, seed) at t = T to t = 0. `tensor_options` gives device
/// and dtype (float32 by default, or float64) of the state and the result. Throws kUsage for options out of
/// range, kModel for epsilon-prediction on a schedule with zero terminal SNR, kInternal when the denoiser
/// answers in another shape, kCancelled; exceptions of the denoiser pass through. Thread-safe when the
/// denoiser is.
at::Tensor sample(const NoiseSchedule& schedule, Prediction prediction, const Denoiser& denoiser, at::IntArrayRef shape,
                  const SamplerOptions& options, const at::TensorOptions& tensor_options = {},
                  const SamplerHooks& hooks = {});

/// The same from the given noise z_T, as for variations of one draw. Noise added later (DDPM, eta > 0) still
/// comes from the seed, and is not the noise that `sample` starts from with that seed.
at::Tensor sample_from(const NoiseSchedule& schedule, Prediction prediction, const Denoiser& denoiser,
                       const at::Tensor& noise, const SamplerOptions& options, const SamplerHooks& hooks = {});

}  // namespace instructme
