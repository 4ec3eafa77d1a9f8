#include "instructme/synth/drum_kit.h"

#include <algorithm>

#include "expect_error.h"
#include "synth_test_support.h"
#include "test_kit.h"

namespace instructme {
namespace {

namespace fs = std::filesystem;

// A build without pugixml refuses every kit with kMissing.
bool can_read_kits() {
  try {
    read_drum_kit("/nonexistent");
  } catch (const Error& error) {
    return std::string(error.what()).find("pugixml") == std::string::npos;
  }
  return true;
}
#define SKIP_WITHOUT_KITS() \
  if (!can_read_kits()) GTEST_SKIP() << "built without pugixml"

constexpr int kRate = 24000;

std::vector<float> play(const fs::path& kit, std::vector<Note> notes, uint64_t seed = 1) {
  Score score;
  score.duration_s = 1.0;
  score.parts.push_back(make_part(0, true, std::move(notes)));
  KitRenderer renderer({.sample_rate = kRate});
  return renderer.render(score, score.parts[0], kit, seed);
}

TEST(DrumKit, FindsTheKeysOfDrumsByTheirNames) {
  SKIP_WITHOUT_KITS();
  TempDir folder;
  write_test_kit(folder.path(), {{"Kick", {60}},
                                 {"Snare Rock", {200}},
                                 {"Snare Jazz", {210}},
                                 {"Closed HH", {3000}},
                                 {"Pedal HH", {3100}},
                                 {"Open HH", {3200}},
                                 {"Tom Low", {100}},
                                 {"Crash", {4000}},
                                 {"Ride Bell", {5000}},
                                 {"Cowbell", {800}},
                                 {"Zap 1", {900}}});
  const DrumKit kit = read_drum_kit(folder.path());
  EXPECT_EQ(kit.name, "Test kit");
  EXPECT_EQ(kit.licence, "CC0");
  EXPECT_TRUE(kit.is_full());
  const auto drum = [&](int key) -> std::string {
    const auto found = kit.drum_of_key.find(key);
    return found == kit.drum_of_key.end() ? "" : kit.drums[found->second].name;
  };
  EXPECT_EQ(drum(36), "Kick");
  EXPECT_EQ(drum(35), "Kick");  // there is no second one
  EXPECT_EQ(drum(38), "Snare Rock");
  EXPECT_EQ(drum(40), "Snare Jazz");
  EXPECT_EQ(drum(42), "Closed HH");
  EXPECT_EQ(drum(44), "Pedal HH");
  EXPECT_EQ(drum(46), "Open HH");
  EXPECT_EQ(drum(50), "Tom Low");  // the nearest kind
  EXPECT_EQ(drum(57), "Crash");
  EXPECT_EQ(drum(53), "Ride Bell");
  EXPECT_EQ(drum(56), "Cowbell");
  EXPECT_EQ(drum(51), "");  // neither a ride nor another cymbal of that kind
  EXPECT_EQ(drum(75), "");
}

TEST(DrumKit, VelocityChoosesTheLayerAndTheLevel) {
  SKIP_WITHOUT_KITS();
  TempDir folder;
  write_test_kit(folder.path(), {{"Kick", {500, 1500}}, {"Snare", {2500}}});
  const auto soft = play(folder.path(), {{0.0, 0.1, 36, 40}}), loud = play(folder.path(), {{0.0, 0.1, 36, 120}});
  EXPECT_EQ(soft.size(), static_cast<size_t>(kRate * 2.5));
  // Every stroke is out of tune by a little, so the whole neighbourhood counts.
  const auto near = [](const std::vector<float>& x, double hz) {
    double most = 0;
    for (double tune : {0.996, 1.0, 1.004}) most = std::max(most, level_at(x, hz * tune, kRate, 0, 4000));
    return most;
  };
  EXPECT_GT(near(soft, 500), 20 * near(soft, 1500));
  EXPECT_GT(near(loud, 1500), 20 * near(loud, 500));
  EXPECT_GT(near(loud, 1500), 2 * near(soft, 500));
}

TEST(DrumKit, StrokesLieOnTheGridOfTheOtherStems) {
  SKIP_WITHOUT_KITS();
  TempDir folder;
  write_test_kit(folder.path(), {{"Kick", {500}}, {"Snare", {2500}}});
  const auto stem = play(folder.path(), {{0.5, 0.1, 36, 100}, {0.5, 0.1, 75, 100}});  // there is no clave
  const auto first = std::find_if(stem.begin(), stem.end(), [](float x) { return std::abs(x) > 0.01f; });
  EXPECT_NEAR(static_cast<double>(first - stem.begin()) / kRate, 0.5, 64.0 / kRate);
}

TEST(DrumKit, ClosedHiHatEndsTheOpenOne) {
  SKIP_WITHOUT_KITS();
  TempDir folder;
  write_test_kit(folder.path(),
                 {{"Kick", {60}}, {"Snare", {200}}, {"Closed HH", {4000}, 0.01}, {"Open HH", {1000}, 0.8}});
  const auto rms_from = [](const std::vector<float>& x, double from_s) {
    return rms(
        {x.begin() + static_cast<int64_t>(from_s * kRate), x.begin() + static_cast<int64_t>((from_s + 0.1) * kRate)});
  };
  const auto open = play(folder.path(), {{0.0, 0.1, 46, 100}});
  const auto closed = play(folder.path(), {{0.0, 0.1, 46, 100}, {0.3, 0.1, 42, 100}});
  EXPECT_GT(rms_from(open, 0.5), 0.02);
  EXPECT_GT(rms_from(closed, 0.1), 0.02);
  EXPECT_LT(rms_from(closed, 0.5), 1e-6);
}

TEST(DrumKit, SeedsVaryTheStrokesAndNothingElseDoes) {
  SKIP_WITHOUT_KITS();
  TempDir folder;
  write_test_kit(folder.path(), {{"Kick", {500}}, {"Snare", {2500}}});
  const std::vector<Note> notes{{0.0, 0.1, 36, 100}, {0.5, 0.1, 38, 100}};
  EXPECT_EQ(play(folder.path(), notes, 3), play(folder.path(), notes, 3));
  EXPECT_NE(play(folder.path(), notes, 3), play(folder.path(), notes, 4));
}

TEST(DrumKit, RefusesWhatIsNoKit) {
  SKIP_WITHOUT_KITS();
  TempDir folder;
  expect_error(ErrorKind::kMissing, "hydrogen-drumkits", [&] { read_drum_kit(folder.path()); });
  const fs::path xml = folder.path() / "drumkit.xml";
  write_file_atomically(xml, "<drumkit_info><name>x</name><instr");
  expect_error(ErrorKind::kInput, "drumkit.xml", [&] { read_drum_kit(folder.path()); });
  write_file_atomically(xml, "<song></song>");
  expect_error(ErrorKind::kInput, "drumkit_info", [&] { read_drum_kit(folder.path()); });
  write_test_kit(folder.path(), {{"Zap", {500}}});
  expect_error(ErrorKind::kInput, "kick", [&] { read_drum_kit(folder.path()); });
  write_test_kit(folder.path(), {{"Kick", {500}}});
  EXPECT_FALSE(read_drum_kit(folder.path()).is_full());
  fs::remove(folder.path() / "Kick0.wav");
  expect_error(ErrorKind::kInput, "Kick0.wav", [&] { read_drum_kit(folder.path()); });
  write_test_kit(folder.path(), {{"Kick", {500}}, {"Snare", {500, 600}}});  // kits do lack some of their files
  fs::remove(folder.path() / "Snare1.wav");
  const DrumKit kit = read_drum_kit(folder.path());
  EXPECT_EQ(kit.missing_files, std::vector<std::string>{"Snare1.wav"});
  EXPECT_TRUE(kit.is_full());
  write_file_atomically(folder.path() / "Kick0.wav", "no sound");
  expect_error(ErrorKind::kInput, "Kick0.wav", [&] { play(folder.path(), {{0.0, 0.1, 36, 100}}); });
}

TEST(DrumKit, ReadsDebiansKits) {
  SKIP_WITHOUT_KITS();
  const fs::path folder = "/usr/share/hydrogen/data/drumkits/rumpf_kit_z01_h2";
  if (!fs::exists(folder)) GTEST_SKIP() << "needs " << folder << " (apt install hydrogen-drumkits)";
  const DrumKit kit = read_drum_kit(folder);
  EXPECT_TRUE(kit.is_full());
  for (int key : {36, 38, 42, 46, 45, 49, 51}) EXPECT_TRUE(kit.drum_of_key.contains(key)) << key;
  EXPECT_GT(rms(play(folder, {{0.0, 0.1, 36, 100}, {0.5, 0.1, 38, 100}})), 1e-3);
}

}  // namespace
}  // namespace instructme
