#include "instructme/synth/plugin_renderer.h"

#include "expect_error.h"
#include "fake_host.h"
#include "synth_test_support.h"

namespace instructme {
namespace {

Score one_note() {
  Score score;
  score.duration_s = 0.5;
  score.parts.push_back(make_part(0, false, {{0.25, 0.25, 69, 100}}));
  return score;
}

std::vector<float> render_with(const FakeHost& host) {
  const Score score = one_note();
  const PluginRenderer renderer({.sample_rate = 24000}, {.program = host.path()});
  return renderer.render(score, score.parts[0], {{.name = "Bad Synth: Boom", .bundle = "/b", .plugin = "urn:x"}});
}

// 2 s (0.5 s and the tail of 1.5 s) at 48 kHz.
constexpr const char* kZeros = "head -c 384000 /dev/zero";

TEST(PluginRenderer, PluginsThatFailAreNamed) {
  expect_error(ErrorKind::kInput, "Bad Synth: Boom", [] { render_with(FakeHost("kill -SEGV $$")); });
  expect_error(ErrorKind::kInput, "silent", [] { render_with(FakeHost(std::string(kZeros) + " > \"$2\"")); });
}

TEST(PluginRenderer, TakesTheSoundOfTheHost) {
  // 0x3d3d3d3d is about 0.046.
  const auto stem = render_with(FakeHost(std::string(kZeros) + " | tr '\\000' '=' > \"$2\""));
  ASSERT_EQ(stem.size(), 48000u);
  EXPECT_NEAR(stem[12000], 0.0462, 1e-3);
  EXPECT_NEAR(stem.back(), 0, 1e-3);  // the tail fades out
}

class RealPlugin : public testing::Test {
 protected:
  void SetUp() override {
    sound_.bundle = find_plugin_bundle("mda.lv2");
    if (find_plugin_host().empty()) GTEST_SKIP() << "built without lilv";
    if (sound_.bundle.empty()) GTEST_SKIP() << "needs mda-lv2 (apt install mda-lv2)";
    sound_.plugin = "http://drobilla.net/plugins/mda/JX10";
    sound_.preset = "http://drobilla.net/plugins/mda/presets#JX10-click-organ";
    sound_.name = "JX10";
  }
  std::vector<float> render() const {
    const Score score = one_note();
    return PluginRenderer({.sample_rate = 24000}).render(score, score.parts[0], sound_);
  }
  PluginSound sound_;
};

TEST_F(RealPlugin, PlaysInTimeAndInTuneAndTheSameEveryTime) {
  const auto stem = render();
  ASSERT_EQ(stem.size(), 48000u);
  EXPECT_LT(rms({stem.begin(), stem.begin() + 5900}), 1e-4);
  EXPECT_GT(rms({stem.begin() + 6200, stem.begin() + 11000}), 1e-2);
  // The zero crossings of an organ's note in one second, 440 periods.
  const auto energy = [&](double hz) {
    double c = 0, s = 0;
    for (size_t i = 7000; i < 11800; ++i) {
      c += stem[i] * std::cos(2 * M_PI * hz * static_cast<double>(i) / 24000);
      s += stem[i] * std::sin(2 * M_PI * hz * static_cast<double>(i) / 24000);
    }
    return std::hypot(c, s);
  };
  EXPECT_GT(energy(440) + energy(880), 10 * (energy(415) + energy(830)));
  EXPECT_EQ(render(), stem);
}

TEST_F(RealPlugin, UnknownNamesAreRefused) {
  sound_.preset = "urn:none";
  expect_error(ErrorKind::kInput, "urn:none", [&] { render(); });
  sound_.preset.clear();
  sound_.controls["cutof"] = 1;
  expect_error(ErrorKind::kInput, "cutof", [&] { render(); });
  sound_.controls.clear();
  sound_.plugin = "urn:none";
  expect_error(ErrorKind::kInput, "urn:none", [&] { render(); });
  sound_.bundle = "/nonexistent";
  expect_error(ErrorKind::kInput, "/nonexistent", [&] { render(); });
}

}  // namespace
}  // namespace instructme
