#include "instructme/plugins/plugin_host.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "expect_error.h"
#include "fake_host.h"

namespace instructme {
namespace {

const PluginSettings kBad{.name = "Bad Synth: Boom", .bundle = "/b", .plugin = "urn:x"};

std::vector<float> run(const std::string& body, double time_limit_s = 20) {
  const FakeHost program(body);
  const PluginHost host({.program = program.path(), .time_limit_s = time_limit_s, .time_limit_rate = 0});
  return host.run(kBad, {.sample_rate = 8000, .frames = 8000});
}

constexpr const char* kZeros = "head -c 32000 /dev/zero";

TEST(PluginHost, PluginsThatFailAreNamed) {
  expect_error(ErrorKind::kInput, "Bad Synth: Boom", [] { run("kill -SEGV $$"); });
  expect_error(ErrorKind::kInput, "signal 11", [] { run("kill -SEGV $$"); });
  expect_error(ErrorKind::kInput, "needs a feature", [] { run("echo it needs a feature; exit 3"); });
  expect_error(ErrorKind::kInput, "wrong length", [] { run("exit 0"); });
  expect_error(ErrorKind::kInput, "wrong length", [] { run("echo short > \"$2\""); });
  // All bits set is NaN.
  expect_error(ErrorKind::kInput, "not finite", [] { run(std::string(kZeros) + " | tr '\\000' '\\377' > \"$2\""); });
}

TEST(PluginHost, PluginsThatHangAreStopped) {
  const auto start = std::chrono::steady_clock::now();
  expect_error(ErrorKind::kInput, "Bad Synth: Boom", [] { run("exec sleep 60", 0.5); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(PluginHost, GivesWhatThePluginMade) {
  // 0x3d3d3d3d is about 0.046.
  const auto sound = run(std::string(kZeros) + " | tr '\\000' '=' > \"$2\"");
  ASSERT_EQ(sound.size(), 8000u);
  EXPECT_NEAR(sound[4000], 0.0462, 1e-3);
}

TEST(PluginHost, RefusesBadOptionsAndAMissingProgram) {
  expect_error(ErrorKind::kUsage, "time limit", [] { PluginHost({.program = "x", .time_limit_s = 0}); });
  const PluginHost host({.program = "/nonexistent/host"});
  expect_error(ErrorKind::kMissing, "host", [&] { host.run(kBad, {}); });
}

}  // namespace
}  // namespace instructme
