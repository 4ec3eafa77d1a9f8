#include "instructme/diffusion/guidance.h"

#include <ATen/ATen.h>

#include <cmath>
#include <utility>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

// (N, 1, ..., 1), over all values of each example.
at::Tensor deviation(const at::Tensor& x) {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[0] = x.size(0);
  return x.flatten(1).std(1, /*unbiased=*/false).view(shape);
}

}  // namespace

void GuidanceOptions::validate() const {
  if (!std::isfinite(scale)) throw Error(ErrorKind::kUsage, "the guidance scale must be a finite number");
  if (!(rescale >= 0.0 && rescale <= 1.0))
    throw Error(ErrorKind::kUsage, format("the guidance rescale must lie in 0..1, not %g", rescale));
}

Denoiser classifier_free_guidance(ConditionedDenoiser denoiser, const GuidanceOptions& options) {
  options.validate();
  if (options.scale == 1.0 || options.scale == 0.0) {
    const auto batch = options.scale == 1.0 ? ConditionBatch::kConditional : ConditionBatch::kUnconditional;
    return [denoiser = std::move(denoiser), batch](const at::Tensor& z, double t) { return denoiser(z, t, batch); };
  }
  return [denoiser = std::move(denoiser), options](const at::Tensor& z, double t) {
    const at::Tensor both = denoiser(at::cat({z, z}), t, ConditionBatch::kBoth);
    ensure(both.dim() > 0 && both.size(0) == 2 * z.size(0),
           "the denoiser must answer for the conditional and the unconditional half");
    // Reduced precision would lose the small difference between the halves when w is large.
    const auto halves = both.to(z.scalar_type()).chunk(2);
    const at::Tensor &conditional = halves[0], &unconditional = halves[1];
    at::Tensor guided = (1.0 - options.scale) * unconditional + options.scale * conditional;
    if (options.rescale > 0.0) {
      const at::Tensor factor = deviation(conditional) / deviation(guided).clamp_min(1e-8);
      guided = guided * (options.rescale * factor + (1.0 - options.rescale));
    }
    return guided;
  };
}

}  // namespace instructme
