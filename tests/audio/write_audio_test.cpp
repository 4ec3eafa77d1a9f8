#include <gtest/gtest.h>
#include <sndfile.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "expect_error.h"
#include "instructme/audio/audio_file.h"
#include "instructme/audio/loudness.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "signals.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

struct Lossless {
  const char* extension;
  AudioEncoding encoding;
  int bits;
};

const std::vector<Lossless> kLossless = {
    {".wav", AudioEncoding::kPcm8, 8},    {".wav", AudioEncoding::kPcm16, 16},  {".wav", AudioEncoding::kPcm24, 24},
    {".wav", AudioEncoding::kPcm32, 32},  {".aiff", AudioEncoding::kPcm8, 8},   {".aiff", AudioEncoding::kPcm16, 16},
    {".aif", AudioEncoding::kPcm24, 24},  {".aiff", AudioEncoding::kPcm32, 32}, {".flac", AudioEncoding::kPcm8, 8},
    {".flac", AudioEncoding::kPcm16, 16}, {".flac", AudioEncoding::kPcm24, 24}};

TEST(WriteAudio, IntegersAreWithinHalfAStep) {
  const TempDir folder;
  for (const Lossless& kind : kLossless)
    for (const int rate : {8000, 24000, 44100, 96000})
      for (const int channels : {1, 2, 6}) {
        const fs::path path = folder.path() / (std::string("x") + kind.extension);
        const AudioBuffer sound = noise(rate, channels, 3001, 0.99);
        const WriteResult result = write_audio(path, sound, {kind.encoding});
        EXPECT_EQ(result.clipped_samples, 0);
        EXPECT_EQ(result.peak, peak(sound.samples));
        EXPECT_EQ(result.sample_rate, rate);
        const AudioInfo info = probe_audio(path);
        EXPECT_EQ(info.bit_depth, kind.bits) << kind.extension;
        EXPECT_EQ(info.sample_rate, rate);
        EXPECT_EQ(info.channels, channels);
        EXPECT_EQ(info.frames, 3001);
        const AudioBuffer back = read_audio(path);
        ASSERT_EQ(back.samples.size(), sound.samples.size());
        const double step = std::ldexp(1.0, 1 - kind.bits);
        for (size_t i = 0; i < sound.samples.size(); ++i)
          ASSERT_LE(std::abs(back.samples[i] - sound.samples[i]), 0.5 * step + 1e-7) << kind.extension << kind.bits;
      }
}

/// A file of `encoding` with samples that need all its bits; the bytes of its samples.
std::string write_wide(const fs::path& path, int sf_format, size_t count) {
  SF_INFO info{};
  info.samplerate = 44100;
  info.channels = 2;
  info.format = sf_format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  sf_command(file, SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
  Rng rng(8);
  std::vector<double> values(count);
  for (double& x : values) x = rng.uniform(-0.7, 0.7);
  sf_writef_double(file, values.data(), static_cast<sf_count_t>(count / 2));
  sf_close(file);
  return read_text_file(path);
}

TEST(WriteAudio, UnchangedSamplesKeepBitsThatAFloatHasNoRoomFor) {
  const TempDir folder;
  for (const char* extension : {".wav", ".aiff"})
    for (const auto& [subtype, encoding] :
         {std::pair(SF_FORMAT_PCM_32, AudioEncoding::kPcm32), std::pair(SF_FORMAT_DOUBLE, AudioEncoding::kFloat64)}) {
      const fs::path first = folder.path() / (std::string("a") + extension),
                     second = folder.path() / ("b" + first.extension().string());
      const bool wav = std::string(extension) == ".wav";
      const std::string bytes = write_wide(first, (wav ? SF_FORMAT_WAV : SF_FORMAT_AIFF) | subtype, 200000);
      const AudioBuffer before = read_audio(first);
      EXPECT_EQ(probe_audio(first).sample_encoding, encoding);
      write_audio(second, before, {.encoding = encoding, .original = {first, &before}});
      EXPECT_TRUE(read_text_file(second) == bytes) << extension;
      write_audio(second, before, {.encoding = encoding});
      EXPECT_FALSE(read_text_file(second) == bytes) << "the test needs samples wider than a float";
      // A change in the middle leaves the rest as it was, and is itself written.
      AudioBuffer edited = before;
      edited.samples[150000] = 0.25f;
      write_audio(second, edited, {.encoding = encoding, .original = {first, &before}});
      std::string now = read_text_file(second);
      ASSERT_EQ(now.size(), bytes.size());
      const size_t width = subtype == SF_FORMAT_PCM_32 ? 4 : 8, at = bytes.size() - (200000 - 150000) * width;
      EXPECT_NE(now.substr(at, width), bytes.substr(at, width));
      now.replace(at, width, bytes.substr(at, width));
      EXPECT_TRUE(now == bytes);
      EXPECT_EQ(read_audio(second).samples[150000], 0.25f);
    }
}

TEST(WriteAudio, TagsAndLoudspeakersAreKept) {
  const TempDir folder;
  const AudioTags tags = {{"title", "Caf\u00e9"}, {"artist", "Nobody"}, {"album", "None"},
                          {"genre", "Jazz"},      {"date", "1999"},     {"comment", "as it was"}};
  for (const char* name : {"a.wav", "a.flac", "a.ogg"}) {
    const fs::path path = folder.path() / name;
    write_audio(path, noise(44100, 2, 3000, 0.5), {.tags = tags});
    EXPECT_EQ(probe_audio(path).tags, tags) << name;
  }
  // AIFF and MP3 have fewer.
  for (const char* name : {"a.aiff", "a.mp3"}) {
    const fs::path path = folder.path() / name;
    write_audio(path, noise(44100, 2, 3000, 0.5), {.tags = tags});
    EXPECT_EQ(probe_audio(path).tags["title"], "Caf\u00e9") << name;
  }
  std::vector<int> map = {SF_CHANNEL_MAP_LEFT, SF_CHANNEL_MAP_RIGHT,     SF_CHANNEL_MAP_CENTER,
                          SF_CHANNEL_MAP_LFE,  SF_CHANNEL_MAP_SIDE_LEFT, SF_CHANNEL_MAP_SIDE_RIGHT};
  const fs::path path = folder.path() / "surround.wav";
  write_audio(path, noise(48000, 6, 3000, 0.5), {.channel_map = map});
  EXPECT_EQ(probe_audio(path).channel_map, map);
  const fs::path large = folder.path() / "large.wav";
  SF_INFO info{};
  info.samplerate = 48000;
  info.channels = 6;
  info.format = SF_FORMAT_RF64 | SF_FORMAT_PCM_16;
  SNDFILE* const file = sf_open(large.c_str(), SFM_WRITE, &info);
  ASSERT_NE(file, nullptr);
  sf_command(file, SFC_SET_CHANNEL_MAP_INFO, map.data(), static_cast<int>(map.size() * sizeof(int)));
  sf_writef_float(file, noise(48000, 6, 100, 0.5).samples.data(), 100);
  sf_close(file);
  EXPECT_EQ(probe_audio(large).channel_map, map);
  map[4] = SF_CHANNEL_MAP_REAR_LEFT, map[5] = SF_CHANNEL_MAP_REAR_RIGHT;  // AIFF has names for few arrangements
  const fs::path apple = folder.path() / "surround.aiff";
  write_audio(apple, noise(48000, 6, 3000, 0.5), {.channel_map = map});
  EXPECT_EQ(probe_audio(apple).channel_map, map);
}

TEST(WriteAudio, OggHasAnOrderOfChannelsOfItsOwn) {
  const TempDir folder;
  // Left, right, centre, deep, and two behind, all so low that the deep one loses nothing.
  AudioBuffer sound{48000, 6, {}};
  for (int i = 0; i < 48000; ++i)
    for (int c = 0; c < 6; ++c) sound.samples.push_back(static_cast<float>(std::ldexp(0.7, -c) * std::sin(0.01 * i)));
  const auto level = [](const AudioBuffer& of, int channel) { return rms_db(extract_channel(of, channel)); };
  for (const char* name : {"a.ogg", "a.opus"}) {
    const fs::path path = folder.path() / name;
    write_audio(path, sound);
    SF_INFO info{};
    SNDFILE* const file = sf_open(path.c_str(), SFM_READ, &info);
    ASSERT_NE(file, nullptr);
    AudioBuffer stored{48000, 6, std::vector<float>(static_cast<size_t>(6 * info.frames))};
    sf_readf_float(file, stored.samples.data(), info.frames);
    sf_close(file);
    const AudioBuffer back = read_audio(path);
    constexpr int kStored[] = {0, 2, 1, 4, 5, 3};  // left, centre, right, those behind, deep
    for (int c = 0; c < 6; ++c) {
      // Neighbours are 6 dB apart, and encoders are not exact with the deep one.
      EXPECT_NEAR(level(stored, c), level(sound, kStored[c]), 2.5) << name << " channel " << c;
      EXPECT_NEAR(level(back, c), level(sound, c), 2.5) << name << " channel " << c;
    }
  }
}

TEST(WriteAudio, AWavFileKeepsWhatElseTheOtherOneHolds) {
  const TempDir folder;
  const fs::path before = folder.path() / "before.wav", after = folder.path() / "after.wav";
  // As others write them: a label that does not end at a multiple of four bytes, an odd number of bytes, and some
  // behind the sound.
  const std::string list = "adtllabl" + std::string("\6\0\0\0\1\0\0\0A\0", 10);
  // Tags as well, among them the engineer, of whom libsndfile knows nothing.
  const std::string tags = std::string("INFOINAM\2\0\0\0B\0IENG\2\0\0\0E\0", 24);
  const std::vector<std::pair<std::string, std::string>> chunks = {
      {"bext", std::string(601, 'b') + std::string(3, '\0')},
      {"iXML", "<BWFXML><SCENE>1</SCENE></BWFXML>"},
      {"cue ", std::string("\1\0\0\0", 4) + std::string(24, '\1')},
      {"LIST", list},
      {"LIST", tags}};
  write_audio(before, noise(44100, 1, 300, 0.5), {.encoding = AudioEncoding::kPcm16});
  {
    std::fstream file(before, std::ios::binary | std::ios::in | std::ios::out | std::ios::ate);
    const auto number = [&](size_t value) {
      for (int i = 0; i < 4; ++i) file.put(static_cast<char>(value >> (8 * i)));
    };
    for (const auto& [name, data] : chunks) {
      file << name;
      number(data.size());
      file << data;
      if (data.size() % 2 != 0) file.put('\0');
    }
    const auto length = static_cast<size_t>(file.tellp());
    file.seekp(4);
    number(length - 8);
  }
  const AudioBuffer sound = noise(44100, 1, 300, 0.1);
  write_audio(after, sound, {.encoding = AudioEncoding::kPcm16, .tags = {{"title", "A"}}, .tags_of = before});
  std::ifstream file(after, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  for (const auto& [name, data] : chunks) {
    const std::string size{static_cast<char>(data.size()), static_cast<char>(data.size() >> 8), 0, 0};
    EXPECT_NE(bytes.find(name + size + data), std::string::npos) << name;
  }
  const uint32_t told = static_cast<uint8_t>(bytes[4]) | static_cast<uint8_t>(bytes[5]) << 8;
  EXPECT_EQ(told, bytes.size() - 8);
  EXPECT_EQ(read_audio(after).frames(), 300);
  EXPECT_EQ(probe_audio(after).tags["title"], "B");
  // Other formats have no room for them.
  write_audio(folder.path() / "after.flac", sound, {.tags_of = before});
  EXPECT_EQ(read_audio(folder.path() / "after.flac").frames(), 300);
}

TEST(FittingEncoding, HoldsTheSamplesWhereTheFormatCan) {
  using enum AudioEncoding;
  for (const AudioEncoding encoding : {kPcm8, kPcm16, kPcm24, kPcm32, kFloat32, kFloat64})
    EXPECT_EQ(fitting_encoding("a.wav", encoding), encoding);
  EXPECT_EQ(fitting_encoding("a.flac", kPcm16), kPcm16);
  EXPECT_EQ(fitting_encoding("a.flac", kFloat32), kPcm24);
  EXPECT_EQ(fitting_encoding("a.aiff", kPcm8), kPcm8);
  EXPECT_EQ(fitting_encoding("a.mp3", kPcm16), kAuto);
  EXPECT_EQ(fitting_encoding("a.wav", kAuto), kPcm24);
  expect_error(ErrorKind::kUsage, "not a known audio extension", [] { fitting_encoding("a.xyz", kPcm16); });
}

TEST(WriteAudio, WhatWasReadIsWrittenExactly) {
  const TempDir folder;
  for (const Lossless& kind : kLossless) {
    const fs::path first = folder.path() / (std::string("a") + kind.extension);
    const fs::path second = folder.path() / (std::string("b") + kind.extension);
    write_audio(first, noise(24000, 2, 5000, 1.0), {kind.encoding});
    const AudioBuffer sound = read_audio(first);
    write_audio(second, sound, {kind.encoding});
    EXPECT_EQ(read_audio(second).samples, sound.samples) << kind.extension << kind.bits;
    EXPECT_EQ(read_text_file(first), read_text_file(second)) << "equal sound must give equal files";
  }
}

TEST(WriteAudio, FloatsAreKeptEvenBeyondFullScale) {
  const TempDir folder;
  for (const char* name : {"x.wav", "x.aiff"}) {
    const AudioBuffer sound = noise(44100, 2, 5000, 3.0);
    const WriteResult result = write_audio(folder.path() / name, sound, {AudioEncoding::kFloat32});
    EXPECT_EQ(result.clipped_samples, 0);
    EXPECT_GT(result.peak, 2.9f);
    EXPECT_EQ(read_audio(folder.path() / name).samples, sound.samples);
  }
}

TEST(WriteAudio, ClipsAndCounts) {
  const TempDir folder;
  for (const Lossless& kind : kLossless) {
    const fs::path path = folder.path() / (std::string("x") + kind.extension);
    const AudioBuffer sound{24000, 1, {0.0f, 1.0f, -1.0f, 1.5f, -2.5f, 0.5f}};
    const WriteResult result = write_audio(path, sound, {kind.encoding});
    EXPECT_EQ(result.clipped_samples, 2);
    EXPECT_EQ(result.peak, 2.5f);
    const AudioBuffer back = read_audio(path);
    const double step = std::ldexp(1.0, 1 - kind.bits);
    EXPECT_NEAR(back.samples[1], 1.0, step);
    EXPECT_EQ(back.samples[2], -1.0f);
    EXPECT_NEAR(back.samples[3], 1.0, step) << "must not wrap around";
    EXPECT_EQ(back.samples[4], -1.0f);
    EXPECT_EQ(back.samples[5], 0.5f);
  }
}

TEST(WriteAudio, TheDefaultIs24BitsWhereThereAreBits) {
  const TempDir folder;
  for (const char* name : {"x.wav", "x.aiff", "x.flac", "x.WAV"}) {
    write_audio(folder.path() / name, noise(24000, 1, 100, 0.5));
    EXPECT_EQ(probe_audio(folder.path() / name).bit_depth, 24) << name;
  }
}

TEST(WriteAudio, LossyFormatsKeepTheSoundAndItsTime) {
  const TempDir folder;
  const auto left = sine(440, 24000, 3.0, 0.4), right = sine(1200, 24000, 3.0, 0.2);
  const AudioBuffer sound = from_planar({left, right}, 24000);
  for (const char* name : {"x.ogg", "x.oga", "x.opus", "x.mp3"}) {
    const fs::path path = folder.path() / name;
    const WriteResult result = write_audio(path, sound);
    EXPECT_EQ(result.sample_rate, 24000);
    EXPECT_EQ(probe_audio(path).bit_depth, 0);
    const AudioBuffer back = read_audio(path);
    EXPECT_EQ(back.sample_rate, 24000) << name;
    EXPECT_EQ(back.channels, 2) << name;
    ASSERT_EQ(back.frames(), sound.frames()) << name;
    EXPECT_EQ(probe_audio(path).frames, sound.frames()) << name;
    // Also in phase: a delay of the codec would show here.
    const auto a = component(extract_channel(back, 0), 440, 24000), wanted = component(left, 440, 24000);
    EXPECT_NEAR(std::abs(a - wanted), 0, 0.02) << name;
    EXPECT_NEAR(std::abs(component(extract_channel(back, 1), 1200, 24000)), 0.2, 0.01) << name;
    EXPECT_NEAR(loudness_lufs(back), loudness_lufs(sound), 0.3) << name;
  }
}

TEST(WriteAudio, QualityCostsBytes) {
  const TempDir folder;
  const AudioBuffer sound = noise(44100, 2, 88200, 0.3);
  for (const char* name : {"x.ogg", "x.opus", "x.mp3"}) {
    write_audio(folder.path() / name, sound, {AudioEncoding::kAuto, 0.1});
    const auto small = fs::file_size(folder.path() / name);
    write_audio(folder.path() / name, sound, {AudioEncoding::kAuto, 0.95});
    EXPECT_GT(fs::file_size(folder.path() / name), small + small / 4) << name;
  }
}

TEST(WriteAudio, RatesThatACodecLacksAreResampledUpwards) {
  const TempDir folder;
  const auto rate_of = [&](const char* name, int rate) {
    const AudioBuffer sound = from_mono(sine(440, rate, 1.0, 0.4), rate);
    const WriteResult result = write_audio(folder.path() / name, sound);
    const AudioBuffer back = read_audio(folder.path() / name);
    EXPECT_EQ(back.sample_rate, result.sample_rate);
    EXPECT_NEAR(back.seconds(), 1.0, 0.001);
    EXPECT_NEAR(std::abs(component(back.samples, 440, back.sample_rate)), 0.4, 0.02);
    return result.sample_rate;
  };
  EXPECT_EQ(rate_of("x.opus", 44100), 48000);
  EXPECT_EQ(rate_of("x.opus", 22050), 24000);
  EXPECT_EQ(rate_of("x.opus", 96000), 48000);
  EXPECT_EQ(rate_of("x.mp3", 96000), 48000);
  EXPECT_EQ(rate_of("x.mp3", 44100), 44100);
  EXPECT_EQ(rate_of("x.ogg", 96000), 96000);
}

TEST(WriteAudio, RefusesWhatTheFormatCannotHold) {
  const TempDir folder;
  const AudioBuffer sound = noise(24000, 1, 100, 0.5);
  const auto target = [&](const char* name) { return folder.path() / name; };
  expect_error(ErrorKind::kUsage, "did you mean '.flac'", [&] { write_audio(target("x.flca"), sound); });
  expect_error(ErrorKind::kUsage, "known audio extension", [&] { write_audio(target("x"), sound); });
  expect_error(ErrorKind::kUsage, "encoding", [&] { write_audio(target("x.ogg"), sound, {AudioEncoding::kPcm16}); });
  expect_error(ErrorKind::kUsage, "encoding", [&] { write_audio(target("x.flac"), sound, {AudioEncoding::kFloat32}); });
  expect_error(ErrorKind::kUsage, "at most 2", [&] { write_audio(target("x.mp3"), noise(24000, 3, 100, 0.5)); });
  expect_error(ErrorKind::kUsage, "at most 8", [&] { write_audio(target("x.flac"), noise(24000, 9, 100, 0.5)); });
  expect_error(ErrorKind::kInternal, "no sound", [&] { write_audio(target("x.wav"), {24000, 1, {}}); });
  expect_error(ErrorKind::kInternal, "NaN", [&] { write_audio(target("x.wav"), {24000, 1, {0, std::nanf("")}}); });
  expect_error(ErrorKind::kUsage, "encoding", [&] { check_audio_target(target("x.mp3"), AudioEncoding::kPcm8); });
  check_audio_target(target("x.mp3"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(WriteAudio, SaysWhenThePlaceCannotBeWritten) {
  const TempDir folder;
  const AudioBuffer sound = noise(24000, 1, 100, 0.5);
  expect_error(ErrorKind::kIo, "does not exist", [&] { write_audio(folder.path() / "none" / "x.wav", sound); });
  std::ofstream(folder.path() / "file") << "x";
  expect_error(ErrorKind::kIo, "cannot write", [&] { write_audio(folder.path() / "file" / "x.wav", sound); });
  fs::create_directory(folder.path() / "y.wav");
  expect_error(ErrorKind::kIo, "folder", [&] { write_audio(folder.path() / "y.wav", sound); });
  expect_error(ErrorKind::kIo, "cannot write", [&] { write_audio("/proc/x.wav", sound); });
}

/// Makes every write beyond `bytes` of a file fail, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(WriteAudio, AFullDiskIsAnErrorAndLeavesTheOldFile) {
  const TempDir folder;
  const AudioBuffer sound = noise(24000, 2, 100000, 0.9);
  for (const char* name : {"x.wav", "x.aiff", "x.flac", "x.ogg", "x.opus", "x.mp3"}) {
    const fs::path path = folder.path() / name;
    write_file_atomically(path, "old");
    const TempDir elsewhere;
    write_audio(elsewhere.path() / name, sound);
    const auto size = static_cast<rlim_t>(fs::file_size(elsewhere.path() / name));
    for (const rlim_t limit : {rlim_t{0}, rlim_t{30}, size / 2, size - 20}) {
      const FileSizeLimit full(limit);
      expect_error(ErrorKind::kIo, "File too large", [&] { write_audio(path, sound); });
    }
    EXPECT_EQ(read_text_file(path), "old");
    fs::remove(path);
    EXPECT_TRUE(fs::is_empty(folder.path())) << name << " left something behind";
  }
}

TEST(WriteAudio, ReplacesAnExistingFile) {
  const TempDir folder;
  const fs::path path = folder.path() / "x.wav";
  write_audio(path, noise(24000, 2, 5000, 0.5));
  write_audio(path, noise(8000, 1, 10, 0.5));
  EXPECT_EQ(read_audio(path).frames(), 10);
}

}  // namespace
}  // namespace instructme
