#include "instructme/synth/sound_font.h"

#include <algorithm>

#include "expect_error.h"
#include "instructme/base/files.h"
#include "synth_test_support.h"

namespace instructme {
namespace {

TEST(SoundFont, ListsGeneralMidiAndKits) {
  SKIP_WITHOUT_SMALL_FONT();
  const SoundFontInfo info = inspect_sound_font(small_font());
  for (int program = 0; program < 128; ++program)
    EXPECT_TRUE(std::any_of(info.presets.begin(), info.presets.end(), [&](const SoundFontPreset& p) {
      return p.bank == 0 && p.program == program && !p.name.empty();
    })) << program;
  EXPECT_TRUE(std::any_of(info.presets.begin(), info.presets.end(),
                          [](const SoundFontPreset& p) { return p.bank == kDrumBank && p.program == 0; }));
  EXPECT_TRUE(
      std::is_sorted(info.presets.begin(), info.presets.end(), [](const SoundFontPreset& a, const SoundFontPreset& b) {
        return a.bank != b.bank ? a.bank < b.bank : a.program < b.program;
      }));
}

TEST(SoundFont, SaysHowToInstallAMissingOne) {
  expect_error(ErrorKind::kMissing, "apt install", [] { inspect_sound_font("/nowhere/none.sf2"); });
}

TEST(SoundFont, RefusesAFileOfAnotherKindWithoutPrinting) {
  TempDir folder;
  const auto path = folder.path() / "text.sf2";
  write_file_atomically(path, "this is no SoundFont");
  testing::internal::CaptureStderr();
  expect_error(ErrorKind::kInput, "text.sf2", [&] { inspect_sound_font(path); });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(SoundFont, RefusesATruncatedFileWithoutPrinting) {
  SKIP_WITHOUT_SMALL_FONT();
  TempDir folder;
  const auto path = folder.path() / "half.sf2";
  write_file_atomically(path, read_text_file(small_font()).substr(0, 3'000'000));
  testing::internal::CaptureStderr();
  expect_error(ErrorKind::kInput, "half.sf2", [&] { inspect_sound_font(path); });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace instructme
