#pragma once

#include <torch/nn/modules/linear.h>

#include <cstdint>

namespace instructme {

/// A linear layer with Xavier-uniform weights times `gain` (0: all zero) and zero bias.
torch::nn::Linear make_linear(int64_t in, int64_t out, bool bias = true, double gain = 1.0);

}  // namespace instructme
