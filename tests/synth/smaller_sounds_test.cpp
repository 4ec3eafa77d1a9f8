#include "instructme/synth/smaller_sounds.h"

#include <algorithm>
#include <numeric>

#include "expect_error.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/files.h"
#include "instructme/synth/recorded_notes.h"
#include "instructme/synth/sound_font.h"
#include "instructme/synth/stem_renderer.h"
#include "sine.h"
#include "synth_test_support.h"

namespace instructme {
namespace {

constexpr int kRate = 24000;

std::vector<float> played(const std::filesystem::path& font, int program, int pitch, double seconds) {
  Score score;
  score.duration_s = seconds + 0.5;
  score.parts.push_back(make_part(program, false, {{0.0, seconds, pitch, 100}}));
  StemRenderer renderer;
  return renderer.render(score, {{font, 0, program}}).at(0);
}

double likeness(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0) /
         (rms(a) * rms(b) * static_cast<double>(std::min(a.size(), b.size())));
}

/// Samples that fifty periods of 392 Hz take, from a sound's third second on: the lag at which it is most like itself.
size_t fifty_periods(const std::vector<float>& sound) {
  const std::vector<float> now(sound.begin() + 2 * kRate, sound.begin() + 2 * kRate + kRate / 4);
  size_t best = 0;
  double most = -1;
  for (size_t lag = 3030; lag < 3091; ++lag) {  // less than a period about 3061.2
    const auto from = sound.begin() + 2 * kRate + static_cast<ptrdiff_t>(lag);
    const double like = likeness(now, {from, from + kRate / 4});
    if (like > most) best = lag, most = like;
  }
  return best;
}

/// Where the data of a piece begins that comes after the samples.
size_t place_of(const std::string& font, const char* name) { return font.rfind(name) + 8; }

void put(std::string& font, size_t at, size_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) font[at + static_cast<size_t>(i)] = static_cast<char>(value >> (8 * i) & 0xff);
}

/// Loop and rate of the first recording.
std::vector<size_t> loop_of(const std::string& font) {
  std::vector<size_t> numbers;
  for (size_t field = 28; field < 40; field += 4) {
    size_t value = 0;
    for (size_t i = 4; i > 0; --i)
      value = value << 8 | static_cast<unsigned char>(font[place_of(font, "shdr") + field + i - 1]);
    numbers.push_back(value);
  }
  return numbers;
}

/// A second of 441 Hz that its instrument loops, from one sample to another.
std::string looped_font(int rate, size_t start, size_t end) {
  std::string font = make_sound_font({{69, rate, sine(441, rate, 1, 0.5)}}, {"loop", 0});
  put(font, place_of(font, "igen"), 54 | 1 << 16, 4);  // sampleModes in place of the range of keys
  put(font, place_of(font, "shdr") + 28, start, 4);
  put(font, place_of(font, "shdr") + 32, end, 4);
  return font;
}

std::string made_smaller(const std::string& font, int rate) {
  SmallerSoundOptions options;
  options.sample_rate = rate;
  return smaller_sound_font(font, "y.sf3", options);
}

TEST(SmallerSounds, RecordingsAreCutAndStayInTune) {
  TempDir folder;
  const auto large = folder.path() / "large.sf2", small = folder.path() / "small.sf2";
  write_file_atomically(large, make_sound_font({{69, 48000, sine(440, 48000, 6, 0.5)}}, {"sines", 73, 0.1}));
  SmallerSoundOptions options;
  options.seconds = 2;
  options.quality = 0.8;
  write_file_atomically(small, smaller_sound_font(read_text_file(large), "large", options));
  EXPECT_LT(std::filesystem::file_size(small), std::filesystem::file_size(large) / 10);
  const SoundFontInfo info = inspect_sound_font(small);
  ASSERT_EQ(info.presets.size(), 1u);
  EXPECT_EQ(info.presets[0].name, "sines");
  EXPECT_EQ(info.presets[0].program, 73);

  const std::vector<float> sound = played(small, 73, 69, 4);
  EXPECT_NEAR(rises(sound, kRate / 4, 5 * kRate / 4), 440, 1);
  const auto after = sound.begin() + static_cast<ptrdiff_t>(2.1 * kRate);
  EXPECT_LT(rms({after, sound.end()}), 1e-3) << "it goes on after its two seconds";
  EXPECT_GT(rms(played(large, 73, 69, 4)), 2 * rms({after, sound.end()}));
}

TEST(SmallerSounds, LoopsKeepTheirPitch) {
  SKIP_WITHOUT_SMALL_FONT();
  TempDir folder;
  const auto small = folder.path() / "small.sf3";
  SmallerSoundOptions options;
  options.sample_rate = 16000;
  options.seconds = 0.5;
  options.quality = 0.9;
  write_file_atomically(small, smaller_sound_font(read_text_file(small_font()), "font", options));
  EXPECT_LT(std::filesystem::file_size(small), std::filesystem::file_size(small_font()));
  EXPECT_EQ(inspect_sound_font(small).presets.size(), inspect_sound_font(small_font()).presets.size());
  for (const int program : {19, 73, 80}) {  // a church organ, a flute, a square wave
    const std::vector<float> was = played(small_font(), program, 67, 4), is = played(small, program, 67, 4);
    EXPECT_NEAR(rms(is) / rms(was), 1, 0.15) << program;
    // Far beyond the half second to which other recordings are cut.
    EXPECT_GT(rms({is.begin() + 3 * kRate, is.begin() + 7 * kRate / 2}), 0.5 * rms(was)) << program;
    EXPECT_NEAR(static_cast<double>(fifty_periods(is)), static_cast<double>(fifty_periods(was)), 2) << program;
    EXPECT_GT(likeness({was.begin(), was.begin() + kRate / 4}, {is.begin(), is.begin() + kRate / 4}), 0.8) << program;
  }
}

TEST(SmallerSounds, EveryLoopIsLoopedAsBefore) {
  using Loop = std::vector<size_t>;
  EXPECT_EQ(loop_of(made_smaller(looped_font(48000, 100, 1100), 24000)), (Loop{50, 550, 24000}));
  EXPECT_EQ(loop_of(made_smaller(looped_font(24000, 100, 106), 24000)), (Loop{100, 106, 24000})) << "a short wave";
  EXPECT_EQ(loop_of(made_smaller(looped_font(24000, 100, 24009), 24000)), (Loop{100, 24000, 24000}));
  const Loop none = loop_of(made_smaller(looped_font(24000, 100, 100), 24000));
  EXPECT_EQ(none[0], none[1]) << "there is no loop";
  std::string moved = looped_font(48000, 100, 1100);
  put(moved, place_of(moved, "igen") + 4, 3 | 500 << 16, 4);  // endloopAddrsOffset in place of the release
  EXPECT_EQ(loop_of(made_smaller(moved, 24000)), (Loop{100, 1100, 48000})) << "the instrument counts its samples";
}

TEST(SmallerSounds, WhatIsSmallCanBeMadeSmaller) {
  const std::string once = made_smaller(looped_font(44100, 100, 1100), 8000);
  EXPECT_EQ(loop_of(once), (std::vector<size_t>{18, 199, 7982}));
  EXPECT_EQ(loop_of(made_smaller(once, 8000)), loop_of(once));
  EXPECT_NO_THROW(made_smaller(make_sound_font({{60, 44100, {0.5f}}}, {"click", 0}), 16000));
}

TEST(SmallerSounds, AKitHasTheSameFiles) {
  TempDir folder;
  const auto kit = folder.path() / "kit", small = folder.path() / "small";
  make_folder(kit);
  write_file_atomically(kit / "drumkit.xml", "<drumkit_info/>");
  write_file_atomically(kit / "notes.txt", "not needed");
  AudioBuffer stereo = from_mono(sine(200, 44100, 6, 0.5), 44100);
  stereo = {44100, 2, {}};
  for (const float x : sine(200, 44100, 6, 0.5)) stereo.samples.insert(stereo.samples.end(), {x, 0.5f * x});
  write_audio(kit / "Kick.WAV", stereo);
  write_smaller_kit(kit, small);
  EXPECT_FALSE(std::filesystem::exists(small / "notes.txt"));
  EXPECT_EQ(read_text_file(small / "drumkit.xml"), "<drumkit_info/>");
  const AudioBuffer is = read_audio(small / "Kick.WAV");
  EXPECT_EQ(is.sample_rate, 24000);
  EXPECT_EQ(is.channels, 1);
  EXPECT_NEAR(static_cast<double>(is.frames()), 4.0 * 24000, 2);
  EXPECT_NEAR(rises(is.samples, 0, 24000), 200, 1);
  EXPECT_NEAR(rms({is.samples.begin(), is.samples.begin() + 24000}), 0.375 / std::sqrt(2), 0.01);

  SmallerSoundOptions whole;
  whole.seconds = 1e300;
  write_smaller_kit(kit, small, whole);
  EXPECT_EQ(read_audio(small / "Kick.WAV").frames(), 6 * 24000);
}

TEST(SmallerSounds, BadInput) {
  expect_error(ErrorKind::kInput, "x.sf2 is not a SoundFont", [] { smaller_sound_font("RIFFabcdWAVE", "x.sf2"); });
  const std::string font = make_sound_font({{60, kRate, sine(262, kRate, 1, 0.5)}}, {"x", 0});
  for (const size_t length : {font.size() - 1, font.size() / 2, size_t{13}})
    expect_error(ErrorKind::kInput, "y.sf2 is a damaged SoundFont",
                 [&] { smaller_sound_font(std::string_view(font).substr(0, length), "y.sf2"); });
  std::string damaged = made_smaller(font, kRate);
  damaged.replace(damaged.find("OggS"), 4, 4, '\0');
  expect_error(ErrorKind::kInput, "y.sf3 holds a recording that cannot be decoded",
               [&] { made_smaller(damaged, kRate); });
  SmallerSoundOptions options;
  options.quality = 2;
  expect_error(ErrorKind::kUsage, "quality of 0 to 1", [&] { smaller_sound_font(font, "x", options); });
  TempDir folder;
  expect_error(ErrorKind::kInput, "no drumkit.xml", [&] { write_smaller_kit(folder.path(), folder.path() / "to"); });
}

}  // namespace
}  // namespace instructme
