#include "band_kernels.h"

#include <cmath>

#include "instructme/base/multiversion.h"

namespace instructme {

void gather_row(const BandMap& map, const float* in, float* out) {
  float from_below = 0;
  for (int64_t b = 0; b < map.bands; ++b) {
    float own = from_below, above = 0;
    for (int32_t f = map.first[b]; f < map.first[b + 1]; ++f) {
      const float share = in[f] * map.upper[f];
      own += in[f] - share;
      above += share;
    }
    out[b] = own;
    from_below = above;
  }
}

INSTRUCTME_MULTIVERSION
FrameEnergy compare_row(const float* x, const float* s, int64_t bins, float floor, float* weighted, float* plain,
                        float* stem, float* rest) {
  float weighted_sum = 0, plain_sum = 0;
#pragma GCC ivdep
  for (int64_t f = 0; f < bins; ++f) {
    const float xr = x[2 * f], xi = x[2 * f + 1], sr = s[2 * f], si = s[2 * f + 1];
    const float weight = 1.0f / (std::sqrt(xr * xr + xi * xi) + floor), power = sr * sr + si * si;
    plain[f] = xr * sr + xi * si;
    weighted[f] = weight * plain[f];
    stem[f] = std::sqrt(power);
    rest[f] = std::sqrt((xr - sr) * (xr - sr) + (xi - si) * (xi - si));
    weighted_sum += weight * power;
    plain_sum += power;
  }
  return {static_cast<double>(weighted_sum), static_cast<double>(plain_sum)};
}

INSTRUCTME_MULTIVERSION
FrameEnergy mixture_row(const float* x, int64_t bins, float floor, float* weighted, float* plain, float* magnitude) {
  float weighted_sum = 0, plain_sum = 0;
#pragma GCC ivdep
  for (int64_t f = 0; f < bins; ++f) {
    plain[f] = x[2 * f] * x[2 * f] + x[2 * f + 1] * x[2 * f + 1];
    magnitude[f] = std::sqrt(plain[f]);
    weighted[f] = plain[f] / (magnitude[f] + floor);
    weighted_sum += weighted[f];
    plain_sum += plain[f];
  }
  return {static_cast<double>(weighted_sum), static_cast<double>(plain_sum)};
}

}  // namespace instructme
