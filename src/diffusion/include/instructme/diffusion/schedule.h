#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "instructme/base/config_reader.h"

namespace instructme {

/// How the noise grows with the time step.
enum class ScheduleKind {
  kCosine,        ///< Nichol and Dhariwal 2021, offset 0.008, beta at most 0.999
  kLinear,        ///< Ho et al. 2020: beta from 1e-4 to 0.02 over 1000 steps
  kScaledLinear,  ///< Rombach et al. 2022: sqrt(beta) linear, beta from 0.00085 to 0.012 over 1000 steps
  kFlow,  ///< on a straight line from music to noise, (1 - t / T) x0 + t / T epsilon, brought to a variance of one (Liu
          ///< et al. 2023); nothing of the signal is left at t = T
};

/// What the network predicts from z_t.
enum class Prediction {
  kEpsilon,  ///< the noise (Eq. 2)
  kV,        ///< v = alpha epsilon - sigma x0 (Salimans and Ho 2022)
  kFlow,     ///< epsilon - x0, the direction of that line (Liu et al. 2023)
};

std::string schedule_kind_name(ScheduleKind kind);   ///< "cosine", "linear", "scaled_linear", "flow"
std::string prediction_name(Prediction prediction);  ///< "epsilon", "v", "flow"
/// Both throw kModel, naming the nearest known word.
ScheduleKind parse_schedule_kind(const std::string& name);
Prediction parse_prediction(const std::string& name);

struct NoiseScheduleOptions {
  int64_t steps = 1000;  ///< T, at least 2. The linear kinds keep their end points when T is not 1000.
  ScheduleKind kind = ScheduleKind::kCosine;
  /// Rescales so that nothing of the signal is left at t = T (Lin et al. 2023, algorithm 1): sampling then
  /// starts from exactly what training saw. Not with epsilon-prediction.
  bool zero_terminal_snr = false;

  /// Throws kModel when a value is out of range.
  void validate() const;
  /// Keys "steps", "kind", "zero_terminal_snr"; all optional, others are errors.
  static NoiseScheduleOptions read(ConfigReader config);
  nlohmann::json to_json() const;
};

/// The forward process, Eq. 1: z_t = alpha(t) x0 + sigma(t) epsilon, where alpha(t) = sqrt(ᾱ_t) and
/// sigma(t) = sqrt(1 - ᾱ_t) for t = 0..T (t = 0 is clean). Not to be confused with the paper's
/// α_t = 1 - β_t, which appears only inside the product ᾱ_t.
///
/// Immutable after construction, so safe to share between threads. In all functions x0, noise, z_t and
/// predictions have one shape (N, ...), t is an int64 tensor (N) with values in 1..T, and arithmetic is
/// done in the dtype of the data (float32 or float64; reduced precision loses the small noise levels).
/// t is checked (kInternal) when it is on the CPU, which is where it should be; a t on another device is
/// used unchecked, to save a synchronisation.
class NoiseSchedule {
 public:
  explicit NoiseSchedule(const NoiseScheduleOptions& options = {});

  const NoiseScheduleOptions& options() const { return options_; }
  int64_t steps() const { return options_.steps; }  ///< T

  /// For one t in 0..T; others throw kInternal.
  double alpha_bar(int64_t t) const;
  double alpha(int64_t t) const;
  double sigma(int64_t t) const;

  /// For a batch: float32 (N) on the device of t; here t may also be 0.
  at::Tensor alpha(const at::Tensor& t) const;
  at::Tensor sigma(const at::Tensor& t) const;

  /// Eq. 1.
  at::Tensor add_noise(const at::Tensor& x0, const at::Tensor& noise, const at::Tensor& t) const;
  /// What the network should answer for add_noise(x0, noise, t).
  at::Tensor training_target(const at::Tensor& x0, const at::Tensor& noise, const at::Tensor& t, Prediction kind) const;

  /// Conversions of a prediction. From epsilon-prediction at a step without signal (t = T with zero
  /// terminal SNR) x0 cannot be known: to_x0 and to_v throw kModel there.
  at::Tensor to_x0(const at::Tensor& prediction, const at::Tensor& z_t, const at::Tensor& t, Prediction kind) const;
  at::Tensor to_epsilon(const at::Tensor& prediction, const at::Tensor& z_t, const at::Tensor& t,
                        Prediction kind) const;
  at::Tensor to_v(const at::Tensor& prediction, const at::Tensor& z_t, const at::Tensor& t, Prediction kind) const;
  /// The same with one t for the whole batch.
  at::Tensor to_x0(const at::Tensor& prediction, const at::Tensor& z_t, int64_t t, Prediction kind) const;
  at::Tensor to_epsilon(const at::Tensor& prediction, const at::Tensor& z_t, int64_t t, Prediction kind) const;

 private:
  at::Tensor broadcast(const at::Tensor& table, const at::Tensor& t, const at::Tensor& like) const;
  void require_signal(const at::Tensor& t, Prediction kind) const;

  NoiseScheduleOptions options_;
  std::vector<double> alpha_bar_;         // T + 1 values
  at::Tensor alpha_table_, sigma_table_;  // float64, T + 1 values, on the CPU
};

}  // namespace instructme
