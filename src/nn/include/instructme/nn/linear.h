#pragma once

#include <torch/nn/modules/linear.h>

#include <cstdint>

namespace instructme {

// Linear layers that heed NoFirstWeights (instructme/torchx/first_weights.h).

/// With Xavier-uniform weights times `gain` (0: all zero) and zero bias.
torch::nn::Linear make_linear(int64_t in, int64_t out, bool bias = true, double gain = 1.0);

/// With the first weights of torch::nn::Linear.
torch::nn::Linear plain_linear(int64_t in, int64_t out, bool bias = true);

}  // namespace instructme
