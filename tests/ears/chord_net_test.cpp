#include "instructme/ears/chord_net.h"

#include <torch/torch.h>

#include "expect_error.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

using at::Tensor;

ChordNetOptions tiny_chord_options() {
  ChordNetOptions o;
  o.semitones = 48;
  o.lowest = 36;
  o.channels = 6;
  o.blocks = 2;
  o.kernel = 5;
  return o;
}

ChordNet tiny_chord_net() {
  torch::manual_seed(3);
  ChordNet net(tiny_chord_options());
  net->eval();
  return net;
}

/// Logits with all roots `semitones` higher.
Tensor transpose_roots(const Tensor& logits, int64_t semitones) {
  const Tensor chords = logits.slice(2, 1).reshape({logits.size(0), logits.size(1), kChordQualities, 12});
  return torch::cat({logits.slice(2, 0, 1), chords.roll({semitones}, {3}).flatten(2)}, 2);
}

TEST(ChordNet, LayersDoTheSameInEveryKey) {
  torch::manual_seed(3);
  const torch::NoGradGuard no_grad;
  PitchClassBlock block(6, 2, 5, 1.0);
  const auto rotate = [](const Tensor& x, int64_t shift) {
    return x.reshape({2, 4, 12, 6}).roll({shift}, {2}).reshape({2, 4, 72});
  };
  const Tensor x = torch::randn({2, 4, 72});
  for (const int64_t shift : {1, 5, 11})
    EXPECT_LT((block(rotate(x, shift)) - rotate(block(x), shift)).abs().max().item<double>(), 1e-5);
}

TEST(ChordNet, MusicASemitoneHigherHasChordsASemitoneHigher) {
  ChordNetOptions o = tiny_chord_options();
  o.blocks = 0;
  torch::manual_seed(5);
  ChordNet net(o);
  const torch::NoGradGuard no_grad;
  // Without blocks, and with a head that looks at its own pitch class alone, moving the spectrum up by a semitone moves
  // all roots but the last, which leaves the axis.
  net->output->weight.slice(0, kChordQualities).zero_();
  const int64_t bins = net->semitones() * 3;
  const Tensor spectrum = torch::rand({1, 3, bins, 2});
  const Tensor higher = torch::cat({torch::zeros({1, 3, 3, 2}), spectrum.slice(2, 0, bins - 3)}, 2);
  const auto but_the_first_root = [](const Tensor& logits) {
    const Tensor chords = logits.slice(2, 1).reshape({1, 3, kChordQualities, 12}).slice(3, 1).flatten(2);
    // The norm before the head is over all pitch classes, so the one that left changes the scale of the others.
    return chords / chords.norm(2, 2, true);
  };
  const Tensor a = but_the_first_root(transpose_roots(net->forward(spectrum), 1));
  const Tensor b = but_the_first_root(net->forward(higher));
  EXPECT_LT((a - b).abs().max().item<double>(), 1e-4);
}

TEST(ChordNet, PitchClassLinearHasTheGradientOfItsSum) {
  PitchClassLinear layer(2, 3);
  layer->to(at::kDouble);
  const Tensor x = torch::randn({4, 24}, at::kDouble).requires_grad_();
  const Tensor out = layer(x);
  ASSERT_EQ(out.sizes(), at::IntArrayRef({4, 36}));
  // By the definition.
  const Tensor w = layer->weight.reshape({12, 3, 2});
  for (int64_t p = 0; p < 12; ++p) {
    Tensor expected = layer->bias.expand({4, 3});
    for (int64_t q = 0; q < 12; ++q)
      expected = expected + x.slice(1, 2 * q, 2 * q + 2).matmul(w[(q - p + 12) % 12].t());
    EXPECT_LT((out.slice(1, 3 * p, 3 * p + 3) - expected).abs().max().item<double>(), 1e-12);
  }
  out.square().sum().backward();
  constexpr double kStep = 1e-5;
  const torch::NoGradGuard no_grad;
  for (const int64_t i : {0, 17, 71}) {
    double* const w_i = layer->weight.data_ptr<double>() + i;
    const double before = *w_i;
    *w_i = before + kStep;
    const double up = layer(x).square().sum().item<double>();
    *w_i = before - kStep;
    const double down = layer(x).square().sum().item<double>();
    *w_i = before;
    EXPECT_NEAR(layer->weight.grad().flatten()[i].item<double>(), (up - down) / (2 * kStep), 1e-5);
  }
}

TEST(ChordNet, ExtractsProbabilitiesOfAnyLengthAndLevel) {
  NeuralChordExtractor extractor(tiny_chord_net());
  torch::manual_seed(9);
  const Tensor wave = torch::randn({2, 24000}) * 0.1;
  const Tensor p = extractor.extract(wave, 20);
  ASSERT_EQ(p.sizes(), at::IntArrayRef({2, 20, kChordClasses}));
  EXPECT_LT((p.sum(2) - 1).abs().max().item<double>(), 1e-4);
  EXPECT_EQ(extractor.extract(wave[0], 13).sizes(), at::IntArrayRef({1, 13, kChordClasses}));
  EXPECT_LT((extractor.logits(wave * 0.05, 12) - extractor.logits(wave, 12)).abs().max().item<double>(), 1e-2);
  // Taken in pieces, long music has the answers of its parts.
  const Tensor song = torch::randn({1100 * kChordHop}) * 0.1;
  const Tensor whole = extractor.logits(song, 1100);
  EXPECT_TRUE(at::isfinite(whole).all().item<bool>());
  expect_error(ErrorKind::kInput, "not finite", [&] { extractor.extract(wave[0] / 0.0, 12); });
  expect_error(ErrorKind::kInternal, "at least one frame", [&] { extractor.extract(wave[0], 0); });
}

TEST(ChordNet, SaysTheSameWhenItHasMoreBlocks) {
  const torch::NoGradGuard no_grad;
  ChordNet before = tiny_chord_net();
  ChordNetOptions more = before->options;
  more.blocks += 2;
  ChordNet after(more);
  ASSERT_TRUE(after->grow_from(named_tensors(*before)));
  const Tensor seen = torch::rand({1, 9, before->semitones() * LogFrequency::kPerSemitone, LogFrequency::kChannels});
  EXPECT_TRUE(torch::allclose(before->forward(seen), after->forward(seen), 1e-5, 1e-6));
  EXPECT_FALSE(before->grow_from(named_tensors(*after)));
  more.channels *= 2;
  EXPECT_FALSE(ChordNet(more)->grow_from(named_tensors(*before)));
}

TEST(ChordNet, IsSavedAndLoaded) {
  const TempDir folder;
  ChordNet net = tiny_chord_net();
  save_chord_net(net, folder.path(), 7);
  NeuralChordExtractor before(net), after = NeuralChordExtractor::load(folder.path());
  const Tensor wave = torch::randn({24000}) * 0.1;
  // Weights have eight bits.
  EXPECT_LT((before.logits(wave, 12) - after.logits(wave, 12)).abs().max().item<double>(), 0.1);
  write_file_atomically(folder.path() / "chords.json", R"({"network": {"kernal": 3}})");
  expect_error(ErrorKind::kModel, "kernal", [&] { NeuralChordExtractor::load(folder.path()); });
  write_file_atomically(folder.path() / "chords.json", R"({"network": {"kernel": 4}})");
  expect_error(ErrorKind::kModel, "kernel is odd", [&] { NeuralChordExtractor::load(folder.path()); });
  expect_error(ErrorKind::kIo, "chords.json", [&] { NeuralChordExtractor::load(folder.path() / "none"); });
}

}  // namespace
}  // namespace instructme
