#pragma once

#include <cmath>
#include <complex>
#include <numbers>
#include <span>
#include <vector>

#include "instructme/audio/audio_buffer.h"
#include "instructme/base/rng.h"
#include "sine.h"

namespace instructme {

inline AudioBuffer noise(int rate, int channels, int64_t frames, double amplitude, uint64_t seed = 1) {
  Rng rng(seed);
  AudioBuffer buffer{rate, channels, std::vector<float>(static_cast<size_t>(frames * channels))};
  for (float& x : buffer.samples) x = static_cast<float>(rng.uniform(-amplitude, amplitude));
  return buffer;
}

/// Amplitude and phase of one frequency in the middle half of `x`.
inline std::complex<double> component(std::span<const float> x, double hz, double rate) {
  std::complex<double> sum = 0;
  double weight = 0;
  for (size_t i = x.size() / 4; i < 3 * x.size() / 4; ++i) {
    const double position = static_cast<double>(i - x.size() / 4) / (static_cast<double>(x.size()) / 2);
    const double window = 1 - std::cos(2 * std::numbers::pi * position);
    sum += window * static_cast<double>(x[i]) *
           std::polar(1.0, -2 * std::numbers::pi * hz * static_cast<double>(i) / rate);
    weight += window;
  }
  return 2.0 * sum / weight;
}

/// 10 log10 of signal power over error power.
inline double snr_db(std::span<const float> wanted, std::span<const float> got) {
  double signal = 0, error = 1e-30;
  for (size_t i = 0; i < std::min(wanted.size(), got.size()); ++i) {
    signal += static_cast<double>(wanted[i]) * wanted[i];
    const double e = static_cast<double>(wanted[i]) - got[i];
    error += e * e;
  }
  return 10 * std::log10(signal / error);
}

}  // namespace instructme
