#include "spatial_filter.h"

#include <torch/torch.h>

namespace instructme {

using at::Tensor;

namespace {

// How much of a source is taken to come from everywhere: less trusts places that were measured among other sources.
constexpr double kDiffuse = 0.02;
constexpr double kSilence = 1e-12;  // power, 120 dB below a full-scale sine

/// shares (J, 2, T, F) -> (J + 1, 2, T, F): with the rest.
Tensor with_rest(const Tensor& shares) {
  return torch::cat({shares, (1.0 - shares.sum(0, /*keepdim=*/true)).clamp_min(0.0)});
}

}  // namespace

SpatialFilter::SpatialFilter(int64_t sources, int64_t bins)
    : power_(torch::zeros({sources + 1, 2, bins}, at::kDouble)),
      real_(torch::zeros({sources + 1, bins}, at::kDouble)),
      imag_(torch::zeros({sources + 1, bins}, at::kDouble)) {}

void SpatialFilter::learn(const Tensor& spectrum, const Tensor& shares) {
  const Tensor all = with_rest(shares);
  power_ += (all * spectrum.abs().square()).sum(2);                        // (J + 1, 2, F)
  const Tensor both = (all.select(1, 0) * all.select(1, 1)).sqrt();         // (J + 1, T, F)
  const Tensor product = spectrum[0] * spectrum[1].conj();                  // (T, F)
  real_ += (both * at::real(product)).sum(1);
  imag_ += (both * at::imag(product)).sum(1);
}

Tensor SpatialFilter::apply(const Tensor& spectrum, const Tensor& shares) const {
  // Covariances of trace 2, so that a source's power stays that of its bin.
  const Tensor trace = (power_.sum(1) / 2 + kSilence).unsqueeze(1);  // (J + 1, 1, F)
  const Tensor own = ((power_ / trace + kDiffuse) / (1 + kDiffuse)).to(at::kFloat).unsqueeze(2);  // (J + 1, 2, 1, F)
  const Tensor across =
      (at::complex(real_, imag_) / trace.squeeze(1) / (1 + kDiffuse)).to(at::kComplexFloat).unsqueeze(1);
  const Tensor level = (with_rest(shares) * spectrum.abs().square()).mean(1);  // (J + 1, T, F)
  const Tensor first = level * own.select(1, 0), second = level * own.select(1, 1), cross = level * across;
  const Tensor a = first.sum(0) + kSilence, d = second.sum(0) + kSilence, b = cross.sum(0);  // (T, F)
  // The inverse of [a b; b* d] times the spectrum.
  // (A quotient of a complex number would square the determinant, of which nothing is left where it is silent.)
  const Tensor factor = (a * d - b.abs().square()).clamp_min(kSilence * kSilence).reciprocal();
  const Tensor x = (d * spectrum[0] - b * spectrum[1]) * factor;
  const Tensor y = (a * spectrum[1] - b.conj() * spectrum[0]) * factor;
  const int64_t sources = shares.size(0);
  const Tensor f = first.narrow(0, 0, sources), s = second.narrow(0, 0, sources), c = cross.narrow(0, 0, sources);
  return torch::stack({f * x + c * y, c.conj() * x + s * y}, 1);
}

}  // namespace instructme
