#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace instructme {

/// What a constant-Q transform multiplies with. Letters: B bins per octave, K taps, F bins in all.
struct ConstantQKernels {
  at::Tensor real, imaginary;  ///< (B, K) float: the highest octave, lowest bin first, at the full sampling rate
  at::Tensor low_pass;         ///< (K) float: applied before every other sample is dropped
  at::Tensor scale;            ///< (F) float: factor of every bin, lowest first; F <= B * octaves
};

/// A constant-Q transform octave by octave: the kernels of the highest octave serve the lower ones on a signal of half
/// the rate each time (Schörkhuber and Klapuri, "Constant-Q Transform Toolbox for Music Processing", SMC 2010).
/// Immutable, thread-safe. Letters: N batch, S samples, T frames.
class ConstantQ {
 public:
  /// Throws kInternal when shapes do not fit, or hop is not a multiple of 2^(octaves - 1).
  ConstantQ(const ConstantQKernels& kernels, int64_t hop, int64_t octaves);

  /// wave (N, S) float -> (N, T, F): magnitudes, frame i around sample i * hop, T = S / hop + 1. S must be so long that
  /// at least K / 2 + 1 samples are left in the lowest octave; throws kInternal otherwise.
  at::Tensor magnitude(const at::Tensor& wave) const;

 private:
  at::Tensor kernels_;   // (2 B, 1, K)
  at::Tensor low_pass_;  // (1, 1, K)
  at::Tensor scale_;     // (F)
  int64_t hop_, octaves_;
};

}  // namespace instructme
