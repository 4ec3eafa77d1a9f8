#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace instructme {

/// What a training of masks wants to know of stems in their mixtures, gathered in bands.
/// Letters: N mixtures, M stems, T frames, B bands. Where bins are weighted, it is by 1 / (|x| + floor).
struct BandedStems {
  at::Tensor mixture_power;        ///< (N, T, B): |x|^2, weighted
  at::Tensor mixture_energy;       ///< (N): its sum over all bins
  at::Tensor product;              ///< (M, T, B): Re(x s*), weighted
  at::Tensor stem_energy;          ///< (M): |s|^2, weighted, summed over all bins
  at::Tensor mixture, stem, rest;  ///< (N, T, B), (M, T, B) twice: |x|, |s| and |x - s|
};

/// Bands of a spectrum's bins: of one bin at the bottom and of a constant ratio above, so that a timbre looks the same
/// wherever it is played. Between the centres of two bands a bin belongs to both, the more the nearer.
/// Letters: F bins, B bands. Immutable; several threads may use it on the CPU, one elsewhere.
class SpectralBands {
 public:
  /// Throws kModel for more bands than bins.
  SpectralBands(int64_t bins, int64_t bands);

  /// What bins hold, gathered in bands: x (…, F) -> (…, B). Differentiable, as is the next.
  at::Tensor gather(const at::Tensor& x) const;
  /// Shares of bands (…, B), interpolated between their centres -> of bins (…, F).
  at::Tensor scatter(const at::Tensor& shares) const { return at::matmul(shares, scatter_for(shares)); }
  /// Bins of which each band consists: (B) float.
  at::Tensor width() const { return scatter_.sum(1); }

  /// mixture (N, T, F) complex, stem (M, T, F) complex, piece (M) int64 in 0..N-1: each stem's mixture. One pass over
  /// the bins on a CPU.
  BandedStems gather_stems(const at::Tensor& mixture, const at::Tensor& piece, const at::Tensor& stem,
                           double floor) const;

 private:
  std::vector<int32_t> first_;  // (B + 1): the first bin whose lower band is this one, …
  std::vector<float> upper_;    // … and what a bin's upper band has of it
  at::Tensor scatter_;          // (B, F): how bands share in bins; what a bin gets adds up to 1
  mutable at::Tensor copy_;     // of scatter_, on the device where it was wanted last

  const at::Tensor& scatter_for(const at::Tensor& x) const;
};

/// Centres, in bins, of `bands` bands from bin 0 to the last of `bins`: one bin apart at the bottom, and a constant
/// ratio from where that is more. Every bin has its own when bands == bins. Throws kModel for more bands than bins.
std::vector<double> band_centres(int64_t bins, int64_t bands);

}  // namespace instructme
