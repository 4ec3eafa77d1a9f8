#include "instructme/synth/recorded_notes.h"

#include "expect_error.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/files.h"
#include "instructme/synth/sound_font.h"
#include "instructme/synth/stem_renderer.h"
#include "sine.h"
#include "synth_test_support.h"

namespace instructme {
namespace {

constexpr int kRate = 24000;

TEST(RecordedNotes, KeysOfNames) {
  EXPECT_EQ(key_of_note("C4"), 60);
  EXPECT_EQ(key_of_note("A3"), 57);
  EXPECT_EQ(key_of_note("F#2v8"), 42);
  EXPECT_EQ(key_of_note("cs5"), 73);
  EXPECT_EQ(key_of_note("Bb4_long"), 70);
  EXPECT_EQ(key_of_note("B4"), 71);
  EXPECT_EQ(key_of_note("C-1"), 0);
  for (const char* name : {"", "H4", "cello1", "A", "C#", "G44", "B9", "Cb-1"})
    EXPECT_EQ(key_of_note(name), std::nullopt) << name;
}

TEST(RecordedNotes, ASoundFontOfThemPlaysThemInTune) {
  TempDir folder;
  std::vector<float> late(kRate / 2, 0.0f);  // silence before the onset
  const std::vector<float> a = sine(440, kRate, 2, 0.5);
  late.insert(late.end(), a.begin(), a.end());
  write_audio(folder.path() / "A4.wav", from_mono(late, kRate));
  write_audio(folder.path() / "A3.wav", from_mono(sine(220, kRate, 2, 0.5), kRate));
  write_audio(folder.path() / "notes.wav", from_mono(sine(1000, kRate, 1, 0.5), kRate));  // no note's name
  const auto notes = read_recorded_notes(folder.path());
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].key, 57);
  EXPECT_NEAR(static_cast<double>(notes[1].samples.size()), 2.0 * kRate, 0.01 * kRate);
  const auto path = folder.path() / "flute.sf2";
  write_file_atomically(path, make_sound_font(notes, {"sines", 73, 0.1}));
  const SoundFontInfo info = inspect_sound_font(path);
  ASSERT_EQ(info.presets.size(), 1u);
  EXPECT_EQ(info.presets[0].program, 73);
  EXPECT_EQ(info.presets[0].name, "sines");

  Score score = small_score();
  score.parts.resize(1);
  score.parts[0].drums = false;
  score.parts[0].notes = {{.onset_s = 0, .duration_s = 0.9, .pitch = 69, .velocity = 100},
                          {.onset_s = 1, .duration_s = 0.9, .pitch = 62, .velocity = 100}};
  StemRenderer renderer;
  const std::vector<float> stem = renderer.render(score, {{path, 0, 73}}).at(0);
  EXPECT_NEAR(rises(stem, kRate / 4, 3 * kRate / 4), 220, 1);             // A4, half a second
  EXPECT_NEAR(rises(stem, 5 * kRate / 4, 7 * kRate / 4), 293.66 / 2, 1);  // D4, of the A3
}

TEST(RecordedNotes, BadInput) {
  TempDir folder;
  expect_error(ErrorKind::kInput, "no file named by a note", [&] { read_recorded_notes(folder.path()); });
  expect_error(ErrorKind::kInput, "cannot be read as a folder", [] { read_recorded_notes("/nowhere"); });
  write_audio(folder.path() / "C4.wav", from_mono(std::vector<float>(kRate, 0.0f), kRate));
  expect_error(ErrorKind::kInput, "is silent", [&] { read_recorded_notes(folder.path()); });
  write_file_atomically(folder.path() / "C4.wav", "no sound");
  expect_error(ErrorKind::kInput, "C4.wav", [&] { read_recorded_notes(folder.path()); });
  expect_error(ErrorKind::kUsage, "one note", [] { make_sound_font({}, {"nothing"}); });
  expect_error(ErrorKind::kUsage, "0 to 127", [] {
    make_sound_font({{60, kRate, sine(262, kRate, 1, 0.5)}}, {"x", 128});
  });
}

}  // namespace
}  // namespace instructme
