#include "instructme/nn/linear.h"

#include <torch/torch.h>

namespace instructme {

torch::nn::Linear make_linear(int64_t in, int64_t out, bool bias, double gain) {
  torch::nn::Linear linear(torch::nn::LinearOptions(in, out).bias(bias));
  torch::nn::init::xavier_uniform_(linear->weight, gain);
  if (bias) torch::nn::init::zeros_(linear->bias);
  return linear;
}

}  // namespace instructme
