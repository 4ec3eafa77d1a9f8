#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <limits>

#include "expect_error.h"
#include "instructme/audio/audio_file.h"
#include "instructme/base/files.h"
#include "signals.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

const std::vector<const char*> kNames = {"x.wav", "x.aiff", "x.flac", "x.ogg", "x.opus", "x.mp3"};

std::string little(uint32_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
  return out;
}

/// A float WAV made by hand; `stated` is the length that its header claims, in bytes.
std::string float_wav(const std::vector<float>& samples, int rate, int channels, uint32_t stated) {
  std::string data(samples.size() * 4, '\0');
  if (!samples.empty()) std::memcpy(data.data(), samples.data(), data.size());
  const auto frame_bytes = static_cast<uint32_t>(4 * channels);
  return "RIFF" + little(36 + stated, 4) + "WAVEfmt " + little(16, 4) + little(3, 2) +
         little(static_cast<uint32_t>(channels), 2) + little(static_cast<uint32_t>(rate), 4) +
         little(static_cast<uint32_t>(rate) * frame_bytes, 4) + little(frame_bytes, 2) + little(32, 2) + "data" +
         little(stated, 4) + data;
}

std::string float_wav(const std::vector<float>& samples, int rate, int channels = 1) {
  return float_wav(samples, rate, channels, static_cast<uint32_t>(4 * samples.size()));
}

class ReadAudio : public testing::Test {
 protected:
  fs::path file(const std::string& name, const std::string& content) {
    write_file_atomically(folder_.path() / name, content);
    return folder_.path() / name;
  }
  fs::path path(const std::string& name) const { return folder_.path() / name; }
  /// Both the reading and the message that a person sees.
  void refuses(const fs::path& where, const std::string& part, const ReadOptions& options = {}) {
    expect_error(ErrorKind::kInput, part, [&] { read_audio(where, options); });
    expect_error(ErrorKind::kInput, where.string(), [&] { read_audio(where, options); });
  }
  TempDir folder_;
};

TEST_F(ReadAudio, SaysWhatAFileIs) {
  write_audio(path("x.flac"), noise(44100, 2, 4410, 0.5), {AudioEncoding::kPcm16});
  const AudioInfo info = probe_audio(path("x.flac"));
  EXPECT_EQ(info.sample_rate, 44100);
  EXPECT_EQ(info.channels, 2);
  EXPECT_EQ(info.frames, 4410);
  EXPECT_DOUBLE_EQ(info.seconds(), 0.1);
  EXPECT_THAT(info.container, testing::HasSubstr("FLAC"));
  EXPECT_THAT(info.encoding, testing::HasSubstr("16 bit"));
  EXPECT_EQ(info.bit_depth, 16);
  write_audio(path("x.ogg"), noise(44100, 2, 4410, 0.5));
  EXPECT_THAT(probe_audio(path("x.ogg")).encoding, testing::HasSubstr("Vorbis"));
}

TEST_F(ReadAudio, RangesAreTheSameSamples) {
  const AudioBuffer sound = noise(24000, 2, 150000, 0.5);
  for (const char* name : kNames) {
    write_audio(path(name), sound);
    const AudioBuffer all = read_audio(path(name));
    ASSERT_EQ(all.frames(), 150000) << name;
    const bool lossless =
        std::string(name) == "x.wav" || std::string(name) == "x.aiff" || std::string(name) == "x.flac";
    for (const auto& [start, frames] :
         {std::pair<int64_t, int64_t>{0, 10}, {70000, 20000}, {149999, 1}, {100000, -1}}) {
      const AudioBuffer part = read_audio(path(name), {0, start, frames});
      const int64_t wanted = frames < 0 ? 150000 - start : frames;
      ASSERT_EQ(part.frames(), wanted) << name;
      const std::span<const float> same(all.samples.data() + 2 * start, static_cast<size_t>(2 * wanted));
      if (lossless) {
        EXPECT_EQ(std::vector<float>(same.begin(), same.end()), part.samples) << name;
      } else if (wanted > 1000) {
        EXPECT_GT(snr_db(same, part.samples), 30) << name << " at " << start;
      }
    }
    refuses(path(name), "150000 frames", {0, 150000, 1});
    refuses(path(name), "150000 frames", {0, 149990, 11});
  }
}

TEST_F(ReadAudio, MissingFolderEmptyAndForeignFiles) {
  refuses(path("none.wav"), "does not exist");
  refuses(folder_.path(), "is a folder");
  refuses(file("empty.wav", ""), "is empty (0 bytes)");
  refuses(file("text.wav", "this is a text and no music at all, whatever its name says"), "not an audio file");
  refuses(file("short.wav", "RIFF"), "not an audio file");
  refuses(file("magic.flac", "fLaC and then nothing of use"), "not an audio file");
  refuses(file("speech.vox", std::string(5000, 'x')), "not an audio file");
  Rng rng(3);
  std::string random(5000, '\0');
  for (char& c : random) c = static_cast<char>(rng.integer(0, 255));
  refuses(file("random.mp3", random), "not an audio file");
  ASSERT_EQ(mkfifo(path("pipe.wav").c_str(), 0600), 0);
  refuses(path("pipe.wav"), "not a regular file");
  expect_error(ErrorKind::kInput, "does not exist", [&] { probe_audio(path("none.wav")); });
  expect_error(ErrorKind::kInput, "not an audio file", [&] { probe_audio(path("text.wav")); });
}

TEST_F(ReadAudio, TruncatedFilesAreNoticed) {
  const AudioBuffer sound = noise(24000, 2, 72000, 0.5);
  for (const char* name : kNames) {
    write_audio(path(name), sound);
    const std::string whole = read_text_file(path(name));
    ASSERT_EQ(read_audio(path(name)).frames(), 72000);
    for (const size_t kept : {whole.size() - 3, whole.size() * 9 / 10, whole.size() / 2, whole.size() / 10})
      refuses(file(std::string("cut-") + name, whole.substr(0, kept)), "truncated");
    // The part that is there is refused as well: the file is not what it should be. Only FLAC does not
    // tell without being decoded.
    if (std::string(name) != "x.flac") refuses(path(std::string("cut-") + name), "truncated", {0, 0, 10});
  }
}

TEST_F(ReadAudio, ALengthLeftOpenIsNoTruncation) {
  const std::vector<float> samples(4000, 0.25f);
  for (const uint32_t stated : {0xFFFFFFFFu, 0x7FFFF000u})
    EXPECT_EQ(read_audio(file("pipe.wav", float_wav(samples, 8000, 1, stated))).frames(), 4000) << stated;
  refuses(file("cut.wav", float_wav(samples, 8000, 1, 16004)), "truncated");
}

TEST_F(ReadAudio, HeadersThatPromiseTooMuchDoNotTakeTheMemory) {
  write_audio(path("x.flac"), noise(24000, 1, 24000, 0.5));
  std::string content = read_text_file(path("x.flac"));
  // STREAMINFO: the lowest 32 of 36 bits of the sample count are bytes 22 to 25 of the file.
  for (size_t i = 22; i < 26; ++i) content[i] = static_cast<char>(0xFF);
  refuses(file("y.flac", content), "truncated");
}

TEST_F(ReadAudio, NoSamplesAndNonFiniteSamples) {
  refuses(file("none.wav", float_wav({}, 24000)), "no samples");
  std::vector<float> samples(48000, 0.1f);
  samples[29520] = std::nanf("");
  refuses(file("nan.wav", float_wav(samples, 24000)), "contains NaN at 1.23 s");
  EXPECT_EQ(read_audio(path("nan.wav"), {0, 0, 20000}).frames(), 20000);
  refuses(path("nan.wav"), "contains NaN at 1.23 s", {0, 25000, 20000});
  samples[29520] = -std::numeric_limits<float>::infinity();
  refuses(file("inf.wav", float_wav(samples, 12000, 2)), "contains an infinite value at 1.23 s");
}

TEST_F(ReadAudio, LimitsOfLengthRateAndChannels) {
  write_audio(path("x.wav"), noise(8000, 1, 80000, 0.5));
  EXPECT_EQ(read_audio(path("x.wav"), {10.0, 0, -1}).frames(), 80000);
  refuses(path("x.wav"), "is 10 s long; at most 9.9 s", {9.9, 0, -1});
  EXPECT_EQ(read_audio(path("x.wav"), {1.0, 72000, -1}).frames(), 8000);

  const std::vector<float> samples(720, 0.1f);
  refuses(file("slow.wav", float_wav(samples, 7999)), "7999 Hz");
  refuses(file("fast.wav", float_wav(samples, 200000)), "200000 Hz");
  EXPECT_EQ(read_audio(file("edge.wav", float_wav(samples, 192000))).sample_rate, 192000);
  refuses(file("many.wav", float_wav(samples, 24000, 9)), "9 channels");
  EXPECT_EQ(read_audio(file("eight.wav", float_wav(samples, 24000, 8))).frames(), 90);
}

TEST_F(ReadAudio, SilenceAndOverloadAreNoErrors) {
  EXPECT_TRUE(is_silent(read_audio(file("silent.wav", float_wav(std::vector<float>(100), 24000)))));
  EXPECT_EQ(read_audio(file("loud.wav", float_wav({0, 3.5f, -7.0f}, 24000))).samples[2], -7.0f);
}

TEST_F(ReadAudio, NamesWithBlanksAndOtherLettersWork) {
  const fs::path odd = path("Stück №1 – mix.wav");
  write_audio(odd, noise(24000, 1, 10, 0.5));
  EXPECT_EQ(read_audio(odd).frames(), 10);
}

TEST_F(ReadAudio, AnMp3ThatDoesNotTellItsLengthIsNotCutOff) {
  // Much to say at first, and little after that: the first frames are no measure of the others.
  AudioBuffer sound = noise(44100, 2, 2 * 44100, 0.5);
  sound.samples.resize(static_cast<size_t>(2 * 30 * 44100), 0.0f);
  write_audio(path("whole.mp3"), sound);
  EXPECT_NEAR(read_audio(path("whole.mp3")).seconds(), 30, 0.1);
  std::string bytes = read_text_file(path("whole.mp3"));
  const size_t header = std::min(bytes.find("Xing"), bytes.find("Info"));
  ASSERT_LT(header, 4096u);
  bytes.replace(header, 4, 4, '\0');
  const fs::path mute = file("mute.mp3", bytes);
  if (probe_audio(mute).seconds() > 29.5) GTEST_SKIP() << "this libsndfile finds the length out by itself";
  refuses(mute, "holds 30.");
  EXPECT_EQ(probe_audio(mute).frames, -1) << "which it does not tell";
}

}  // namespace
}  // namespace instructme
