#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "expect_error.h"
#include "instructme/base/rng.h"
#include "instructme/effects/processor.h"
#include "sine.h"

namespace instructme {

constexpr int kRate = 24000;

inline AudioBuffer noise(int channels, double seconds, double amplitude, uint64_t seed = 1, int rate = kRate) {
  Rng rng(seed);
  AudioBuffer buffer{rate, channels, {}};
  buffer.samples.resize(static_cast<size_t>(std::llround(seconds * rate)) * static_cast<size_t>(channels));
  for (float& x : buffer.samples) x = static_cast<float>(rng.uniform(-amplitude, amplitude));
  return buffer;
}

/// 1 in all channels of the first frame, then zeros.
inline AudioBuffer impulse(int channels, double seconds, int rate = kRate) {
  AudioBuffer buffer{rate, channels, {}};
  buffer.samples.resize(static_cast<size_t>(std::llround(seconds * rate)) * static_cast<size_t>(channels));
  for (int c = 0; c < channels; ++c) buffer.samples[static_cast<size_t>(c)] = 1;
  return buffer;
}

/// Amplitude and phase at one frequency of the samples from `begin` to `end`, under a Hann window.
inline std::complex<double> component(const std::vector<float>& x, double hz, size_t begin, size_t end,
                                      int rate = kRate) {
  std::complex<double> sum = 0;
  double weight = 0;
  for (size_t i = begin; i < end; ++i) {
    const double place = (static_cast<double>(i - begin) + 0.5) / static_cast<double>(end - begin);
    const double window = 1 - std::cos(2 * std::numbers::pi * place);
    sum += window * static_cast<double>(x[i]) *
           std::polar(1.0, -2 * std::numbers::pi * hz * static_cast<double>(i) / rate);
    weight += window;
  }
  return 2.0 * sum / weight;
}

/// Of the middle half.
inline double amplitude_at(const std::vector<float>& x, double hz, int rate = kRate) {
  return std::abs(component(x, hz, x.size() / 4, 3 * x.size() / 4, rate));
}

/// The transfer function of an impulse response that starts at 0.
inline std::complex<double> response(const std::vector<float>& impulse_response, double hz, int rate = kRate) {
  std::complex<double> sum = 0;
  for (size_t i = 0; i < impulse_response.size(); ++i)
    sum += static_cast<double>(impulse_response[i]) *
           std::polar(1.0, -2 * std::numbers::pi * hz * static_cast<double>(i) / rate);
  return sum;
}

inline double energy(const std::vector<float>& x, size_t begin = 0) {
  double sum = 0;
  for (size_t i = begin; i < x.size(); ++i) sum += static_cast<double>(x[i]) * x[i];
  return sum;
}

inline double to_db(double gain) { return 20 * std::log10(gain); }
inline double from_db(double db) { return std::pow(10.0, db / 20); }

/// A fresh processor for a whole piece.
template <class P, class Settings>
AudioBuffer processed(AudioBuffer buffer, const Settings& settings) {
  P processor(settings, format_of(buffer));
  process_whole(processor, buffer);
  return buffer;
}

inline double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double worst = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(a[i]) - b[i]));
  return worst;
}

}  // namespace instructme
