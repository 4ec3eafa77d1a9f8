#include "instructme/torchx/first_weights.h"

#include <torch/torch.h>

namespace instructme {

namespace {
thread_local bool no_first_weights = false;
}

NoFirstWeights::NoFirstWeights() : before_(no_first_weights) { no_first_weights = true; }
NoFirstWeights::~NoFirstWeights() { no_first_weights = before_; }
bool NoFirstWeights::wanted() { return no_first_weights; }

at::Tensor normal_weights(at::IntArrayRef sizes, double deviation) {
  return NoFirstWeights::wanted() ? at::empty(sizes) : at::randn(sizes) * deviation;
}

}  // namespace instructme
