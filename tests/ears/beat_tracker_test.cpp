#include "instructme/ears/beat_tracker.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "instructme/ears/beat_net.h"

namespace instructme {
namespace {

using at::Tensor;

/// An activation as BeatNet learns it: half as much in the frames beside.
void mark(Tensor& a, double time, double value) {
  const auto frame = static_cast<int64_t>(time * kBeatRate);
  for (int64_t t = std::max<int64_t>(0, frame - 1); t <= std::min(a.size(0) - 1, frame + 1); ++t)
    a[t][0] = t == frame ? value : std::max(0.02, value / 2);
}

/// Activations of beats at these times, of which those at `first`, first + metre … are downbeats.
Tensor activations(const std::vector<double>& times, size_t first, size_t metre, int64_t frames) {
  Tensor a = torch::full({frames, 2}, 0.02);
  for (size_t i = 0; i < times.size(); ++i) {
    const auto frame = static_cast<int64_t>(times[i] * kBeatRate);
    if (frame < 0 || frame >= frames) continue;
    mark(a, times[i], 0.9);
    a[frame][1] = i % metre == first ? 0.8 : 0.1;
  }
  return a;
}

std::vector<double> regular(double from, double step, size_t count) {
  std::vector<double> times;
  for (size_t i = 0; i < count; ++i) times.push_back(from + step * static_cast<double>(i));
  return times;
}

TEST(BeatTracker, FindsASteadyPulseAndItsBars) {
  for (const auto& [metre, step] : {std::pair<size_t, double>{4, 0.5}, {3, 0.42}, {4, 0.31}}) {
    const auto times = regular(0.31, step, 40);
    const BeatTrack track = track_beats(activations(times, 2, metre, 1000));
    ASSERT_GE(track.beats.size(), 36u);
    EXPECT_NEAR(track.tempo_bpm, 60 / step, 1.5);
    EXPECT_EQ(track.beats_per_bar, static_cast<int>(metre));
    EXPECT_GT(track.confidence, 0.8);
    for (size_t i = 0; i + 1 < track.beats.size() && i < times.size(); ++i) {
      EXPECT_NEAR(track.beats[i].time_s, times[i], 0.025);
      EXPECT_EQ(track.beats[i].position == 0, i % metre == 2) << i;
    }
    // Two beats before the first downbeat are in bar 0, which it ends.
    EXPECT_EQ(track.beats[0].bar, 0);
    EXPECT_EQ(track.beats[2].bar, 1);
  }
}

TEST(BeatTracker, BridgesBeatsThatAreNotHeardAndIgnoresASyncopation) {
  const auto times = regular(0.1, 0.5, 30);
  Tensor a = activations(times, 0, 4, 800);
  for (const size_t missing : {7u, 8u, 15u}) mark(a, times[missing], 0.02);
  mark(a, times[10] + 0.25, 0.6);
  const BeatTrack track = track_beats(a);
  ASSERT_GE(track.beats.size(), 28u);
  for (size_t i = 0; i < 28; ++i) EXPECT_NEAR(track.beats[i].time_s, times[i], 0.045) << i;
}

TEST(BeatTracker, FollowsATempoThatChanges) {
  std::vector<double> times{0.2};
  for (int i = 0; i < 40; ++i) times.push_back(times.back() + 0.6 - 0.005 * i);
  const auto frames = static_cast<int64_t>((times.back() + 0.2) * kBeatRate);
  const BeatTrack track = track_beats(activations(times, 0, 4, frames));
  ASSERT_EQ(track.beats.size(), times.size());
  for (size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(track.beats[i].time_s, times[i], 0.045) << i;
}

TEST(BeatTracker, TheMetreIsThatOfMostBarsNotOfMostBeats) {
  const auto times = regular(0.31, 0.4, 12 * 4 + 10 * 7);
  Tensor a = activations(times, 0, times.size(), 2400);
  for (size_t i = 0; i < times.size(); i += i < 48 ? 4 : 7) a[static_cast<int64_t>(times[i] * kBeatRate)][1] = 0.8;
  const BeatTrack track = track_beats(a);
  EXPECT_EQ(track.beats.back().bar, 21) << "else bars of seven are not heard at all";
  EXPECT_EQ(track.beats_per_bar, 4);
}

TEST(BeatTracker, TheTempoIsThatOfMostOfTheTime) {
  auto times = regular(0.31, 60.0 / 83, 46);                                                          // 33 s, …
  for (const double time : regular(times.back() + 60.0 / 83, 60.0 / 179, 72)) times.push_back(time);  // … 24 s
  const BeatTrack track = track_beats(activations(times, 0, 4, static_cast<int64_t>((times.back() + 0.2) * kBeatRate)));
  EXPECT_GT(track.beats.size(), 110u) << "else the fast part is not heard as such";
  EXPECT_NEAR(track.tempo_bpm, 83, 1.5);
}

TEST(BeatTracker, OneBeatIsNoPulse) {
  const BeatTrack track = track_beats(activations({0.11}, 0, 4, 20));
  EXPECT_TRUE(track.beats.empty());
  EXPECT_EQ(track.tempo_bpm, 0);
  EXPECT_EQ(track.beats_per_bar, 0);
  EXPECT_EQ(track.confidence, 0);
}

TEST(BeatTracker, SilenceHasNoBeatsAndNoneAreAddedAroundMusic) {
  EXPECT_TRUE(track_beats(torch::zeros({500, 2})).beats.empty());
  EXPECT_TRUE(track_beats(torch::full({1, 2}, 0.01)).beats.empty());
  EXPECT_EQ(track_beats(torch::zeros({500, 2})).beats_per_bar, 0);
  const auto times = regular(5.0, 0.5, 10);
  const BeatTrack track =
      track_beats(activations(times, 0, 4, 1000).where(torch::arange(1000).ge(240).unsqueeze(1), torch::zeros({1})));
  ASSERT_FALSE(track.beats.empty());
  EXPECT_NEAR(track.beats.front().time_s, 5.0, 0.05);
  EXPECT_NEAR(track.beats.back().time_s, 9.5, 0.05);
}

}  // namespace
}  // namespace instructme
