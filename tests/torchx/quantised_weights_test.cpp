#include "instructme/torchx/quantised_weights.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "expect_error.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

TEST(QuantisedWeights, RoundTripIsWithinHalfAStepOfEachRow) {
  torch::manual_seed(1);
  const TempDir folder;
  const auto matrix = torch::randn({64, 100}) * torch::logspace(-3, 2, 64).unsqueeze(1), vector = torch::randn({50});
  const auto counts = torch::arange(7);
  save_weights(folder.path() / "w.safetensors", {{"m", matrix}, {"v", vector}, {"n", counts}}, WeightFormat::kInt8);
  const TensorMap back = load_weights(folder.path() / "w.safetensors");
  ASSERT_EQ(back.size(), 3u);
  const auto step = matrix.abs().amax(1) / 127;
  EXPECT_LE(((back.at("m") - matrix).abs().amax(1) / step).max().item<double>(), 0.501);
  EXPECT_TRUE(torch::equal(back.at("v"), vector.to(at::kBFloat16)));
  EXPECT_TRUE(torch::equal(back.at("n"), counts));
  EXPECT_LT(std::filesystem::file_size(folder.path() / "w.safetensors"), 64 * 100 + 1500u);
}

TEST(QuantisedWeights, BFloat16KeepsSmallMatricesAndZeros) {
  const TempDir folder;
  const auto zeros = torch::zeros({80, 80});
  for (const auto format : {WeightFormat::kBFloat16, WeightFormat::kInt8}) {
    save_weights(folder.path() / "w.safetensors", {{"z", zeros}}, format);
    EXPECT_EQ(load_weights(folder.path() / "w.safetensors").at("z").abs().max().item<double>(), 0.0);
  }
}

TEST(QuantisedWeights, MissingOrStrayScalesAreErrors) {
  const TempDir folder;
  const auto file = folder.path() / "w.safetensors";
  const auto matrix = torch::ones({4, 3}, at::kChar);
  save_tensors(file, {{"m", matrix}});
  expect_error(ErrorKind::kModel, "'m.row_scale'", [&] { load_weights(file); });
  save_tensors(file, {{"m", matrix}, {"m.row_scale", torch::ones({3})}});
  expect_error(ErrorKind::kModel, "one value per row", [&] { load_weights(file); });
  save_tensors(file, {{"x.row_scale", torch::ones({3})}});
  expect_error(ErrorKind::kModel, "no 8-bit matrix", [&] { load_weights(file); });
}

TEST(QuantisedWeights, UnknownFormatNamesTheNearest) {
  expect_error(ErrorKind::kUsage, "int8", [] { parse_weight_format("int9"); });
}

}  // namespace
}  // namespace instructme
