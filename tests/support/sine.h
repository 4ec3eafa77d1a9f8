#pragma once

#include <cmath>
#include <numbers>
#include <vector>

namespace instructme {

inline std::vector<float> sine(double hz, int rate, double seconds, double amplitude = 1.0) {
  std::vector<float> out(static_cast<size_t>(std::llround(seconds * rate)));
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<float>(amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / rate));
  return out;
}

}  // namespace instructme
