#include "instructme/dsp/metrics.h"

#include <torch/torch.h>

#include <cmath>

#include "instructme/base/error.h"

namespace instructme {

using at::Tensor;

Tensor si_sdr(const Tensor& estimate, const Tensor& target) {
  ensure(estimate.dim() == 2 && estimate.sizes() == target.sizes(), "si_sdr wants two tensors of one shape (N, S)");
  const Tensor x = estimate.to(at::kDouble), s = target.to(at::kDouble);
  const Tensor scale = (x * s).sum(1, true) / (s * s).sum(1, true).clamp_min(1e-20);
  const Tensor wanted = scale * s;
  const Tensor error = x - wanted;
  return 10.0 * torch::log10(wanted.pow(2).sum(1) / error.pow(2).sum(1).clamp_min(1e-20));
}

namespace {
constexpr double kRate = 24000;
constexpr int64_t kMels = 80;
constexpr double kFloor = 1e-4;
}  // namespace

LogMelDistance::LogMelDistance() : stft_(1024, 256) {
  bank_ = mel_filter_bank(1024, kMels, kRate);
  // Bands are mean amplitudes, so that the floor means the same in each.
  bank_ = bank_ / bank_.sum(0, true).clamp_min(1e-8);
}

Tensor LogMelDistance::log_mel(const Tensor& wave) const {
  return at::matmul(stft_.magnitude(wave), bank_.to(wave.device())).clamp_min(kFloor).log();
}

Tensor LogMelDistance::distance(const Tensor& a, const Tensor& b) const {
  ensure(a.dim() == 2 && a.sizes() == b.sizes(), "LogMelDistance wants two tensors of one shape (N, S)");
  return (log_mel(a) - log_mel(b)).abs().mean({1, 2});
}

namespace {

constexpr double kSilence_db = -80, kTrebleSilence_db = -60;
constexpr double kAttack_db = 12;
constexpr double kAttackRange_db = 40;  // under the loudest; what is softer is not heard beside an attack
constexpr int64_t kBefore = 4;          // frames of 2.7 ms on each side of an attack
constexpr int64_t kApart = 8;           // frames in which an attack is the steepest

/// Level of the bins from `lowest` Hz up, wave (N, S) -> (N, T) in dB.
Tensor level_above(const Stft& stft, const Tensor& wave, double lowest) {
  const auto first = static_cast<int64_t>(lowest * static_cast<double>(stft.n_fft()) / kRate);
  const Tensor power = stft.magnitude(wave).slice(2, first).square().sum(2);
  return 10 * power.clamp_min(std::pow(10.0, kSilence_db / 10)).log10();
}

/// What is in the frames from each on, over what was in those before. level (N, T) -> (N, T - 2 kBefore + 1).
Tensor rises(const Tensor& level) {
  const Tensor windows = level.unfold(1, 2 * kBefore, 1);
  return std::get<0>(windows.slice(2, kBefore).max(2)) - windows.slice(2, 0, kBefore).mean(2);
}

Tensor mean_where(const Tensor& x, const Tensor& where) {
  const Tensor weight = where.to(x.scalar_type());
  return (x * weight).sum(1) / weight.sum(1).clamp_min(1);
}

}  // namespace

Crispness crispness(const Tensor& sound, const Tensor& target) {
  ensure(sound.dim() == 2 && sound.sizes() == target.sizes(), "crispness wants two tensors of one shape (N, S)");
  const Stft short_windows(256, 64), windows(1024, 256);
  const Tensor level = level_above(short_windows, target, 1000);
  Tensor attack = torch::zeros({sound.size(0)});
  if (level.size(1) >= 2 * kBefore) {
    const Tensor floor = std::get<0>(level.max(1, /*keepdim=*/true)) - kAttackRange_db;
    const Tensor wanted = rises(level.maximum(floor));
    const Tensor found = rises(level_above(short_windows, sound, 1000).maximum(floor));
    const Tensor most = at::max_pool1d(wanted.unsqueeze(1), 2 * kApart + 1, 1, kApart).squeeze(1);
    attack = mean_where(found - wanted, (wanted > kAttack_db) & (wanted == most));
  }
  const Tensor treble = level_above(windows, target, 6000);
  return {attack, mean_where(level_above(windows, sound, 6000) - treble, treble > kTrebleSilence_db)};
}

}  // namespace instructme
