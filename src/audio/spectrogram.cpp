#include "instructme/audio/spectrogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <numbers>

#include "instructme/base/error.h"

namespace instructme {
namespace {

/// In place, with decimation in time (Cooley and Tukey, 1965); enough for pictures.
void transform(std::vector<std::complex<double>>& x) {
  const size_t n = x.size();
  for (size_t i = 1, j = 0; i < n; ++i) {
    size_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(x[i], x[j]);
  }
  for (size_t length = 2; length <= n; length *= 2) {
    const std::complex<double> step = std::polar(1.0, -2 * std::numbers::pi / static_cast<double>(length));
    for (size_t start = 0; start < n; start += length) {
      std::complex<double> turn = 1;
      for (size_t i = start; i < start + length / 2; ++i, turn *= step) {
        const auto odd = turn * x[i + length / 2];
        x[i + length / 2] = x[i] - odd;
        x[i] += odd;
      }
    }
  }
}

}  // namespace

Spectrogram spectrogram(std::span<const float> mono, int window, int hop, double floor_db) {
  ensure(window >= 2 && std::has_single_bit(static_cast<unsigned>(window)) && hop > 0,
         "a spectrogram needs a window of a power of two and a hop above 0");
  const auto n = static_cast<size_t>(window);
  Spectrogram out;
  out.rows = window / 2 + 1;
  out.columns = static_cast<int>(mono.size() / static_cast<size_t>(hop)) + 1;
  out.levels_db.resize(static_cast<size_t>(out.rows) * static_cast<size_t>(out.columns));
  std::vector<double> shape(n);
  for (size_t i = 0; i < n; ++i)
    shape[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n));
  const double scale = 4.0 / window;  // half the window's sum is a sine of amplitude 1
  std::vector<std::complex<double>> frame(n);
  for (int column = 0; column < out.columns; ++column) {
    const int64_t start = int64_t{column} * hop - window / 2;
    for (size_t i = 0; i < n; ++i) {
      const int64_t at = start + static_cast<int64_t>(i);
      const bool inside = at >= 0 && at < static_cast<int64_t>(mono.size());
      frame[i] = inside ? shape[i] * mono[static_cast<size_t>(at)] : 0.0;
    }
    transform(frame);
    for (int row = 0; row < out.rows; ++row)
      out.levels_db[static_cast<size_t>(row) * static_cast<size_t>(out.columns) + static_cast<size_t>(column)] =
          static_cast<float>(
              std::max(floor_db, 20 * std::log10(scale * std::abs(frame[static_cast<size_t>(row)]) + 1e-30)));
  }
  return out;
}

}  // namespace instructme
