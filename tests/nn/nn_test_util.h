#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

namespace instructme {

inline double max_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  if (a.sizes() != b.sizes() || a.numel() == 0) return 0.0;
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

/// Compares the gradients of sum(f(inputs) * random weights) with central differences; inputs are
/// float64 leaves. At most `probes` values of each input are tried, spread evenly.
inline void expect_gradients(const std::function<at::Tensor(const std::vector<at::Tensor>&)>& f,
                             std::vector<at::Tensor> inputs, int64_t probes = 12) {
  for (at::Tensor& input : inputs) input = input.detach().clone().set_requires_grad(true);
  const at::Tensor output = f(inputs);
  const at::Tensor weights = at::randn_like(output);
  (output * weights).sum().backward();
  const auto value = [&] {
    const at::NoGradGuard guard;
    return (f(inputs) * weights).sum().item<double>();
  };
  const double step = 1e-5;
  for (size_t i = 0; i < inputs.size(); ++i) {
    ASSERT_TRUE(inputs[i].grad().defined()) << "input " << i << " has no gradient";
    at::Tensor flat = inputs[i].detach().view({-1});
    const at::Tensor gradient = inputs[i].grad().contiguous().view({-1});
    const int64_t stride = std::max<int64_t>(1, flat.numel() / probes);
    for (int64_t j = 0; j < flat.numel(); j += stride) {
      const double start = flat[j].item<double>();
      flat[j] = start + step;
      const double above = value();
      flat[j] = start - step;
      const double below = value();
      flat[j] = start;
      const double numeric = (above - below) / (2 * step);
      EXPECT_NEAR(gradient[j].item<double>(), numeric, 1e-6 * std::max(1.0, std::abs(numeric)))
          << "input " << i << ", value " << j;
    }
  }
}

/// Every weight of a module gets random values, so that nothing is hidden by zeros at the start.
inline void randomise(torch::nn::Module& module, double deviation = 0.2) {
  const at::NoGradGuard guard;
  for (at::Tensor& weight : module.parameters()) weight.normal_(0.0, deviation);
}

/// Frames of the output (N, T, C) that change when frame `frame` of the input does: T bools.
inline std::vector<bool> frames_that_change(const std::function<at::Tensor(const at::Tensor&)>& f, const at::Tensor& x,
                                            int64_t frame) {
  const at::NoGradGuard guard;
  at::Tensor other = x.clone();
  other.select(1, frame).add_(1.0);
  const at::Tensor change = (f(other) - f(x)).abs().amax({0, 2});
  std::vector<bool> result;
  for (int64_t t = 0; t < change.size(0); ++t) result.push_back(change[t].item<double>() > 1e-12);
  return result;
}

}  // namespace instructme
