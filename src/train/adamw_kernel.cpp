#include "adamw_kernel.h"

#include <cmath>

#include "instructme/base/multiversion.h"

namespace instructme {

INSTRUCTME_MULTIVERSION
void adamw_update(const float* gradient, float* weight, float* m, float* v, float* ema, int64_t n, AdamWStep step) {
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) {
    m[i] = step.beta1 * m[i] + (1 - step.beta1) * gradient[i];
    v[i] = step.beta2 * v[i] + (1 - step.beta2) * gradient[i] * gradient[i];
    weight[i] = step.keep * weight[i] - step.rate * m[i] / (std::sqrt(v[i] * step.second) + step.epsilon);
    ema[i] += step.ema_share * (weight[i] - ema[i]);
  }
}

}  // namespace instructme
