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
  o.bands = 24;
  o.channels = {12, 16};
  o.query_dim = 8;
  o.instruments = {"bass", "flute", "organ"};
  return o;
}

MaskHead tiny_head(const MaskHeadOptions& options = tiny_options()) {
  torch::manual_seed(4);
  return MaskHead(options);
}

/// The mask of instrument n in piece n.
Tensor masks(MaskHead& head, const Tensor& magnitude) {
  const Tensor which = torch::arange(magnitude.size(0));
  return head->scatter(head->answer(head->listen(magnitude), at::one_hot(which, 3).to(at::kFloat), which, which));
}

/// The loss of shares (N, T, B) of pieces of their own.
Tensor loss_of(MaskHead& head, const Tensor& shares, const Tensor& source, const Tensor& stem) {
  const Tensor piece = torch::arange(source.size(0));
  return head->loss(shares, head->compare(source, piece, stem), piece);
}

TEST(MaskHead, AMaskOfOneIsTheSourceAndMasksAddUp) {
  MaskHead head = tiny_head();
  const torch::NoGradGuard no_grad;
  const Tensor wave = torch::randn({2, kSamples});
  const Tensor spectrum = head->spectrum(wave);
  EXPECT_EQ(spectrum.sizes(), at::IntArrayRef({2, kFrames, 33}));
  EXPECT_LT((head->inverse(spectrum, kSamples) - wave).abs().max().item<double>(), 1e-4);
  const Tensor mask = masks(head, spectrum.abs());
  EXPECT_EQ(mask.sizes(), spectrum.sizes());
  EXPECT_GT(mask.min().item<double>(), 0.0);
  EXPECT_LT(mask.max().item<double>(), 1.0);
  const Tensor part = head->inverse(spectrum * mask, kSamples), rest = head->inverse(spectrum * (1 - mask), kSamples);
  EXPECT_LT((part + rest - wave).abs().max().item<double>(), 1e-4);
}

TEST(MaskHead, AGrownOneHearsTheSameUntilItLearns) {
  MaskHeadOptions options = tiny_options();
  MaskHead small = tiny_head(options);
  options.blocks = {1, 3};
  options.instruments.push_back("tuba");
  MaskHead grown(options);
  ASSERT_TRUE(grown->grow_from(*small));
  const torch::NoGradGuard no_grad;
  // Of the new instrument nothing is claimed here, so that the others share all as before.
  grown->share_bias[4] = -1e4;
  const Tensor magnitude = small->spectrum(torch::randn({1, kSamples})).abs();
  const Tensor before = small->masks(small->listen(magnitude), {1}),
               after = grown->masks(grown->listen(magnitude), {1});
  EXPECT_LT((after - before).abs().max().item<double>(), 1e-6);
  for (Tensor& weight : grown->answering->parameters()) weight.add_(0.1);
  const Tensor learned = grown->masks(grown->listen(magnitude), {1});
  EXPECT_GT((learned - before).abs().max().item<double>(), 1e-3);

  EXPECT_FALSE(small->grow_from(*grown)) << "it has fewer blocks";
  options.channels = {12, 20};
  EXPECT_FALSE(MaskHead(options)->grow_from(*small)) << "it has other channels";
}

TEST(MaskHead, BlocksAreANumberOrOneForEachLevel) {
  nlohmann::json json = tiny_options().to_json();
  json["blocks"] = 2;
  const MaskHeadOptions two = MaskHeadOptions::read(ConfigReader(json, "x"));
  EXPECT_EQ(two.blocks, std::vector<int64_t>({2}));
  EXPECT_EQ(two.blocks_at(1), 2);
  json["blocks"] = {1, 3};
  EXPECT_EQ(MaskHeadOptions::read(ConfigReader(json, "x")).blocks_at(1), 3);
  json["blocks"] = {1, 3, 2};
  expect_error(ErrorKind::kModel, "one number for all levels, or one for each",
               [&] { MaskHeadOptions::read(ConfigReader(json, "x")); });
  json["blocks"] = 0;
  expect_error(ErrorKind::kModel, "positive", [&] { MaskHeadOptions::read(ConfigReader(json, "x")); });
}

TEST(MaskHead, AllInstrumentsShareWhatThereIs) {
  MaskHead head = tiny_head();
  const torch::NoGradGuard no_grad;
  const MaskHeadImpl::Heard heard = head->listen(head->spectrum(torch::randn({1, kSamples})).abs());
  const Tensor all = torch::arange(3), zero = torch::zeros({3}, at::kLong);
  const Tensor untold = head->answer(heard, torch::zeros({1, 3}), zero, all);
  EXPECT_LT(untold.sum(0).max().item<double>(), 1.0);
  EXPECT_GT(untold.sum(0).mean().item<double>(), 0.5);  // a quarter each, and one for the rest
  const Tensor told = head->masks(heard, {2, 0});
  EXPECT_EQ(told.sizes(), at::IntArrayRef({2, kFrames, 33}));
  // Their odds against all else are twice those of the answer.
  const Tensor shares =
      head->answer(heard, torch::tensor({{1.0f, 0.0f, 1.0f}}), zero.narrow(0, 0, 2), torch::tensor({2, 0}, at::kLong));
  EXPECT_TRUE(told.allclose(head->scatter(2 * shares / (1 + shares.sum(0, true)))));
  EXPECT_LT(told.sum(0).max().item<double>(), 1.0);
  // What is said to be there changes the answer.
  EXPECT_GT((told[0] - head->scatter(untold)[2]).abs().max().item<double>(), 1e-4);
}

TEST(MaskHead, SomeFramesAreWhatTheyAreAmongAll) {
  MaskHead head = tiny_head();
  const torch::NoGradGuard no_grad;
  const MaskHeadImpl::Heard heard = head->listen(torch::rand({1, kFrames, 33}));
  const Tensor all = head->masks(heard, {0, 2});
  EXPECT_EQ(all.size(1), kFrames);
  for (const auto& [first, frames] : std::vector<std::pair<int64_t, int64_t>>{{0, 7}, {3, 10}, {6, 4}, {5, 15}}) {
    const Tensor some = head->masks(heard, {0, 2}, first, frames);
    EXPECT_TRUE(at::allclose(some, all.narrow(1, first, frames), 1e-5, 1e-6)) << first << " " << frames;
  }
  expect_error(ErrorKind::kInternal, "has not heard", [&] { head->masks(heard, {0}, 15, 6); });
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
  const Tensor heard = head->listen(magnitude).levels[0];
  head->standardise(louder);
  // Not exactly: a band is the energy of bins of different levels.
  EXPECT_LT((head->listen(louder).levels[0] - heard).abs().mean().item<double>(), 0.05);
  EXPECT_GT((head->listen(magnitude).levels[0] - heard).abs().mean().item<double>(), 0.5);
}

TEST(MaskHead, TheLossIsZeroForTheStemAndDoesNotFavourSilence) {
  MaskHead head = tiny_head();
  const Tensor source = head->spectrum(torch::randn({3, kSamples}));
  // Alike in all bands, as a band is one number to the loss.
  const Tensor shares = torch::rand({3, kFrames, 1}).expand({3, kFrames, 24});
  EXPECT_LT(loss_of(head, shares, source, source * head->scatter(shares)).abs().max().item<double>(), 1e-3);
  // An empty mask leaves the stem's energy: sqrt(1 / 1.01) of the scale for the source itself.
  const Tensor silent = loss_of(head, torch::zeros_like(shares), source, source);
  EXPECT_LT((silent - std::sqrt(1 / 1.01)).abs().max().item<double>(), 1e-3);
  // With a band for every bin it is the energy of what is wrong, whatever the share.
  MaskHeadOptions options = tiny_options();
  options.n_fft = 62;
  options.hop = 2;
  options.bands = 32;
  MaskHead exact(options);
  const Tensor whole = exact->spectrum(torch::randn({2, kSamples})),
               part = exact->spectrum(torch::randn({2, kSamples}));
  const Tensor some = torch::rand(whole.sizes());
  const Tensor weight = 1 / (whole.abs() + 1e-5);
  const auto energy = [&](const Tensor& x) { return (weight * x.abs().pow(2)).sum({1, 2}); };
  const Tensor expected = energy(whole * some - part) / (energy(whole) * (energy(part) + 0.01 * energy(whole))).sqrt();
  EXPECT_LT((loss_of(exact, some, whole, part) / expected - 1).abs().max().item<double>(), 1e-3);
  // Where the network cannot tell which of two equal stems is meant, half a mask is best.
  const auto undecided = [&](double m) {
    const Tensor half = torch::full_like(shares, m);
    return (loss_of(head, half, source, source) + loss_of(head, half, source, torch::zeros_like(source)))
        .mean()
        .item<double>();
  };
  EXPECT_LT(undecided(0.1), undecided(0.0));
}

TEST(MaskHead, LearnsWhichOfTwoTonesIsAskedFor) {
  MaskHead head = tiny_head();
  const auto shares = [&](const Tensor& magnitude) {
    const Tensor which = torch::arange(magnitude.size(0));
    return head->answer(head->listen(magnitude), at::one_hot(which, 3).to(at::kFloat), which, which);
  };
  const Tensor time = torch::arange(kSamples, at::kFloat);
  const Tensor low = torch::sin(2 * M_PI * 4 / 64 * time), high = torch::sin(2 * M_PI * 20 / 64 * time);
  const Tensor source = head->spectrum((low + high).expand({2, kSamples}));
  const Tensor stems = head->spectrum(torch::stack({low, high}));
  torch::optim::AdamW optimizer(head->parameters(), torch::optim::AdamWOptions(5e-3));
  double loss = 1.0;
  for (int step = 0; step < 120; ++step) {
    optimizer.zero_grad();
    const Tensor value = loss_of(head, shares(source.abs()), source, stems).mean();
    value.backward();
    optimizer.step();
    loss = value.item<double>();
  }
  EXPECT_LT(loss, 0.1);
  const torch::NoGradGuard no_grad;
  const Tensor part = head->inverse(source * masks(head, source.abs()), kSamples);
  EXPECT_LT((part - torch::stack({low, high})).pow(2).mean().item<double>(), 0.02);
}

TEST(MaskHead, SilenceAndOtherTypesGiveFiniteGradients) {
  MaskHead head = tiny_head();
  const Tensor source = head->spectrum(torch::zeros({1, kSamples})), zero = torch::zeros({1}, at::kLong);
  loss_of(head, head->answer(head->listen(source.abs()), torch::zeros({1, 3}), zero, zero), source, source)
      .sum()
      .backward();
  for (const Tensor& weight : head->parameters()) {
    ASSERT_TRUE(weight.grad().defined());
    EXPECT_TRUE(weight.grad().isfinite().all().item<bool>());
  }
  const torch::NoGradGuard no_grad;
  const Tensor loud = head->spectrum(torch::randn({1, kSamples})).abs();
  const Tensor single = masks(head, loud);
  head->to(at::kBFloat16);
  const Tensor half = masks(head, loud);
  EXPECT_EQ(half.scalar_type(), at::kFloat);
  EXPECT_LT((half - single).abs().max().item<double>(), 0.03);
}

TEST(MaskHead, WhatIsFurtherAwayThanTheContextIsNotHeard) {
  MaskHead head = tiny_head();
  const torch::NoGradGuard no_grad;
  for (auto& weight : head->parameters()) weight.add_(0.3 * torch::randn_like(weight));
  const int64_t frames = 3 * head->context() + 5, middle = 2 * head->context();
  const Tensor magnitude = torch::rand({1, frames, 33});
  const Tensor one = masks(head, magnitude);
  ASSERT_EQ(one.size(1), frames);
  Tensor other = magnitude.clone();
  other.narrow(1, 0, middle - head->context()).fill_(3.0);
  const Tensor changed = masks(head, other);
  // But for roundings: convolutions compute tiles of four frames together.
  EXPECT_LT((changed - one).narrow(1, middle, frames - middle).abs().max().item<double>(), 1e-5);
  EXPECT_GT((changed - one).narrow(1, middle - head->context(), 8).abs().max().item<double>(), 1e-4);
  // A piece cut at a multiple of the granularity is answered alike where its context is there.
  const int64_t cut = head->context() / head->granularity() * head->granularity();
  const Tensor piece = masks(head, magnitude.narrow(1, cut, frames - cut));
  const int64_t from = cut + head->context();
  EXPECT_LT(
      (piece.narrow(1, from - cut, frames - from) - one.narrow(1, from, frames - from)).abs().max().item<double>(),
      1e-5);
}

TEST(MaskHead, CountsItsProducts) {
  MaskHeadOptions options;
  options.n_fft = 64, options.hop = 16, options.bands = 16, options.channels = {2}, options.instruments = {"piano"};
  // A frame of two, with 8 places: two convolutions of 9 x 2 x 2 and two layers over the bands, of 8 x 4, for both
  // channels, to hear and to answer; then the claims of the piano and the rest to 16 bands.
  EXPECT_EQ(MaskHead(options)->products_per_frame(), 0.5 * 2 * (8 * 2 * 9 * 2 * 2 + 2 * 2 * (8 * 4)) + 2 * 2 * 16);
  options.blocks = {3};
  EXPECT_EQ(MaskHead(options)->products_per_frame(), 0.5 * 6 * (8 * 2 * 9 * 2 * 2 + 2 * 2 * (8 * 4)) + 2 * 2 * 16);
}

TEST(MaskHead, LongMusicGoesThroughInStrips) {
  MaskHead head = tiny_head();
  torch::NoGradGuard no_grad;
  for (auto& weight : head->parameters()) weight.add_(0.3 * torch::randn_like(weight));
  const Tensor magnitude = torch::rand({2, 1100, 33});
  int64_t steps = 0;
  const Tensor asked = torch::eye(3).narrow(0, 0, 2), which = torch::arange(2);
  const MaskHeadImpl::Heard heard = head->listen(magnitude, [&] { ++steps; });
  const Tensor strips = head->answer(heard, asked, which, which, 0, -1, [&] { ++steps; });
  EXPECT_EQ(steps, head->steps());
  Tensor whole;
  {
    const torch::AutoGradMode with_gradients(true);
    whole = head->answer(head->listen(magnitude), asked, which, which).detach();
  }
  EXPECT_EQ(strips.sizes(), whole.sizes());
  EXPECT_LT((strips - whole).abs().max().item<double>(), 1e-5);
  expect_error(ErrorKind::kCancelled, "",
               [&] { head->listen(magnitude, [] { throw Error(ErrorKind::kCancelled, "stop"); }); });
}

TEST(MaskHead, BadSizesAreErrors) {
  MaskHead head = tiny_head();
  expect_error(ErrorKind::kInternal, "wants magnitudes", [&] { head->listen(torch::randn({1, 4, 32})); });
  const MaskHeadImpl::Heard heard = head->listen(torch::randn({2, 4, 33}).abs());
  expect_error(ErrorKind::kInternal, "whose mask is wanted", [&] {
    head->answer(heard, torch::zeros({2, 2}), torch::arange(2), torch::arange(2));
  });
  MaskHeadOptions options = tiny_options();
  options.n_fft = 72;
  expect_error(ErrorKind::kModel, "must be a multiple of", [&] { MaskHead{options}; });
  options.n_fft = 60;
  options.hop = 15;
  expect_error(ErrorKind::kModel, "which must be even", [&] { MaskHead{options}; });
  options = tiny_options();
  options.instruments.clear();
  expect_error(ErrorKind::kModel, "no instruments", [&] { MaskHead{options}; });
  options = tiny_options();
  options.bands = 26;
  expect_error(ErrorKind::kModel, "cannot be halved 2 times", [&] { MaskHead{options}; });
  options.bands = 36;
  expect_error(ErrorKind::kModel, "cannot be gathered in", [&] { MaskHead{options}; });
  const nlohmann::json none = {{"channels", nlohmann::json::array()}};
  expect_error(ErrorKind::kModel, "1 to 8 levels", [&] { MaskHeadOptions::read(ConfigReader(none, "mask")); });
  const nlohmann::json json = tiny_options().to_json();
  EXPECT_EQ(MaskHeadOptions::read(ConfigReader(json, "mask")).to_json(), json);
}

}  // namespace
}  // namespace instructme
