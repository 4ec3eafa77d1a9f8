#include <torch/torch.h>
// The precompiled torch header comes first.
#include "expect_error.h"
#include "instructme/models/mask_head.h"

namespace instructme {
namespace {

using at::Tensor;

constexpr int64_t kHop = 16, kFrames = 20, kSamples = kHop * kFrames;

MaskHeadOptions tiny_options() {
  MaskHeadOptions o;
  o.n_fft = 64;
  o.hop = kHop;
  o.channels = 24;
  o.blocks = 2;
  o.query_dim = 8;
  o.instruments = {"bass", "flute", "organ"};
  return o;
}

MaskHead tiny_head(const MaskHeadOptions& options = tiny_options()) {
  torch::manual_seed(4);
  return MaskHead(options);
}

const Tensor& first_two() {
  static const Tensor instruments = torch::arange(2);
  return instruments;
}

TEST(MaskHead, AMaskOfOneIsTheSourceAndMasksAddUp) {
  MaskHead head = tiny_head();
  const torch::NoGradGuard no_grad;
  const Tensor wave = torch::randn({2, kSamples});
  const Tensor spectrum = head->spectrum(wave);
  EXPECT_EQ(spectrum.sizes(), at::IntArrayRef({2, kFrames, 33}));
  EXPECT_LT((head->inverse(spectrum, kSamples) - wave).abs().max().item<double>(), 1e-4);
  const Tensor mask = head->answer(head->listen(spectrum.abs()), first_two());
  EXPECT_EQ(mask.sizes(), spectrum.sizes());
  EXPECT_GT(mask.min().item<double>(), 0.0);
  EXPECT_LT(mask.max().item<double>(), 1.0);
  const Tensor part = head->inverse(spectrum * mask, kSamples), rest = head->inverse(spectrum * (1 - mask), kSamples);
  EXPECT_LT((part + rest - wave).abs().max().item<double>(), 1e-4);
}

TEST(MaskHead, FindsInstrumentsByName) {
  MaskHead head = tiny_head();
  EXPECT_EQ(head->find("bass"), 0);
  EXPECT_EQ(head->find("organ"), 2);
  EXPECT_EQ(head->find("kazoo"), std::nullopt);
}

TEST(MaskHead, AfterStandardisingTheLevelOfABinDoesNotMatter) {
  MaskHead head = tiny_head();
  const torch::NoGradGuard no_grad;
  const Tensor magnitude = torch::rand({4, kFrames, 33}) + 0.1;
  const Tensor louder = magnitude * torch::linspace(1, 1000, 33);
  head->standardise(magnitude);
  const Tensor heard = head->listen(magnitude);
  head->standardise(louder);
  EXPECT_LT((head->listen(louder) - heard).abs().max().item<double>(), 1e-2);
  EXPECT_GT((head->listen(magnitude) - heard).abs().max().item<double>(), 0.1);
}

TEST(MaskHead, TheLossIsZeroForTheStemAndDoesNotFavourSilence) {
  MaskHead head = tiny_head();
  const Tensor source = head->spectrum(torch::randn({3, kSamples}));
  const Tensor mask = torch::rand(source.sizes());
  EXPECT_LT(MaskHeadImpl::loss(mask, source, source * mask).max().item<double>(), 1e-3);
  // An empty mask leaves the stem's energy: sqrt(1 / 1.01) of the scale for the source itself.
  const Tensor silent = MaskHeadImpl::loss(torch::zeros_like(mask), source, source);
  EXPECT_LT((silent - std::sqrt(1 / 1.01)).abs().max().item<double>(), 1e-3);
  // Where the network cannot tell which of two equal stems is meant, half a mask is best.
  const auto undecided = [&](double m) {
    const Tensor half = torch::full_like(mask, m);
    const Tensor one = torch::zeros_like(mask);
    return (MaskHeadImpl::loss(half, source, source) + MaskHeadImpl::loss(half, source, source * one))
        .mean()
        .item<double>();
  };
  EXPECT_LT(undecided(0.1), undecided(0.0));
}

TEST(MaskHead, LearnsWhichOfTwoTonesIsAskedFor) {
  MaskHead head = tiny_head();
  const Tensor time = torch::arange(kSamples, at::kFloat);
  const Tensor low = torch::sin(2 * M_PI * 4 / 64 * time), high = torch::sin(2 * M_PI * 20 / 64 * time);
  const Tensor source = head->spectrum((low + high).expand({2, kSamples}));
  const Tensor stems = head->spectrum(torch::stack({low, high}));
  torch::optim::AdamW optimizer(head->parameters(), torch::optim::AdamWOptions(5e-3));
  double loss = 1.0;
  for (int step = 0; step < 120; ++step) {
    optimizer.zero_grad();
    const Tensor value =
        MaskHeadImpl::loss(head->answer(head->listen(source.abs()), first_two()), source, stems).mean();
    value.backward();
    optimizer.step();
    loss = value.item<double>();
  }
  EXPECT_LT(loss, 0.1);
  const torch::NoGradGuard no_grad;
  const Tensor part = head->inverse(source * head->answer(head->listen(source.abs()), first_two()), kSamples);
  EXPECT_LT((part - torch::stack({low, high})).pow(2).mean().item<double>(), 0.02);
}

TEST(MaskHead, SilenceAndOtherTypesGiveFiniteGradients) {
  MaskHead head = tiny_head();
  const Tensor source = head->spectrum(torch::zeros({1, kSamples}));
  MaskHeadImpl::loss(head->answer(head->listen(source.abs()), first_two().narrow(0, 0, 1)), source, source)
      .sum()
      .backward();
  for (const Tensor& weight : head->parameters()) {
    ASSERT_TRUE(weight.grad().defined());
    EXPECT_TRUE(weight.grad().isfinite().all().item<bool>());
  }
  const torch::NoGradGuard no_grad;
  const Tensor loud = head->spectrum(torch::randn({1, kSamples})).abs();
  const Tensor single = head->answer(head->listen(loud), first_two().narrow(0, 0, 1));
  head->to(at::kBFloat16);
  const Tensor half = head->answer(head->listen(loud), first_two().narrow(0, 0, 1));
  EXPECT_EQ(half.scalar_type(), at::kFloat);
  EXPECT_LT((half - single).abs().max().item<double>(), 0.03);
}

TEST(MaskHead, BadSizesAreErrors) {
  MaskHead head = tiny_head();
  expect_error(ErrorKind::kInternal, "wants magnitudes", [&] { head->listen(torch::randn({1, 4, 32})); });
  const Tensor heard = head->listen(torch::randn({2, 4, 33}).abs());
  expect_error(ErrorKind::kInternal, "one instrument for each", [&] { head->answer(heard, torch::arange(3)); });
  MaskHeadOptions options = tiny_options();
  options.n_fft = 72;
  expect_error(ErrorKind::kModel, "must be a multiple of", [&] { MaskHead{options}; });
  options = tiny_options();
  options.instruments.clear();
  expect_error(ErrorKind::kModel, "no instruments", [&] { MaskHead{options}; });
  const nlohmann::json even = {{"kernel", 4}};
  expect_error(ErrorKind::kModel, "kernel odd", [&] { MaskHeadOptions::read(ConfigReader(even, "mask")); });
  const nlohmann::json json = tiny_options().to_json();
  EXPECT_EQ(MaskHeadOptions::read(ConfigReader(json, "mask")).to_json(), json);
}

}  // namespace
}  // namespace instructme
