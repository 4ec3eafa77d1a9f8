#include "instructme/synth/band_renderer.h"

#include "expect_error.h"
#include "synth_test_support.h"
#include "test_kit.h"

namespace instructme {
namespace {

TEST(BandRenderer, FontsAloneSoundAsInTheStemRenderer) {
  SKIP_WITHOUT_SMALL_FONT();
  const Score score = small_score();
  const std::vector<Sound> sounds{{small_font(), 0, 0}, {small_font(), 0, 33}, {small_font(), 128, 0}};
  StemRenderer stems;
  BandRenderer band({});
  const BandStems result = band.render(score, {sounds.begin(), sounds.end()}, 7);
  EXPECT_EQ(result.stems, stems.render(score, sounds));
  EXPECT_EQ(result.failures, std::vector<std::string>(3));
  EXPECT_EQ(band.frames_of(score), stems.frames_of(score));
  EXPECT_EQ(band.render_part(score, 1, sounds[1], 7).size(), result.stems[1].size());
}

TEST(BandRenderer, KindsOfSoundsMixAndAFailingPluginIsSilent) {
  SKIP_WITHOUT_SMALL_FONT();
  TempDir folder;
  write_test_kit(folder.path(), {{"Kick", {60}}, {"Snare", {200}}});
  const Score score = small_score();
  BandRenderer band({}, {.program = "/bin/false"});
  const std::vector<PartSound> sounds{Sound{small_font(), 0, 0}, PluginSound{{.name = "Nothing"}},
                                      KitSound{folder.path()}};
  try {
    const BandStems result = band.render(score, sounds, 7);
    ASSERT_EQ(result.stems.size(), 3u);
    for (const auto& stem : result.stems) EXPECT_EQ(static_cast<int64_t>(stem.size()), band.frames_of(score));
    EXPECT_GT(rms(result.stems[0]), 1e-3);
    EXPECT_EQ(rms(result.stems[1]), 0);
    EXPECT_GT(rms(result.stems[2]), 1e-3);
    EXPECT_NE(result.failures[1].find("Nothing"), std::string::npos);
    EXPECT_EQ(result.failures[2], "");
    EXPECT_EQ(band.render(score, sounds, 7).stems, result.stems);
    EXPECT_NE(band.render(score, sounds, 8).stems[2], result.stems[2]);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kMissing) GTEST_SKIP() << error.what();  // built without pugixml
    throw;
  }
  expect_error(ErrorKind::kUsage, "3 parts", [&] { band.render(score, {}, 1); });
}

}  // namespace
}  // namespace instructme
