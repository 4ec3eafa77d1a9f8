#include "instructme/edit/region.h"

#include <gtest/gtest.h>

#include "expect_error.h"
#include "instructme/base/rng.h"

namespace instructme {
namespace {

using Unit = PlanRange::Unit;

PlanRange seconds(double begin, std::optional<double> end) { return {Unit::kSeconds, begin, end}; }
PlanRange bars(double begin, std::optional<double> end) { return {Unit::kBars, begin, end}; }

/// Four bars of 2/4 at 120 beats a minute after a beat that belongs to none.
std::vector<Beat> beats() {
  std::vector<Beat> out = {{0.5, -1, 1}};
  for (int i = 0; i < 8; ++i) out.push_back({1 + 0.5 * i, i / 2, i % 2});
  return out;
}

TEST(ResolveRange, SecondsAndBarsBecomeFrames) {
  const auto frames = [](const std::optional<PlanRange>& range) {
    const Region region = resolve_range(range, 5000, 1000, beats());
    return std::pair(region.begin, region.end);
  };
  using Frames = std::pair<int64_t, int64_t>;
  EXPECT_EQ(frames({}), Frames(0, 5000));
  EXPECT_EQ(frames(seconds(1, 2.5)), Frames(1000, 2500));
  EXPECT_EQ(frames(seconds(1, {})), Frames(1000, 5000));
  EXPECT_EQ(frames(seconds(-2, {})), Frames(3000, 5000));
  EXPECT_EQ(frames(seconds(-5.4, {})), Frames(0, 5000));
  EXPECT_EQ(frames(seconds(4, 5.3)), Frames(4000, 5000));
  EXPECT_EQ(frames(bars(1, 1)), Frames(1000, 2000));
  EXPECT_EQ(frames(bars(2, 3)), Frames(2000, 4000));
  EXPECT_EQ(frames(bars(4, 4)), Frames(4000, 5000));
  EXPECT_EQ(frames(bars(3, {})), Frames(3000, 5000));
  EXPECT_EQ(frames(bars(-1, {})), Frames(4000, 5000));
}

TEST(ResolveRange, WhatLiesOutsideIsRefused) {
  for (const PlanRange& range :
       {seconds(6, 7), seconds(5, {}), seconds(4, 6), seconds(-6, {}), bars(5, 5), bars(3, 5), bars(-5, {})})
    expect_error(ErrorKind::kInput, "outside the music", [&] { resolve_range(range, 5000, 1000, beats()); });
  expect_error(ErrorKind::kInput, "needs the beats", [] { resolve_range(bars(1, 2), 5000, 1000, {}); });
  expect_error(ErrorKind::kInput, "not one sample", [] { resolve_range(seconds(1, 1.0001), 5000, 1000, {}); });
}

TEST(Region, WhatIsAroundItEndsWhereTheMusicDoes) {
  EXPECT_EQ(around({6000, 7000, 0, 0}, 20000, 1000), (std::pair<int64_t, int64_t>(1000, 12000)));
  EXPECT_EQ(around({4000, 16000, 0, 0}, 20000, 1000), (std::pair<int64_t, int64_t>(0, 20000)));
}

TEST(Region, FadesInsideAndNowhereElse) {
  const Region region = resolve_range(seconds(1, 2), 5000, 1000, {});
  EXPECT_EQ(region.fade_in, 20);
  EXPECT_EQ(region.weight(999), 0);
  EXPECT_EQ(region.weight(2000), 0);
  EXPECT_EQ(region.weight(1020), 1);
  EXPECT_EQ(region.weight(1979), 1);
  for (int64_t i = 0; i < 20; ++i) {
    EXPECT_GT(region.weight(1000 + i), i == 0 ? 0 : region.weight(999 + i));
    EXPECT_LT(region.weight(1000 + i), 1);
    EXPECT_EQ(region.weight(1000 + i), region.weight(1999 - i));
  }
  // Nothing begins or ends where the music does.
  EXPECT_EQ(resolve_range({}, 5000, 1000, {}).weight(0), 1);
  EXPECT_EQ(resolve_range(seconds(0, 1), 5000, 1000, {}).weight(0), 1);
  EXPECT_EQ(resolve_range(seconds(4, {}), 5000, 1000, {}).weight(4999), 1);
}

TEST(Placed, SumsOnTheGridAreExact) {
  Rng rng(1);
  AudioBuffer source{8000, 2, {}}, part = source;
  for (int i = 0; i < 4000; ++i) {
    source.samples.push_back(static_cast<float>(rng.integer(-8388608, 8388607)) / 8388608.0f);
    part.samples.push_back(static_cast<float>(rng.uniform(-0.9, 0.9)));
  }
  ASSERT_TRUE(is_on_grid(source));
  EXPECT_FALSE(is_on_grid(part));
  const Region region{300, 1700, 50, 60};
  const AudioBuffer taken = placed(part, 0, source.frames(), region, 0.7, true);
  EXPECT_TRUE(is_on_grid(taken));
  AudioBuffer rest = source;
  add_audio(rest, taken, -1);
  for (int64_t i = 0; i < source.frames(); ++i) {
    if (i < 300 || i >= 1700) {
      ASSERT_EQ(rest.samples[static_cast<size_t>(2 * i)], source.samples[static_cast<size_t>(2 * i)]);
    }
    ASSERT_NEAR(taken.samples[static_cast<size_t>(2 * i)],
                0.7 * region.weight(i) * part.samples[static_cast<size_t>(2 * i)], 1e-7);
  }
  add_audio(rest, taken);
  EXPECT_EQ(rest.samples, source.samples);
}

TEST(Placed, APartMayBeginLaterAndBeShorter) {
  const AudioBuffer part{8000, 1, std::vector<float>(10, 0.5f)};
  const AudioBuffer out = placed(part, 5, 20, {0, 20, 0, 0}, 1, false);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(out.samples[i], i >= 5 && i < 15 ? 0.5f : 0.0f);
  EXPECT_EQ(slice(out, 4, 7).samples, (std::vector<float>{0, 0.5f, 0.5f}));
}

}  // namespace
}  // namespace instructme
