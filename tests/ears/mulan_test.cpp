#include "instructme/ears/mulan.h"

#include <torch/torch.h>

#include "expect_error.h"

namespace instructme {
namespace {

using at::Tensor;

MuLan tiny_mulan() {
  MuLanOptions o;
  o.latent_channels = 6;
  o.channels = 16;
  o.blocks = 1;
  o.vocab_size = 40;
  o.text_channels = 12;
  o.text_blocks = 1;
  o.embedding = 8;
  torch::manual_seed(11);
  return MuLan(o);
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
  expect_error(ErrorKind::kInternal, "latents (N, T, C)", [&] { net->embed_music(torch::zeros({1, 4, 5})); });
}

TEST(MuLan, TheGradientReachesTheLatent) {
  MuLan net = tiny_mulan();
  const Tensor text = net->embed_text(torch::randint(3, 40, {1, 4}), torch::ones({1, 4}, at::kBool)).detach();
  Tensor latents = torch::randn({1, 9, 6}).requires_grad_();
  const auto similarity = [&] { return net->embed_music(latents).matmul(text.t()).sum(); };
  similarity().backward();
  const Tensor gradient = latents.grad().clone();
  const torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-2;
  for (const int64_t i : {0, 20, 53}) {
    float* const x = latents.data_ptr<float>() + i;
    const float before = *x;
    *x = before + static_cast<float>(kStep);
    const double up = similarity().item<double>();
    *x = before - static_cast<float>(kStep);
    const double down = similarity().item<double>();
    *x = before;
    // Single precision leaves three digits of the difference.
    EXPECT_NEAR(gradient.flatten()[i].item<double>(), (up - down) / (2 * kStep), 1e-3);
  }
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
