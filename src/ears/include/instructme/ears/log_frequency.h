#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "instructme/dsp/stft.h"

namespace instructme {

/// Log-magnitude spectrum over a logarithmic frequency axis, pooled from short-time Fourier transforms with windows
/// that are longer for low notes, like a constant-Q transform (Brown 1991). Two channels: one that tells notes apart
/// and one, with windows of half the length, that tells moments apart. Frames are those of a chord matrix
/// (models/chord_extractor.h), 12.5 per second.
/// Letters: N batch, S samples, T = ceil(S / 1920) frames, B bins. Immutable, thread-safe.
class LogFrequency {
 public:
  static constexpr int64_t kPerSemitone = 3;
  static constexpr int64_t kChannels = 2;

  /// Bins from MIDI note `lowest` (69 = 440 Hz), every third of a semitone for `semitones`. `detune` moves all bins,
  /// in semitones, as if the music were tuned so much lower. Throws kInternal when the highest is above 11 kHz.
  LogFrequency(double lowest, int64_t semitones, double detune = 0.0);

  int64_t bins() const { return bins_; }
  /// wave (N, S) float, 24 kHz -> (N, T, B, 2) float, mostly within -2 and 2 for music at -20 dBFS.
  at::Tensor forward(const at::Tensor& wave) const;

 private:
  int64_t bins_ = 0, low_bins_ = 0;
  std::vector<Stft> windows_;        // long, middle, short
  std::vector<at::Tensor> pooling_;  // (F, bins of the part): long for low, middle for high, middle for low, short high
};

// Spectra for networks are (log(magnitude + floor) + a constant) * kSpectrumPerNeper, so that they lie mostly within -2
// and 2, and a gain in dB is added as kSpectrumPerDb.
inline constexpr double kSpectrumFloor = 1e-4;  ///< magnitude, 80 dB below full scale
inline constexpr double kSpectrumPerNeper = 0.6;
inline constexpr double kSpectrumPerDb = kSpectrumPerNeper * 0.1151292546;

/// Wave (N, S) scaled so that the RMS of all of it is -20 dBFS; silence (below -80 dBFS) as it is.
at::Tensor at_usual_level(const at::Tensor& wave);

}  // namespace instructme
