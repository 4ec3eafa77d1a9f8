#include "instructme/ears/key_net.h"

#include <torch/torch.h>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "instructme/score/chord.h"

namespace instructme {
namespace {

using at::Tensor;

/// A network that has been nowhere but knows something.
KeyNet random_net() {
  torch::manual_seed(3);
  KeyNet net(KeyNetOptions{});
  const torch::NoGradGuard no_grad;
  net->weight.normal_();
  net->bias.normal_();
  return net;
}

TEST(KeyNet, ATransposedSongHasATransposedKey) {
  KeyNet net = random_net();
  const torch::NoGradGuard no_grad;
  const Tensor chords = torch::rand({kChordClasses});
  const Tensor said = net->forward(chords).view({2, 12});
  for (const int up : {1, 5, 11}) {
    Tensor moved = chords.clone();
    for (int c = 1; c < kChordClasses; ++c) {
      Chord chord = chord_of_class(c);
      chord.root = (chord.root + up) % 12;
      moved[chord_class(chord)] = chords[c];
    }
    EXPECT_TRUE(at::allclose(net->forward(moved).view({2, 12}), said.roll(up, 1), 1e-5, 1e-5));
  }
}

TEST(KeyNet, NoChordSaysNothingButTheMode) {
  KeyNet net = random_net();
  const torch::NoGradGuard no_grad;
  Tensor silence = torch::zeros({kChordClasses});
  silence[0] = 1;
  const Tensor said = net->forward(silence).view({2, 12});
  EXPECT_TRUE(at::allclose(said, net->bias.unsqueeze(1).expand({2, 12})));
}

TEST(KeyNet, IsWrittenAndReadBack) {
  const TempDir folder;
  KeyNet net = random_net();
  net->options.seconds = 12;
  save_key_net(net, folder.path(), 7);
  KeyNet loaded = load_key_net(folder.path());
  EXPECT_EQ(loaded->options.seconds, 12);
  const torch::NoGradGuard no_grad;
  const Tensor chords = torch::rand({4, kChordClasses});
  EXPECT_TRUE(at::allclose(loaded->forward(chords), net->forward(chords), 0.02, 0.05));
  write_file_atomically(folder.path() / "keys.json", R"({"network": {"seconds": 0}})");
  expect_error(ErrorKind::kModel, "seconds", [&] { load_key_net(folder.path()); });
  write_file_atomically(folder.path() / "keys.json", R"({"network": {"second": 1}})");
  expect_error(ErrorKind::kModel, "second", [&] { load_key_net(folder.path()); });
  expect_error(ErrorKind::kIo, "keys.json", [&] { load_key_net(folder.path() / "none"); });
}

}  // namespace
}  // namespace instructme
