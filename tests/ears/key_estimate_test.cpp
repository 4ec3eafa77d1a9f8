#include "instructme/ears/key_estimate.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace instructme {
namespace {

using at::Tensor;

/// Chords one after the other, `frames` each, known for sure.
Tensor sequence(const std::vector<std::string>& labels, int64_t frames) {
  Tensor chords = torch::zeros({static_cast<int64_t>(labels.size()) * frames, kChordClasses});
  for (size_t i = 0; i < labels.size(); ++i)
    chords.slice(0, static_cast<int64_t>(i) * frames, static_cast<int64_t>(i + 1) * frames)
        .select(1, chord_class(parse_chord_label(labels[i])))
        .fill_(1.0);
  return chords;
}

/// Knows the chords of plain major and harmonic minor keys.
KeyNet schoolbook() {
  KeyNet net(KeyNetOptions{});
  const torch::NoGradGuard no_grad;
  net->weight.fill_(-4.0);
  const auto belongs = [&](int mode, ChordQuality quality, std::initializer_list<std::pair<int, double>> degrees) {
    for (const auto& [degree, weight] : degrees) net->weight[mode][static_cast<int>(quality)][degree] = weight;
  };
  belongs(0, ChordQuality::kMaj, {{0, 6}, {5, 4}, {7, 4}});
  belongs(0, ChordQuality::kMin, {{2, 2}, {4, 2}, {9, 3}});
  belongs(0, ChordQuality::k7, {{7, 5}});
  belongs(0, ChordQuality::kMaj7, {{0, 6}, {5, 3}});
  belongs(0, ChordQuality::kMin7, {{2, 3}, {9, 2}});
  belongs(1, ChordQuality::kMin, {{0, 6}, {5, 3}});
  belongs(1, ChordQuality::k7, {{7, 5}});
  belongs(1, ChordQuality::kMaj, {{3, 2}, {7, 3}, {8, 3}, {10, 3}});
  net->weight.mul_(8);
  return net;
}

std::string heard(const std::vector<std::string>& labels) {
  KeyNet net = schoolbook();
  return key_label(longest_key(estimate_keys(net, sequence(labels, 25), 8.0)));
}

TEST(KeyEstimate, KnowsUsualProgressions) {
  EXPECT_EQ(heard({"C:maj", "F:maj", "G:maj", "C:maj"}), "C:major");
  EXPECT_EQ(heard({"C:maj", "A:min", "F:maj", "G:7"}), "C:major");
  EXPECT_EQ(heard({"A:min", "D:min", "E:7", "A:min"}), "A:minor");
  EXPECT_EQ(heard({"D:min7", "G:7", "C:maj7", "C:maj7"}), "C:major");
  EXPECT_EQ(heard({"C#:min", "A:maj", "B:maj", "C#:min"}), "C#:minor");
}

TEST(KeyEstimate, IsTheSameInEveryKey) {
  KeyNet net = schoolbook();
  for (int tonic = 0; tonic < 12; ++tonic) {
    Tensor chords = torch::zeros({300, kChordClasses});
    const int roots[] = {0, 5, 7};
    for (int64_t t = 0; t < 300; ++t)
      chords[t][chord_class(Chord::of((roots[(t / 25) % 3] + tonic) % 12, ChordQuality::kMaj))] = 1.0;
    const Key key = longest_key(estimate_keys(net, chords, 24.0));
    EXPECT_EQ(key.tonic, tonic);
    EXPECT_EQ(key.mode, Mode::kMajor);
  }
}

TEST(KeyEstimate, FollowsAModulation) {
  std::vector<std::string> labels;
  for (int i = 0; i < 5; ++i) labels.insert(labels.end(), {"C:maj", "F:maj", "G:7", "C:maj"});
  for (int i = 0; i < 5; ++i) labels.insert(labels.end(), {"E:maj", "A:maj", "B:7", "E:maj"});
  KeyNet net = schoolbook();
  const auto spans = estimate_keys(net, sequence(labels, 20), 64.5);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(key_label(spans[0].key), "C:major");
  EXPECT_EQ(key_label(spans[1].key), "E:major");
  EXPECT_NEAR(spans[0].end_s, 32.0, 3.3);
  EXPECT_EQ(spans[0].start_s, 0.0);
  EXPECT_EQ(spans[0].end_s, spans[1].start_s);
  EXPECT_EQ(spans[1].end_s, 64.5);
  EXPECT_GT(spans[0].probability, 0.8);
}

TEST(KeyEstimate, AKeyThatComesBackSoonWasNeverLeft) {
  std::vector<std::string> labels;
  for (int i = 0; i < 5; ++i) labels.insert(labels.end(), {"C:maj", "F:maj", "G:7", "C:maj"});
  for (int i = 0; i < 2; ++i) labels.insert(labels.end(), {"E:maj", "A:maj", "B:7", "E:maj"});
  for (int i = 0; i < 5; ++i) labels.insert(labels.end(), {"C:maj", "F:maj", "G:7", "C:maj"});
  KeyNet net = schoolbook();
  const Tensor chords = sequence(labels, 20);
  const double seconds = static_cast<double>(chords.size(0)) * 0.08;
  KeyEstimateOptions options;
  options.change_seconds = 1;
  options.shortest_seconds = 1;
  ASSERT_EQ(estimate_keys(net, chords, seconds, options).size(), 3u);
  options.shortest_seconds = 25;
  const auto spans = estimate_keys(net, chords, seconds, options);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(key_label(spans[0].key), "C:major");
  EXPECT_EQ(spans[0].start_s, 0.0);
  EXPECT_EQ(spans[0].end_s, seconds);
}

TEST(KeyEstimate, NoChordNoKey) {
  KeyNet net = schoolbook();
  EXPECT_TRUE(estimate_keys(net, sequence({"N", "N"}, 30), 4.8).empty());
  EXPECT_TRUE(estimate_keys(net, torch::zeros({0, kChordClasses}), 0.0).empty());
}

}  // namespace
}  // namespace instructme
