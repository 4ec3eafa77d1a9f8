#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "expect_error.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/files.h"
#include "instructme/pretrained/yamnet.h"
#include "weights.h"

namespace instructme {
namespace {

// The patch that tests/pretrained/fixtures/yamnet.json was computed from by TensorFlow Lite (npm package
// @tensorflow/tfjs-tflite 0.0.1-alpha.10) with yamnet.tflite: a chord that dies away in noise, so
// that no band is empty.
at::Tensor test_patch() {
  at::Tensor wave = at::zeros({Yamnet::kPatch});
  auto sample = wave.accessor<float, 1>();
  uint32_t noise = 1;
  for (int64_t n = 0; n < Yamnet::kPatch; ++n) {
    const double t = static_cast<double>(n) / Yamnet::kSampleRate, turn = 2 * std::numbers::pi * t;
    noise = 1664525 * noise + 1013904223;
    double value = 0.4 * (noise / 4294967296.0 - 0.5);
    for (const double hz : {220.0, 277.18, 329.63})
      value += 0.15 * std::exp(-2 * t) *
               (std::sin(turn * hz) + 0.5 * std::sin(2 * turn * hz) + 0.25 * std::sin(3 * turn * hz));
    sample[n] = static_cast<float>(value);
  }
  return wave.unsqueeze(0);
}

TEST(Yamnet, GivesThePublishedOutputs) {
  NEEDS_WEIGHTS("INSTRUCTME_YAMNET_WEIGHTS", path);
  const Yamnet network(path);
  const auto reference =
      read_json_file(std::filesystem::path(INSTRUCTME_SOURCE_DIR) / "tests/pretrained/fixtures/yamnet.json");
  const Yamnet::Output output = network.forward(test_patch());
  ASSERT_EQ(output.log_mel.sizes(), (std::vector<int64_t>{1, 96, 64}));
  ASSERT_EQ(output.embedding.sizes(), (std::vector<int64_t>{1, 1024}));
  ASSERT_EQ(output.scores.sizes(), (std::vector<int64_t>{1, 521}));
  // TensorFlow Lite rounds what goes into 8-bit products to 8 bits itself, so its own numbers are only so exact.
  for (const auto& point : reference.at("log_mel"))
    EXPECT_NEAR(output.log_mel[0][point[0].get<int64_t>()][point[1].get<int64_t>()].item<double>(),
                point[2].get<double>(), 0.1)
        << point.dump();
  for (const auto& point : reference.at("scores"))
    EXPECT_NEAR(output.scores[0][point[0].get<int64_t>()].item<double>(), point[1].get<double>(), 0.05) << point.dump();
  EXPECT_EQ(output.scores[0].argmax().item<int64_t>(), reference.at("scores")[0][0].get<int64_t>());
}

TEST(Yamnet, ListensToWholePieces) {
  NEEDS_WEIGHTS("INSTRUCTME_YAMNET_WEIGHTS", path);
  const Yamnet network(path);
  const at::Tensor patch = test_patch()[0].contiguous();
  const std::span<const float> samples(patch.data_ptr<float>(), static_cast<size_t>(patch.numel()));
  const Yamnet::Output one = network.listen(samples, Yamnet::kSampleRate);
  ASSERT_EQ(one.embedding.sizes(), (std::vector<int64_t>{1, 1024}));
  EXPECT_LT((one.scores - network.forward(test_patch()).scores).abs().max().item<double>(), 1e-6);
  EXPECT_EQ(network.listen(samples.first(10), 8000).scores.size(0), 1);
  // 3 s: patches at 0, 0.48, … as long as the one before has not reached the end.
  const std::vector<float> silence(3 * 44100, 0.0f);
  EXPECT_EQ(network.listen(silence, 44100).scores.size(0), 6);
}

TEST(Yamnet, RefusesOtherFiles) {
  const TempDir folder;
  write_file_atomically(folder.path() / "x.tflite", "no flat buffer at all");
  expect_error(ErrorKind::kModel, "x.tflite", [&] { Yamnet network(folder.path() / "x.tflite"); });
  expect_error(ErrorKind::kIo, "absent", [&] { Yamnet network(folder.path() / "absent"); });
}

TEST(Yamnet, ClassNamesAreRead) {
  const TempDir folder;
  std::string text = "index,mid,display_name\n0,/m/09x0r,Speech\n1,/m/0ytgt,\"Child speech, kid speaking\"\n";
  write_file_atomically(folder.path() / "short.csv", text);
  expect_error(ErrorKind::kModel, "names 2 classes", [&] { read_yamnet_classes(folder.path() / "short.csv"); });
  for (int i = 2; i < 521; ++i) text += std::to_string(i) + ",/m/x,Class " + std::to_string(i) + "\n";
  write_file_atomically(folder.path() / "full.csv", text);
  const auto names = read_yamnet_classes(folder.path() / "full.csv");
  EXPECT_EQ(names[1], "Child speech, kid speaking");
  EXPECT_EQ(names[520], "Class 520");
}

}  // namespace
}  // namespace instructme
