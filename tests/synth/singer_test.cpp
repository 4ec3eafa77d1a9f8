#include "instructme/synth/singer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "expect_error.h"
#include "instructme/synth/band_renderer.h"

namespace instructme {
namespace {

constexpr int kRate = 24000;

Score one_note(int pitch, double duration_s = 1.5) {
  Score score;
  score.duration_s = 2;
  score.parts.emplace_back().role = Role::kMelody;
  score.parts.front().notes = {{0.3, duration_s, pitch, 100}};
  return score;
}

std::vector<float> sing(const Score& score, const std::string& voice, uint64_t seed, bool lyrics = false) {
  return Singer({.sample_rate = kRate}).render(score, score.parts.front(), {voice, lyrics}, seed);
}

double rms(const std::vector<float>& x, double from_s, double to_s) {
  double sum = 0;
  const auto from = static_cast<size_t>(from_s * kRate), to = static_cast<size_t>(to_s * kRate);
  for (size_t i = from; i < to; ++i) sum += static_cast<double>(x[i]) * x[i];
  return std::sqrt(sum / static_cast<double>(to - from));
}

/// Power at a frequency between two times.
double power_at(const std::vector<float>& x, double hz, double from_s, double to_s) {
  double re = 0, im = 0;
  const auto from = static_cast<size_t>(from_s * kRate), to = static_cast<size_t>(to_s * kRate);
  for (size_t i = from; i < to; ++i) {
    const double t = static_cast<double>(i - from) / static_cast<double>(to - from);
    const double window = 0.5 - 0.5 * std::cos(2 * M_PI * t);
    const double angle = 2 * M_PI * hz * static_cast<double>(i) / kRate;
    re += window * x[i] * std::cos(angle);
    im += window * x[i] * std::sin(angle);
  }
  return re * re + im * im;
}

/// The fundamental from the first high peak of the autocorrelation, Hz.
double pitch_of(const std::vector<float>& x, double from_s, double to_s) {
  const auto from = static_cast<size_t>(from_s * kRate), to = static_cast<size_t>(to_s * kRate);
  std::vector<double> correlation(kRate / 60);
  double best = 0;
  for (size_t lag = kRate / 900; lag < correlation.size(); ++lag) {
    double both = 0, one = 0, other = 0;
    for (size_t i = from; i < to; ++i) {
      both += static_cast<double>(x[i]) * x[i + lag];
      one += static_cast<double>(x[i]) * x[i];
      other += static_cast<double>(x[i + lag]) * x[i + lag];
    }
    best = std::max(best, correlation[lag] = both / std::sqrt(one * other));
  }
  for (size_t lag = kRate / 900 + 1; lag + 1 < correlation.size(); ++lag)
    if (correlation[lag] > 0.93 * best && correlation[lag] >= correlation[lag + 1])
      return static_cast<double>(kRate) / static_cast<double>(lag);
  return 0;
}

TEST(Singer, SingsTheNoteInItsOwnOctave) {
  for (const auto& [voice, written, sung] : {std::tuple{"alto", 62, 62}, {"bass", 67, 55}, {"soprano", 55, 67}}) {
    std::vector<double> cents;
    for (uint64_t seed = 0; seed < 5; ++seed) {
      const double hz = pitch_of(sing(one_note(written), voice, seed), 0.5, 0.7);
      cents.push_back(1200 * std::log2(hz / (440 * std::exp2((sung - 69) / 12.0))));
    }
    std::sort(cents.begin(), cents.end());
    EXPECT_NEAR(cents[2], 0, 60) << voice;
  }
}

TEST(Singer, IsSilentWhereThereIsNothingToSing) {
  const Score score = one_note(60, 0.5);
  const auto stem = sing(score, "tenor", 3);
  ASSERT_EQ(static_cast<int64_t>(stem.size()), static_cast<int64_t>(3.5 * kRate));
  EXPECT_GT(rms(stem, 0.4, 0.7), 0.005);
  EXPECT_LT(rms(stem, 1.3, 2.0), 1e-4);
  Score nothing = score;
  nothing.parts.front().notes.clear();
  EXPECT_EQ(rms(sing(nothing, "tenor", 3), 0, 2), 0);
}

TEST(Singer, IsAFunctionOfItsArgumentsAndNoTwoAreAlike) {
  const Score score = one_note(60);
  EXPECT_EQ(sing(score, "alto", 1, true), sing(score, "alto", 1, true));
  EXPECT_NE(sing(score, "alto", 1, true), sing(score, "alto", 2, true));
}

TEST(Singer, LevelsAreThoseOfAStem) {
  for (const VoiceType& type : voice_types())
    for (uint64_t seed = 0; seed < 6; ++seed) {
      const auto stem = sing(one_note((type.low + type.high) / 2), type.name, seed, true);
      float peak = 0;
      for (const float x : stem) {
        ASSERT_TRUE(std::isfinite(x));
        peak = std::max(peak, std::abs(x));
      }
      EXPECT_LT(peak, 1) << type.name;
      EXPECT_GT(rms(stem, 0.5, 1.5), 0.003) << type.name;
    }
}

TEST(Singer, FormantsOfAChildAreHigherThanThoseOfABass) {
  // The same note: what differs is the tract. Mean frequency of the power below 5 kHz, over singers.
  const auto centre = [](const std::string& voice) {
    double weighted = 0, sum = 0;
    for (uint64_t seed = 0; seed < 6; ++seed) {
      const auto stem = sing(one_note(60), voice, seed);
      for (double hz = 300; hz < 5000; hz += 80) {
        const double power = std::sqrt(power_at(stem, hz, 0.6, 0.7));
        weighted += hz * power;
        sum += power;
      }
    }
    return weighted / sum;
  };
  EXPECT_GT(centre("child"), centre("bass") + 100);
}

TEST(Singer, ConsonantsHiss) {
  Score score;
  score.duration_s = 12;
  score.parts.emplace_back().role = Role::kMelody;
  for (int i = 0; i < 20; ++i) score.parts.front().notes.push_back({0.5 + 0.5 * i, 0.5, 60 + i % 5, 90});
  const auto high = [&](bool lyrics) {
    const auto stem = sing(score, "tenor", 4, lyrics);
    double most = 0;
    for (double at = 0.3; at < 10; at += 0.05) {
      double sum = 0;
      for (double hz = 6000; hz < 9000; hz += 250) sum += power_at(stem, hz, at, at + 0.03);
      most = std::max(most, sum);
    }
    return most;
  };
  EXPECT_GT(high(true), 3 * high(false));
}

TEST(Singer, BandsHaveSingers) {
  const Score score = one_note(60);
  const BandStems band = BandRenderer({.sample_rate = kRate}).render(score, {VoiceSound{"alto"}}, 5);
  EXPECT_EQ(band.failures.front(), "");
  EXPECT_GT(rms(band.stems.front(), 0.5, 1.5), 0.005);
}

TEST(Singer, UnknownVoicesAreNamed) {
  expect_error(ErrorKind::kUsage, "soprano", [] { sing(one_note(60), "sopran", 1); });
}

}  // namespace
}  // namespace instructme
