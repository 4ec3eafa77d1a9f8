#include "instructme/ears/beat_net.h"

#include <torch/torch.h>

#include "expect_error.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

using at::Tensor;

BeatNet tiny_beat_net() {
  BeatNetOptions o;
  o.channels = 8;
  o.blocks = 1;
  o.kernel = 3;
  o.slow_channels = 12;
  o.slow_blocks = 1;
  o.slow_kernel = 5;
  torch::manual_seed(6);
  BeatNet net(o);
  net->eval();
  return net;
}

TEST(BeatNet, HasAnAnswerForEveryFrame) {
  BeatNet net = tiny_beat_net();
  const BeatSpectrum spectrum;
  const torch::NoGradGuard no_grad;
  for (const int64_t frames : {1, 5, 8}) {
    const Tensor x = spectrum.forward(torch::randn({2, frames * kBeatHop}) * 0.1);
    ASSERT_EQ(x.size(1), frames);
    EXPECT_EQ(net->forward(x).sizes(), at::IntArrayRef({2, frames, 2}));
  }
  expect_error(ErrorKind::kInternal, "own width", [&] { net->forward(torch::zeros({1, 4, 3})); });
}

TEST(BeatNet, LongMusicTakenInPiecesHasTheAnswersOfTheWhole) {
  BeatNet net = tiny_beat_net();
  const BeatSpectrum spectrum;
  const torch::NoGradGuard no_grad;
  torch::manual_seed(8);
  const Tensor wave = torch::randn({1, 6100 * kBeatHop}) * 0.1;
  const Tensor pieces = beat_activations(net, spectrum, wave);
  ASSERT_EQ(pieces.sizes(), at::IntArrayRef({6100, 2}));
  const Tensor scaled = wave * (0.1 / wave.square().mean().sqrt().item<double>());
  const Tensor whole = net->forward(spectrum.forward(scaled)).sigmoid()[0];
  EXPECT_LT((pieces - whole).abs().max().item<double>(), 1e-3);
  expect_error(ErrorKind::kInput, "not finite", [&] { beat_activations(net, spectrum, torch::full({500}, NAN)); });
}

TEST(BeatNet, IsSavedAndLoaded) {
  const TempDir folder;
  BeatNet net = tiny_beat_net();
  save_beat_net(net, folder.path(), 3);
  BeatNet loaded = load_beat_net(folder.path());
  const BeatSpectrum spectrum;
  const Tensor wave = torch::randn({24000}) * 0.1;
  EXPECT_LT(
      (beat_activations(net, spectrum, wave) - beat_activations(loaded, spectrum, wave)).abs().max().item<double>(),
      0.01);
  write_file_atomically(folder.path() / "beats.json", R"({"network": {"slow_kernel": 8}})");
  expect_error(ErrorKind::kModel, "kernels odd", [&] { load_beat_net(folder.path()); });
}

}  // namespace
}  // namespace instructme
