#include "instructme/models/spectral_bands.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace instructme {
namespace {

using at::Tensor;

TEST(SpectralBands, BandsAreBinsAtTheBottomAndWidenByARatio) {
  const std::vector<double> centres = band_centres(961, 256);
  ASSERT_EQ(centres.size(), 256u);
  EXPECT_EQ(centres.front(), 0.0);
  EXPECT_EQ(centres.back(), 960.0);
  EXPECT_DOUBLE_EQ(centres[40] - centres[39], 1.0);
  EXPECT_NEAR(centres[201] / centres[200], centres[251] / centres[250], 1e-9);
  for (size_t i = 1; i < centres.size(); ++i) EXPECT_GT(centres[i] - centres[i - 1], 0.999);
  const std::vector<double> all = band_centres(33, 33);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_NEAR(all[i], static_cast<double>(i), 1e-3);
}

TEST(SpectralBands, GatheringIsTheTransposeOfScattering) {
  const SpectralBands some(33, 24);
  const Tensor bins = torch::rand({2, 3, 33}), bands = torch::rand({2, 3, 24});
  EXPECT_LT((some.scatter(torch::ones({24})) - 1).abs().max().item<double>(), 1e-6);
  EXPECT_NEAR((some.gather(bins) * bands).sum().item<double>(), (some.scatter(bands) * bins).sum().item<double>(),
              1e-3);
  const Tensor differentiable = bins.clone().requires_grad_();
  EXPECT_LT((some.gather(differentiable) - some.gather(bins)).abs().max().item<double>(), 1e-5);
}

TEST(SpectralBands, StemsAreComparedInOnePassAsByOperations) {
  const SpectralBands bands(65, 40);
  torch::manual_seed(1);
  const Tensor mixture = torch::randn({2, 70, 65}, at::kComplexFloat),
               stem = torch::randn({3, 70, 65}, at::kComplexFloat);
  const Tensor piece = torch::tensor({1, 0, 1}, at::kLong);
  const BandedStems fast = bands.gather_stems(mixture, piece, stem, 1e-3);
  const BandedStems slow = bands.gather_stems(mixture.to(at::kComplexDouble), piece, stem.to(at::kComplexDouble), 1e-3);
  const auto expect_same = [](const Tensor& a, const Tensor& b) {
    ASSERT_EQ(a.sizes(), b.sizes());
    EXPECT_LT(((a - b).abs() / (b.abs() + 1)).max().item<double>(), 1e-5);
  };
  expect_same(fast.mixture_power, slow.mixture_power);
  expect_same(fast.mixture_energy, slow.mixture_energy);
  expect_same(fast.product, slow.product);
  expect_same(fast.stem_energy, slow.stem_energy);
  expect_same(fast.mixture, slow.mixture);
  expect_same(fast.stem, slow.stem);
  expect_same(fast.rest, slow.rest);
}

}  // namespace
}  // namespace instructme
