#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "instructme/train/spectral_losses.h"

namespace instructme {
namespace {

using at::Tensor;
using Loss = std::function<Tensor(const Tensor&, const Tensor&)>;

std::vector<std::pair<const char*, Loss>> losses() {
  return {{"stft", MultiResolutionStftLoss({512, 128})}, {"mel", MelLoss(24000, {{1024, 40}, {256, 16}})}};
}

Tensor noise(uint64_t seed) {
  torch::manual_seed(seed);
  return torch::randn({2, 2400}) * 0.1;
}

TEST(SpectralLosses, NothingForEqualsMoreForWhatIsFurther) {
  const Tensor target = noise(1), error = noise(2);
  for (const auto& [name, loss] : losses()) {
    SCOPED_TRACE(name);
    EXPECT_LT(loss(target, target).item<double>(), 1e-4);
    double previous = 1e-3;
    for (double share : {0.05, 0.2, 0.8}) {
      const double value = loss(target + share * error, target).item<double>();
      EXPECT_GT(value, previous);
      previous = value;
    }
  }
}

TEST(SpectralLosses, TheSignOfTheWaveDoesNotCount) {
  const Tensor target = noise(1);
  for (const auto& [name, loss] : losses()) EXPECT_LT(loss(-target, target).item<double>(), 1e-4) << name;
}

TEST(SpectralLosses, HalfTheAmplitudeIsLogTwo) {
  const Tensor target = noise(1) * 5;
  EXPECT_NEAR(MelLoss(24000, {{1024, 16}})(0.5 * target, target).item<double>(), std::log(2.0), 0.01);
  EXPECT_NEAR(MultiResolutionStftLoss({256})(0.5 * target, target).item<double>(), std::log(2.0) + 0.5, 0.02);
}

TEST(SpectralLosses, SilenceIsFinite) {
  const Tensor silence = torch::zeros({1, 2400});
  for (const auto& [name, loss] : losses()) {
    SCOPED_TRACE(name);
    for (const auto& [estimate, target] : std::vector<std::pair<Tensor, Tensor>>{
             {silence, noise(1).narrow(0, 0, 1)}, {noise(1).narrow(0, 0, 1), silence}, {silence, silence}}) {
      Tensor x = estimate.clone().requires_grad_(true);
      const Tensor value = loss(x, target);
      value.backward();
      EXPECT_TRUE(std::isfinite(value.item<double>()));
      EXPECT_TRUE(x.grad().isfinite().all().item<bool>());
    }
  }
}

TEST(SpectralLosses, GradientsAgainstDifferences) {
  const Tensor target = noise(1), estimate = noise(2), direction = noise(3);
  for (const auto& [name, loss] : losses()) {
    SCOPED_TRACE(name);
    Tensor x = estimate.clone().requires_grad_(true);
    loss(x, target).backward();
    // Down the gradient, where the loss changes most, and along any direction.
    for (const Tensor& along : {direction, Tensor(0.1 * x.grad() / x.grad().norm())}) {
      const double slope = (x.grad() * along).sum().item<double>();
      const double step = 1e-3;
      const double difference =
          (loss(estimate + step * along, target) - loss(estimate - step * along, target)).item<double>() / (2 * step);
      EXPECT_NEAR(difference, slope, 0.03 * std::abs(slope) + 2e-3);
    }
  }
}

TEST(KlLoss, ZeroForTheStandardNormalOnly) {
  const Tensor zero = torch::zeros({2, 3, 4});
  EXPECT_EQ(kl_loss(zero, zero).item<double>(), 0.0);
  for (double mean : {-1.0, 0.0, 0.5})
    for (double log_variance : {-2.0, 0.0, 1.0}) {
      const double wanted = 0.5 * (mean * mean + std::exp(log_variance) - 1 - log_variance);
      EXPECT_NEAR(kl_loss(zero + mean, zero + log_variance).item<double>(), wanted, 1e-6);
    }
}

TEST(KlLoss, GradientAgainstDifferences) {
  torch::manual_seed(1);
  const auto options = torch::TensorOptions().dtype(at::kDouble).requires_grad(true);
  Tensor mean = torch::randn({2, 3}, options), log_variance = torch::randn({2, 3}, options);
  kl_loss(mean, log_variance).backward();
  torch::NoGradGuard no_grad;
  for (Tensor* x : {&mean, &log_variance})
    for (int64_t i = 0; i < 6; ++i) {
      const auto shifted = [&](double by) {
        Tensor other = x->clone();
        other.view({-1})[i] += by;
        return (x == &mean ? kl_loss(other, log_variance) : kl_loss(mean, other)).item<double>();
      };
      EXPECT_NEAR((shifted(1e-5) - shifted(-1e-5)) / 2e-5, x->grad().view({-1})[i].item<double>(), 1e-8);
    }
}

}  // namespace
}  // namespace instructme
