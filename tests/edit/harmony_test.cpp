#include <torch/torch.h>
// The precompiled torch header comes first.
#include <gtest/gtest.h>

#include "instructme/edit/harmony.h"

namespace instructme {
namespace {

TEST(TempoBpm, IsThatOfTheMedianDistance) {
  const std::vector<Beat> beats = {{0.5, 0, 2}, {1, 1, 0}, {1.5, 1, 1}, {2, 1, 2}, {4, 2, 0}};
  EXPECT_NEAR(*tempo_bpm(beats), 120, 1e-9);
  EXPECT_FALSE(tempo_bpm({beats[0]}).has_value());
}

TEST(ChordMatrix, HasTheChordOfEachFrame) {
  const Chord c = Chord::of(0, ChordQuality::kMaj), a = Chord::of(9, ChordQuality::kMin);
  const at::Tensor matrix = chord_matrix({{0, 0.8, c}, {0.8, 1.6, a}}, 0.4, 20);
  EXPECT_TRUE(matrix.sum(1).equal(torch::ones({20})));
  const auto spans = chord_spans(matrix);
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_TRUE(spans[0].chord == c);
  EXPECT_NEAR(spans[0].end_s, 0.4, 1e-9);
  EXPECT_TRUE(spans[1].chord == a);
  EXPECT_TRUE(spans[2].chord.none);
}

TEST(InKey, ForeignChordsBecomeUnlikely) {
  const at::Tensor uniform = torch::full({3, kChordClasses}, 1.0 / kChordClasses);
  const at::Tensor weighted = in_key(uniform, {0, Mode::kMajor});
  const auto of = [&](int root, ChordQuality quality) {
    return weighted[0][chord_class(Chord::of(root, quality))].item<double>();
  };
  EXPECT_NEAR(weighted.sum().item<double>(), 3, 1e-5);
  EXPECT_NEAR(of(0, ChordQuality::kMaj) / of(6, ChordQuality::kMaj), 10, 1e-3);
  EXPECT_EQ(of(0, ChordQuality::kMaj), of(9, ChordQuality::kMin));
}

}  // namespace
}  // namespace instructme
