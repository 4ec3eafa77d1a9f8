#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <vector>

namespace instructme {

inline const std::filesystem::path& small_font() {
  static const std::filesystem::path path = "/usr/share/sounds/sf2/TimGM6mb.sf2";
  return path;
}

#define SKIP_WITHOUT_SMALL_FONT()             \
  if (!std::filesystem::exists(small_font())) \
  GTEST_SKIP() << "needs " << small_font() << " (apt install timgm6mb-soundfont)"

inline double rms(const std::vector<float>& x) {
  double sum = 0;
  for (float v : x) sum += static_cast<double>(v) * v;
  return x.empty() ? 0.0 : std::sqrt(sum / static_cast<double>(x.size()));
}

}  // namespace instructme
