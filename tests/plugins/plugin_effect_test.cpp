#include "instructme/plugins/plugin_effect.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "expect_error.h"
#include "fake_host.h"

namespace instructme {
namespace {

constexpr int kRate = 24000;

/// Tones that come and go, unlike each other on the two sides, with nothing above 3 kHz, which resampling would touch.
AudioBuffer stem(int channels) {
  AudioBuffer buffer{kRate, channels, {}};
  for (int i = 0; i < kRate; ++i)
    for (int c = 0; c < channels; ++c) {
      const double t = static_cast<double>(i) / kRate, swell = std::sin(M_PI * t) * std::sin(M_PI * t);
      buffer.samples.push_back(
          static_cast<float>(0.2 * swell * (std::sin(2 * M_PI * 300 * t) + std::sin(2 * M_PI * (1000 + 700 * c) * t))));
    }
  return buffer;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max<double>(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST(PluginEffect, AFailureLeavesTheStemAsItWas) {
  const FakeHost host("kill -SEGV $$");
  const PluginEffect effect({.program = host.path()});
  AudioBuffer buffer = stem(1);
  const auto before = buffer.samples;
  expect_error(ErrorKind::kInput, "Broken Amplifier", [&] { effect.apply({.name = "Broken Amplifier"}, buffer); });
  EXPECT_EQ(buffer.samples, before);
}

TEST(PluginEffect, SilenceNeedsNoPlugin) {
  const FakeHost host("exit 1");
  AudioBuffer buffer{kRate, 2, std::vector<float>(100)};
  PluginEffect({.program = host.path()}).apply({.name = "Any"}, buffer);
  EXPECT_EQ(buffer.samples, std::vector<float>(100));
}

TEST(PluginEffect, RefusesWhatItCannotTake) {
  const FakeHost host("exit 1");
  const PluginEffect effect({.program = host.path()});
  AudioBuffer buffer{kRate, 3, std::vector<float>(300)};
  expect_error(ErrorKind::kUsage, "channels", [&] { effect.apply({.name = "Any"}, buffer); });
  buffer = {kRate, 1, {0.0f, std::nanf("")}};
  expect_error(ErrorKind::kInput, "NaN", [&] { effect.apply({.name = "Any"}, buffer); });
}

#ifdef INSTRUCTME_TEST_BUNDLE

PluginSettings made_for_tests(const char* name, std::map<std::string, double> controls = {}) {
  return {.name = name,
          .bundle = INSTRUCTME_TEST_BUNDLE,
          .plugin = std::string("urn:instructme:") + name,
          .controls = std::move(controls)};
}

TEST(PluginEffect, TheLatencyIsTakenOut) {
  AudioBuffer buffer = stem(1);
  PluginEffect().apply(made_for_tests("mono", {{"gain", 0.5}}), buffer);
  auto expected = stem(1).samples;
  for (float& x : expected) x *= 0.5f;
  // What is left is the error of resampling there and back.
  EXPECT_LT(largest_difference(buffer.samples, expected), 1e-4);
}

TEST(PluginEffect, ChannelsGoToTheirPorts) {
  AudioBuffer buffer = stem(2);
  PluginEffect().apply(made_for_tests("stereo"), buffer);  // left and right change sides
  EXPECT_LT(largest_difference(extract_channel(buffer, 0), extract_channel(stem(2), 1)), 1e-4);
  EXPECT_LT(largest_difference(extract_channel(buffer, 1), extract_channel(stem(2), 0)), 1e-4);
  buffer = stem(2);
  PluginEffect().apply(made_for_tests("mono"), buffer);  // in the middle
  EXPECT_LT(largest_difference(extract_channel(buffer, 0), mix_to_mono(stem(2))), 1e-4);
  EXPECT_LT(largest_difference(extract_channel(buffer, 1), mix_to_mono(stem(2))), 1e-4);
  buffer = stem(1);
  PluginEffect().apply(made_for_tests("stereo"), buffer);
  EXPECT_LT(largest_difference(buffer.samples, stem(1).samples), 1e-4);
}

TEST(PluginEffect, PluginsThatMisbehaveAreNamed) {
  const auto fails = [](const std::string& says, std::map<std::string, double> controls, PluginHostOptions host = {}) {
    AudioBuffer buffer = stem(1);
    expect_error(ErrorKind::kInput, says,
                 [&] { PluginEffect(host).apply(made_for_tests("mono", std::move(controls)), buffer); });
    EXPECT_EQ(buffer.samples, stem(1).samples);
  };
  fails("signal 11", {{"mode", 1}});
  fails("mono", {{"mode", 2}}, {.time_limit_s = 0.5, .time_limit_rate = 0});
  fails("NaN", {{"mode", 3}});
  fails("silences", {{"gain", 0}});
  fails("too loud", {{"gain", 100}});
  fails("gian", {{"gian", 1}});
}

TEST(PluginEffect, AnInstrumentIsNoEffectAndTheOtherWayRound) {
  AudioBuffer buffer = stem(1);
  const PluginSettings effect = made_for_tests("mono");
  expect_error(ErrorKind::kInput, "no instrument", [&] { PluginHost().run(effect, {.frames = 100}); });
  PluginSettings instrument{
      .name = "JX10", .bundle = find_plugin_bundle("mda.lv2"), .plugin = "http://drobilla.net/plugins/mda/JX10"};
  if (instrument.bundle.empty()) GTEST_SKIP() << "needs mda-lv2 (apt install mda-lv2)";
  expect_error(ErrorKind::kInput, "no effect", [&] { PluginEffect().apply(instrument, buffer); });
}

class RealEffect : public testing::Test {
 protected:
  void SetUp() override {
    overdrive_.bundle = find_plugin_bundle("mda.lv2");
    if (overdrive_.bundle.empty()) GTEST_SKIP() << "needs mda-lv2 (apt install mda-lv2)";
  }
  PluginSettings overdrive_{
      .name = "mda Overdrive", .plugin = "http://drobilla.net/plugins/mda/Overdrive", .controls = {{"drive", 0.9}}};
};

TEST_F(RealEffect, DistortsTheSameEveryTime) {
  AudioBuffer first = stem(1), second = stem(1);
  PluginEffect().apply(overdrive_, first);
  PluginEffect().apply(overdrive_, second);
  EXPECT_EQ(first.samples, second.samples);
  EXPECT_EQ(first.samples.size(), stem(1).samples.size());
  // The difference tone and its like, which the stem does not have.
  const auto energy = [](const std::vector<float>& x, double hz) {
    double c = 0, s = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      c += x[i] * std::cos(2 * M_PI * hz * static_cast<double>(i) / kRate);
      s += x[i] * std::sin(2 * M_PI * hz * static_cast<double>(i) / kRate);
    }
    return std::hypot(c, s);
  };
  EXPECT_GT(energy(first.samples, 1600), 100 * energy(stem(1).samples, 1600));
}

#endif

}  // namespace
}  // namespace instructme
