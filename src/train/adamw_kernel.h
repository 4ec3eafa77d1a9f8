#pragma once

#include <cstdint>

namespace instructme {

/// Constants of one AdamW step, see adamw.cpp.
struct AdamWStep {
  float beta1, beta2;
  float keep;    ///< 1 - learning rate * weight decay
  float rate;    ///< learning rate / (1 - beta1^n)
  float second;  ///< 1 / (1 - beta2^n)
  float epsilon;
  float ema_share;  ///< 1 - decay of the average
};

/// One pass over n values: gradient, weights, both moments, average.
void adamw_update(const float* gradient, float* weight, float* m, float* v, float* ema, int64_t n, AdamWStep step);

}  // namespace instructme
