#include "instructme/nn/linear.h"

#include <torch/torch.h>

#include "instructme/torchx/first_weights.h"

namespace instructme {

torch::nn::Linear plain_linear(int64_t in, int64_t out, bool bias) {
  if (!NoFirstWeights::wanted()) return torch::nn::Linear(torch::nn::LinearOptions(in, out).bias(bias));
  // The constructor draws weights in any case, so it makes the smallest layer, which then grows.
  torch::nn::Linear linear(torch::nn::LinearOptions(1, 1).bias(bias));
  linear->options.in_features(in).out_features(out);
  linear->weight.set_data(at::empty({out, in}));
  if (bias) linear->bias.set_data(at::empty({out}));
  return linear;
}

torch::nn::Linear make_linear(int64_t in, int64_t out, bool bias, double gain) {
  torch::nn::Linear linear = plain_linear(in, out, bias);
  if (NoFirstWeights::wanted()) return linear;
  torch::nn::init::xavier_uniform_(linear->weight, gain);
  if (bias) torch::nn::init::zeros_(linear->bias);
  return linear;
}

}  // namespace instructme
