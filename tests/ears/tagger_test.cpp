#include "instructme/ears/tagger.h"

#include <torch/torch.h>

#include "expect_error.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

using at::Tensor;

TaggerOptions tiny_tagger_options() {
  TaggerOptions o;
  o.bands = 32;
  o.channels = {4, 4, 6, 8};
  o.hidden = 16;
  o.kernel = 3;
  o.instruments = {"bass", "flute", "piano"};
  o.genres = {"jazz", "rock"};
  return o;
}

Tagger tiny_tagger() {
  torch::manual_seed(2);
  Tagger net(tiny_tagger_options());
  net->eval();
  return net;
}

TEST(Tagger, SaysSomethingOfEveryHalfSecond) {
  Tagger net = tiny_tagger();
  const torch::NoGradGuard no_grad;
  const TaggerLogits said = net->forward(net->spectrum(torch::randn({2, 4 * TaggerImpl::kBlockSamples})));
  EXPECT_EQ(said.blocks.sizes(), at::IntArrayRef({2, 4, 3}));
  EXPECT_EQ(said.genres.sizes(), at::IntArrayRef({2, 2}));
  expect_error(ErrorKind::kInternal, "whole half seconds", [&] { net->forward(torch::zeros({1, 30, 32})); });
}

TEST(Tagger, HearsAnyLength) {
  Tagger net = tiny_tagger();
  torch::manual_seed(4);
  for (const int64_t samples : {int64_t{1}, int64_t{7000}, int64_t{30000}, 25 * TaggerImpl::kBlockSamples + 5}) {
    const Tags tags = listen_for_tags(net, torch::randn({samples}) * 0.1);
    const int64_t blocks = (samples + TaggerImpl::kBlockSamples - 1) / TaggerImpl::kBlockSamples;
    EXPECT_EQ(tags.blocks.sizes(), at::IntArrayRef({blocks, 3})) << samples;
    EXPECT_EQ(tags.instruments.sizes(), at::IntArrayRef({3}));
    EXPECT_NEAR(tags.genres.sum().item<double>(), 1.0, 1e-5);
    EXPECT_TRUE(tags.instruments.ge(0).all().item<bool>() && tags.instruments.le(1).all().item<bool>());
  }
  expect_error(ErrorKind::kInput, "not finite", [&] { listen_for_tags(net, torch::full({100}, NAN)); });
}

TEST(Tagger, PoolingIsTheMeanOfEqualsAndNearTheHighestOfOthers) {
  const Tensor equal = torch::full({5, 1}, 0.3), one = torch::tensor({0.0, 0.9, 0.0, 0.01}).unsqueeze(1);
  EXPECT_NEAR(TaggerImpl::pool(equal).item<double>(), 0.3, 1e-6);
  EXPECT_NEAR(TaggerImpl::pool(one).item<double>(), 0.89, 0.01);
  EXPECT_EQ(TaggerImpl::pool(torch::zeros({4, 2})).abs().max().item<double>(), 0.0);
}

TEST(Tagger, IsSavedAndLoadedWithItsThresholds) {
  const TempDir folder;
  const CalibratedTagger before{tiny_tagger(), {0.2, 0.3, 0.7}, {0.4, 0.6}};
  save_tagger(before, folder.path(), 5);
  CalibratedTagger after = load_tagger(folder.path());
  EXPECT_EQ(after.instrument_thresholds, before.instrument_thresholds);
  EXPECT_EQ(after.genre_thresholds, before.genre_thresholds);
  EXPECT_EQ(after.net->options.instruments, before.net->options.instruments);
  Tagger net = before.net;
  const Tensor wave = torch::randn({24000}) * 0.1;
  EXPECT_LT((listen_for_tags(net, wave).blocks - listen_for_tags(after.net, wave).blocks).abs().max().item<double>(),
            0.03);
  nlohmann::json config = read_json_file(folder.path() / "tagger.json");
  config["instrument_thresholds"] = {0.1};
  write_json_file(folder.path() / "tagger.json", config);
  expect_error(ErrorKind::kModel, "one number", [&] { load_tagger(folder.path()); });
  config["network"]["bands"] = 30;
  write_json_file(folder.path() / "tagger.json", config);
  expect_error(ErrorKind::kModel, "multiple of 16", [&] { load_tagger(folder.path()); });
}

TEST(Tagger, SaysTheSameWhenItHasGrown) {
  const torch::NoGradGuard no_grad;
  const Tensor wave = torch::randn({2, 4 * TaggerImpl::kBlockSamples});
  TaggerOptions some = tiny_tagger_options();
  some.refinements = {1, 2, 1, 2};
  Tagger before(some);
  // As if it had been trained.
  for (at::Tensor& norm : before->refinement_norms) norm.uniform_(0.5, 1.5);
  TaggerOptions more = some;
  more.refinements = {2, 3, 1, 2};
  more.instruments.push_back("violin");
  Tagger after(more);
  ASSERT_TRUE(after->grow_from(*before));
  const TaggerLogits a = before->forward(before->spectrum(wave)), b = after->forward(after->spectrum(wave));
  EXPECT_TRUE(torch::allclose(a.blocks, b.blocks.slice(2, 0, 3), 1e-5, 1e-6));
  EXPECT_TRUE(torch::allclose(a.genres, b.genres, 1e-5, 1e-6));
  EXPECT_FALSE(before->grow_from(*after));
}

TEST(Tagger, WantsSomethingToTell) {
  TaggerOptions o = tiny_tagger_options();
  o.instruments.clear();
  expect_error(ErrorKind::kModel, "no instruments", [&] { Tagger{o}; });
}

}  // namespace
}  // namespace instructme
