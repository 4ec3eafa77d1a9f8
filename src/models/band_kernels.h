#pragma once

#include <cstdint>

namespace instructme {

/// Bins f of first[b] <= f < first[b + 1] belong to band b, but for their share upper[f], which belongs to band b + 1.
struct BandMap {
  const int32_t* first;  // bands + 1
  const float* upper;    // bins
  int64_t bands;
};

/// in (bins) -> out (bands).
void gather_row(const BandMap& map, const float* in, float* out);

/// Of one frame, complex numbers interleaved: Re(x s*) / (|x| + floor), |s| and |x - s|, each (bins); returns the sum
/// of |s|^2 / (|x| + floor).
double compare_row(const float* x, const float* s, int64_t bins, float floor, float* product, float* stem, float* rest);

/// Of one frame: |x|^2 / (|x| + floor) and |x|, each (bins); returns the sum of the former.
double mixture_row(const float* x, int64_t bins, float floor, float* power, float* magnitude);

}  // namespace instructme
