#include "spatial_filter.h"

#include <torch/torch.h>

#include <algorithm>

namespace instructme {

using at::Tensor;

namespace {

// How much of a source is taken to come from everywhere: less trusts places that were measured among other sources.
constexpr double kDiffuse = 0.02;
constexpr double kSilence = 1e-12;  // power, 120 dB below a full-scale sine
constexpr int64_t kFrames = 64;     // at a time: what is in between stays near the processor

/// Calls body(first, count) for all frames, some at a time.
template <class Body>
void by_frames(int64_t frames, const Body& body) {
  for (int64_t first = 0; first < frames; first += kFrames) body(first, std::min(kFrames, frames - first));
}

/// shares (J, 2, T, F) -> (J + 1, 2, T, F): with the rest.
Tensor with_rest(const Tensor& shares) {
  return torch::cat({shares, (1.0 - shares.sum(0, /*keepdim=*/true)).clamp_min(0.0)});
}

}  // namespace

SpatialFilter::SpatialFilter(int64_t sources, int64_t bins)
    : power_(torch::zeros({sources + 1, 2, bins}, at::kDouble)),
      real_(torch::zeros({sources + 1, bins}, at::kDouble)),
      imag_(torch::zeros({sources + 1, bins}, at::kDouble)) {}

void SpatialFilter::learn(const Tensor& whole, const Tensor& whole_shares) {
  by_frames(whole.size(1), [&](int64_t first, int64_t count) {
    const Tensor spectrum = whole.narrow(1, first, count), all = with_rest(whole_shares.narrow(2, first, count));
    power_ += (all * spectrum.abs().square()).sum(2);                  // (J + 1, 2, F)
    const Tensor both = (all.select(1, 0) * all.select(1, 1)).sqrt();  // (J + 1, T, F)
    const Tensor product = spectrum[0] * spectrum[1].conj();           // (T, F)
    real_ += (both * at::real(product)).sum(1);
    imag_ += (both * at::imag(product)).sum(1);
  });
}

Tensor SpatialFilter::apply(const Tensor& whole, const Tensor& whole_shares) const {
  // Covariances of trace 2, so that a source's power stays that of its bin.
  const Tensor trace = (power_.sum(1) / 2 + kSilence).unsqueeze(1);                               // (J + 1, 1, F)
  const Tensor own = ((power_ / trace + kDiffuse) / (1 + kDiffuse)).to(at::kFloat).unsqueeze(2);  // (J + 1, 2, 1, F)
  const Tensor across =
      (at::complex(real_, imag_) / trace.squeeze(1) / (1 + kDiffuse)).to(at::kComplexFloat).unsqueeze(1);
  const int64_t sources = whole_shares.size(0);
  const Tensor out = torch::empty({sources, 2, whole.size(1), whole.size(2)}, at::kComplexFloat);
  by_frames(whole.size(1), [&](int64_t start, int64_t count) {
    const Tensor spectrum = whole.narrow(1, start, count);
    const Tensor level =
        (with_rest(whole_shares.narrow(2, start, count)) * spectrum.abs().square()).mean(1);  // (J + 1, T, F)
    const Tensor first = level * own.select(1, 0), second = level * own.select(1, 1), cross = level * across;
    const Tensor a = first.sum(0) + kSilence, d = second.sum(0) + kSilence, b = cross.sum(0);  // (T, F)
    // The inverse of [a b; b* d] times the spectrum. (A quotient of a complex number would square the determinant, of
    // which nothing is left where it is silent.)
    const Tensor factor = (a * d - b.abs().square()).clamp_min(kSilence * kSilence).reciprocal();
    const Tensor x = (d * spectrum[0] - b * spectrum[1]) * factor;
    const Tensor y = (a * spectrum[1] - b.conj() * spectrum[0]) * factor;
    const Tensor f = first.narrow(0, 0, sources), s = second.narrow(0, 0, sources), c = cross.narrow(0, 0, sources);
    out.select(1, 0).narrow(1, start, count).copy_(f * x + c * y);
    out.select(1, 1).narrow(1, start, count).copy_(c.conj() * x + s * y);
  });
  return out;
}

}  // namespace instructme
