#pragma once

#include <ATen/core/Tensor.h>

namespace instructme {

/// Takes sources apart by where they stand between two channels, beside the share of each bin that is theirs: a
/// multichannel Wiener filter (Duong, Vincent and Gribonval 2010), whose spatial covariances are measured on what the
/// shares say, over the whole piece of music. What has no share of its own is one more source, the rest.
/// Letters: J sources, T frames, F bins.
class SpatialFilter {
 public:
  SpatialFilter(int64_t sources, int64_t bins);

  /// Hears some frames: spectrum (2, T, F) complex, shares (J, 2, T, F) of each channel, 0..1, adding up to at most 1.
  void learn(const at::Tensor& spectrum, const at::Tensor& shares);
  /// The sources of some frames: (J, 2, T, F) complex. They and the rest add up to the spectrum.
  at::Tensor apply(const at::Tensor& spectrum, const at::Tensor& shares) const;

 private:
  at::Tensor power_;   ///< (J + 1, 2, F) double: of each channel
  at::Tensor across_;  ///< (J + 1, F) complex double: of the first channel times the conjugate of the second
};

}  // namespace instructme
