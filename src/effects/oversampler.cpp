#include "oversampler.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "instructme/base/multiversion.h"

namespace instructme {
namespace {

// A transition of ±0.15 of the lower Nyquist frequency at 70 dB; the second stage has three octaves' room.
constexpr int kOuter = 16, kInner = 5;
constexpr double kBeta = 6.8;

// out[i] = Σ_j taps[j] in[i + count - 1 - j]; no sum is reordered, so every instruction set gives the same bits.
INSTRUCTME_MULTIVERSION void convolve(const float* in, const float* taps, int count, int n, float* __restrict out) {
  constexpr int kWide = 32;  // sums that fit into registers
  int start = 0;
  for (; start + kWide <= n; start += kWide) {
    float sums[kWide] = {};
    for (int j = 0; j < count; ++j) {
      const float tap = taps[j];
      const float* from = in + start + (count - 1 - j);
      for (int i = 0; i < kWide; ++i) sums[i] += tap * from[i];
    }
    for (int i = 0; i < kWide; ++i) out[start + i] = sums[i];
  }
  for (; start < n; ++start) {
    float sum = 0;
    for (int j = 0; j < count; ++j) sum += taps[j] * in[start + (count - 1 - j)];
    out[start] = sum;
  }
}

void keep_last(std::vector<float>& history, int past, int n) {
  std::copy(history.begin() + n, history.begin() + n + past, history.begin());
}

}  // namespace

HalfBand::HalfBand(int k, int most) : k_(k) {
  double sum = 0;
  for (int j = 0; j < 2 * k; ++j) {
    const double t = 2 * j - (2 * k - 1);  // odd distance from the middle tap
    const double window =
        std::cyl_bessel_i(0, kBeta * std::sqrt(1 - t * t / (4.0 * k * k))) / std::cyl_bessel_i(0, kBeta);
    taps_.push_back(static_cast<float>(window * std::sin(std::numbers::pi * t / 2) / (std::numbers::pi * t)));
    sum += taps_.back();
  }
  // Both phases must pass a constant equally, or a constant gets an image at the Nyquist frequency.
  for (float& tap : taps_) tap = static_cast<float>(tap * 0.5 / sum);
  const size_t size = 2 * static_cast<size_t>(k) + static_cast<size_t>(most);
  up_.resize(size);
  even_.resize(size);
  odd_.resize(size);
  sums_.resize(static_cast<size_t>(most));
}

void HalfBand::up(const float* in, int n, float* out) {
  const int past = 2 * k_ - 1;
  std::copy(in, in + n, up_.begin() + past);
  convolve(up_.data(), taps_.data(), 2 * k_, n, sums_.data());
  for (int i = 0; i < n; ++i) {
    out[2 * i] = 2 * sums_[static_cast<size_t>(i)];
    out[2 * i + 1] = up_[static_cast<size_t>(i) + static_cast<size_t>(k_)];  // past - (k - 1) = k
  }
  keep_last(up_, past, n);
}

void HalfBand::down(const float* in, int n, float* out) {
  const int past = 2 * k_ - 1;
  for (int i = 0; i < n; ++i) {
    even_[static_cast<size_t>(past) + static_cast<size_t>(i)] = in[2 * i];
    odd_[static_cast<size_t>(k_) + static_cast<size_t>(i)] = in[2 * i + 1];
  }
  convolve(even_.data(), taps_.data(), 2 * k_, n, sums_.data());
  for (int i = 0; i < n; ++i) out[i] = sums_[static_cast<size_t>(i)] + 0.5f * odd_[static_cast<size_t>(i)];
  keep_last(even_, past, n);
  keep_last(odd_, k_, n);
}

Oversampler::Oversampler(int factor)
    : factor_(factor), outer_(kOuter, kBlock), inner_(kInner, 2 * kBlock), between_(2 * kBlock) {}

int Oversampler::latency() const {
  if (factor_ == 1) return 0;
  return outer_.latency() + (factor_ == 4 ? (inner_.latency() + 1) / 2 : 0);
}

void Oversampler::up(const float* in, int n, float* out) {
  if (factor_ == 1) {
    std::copy(in, in + n, out);
  } else if (factor_ == 2) {
    outer_.up(in, n, out);
  } else {
    outer_.up(in, n, between_.data());
    inner_.up(between_.data(), 2 * n, out);
  }
}

void Oversampler::down(float* in, int n, float* out) {
  if (factor_ == 1) {
    std::copy(in, in + n, out);
  } else if (factor_ == 2) {
    outer_.down(in, n, out);
  } else {
    inner_.down(in, 2 * n, between_.data());
    // The inner filters are late by an odd number of their frames; one more makes whole frames outside.
    const float last = between_[static_cast<size_t>(2 * n - 1)];
    std::copy_backward(between_.begin(), between_.begin() + 2 * n - 1, between_.begin() + 2 * n);
    between_[0] = held_;
    held_ = last;
    outer_.down(between_.data(), n, out);
  }
}

}  // namespace instructme
