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
double compare_row(const float* x, const float* s, int64_t bins, float floor, float* product, float* stem,
                   float* rest) {
  float sum = 0;
#pragma GCC ivdep
  for (int64_t f = 0; f < bins; ++f) {
    const float xr = x[2 * f], xi = x[2 * f + 1], sr = s[2 * f], si = s[2 * f + 1];
    const float weight = 1.0f / (std::sqrt(xr * xr + xi * xi) + floor), power = sr * sr + si * si;
    product[f] = weight * (xr * sr + xi * si);
    stem[f] = std::sqrt(power);
    rest[f] = std::sqrt((xr - sr) * (xr - sr) + (xi - si) * (xi - si));
    sum += weight * power;
  }
  return static_cast<double>(sum);
}

INSTRUCTME_MULTIVERSION
double mixture_row(const float* x, int64_t bins, float floor, float* power, float* magnitude) {
  float sum = 0;
#pragma GCC ivdep
  for (int64_t f = 0; f < bins; ++f) {
    const float squared = x[2 * f] * x[2 * f] + x[2 * f + 1] * x[2 * f + 1];
    magnitude[f] = std::sqrt(squared);
    power[f] = squared / (magnitude[f] + floor);
    sum += power[f];
  }
  return static_cast<double>(sum);
}

}  // namespace instructme
