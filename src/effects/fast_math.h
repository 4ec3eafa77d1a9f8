#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace instructme::fast {

/// Elementary functions from additions and multiplications only: the same bits with every standard library, and
/// quick enough for every sample.

inline double db_to_gain(double db) { return std::pow(10.0, db / 20); }
/// Levels of -100 dB mean "nothing" in the settings of effects.
inline float level(double db) { return db <= -100 ? 0.0f : static_cast<float>(db_to_gain(db)); }

/// log2 for normal x > 0 to within 4e-6: the exponent, and the series of atanh for the mantissa.
inline float log2(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  // Splitting at sqrt(1/2) keeps the mantissa within a factor of sqrt(2) of 1, where the series is short.
  const uint32_t shifted = bits - 0x3f3504f3u;
  const auto exponent = static_cast<int32_t>(shifted) >> 23;
  const float m = std::bit_cast<float>((shifted & 0x007fffffu) + 0x3f3504f3u);
  const float t = (m - 1) / (m + 1), t2 = t * t;
  constexpr float k = 2 * std::numbers::log2e_v<float>;
  return static_cast<float>(exponent) + k * t * (1 + t2 * (1.0f / 3 + t2 * (1.0f / 5 + t2 * (1.0f / 7))));
}

/// 2^x for x from -126 to 127 to within 3e-7 relative: the power series on half a unit to either side.
inline float exp2(float x) {
  // Cut off above 0, where cutting rounds down: std::floor is a call where the processor is an old one.
  const int32_t whole = static_cast<int32_t>(x + 128.5f) - 128;
  const float y = (x - static_cast<float>(whole)) * std::numbers::ln2_v<float>;
  const float power = 1 + y * (1 + y * (0.5f + y * (1.0f / 6 + y * (1.0f / 24 + y * (1.0f / 120 + y * (1.0f / 720))))));
  return power * std::bit_cast<float>((whole + 127) << 23);
}

constexpr float kDbPerLog2 = 6.0205999f;  ///< 20 log10(2)

/// sin(2π turns) for turns from 0 to 1 to within 2e-5.
inline double sine(double turns) {
  double x = turns - 0.5;  // sin(2πt) = -sin(2π(t - 1/2))
  if (x > 0.25) x = 0.5 - x;
  if (x < -0.25) x = -0.5 - x;
  const double y = 2 * std::numbers::pi * x, y2 = y * y;
  return -y * (1 - y2 * (1.0 / 6) * (1 - y2 * (1.0 / 20) * (1 - y2 * (1.0 / 42) * (1 - y2 * (1.0 / 72)))));
}

/// tanh to within 2e-4, odd and rising: Lambert's continued fraction, at its limit where it reaches 1.
[[gnu::always_inline]] inline float tanh(float x) {
  x = x < -4.97f ? -4.97f : x > 4.97f ? 4.97f : x;
  const float x2 = x * x;
  return x * (135135 + x2 * (17325 + x2 * (378 + x2))) / (135135 + x2 * (62370 + x2 * (3150 + x2 * 28)));
}

/// The pole of a one-pole low-pass whose power at the frequency is `power` of that at 0.
inline double pole_for(double power, double frequency_hz, int sample_rate) {
  if (power >= 1) return 0;
  const double c = std::cos(2 * std::numbers::pi * std::min(frequency_hz / sample_rate, 0.5));
  const double a = 1 - power * c, b = 1 - power;
  return (a - std::sqrt(std::max(0.0, a * a - b * b))) / b;
}

}  // namespace instructme::fast
