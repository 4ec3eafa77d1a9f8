#pragma once

#include <ATen/ATen.h>

#include <cmath>

#include "instructme/diffusion/sampler.h"
#include "instructme/diffusion/schedule.h"

namespace instructme {

/// Data x0 ~ N(mean, deviation^2) in every dimension, for which the best possible network and the exact
/// solution of the probability-flow equation are known in closed form.
struct GaussianModel {
  const NoiseSchedule& schedule;
  Prediction prediction;
  double mean = 0.7;
  double deviation = 0.4;

  /// E[x0 | z_t].
  at::Tensor posterior_mean(const at::Tensor& z, int64_t t) const {
    const double a = schedule.alpha(t), s = schedule.sigma(t), variance = deviation * deviation;
    return mean + a * variance / (a * a * variance + s * s) * (z - a * mean);
  }
  at::Tensor operator()(const at::Tensor& z, double time) const {
    const auto t = static_cast<int64_t>(time);
    const at::Tensor x0 = posterior_mean(z, t);
    const at::Tensor epsilon = (z - schedule.alpha(t) * x0) / schedule.sigma(t);
    if (prediction == Prediction::kFlow) return epsilon - x0;
    return prediction == Prediction::kEpsilon ? epsilon : schedule.alpha(t) * epsilon - schedule.sigma(t) * x0;
  }
  /// z_0 that the probability flow reaches from z_T.
  at::Tensor flow(const at::Tensor& z) const {
    const double a = schedule.alpha(schedule.steps()), s = schedule.sigma(schedule.steps());
    return mean + deviation * (z - a * mean) / std::sqrt(a * a * deviation * deviation + s * s);
  }
};

inline double max_difference(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

}  // namespace instructme
