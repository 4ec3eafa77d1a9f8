#include "instructme/ears/mulan.h"

#include <torch/torch.h>

#include <cmath>

#include "expect_error.h"

namespace instructme {
namespace {

using at::Tensor;

MuLan tiny_mulan() {
  MuLanOptions o;
  o.features = 6;
  o.channels = 16;
  o.vocab_size = 40;
  o.text_channels = 12;
  o.text_blocks = 1;
  o.embedding = 8;
  torch::manual_seed(11);
  MuLan net(o);
  net->eval();  // no dropout
  return net;
}

TEST(MuLan, EmbedsInOneSpaceAndPaddingChangesNothing) {
  MuLan net = tiny_mulan();
  const torch::NoGradGuard no_grad;
  const Tensor music = net->embed_music(torch::randn({3, 30, 6}));
  ASSERT_EQ(music.sizes(), at::IntArrayRef({3, 8}));
  EXPECT_LT((music.norm(2, 1) - 1).abs().max().item<double>(), 1e-5);
  const Tensor ids = torch::randint(3, 40, {2, 5}), mask = torch::ones({2, 5}, at::kBool);
  const Tensor text = net->embed_text(ids, mask);
  ASSERT_EQ(text.sizes(), at::IntArrayRef({2, 8}));
  const Tensor padded = net->embed_text(at::constant_pad_nd(ids, {0, 4}), at::constant_pad_nd(mask, {0, 4}));
  EXPECT_LT((text - padded).abs().max().item<double>(), 1e-5);
  expect_error(ErrorKind::kInternal, "features (N, B, F)", [&] { net->embed_music(torch::zeros({1, 4, 5})); });
}

MuLanJudge tiny_judge() {
  TaggerOptions o;
  o.bands = 16;
  o.channels = {2, 2, 3, 4};
  o.hidden = 3;
  o.kernel = 3;
  o.instruments = {"piano"};
  o.genres = {"rock"};
  torch::manual_seed(12);
  MuLanOptions net;
  net.features = 6;
  net.channels = 8;
  net.vocab_size = 512;
  net.text_channels = 8;
  net.text_blocks = 1;
  net.embedding = 4;
  const auto spiece = std::string(INSTRUCTME_SOURCE_DIR) + "/models/default/text_encoder/spiece.model";
  return {MuLan(net), Tagger(o), Tokenizer(spiece)};
}

TEST(MuLan, ComparesWavesOfAnyLevelAndLength) {
  MuLanJudge judge = tiny_judge();
  const torch::NoGradGuard no_grad;
  const Tensor waves = 0.1 * torch::randn({2, 15000});
  const Tensor scores = judge.similarity(waves, {"fast music with piano", "slow music", "rock"});
  ASSERT_EQ(scores.sizes(), at::IntArrayRef({2, 3}));
  EXPECT_LE(scores.abs().max().item<double>(), 1 + 1e-5);
  EXPECT_LT((judge.similarity(3 * waves, {"rock"}) - scores.narrow(1, 2, 1)).abs().max().item<double>(), 1e-3);
}

TEST(MuLan, TheGradientReachesTheLatent) {
  MuLanJudge judge = tiny_judge();
  VaeOptions o;
  o.latent_channels = 4;
  o.encoder_channels = o.decoder_channels = 8;
  o.encoder_blocks = o.decoder_blocks = 1;
  Vae vae(o);
  vae->eval();
  Tensor latents = torch::randn({1, 30, 4}).requires_grad_();
  const auto similarity = [&] { return judge.similarity(vae, latents, {"music with piano"}).sum(); };
  similarity().backward();
  // Along the gradient the similarity grows as it says.
  const Tensor gradient = latents.grad().clone();
  const double steepness = gradient.pow(2).sum().item<double>();
  ASSERT_GT(steepness, 0);
  const torch::NoGradGuard no_grad;
  const double step = 1e-3 / std::sqrt(steepness);
  latents.add_(gradient, step);
  const double up = similarity().item<double>();
  latents.add_(gradient, -2 * step);
  const double down = similarity().item<double>();
  EXPECT_NEAR((up - down) / (2 * step) / steepness, 1, 0.1);
}

TEST(MuLan, LearnsWhichBelongTogetherAndLeavesOutWhatIsTheSame) {
  MuLan net = tiny_mulan();
  const Tensor latents = torch::randn({6, 12, 6}), ids = torch::randint(3, 40, {6, 4});
  const Tensor mask = torch::ones({6, 4}, at::kBool), different = torch::eye(6).to(at::kBool);
  torch::optim::Adam optimizer(net->parameters(), 1e-2);
  for (int i = 0; i < 60; ++i) {
    optimizer.zero_grad();
    net->loss(net->embed_music(latents), net->embed_text(ids, mask), different).backward();
    optimizer.step();
  }
  const torch::NoGradGuard no_grad;
  const Tensor scores = net->embed_music(latents).matmul(net->embed_text(ids, mask).t());
  EXPECT_TRUE(scores.argmax(1).eq(torch::arange(6)).all().item<bool>());
  // When all are the same music, nothing can be mistaken.
  const Tensor all_same = torch::ones({6, 6}, at::kBool);
  EXPECT_LT(net->loss(torch::randn({6, 8}), torch::randn({6, 8}), all_same).item<double>(), 1e-3);
}

TEST(MuLan, WantsAModelFolderThatHasOne) {
  expect_error(ErrorKind::kMissing, "mulan.json", [] { MuLanJudge::load("/nowhere"); });
}

}  // namespace
}  // namespace instructme
