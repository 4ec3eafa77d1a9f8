#include "instructme/diffusion/schedule.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "instructme/base/error.h"
#include "instructme/base/names.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr double kMaxBeta = 0.999;
constexpr double kReferenceSteps = 1000.0;  // the length for which the published beta ranges were chosen

constexpr Names<ScheduleKind, 4> kScheduleNames{{{ScheduleKind::kCosine, "cosine"},
                                                 {ScheduleKind::kLinear, "linear"},
                                                 {ScheduleKind::kScaledLinear, "scaled_linear"},
                                                 {ScheduleKind::kFlow, "flow"}}};
constexpr Names<Prediction, 3> kPredictionNames{
    {{Prediction::kEpsilon, "epsilon"}, {Prediction::kV, "v"}, {Prediction::kFlow, "flow"}}};

double cosine_signal(double fraction) {
  constexpr double kOffset = 0.008;
  const double level = std::cos((fraction + kOffset) / (1.0 + kOffset) * std::numbers::pi / 2.0);
  return level * level;
}

double flow_signal(double fraction) {
  const double signal = 1.0 - fraction;
  return signal * signal / (signal * signal + fraction * fraction);
}

// 1 - beta_t, the share of the signal's power that step t = 1..T leaves.
double kept_by_step(const NoiseScheduleOptions& options, int64_t t) {
  const double steps = static_cast<double>(options.steps);
  const double position = static_cast<double>(t - 1) / (steps - 1.0);
  double value = 0.0;
  switch (options.kind) {
    case ScheduleKind::kFlow:
      return flow_signal(static_cast<double>(t) / steps) / flow_signal(static_cast<double>(t - 1) / steps);
    case ScheduleKind::kCosine:
      value = 1.0 - cosine_signal(static_cast<double>(t) / steps) / cosine_signal(static_cast<double>(t - 1) / steps);
      break;
    case ScheduleKind::kLinear: value = (1e-4 + (0.02 - 1e-4) * position) * kReferenceSteps / steps; break;
    case ScheduleKind::kScaledLinear: {
      const double root = std::sqrt(0.00085) + (std::sqrt(0.012) - std::sqrt(0.00085)) * position;
      value = root * root * kReferenceSteps / steps;
      break;
    }
  }
  return 1.0 - std::min(value, kMaxBeta);
}

}  // namespace

std::string schedule_kind_name(ScheduleKind kind) { return name_of(kind, kScheduleNames); }
std::string prediction_name(Prediction prediction) { return name_of(prediction, kPredictionNames); }
ScheduleKind parse_schedule_kind(const std::string& name) {
  return value_called(name, kScheduleNames, "noise schedule", ErrorKind::kModel);
}
Prediction parse_prediction(const std::string& name) {
  return value_called(name, kPredictionNames, "prediction", ErrorKind::kModel);
}

void NoiseScheduleOptions::validate() const {
  if (steps < 2 || steps > 1'000'000)
    throw Error(ErrorKind::kModel,
                format("a noise schedule needs 2 to 1000000 steps, not %lld", static_cast<long long>(steps)));
}

NoiseScheduleOptions NoiseScheduleOptions::read(ConfigReader config) {
  NoiseScheduleOptions options;
  std::string kind = schedule_kind_name(options.kind);
  config.read("steps", options.steps);
  config.read("kind", kind);
  config.read("zero_terminal_snr", options.zero_terminal_snr);
  config.finish();
  options.kind = parse_schedule_kind(kind);
  options.validate();
  return options;
}

nlohmann::json NoiseScheduleOptions::to_json() const {
  return {{"steps", steps}, {"kind", schedule_kind_name(kind)}, {"zero_terminal_snr", zero_terminal_snr}};
}

NoiseSchedule::NoiseSchedule(const NoiseScheduleOptions& options) : options_(options) {
  options.validate();
  const size_t count = static_cast<size_t>(options.steps) + 1;
  std::vector<double> alphas(count, 1.0), sigmas(count, 0.0);
  double product = 1.0;
  for (size_t t = 1; t < count; ++t) {
    product *= kept_by_step(options, static_cast<int64_t>(t));
    alphas[t] = std::sqrt(product);
  }
  if (options.zero_terminal_snr) {
    const double first = alphas[1], last = alphas.back();
    for (size_t t = 1; t < count; ++t) alphas[t] = (alphas[t] - last) * first / (first - last);
  }
  alpha_bar_.resize(count);
  for (size_t t = 0; t < count; ++t) {
    alpha_bar_[t] = alphas[t] * alphas[t];
    sigmas[t] = std::sqrt(1.0 - alpha_bar_[t]);
  }
  alpha_table_ = at::tensor(alphas, at::kDouble);
  sigma_table_ = at::tensor(sigmas, at::kDouble);
}

double NoiseSchedule::alpha_bar(int64_t t) const {
  if (t < 0 || t > steps())
    throw Error(ErrorKind::kInternal, format("time step %lld is outside 0..%lld", static_cast<long long>(t),
                                             static_cast<long long>(steps())));
  return alpha_bar_[static_cast<size_t>(t)];
}

double NoiseSchedule::alpha(int64_t t) const { return std::sqrt(alpha_bar(t)); }
double NoiseSchedule::sigma(int64_t t) const { return std::sqrt(1.0 - alpha_bar(t)); }

at::Tensor NoiseSchedule::alpha(const at::Tensor& t) const {
  return alpha_table_.to(t.device()).index_select(0, t).to(at::kFloat);
}

at::Tensor NoiseSchedule::sigma(const at::Tensor& t) const {
  return sigma_table_.to(t.device()).index_select(0, t).to(at::kFloat);
}

at::Tensor NoiseSchedule::broadcast(const at::Tensor& table, const at::Tensor& t, const at::Tensor& like) const {
  if (t.dim() != 1 || t.scalar_type() != at::kLong || like.dim() < 1 || t.size(0) != like.size(0))
    throw Error(ErrorKind::kInternal,
                format("time steps must be int64 of shape (N) with N = %lld as in the data; found %lld values",
                       static_cast<long long>(like.dim() ? like.size(0) : 0), static_cast<long long>(t.numel())));
  if (t.is_cpu() && t.numel() > 0 && (t.min().item<int64_t>() < 1 || t.max().item<int64_t>() > steps()))
    throw Error(
        ErrorKind::kInternal,
        format("time steps must lie in 1..%lld; found %lld to %lld", static_cast<long long>(steps()),
               static_cast<long long>(t.min().item<int64_t>()), static_cast<long long>(t.max().item<int64_t>())));
  std::vector<int64_t> shape(static_cast<size_t>(like.dim()), 1);
  shape[0] = t.size(0);
  return table.to(t.device()).index_select(0, t).to(like.device(), like.scalar_type()).view(shape);
}

void NoiseSchedule::require_signal(const at::Tensor& t, Prediction kind) const {
  if (kind != Prediction::kEpsilon || alpha_bar_.back() > 0.0) return;
  if (t.eq(steps()).any().item<bool>())
    throw Error(ErrorKind::kModel,
                format("an epsilon-prediction says nothing of the signal at t = %lld, where a schedule with "
                       "zero_terminal_snr has none left; use v-prediction or switch zero_terminal_snr off",
                       static_cast<long long>(steps())));
}

at::Tensor NoiseSchedule::add_noise(const at::Tensor& x0, const at::Tensor& noise, const at::Tensor& t) const {
  return broadcast(alpha_table_, t, x0) * x0 + broadcast(sigma_table_, t, x0) * noise;
}

at::Tensor NoiseSchedule::training_target(const at::Tensor& x0, const at::Tensor& noise, const at::Tensor& t,
                                          Prediction kind) const {
  if (kind == Prediction::kEpsilon) return noise;
  if (kind == Prediction::kFlow) return noise - x0;
  return broadcast(alpha_table_, t, x0) * noise - broadcast(sigma_table_, t, x0) * x0;
}

at::Tensor NoiseSchedule::to_x0(const at::Tensor& prediction, const at::Tensor& z_t, const at::Tensor& t,
                                Prediction kind) const {
  const at::Tensor a = broadcast(alpha_table_, t, z_t), s = broadcast(sigma_table_, t, z_t);
  if (kind == Prediction::kV) return a * z_t - s * prediction;
  if (kind == Prediction::kFlow) return (z_t - s * prediction) / (a + s);
  require_signal(t, kind);
  return (z_t - s * prediction) / a;
}

at::Tensor NoiseSchedule::to_epsilon(const at::Tensor& prediction, const at::Tensor& z_t, const at::Tensor& t,
                                     Prediction kind) const {
  if (kind == Prediction::kEpsilon) return prediction;
  const at::Tensor a = broadcast(alpha_table_, t, z_t), s = broadcast(sigma_table_, t, z_t);
  if (kind == Prediction::kFlow) return (z_t + a * prediction) / (a + s);
  return s * z_t + a * prediction;
}

at::Tensor NoiseSchedule::to_v(const at::Tensor& prediction, const at::Tensor& z_t, const at::Tensor& t,
                               Prediction kind) const {
  if (kind == Prediction::kV) return prediction;
  if (kind == Prediction::kFlow) {
    const at::Tensor a = broadcast(alpha_table_, t, z_t), s = broadcast(sigma_table_, t, z_t);
    return (prediction + (a - s) * z_t) / (a + s);
  }
  // v = alpha epsilon - sigma (z - sigma epsilon) / alpha = (epsilon - sigma z) / alpha
  const at::Tensor a = broadcast(alpha_table_, t, z_t), s = broadcast(sigma_table_, t, z_t);
  require_signal(t, kind);
  return (prediction - s * z_t) / a;
}

at::Tensor NoiseSchedule::to_x0(const at::Tensor& prediction, const at::Tensor& z_t, int64_t t, Prediction kind) const {
  return to_x0(prediction, z_t, at::full({z_t.size(0)}, t, at::kLong), kind);
}

at::Tensor NoiseSchedule::to_epsilon(const at::Tensor& prediction, const at::Tensor& z_t, int64_t t,
                                     Prediction kind) const {
  return to_epsilon(prediction, z_t, at::full({z_t.size(0)}, t, at::kLong), kind);
}

}  // namespace instructme
