#pragma once

#include <ATen/core/Tensor.h>

#include "instructme/dsp/stft.h"

namespace instructme {

/// Scale-invariant signal-to-distortion ratio in dB (Le Roux et al. 2019), without removing the mean.
/// estimate and target (N, S) -> (N). A silent estimate gives -inf, and so does a silent target.
at::Tensor si_sdr(const at::Tensor& estimate, const at::Tensor& target);

/// The distance between two sounds as people hear spectra: mean absolute difference of the natural
/// logarithm of 80 mel bands (n_fft 1024, hop 256, amplitudes below -80 dBFS count as -80 dBFS).
/// Both sounds at 24 kHz. Immutable, thread-safe.
class LogMelDistance {
 public:
  LogMelDistance();
  /// wave (N, S) -> (N, T, 80) natural-log amplitudes.
  at::Tensor log_mel(const at::Tensor& wave) const;
  /// (N, S), (N, S) -> (N).
  at::Tensor distance(const at::Tensor& a, const at::Tensor& b) const;

 private:
  Stft stft_;
  at::Tensor bank_;
};

/// How crisp a sound is, beside what it should be: a codec that smears attacks raises the level before them, and one
/// that is unsure of the treble leaves it out. All tensors (N), in dB; 0 is as the target has it.
struct Crispness {
  at::Tensor attack;  ///< how much more the level above 1 kHz rises at attacks of the target, 0 where it has none
  at::Tensor treble;  ///< how much more is in 6 to 12 kHz, where the target has anything there
};
/// sound, target (N, S), both at 24 kHz. Attacks are where the target's level rises by 12 dB within 11 ms.
Crispness crispness(const at::Tensor& sound, const at::Tensor& target);

}  // namespace instructme
