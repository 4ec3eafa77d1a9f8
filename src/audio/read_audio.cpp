#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include "instructme/audio/audio_file.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "mp3_length.h"
#include "sound_file.h"
#include "truncation.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

constexpr int kLowestRate = 8000, kHighestRate = 192000;
constexpr int kMostChannels = 8;
constexpr int64_t kBlockFrames = 65536;
constexpr const char* kFormats = "WAV, AIFF, FLAC, Ogg Vorbis, Opus or MP3";

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::kInput, "cannot use " + path.string() + ": it " + why);
}

struct Source {
  SoundFile file;
  SF_INFO info{};
};

/// libsndfile hands everything that is called .mp3 to its MPEG decoder, which searches all of it for a
/// frame and prints what it finds; only files that begin like one should get there.
bool is_misnamed_mp3(const fs::path& path) {
  const std::string extension = lower(path.extension().string());
  if (extension != ".mp3" && extension != ".mp2" && extension != ".mp1") return false;
  std::ifstream in(path, std::ios::binary);
  std::string head(4, '\0');
  in.read(head.data(), 4);
  for (const char* magic : {"ID3", "RIFF", "OggS", "fLaC", "FORM"})
    if (head.starts_with(magic)) return false;
  return static_cast<unsigned char>(head[0]) != 0xFF || (static_cast<unsigned char>(head[1]) & 0xE0) != 0xE0;
}

Source open_source(const fs::path& path) {
  std::error_code code;
  const fs::file_status status = fs::status(path, code);
  if (!fs::exists(status))
    refuse(path, status.type() == fs::file_type::not_found ? "does not exist" : "cannot be reached: " + code.message());
  if (fs::is_directory(status)) refuse(path, "is a folder, an audio file was wanted");
  if (!fs::is_regular_file(status)) refuse(path, "is not a regular file, an audio file was wanted");
  if (!std::ifstream(path, std::ios::binary))
    throw Error(ErrorKind::kIo, "cannot read " + path.string() + ": " + std::strerror(errno));
  if (fs::file_size(path, code) == 0 && !code) refuse(path, "is empty (0 bytes)");

  // First, because the MP3 decoder prints a warning about such files.
  if (container_is_truncated(path)) refuse(path, "is truncated: the end of the file is missing");
  Source source;
  const bool misnamed = is_misnamed_mp3(path);
  if (!misnamed) source.file.reset(sf_open(path.c_str(), SFM_READ, &source.info));
  // libsndfile takes anything with certain extensions for headerless sound.
  if (source.file == nullptr || (source.info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_RAW) {
    std::string reason = source.file == nullptr && !misnamed ? sf_strerror(nullptr) : "no known header";
    while (!reason.empty() && (reason.back() == '.' || reason.back() == '\n')) reason.pop_back();
    refuse(path, std::string("is not an audio file that can be decoded (") + reason + "); convert it to " + kFormats);
  }
  return source;
}

bool length_known(const SF_INFO& info) { return info.frames >= 0 && info.frames < SF_COUNT_MAX; }

bool is_mp3(const SF_INFO& info) { return (info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG; }

std::string format_name(int format) {
  SF_FORMAT_INFO info{};
  info.format = format;
  if (sf_command(nullptr, SFC_GET_FORMAT_INFO, &info, sizeof(info)) != 0 || info.name == nullptr) return "unknown";
  return info.name;
}

int bits_of(int format) {
  switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8: return 8;
    case SF_FORMAT_PCM_16: return 16;
    case SF_FORMAT_PCM_24: return 24;
    case SF_FORMAT_PCM_32:
    case SF_FORMAT_FLOAT: return 32;
    case SF_FORMAT_DOUBLE: return 64;
    default: return 0;
  }
}

AudioEncoding encoding_of(int format) {
  switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8: return AudioEncoding::kPcm8;
    case SF_FORMAT_PCM_16: return AudioEncoding::kPcm16;
    case SF_FORMAT_PCM_24: return AudioEncoding::kPcm24;
    case SF_FORMAT_PCM_32: return AudioEncoding::kPcm32;
    case SF_FORMAT_FLOAT: return AudioEncoding::kFloat32;
    case SF_FORMAT_DOUBLE: return AudioEncoding::kFloat64;
    default: return AudioEncoding::kAuto;
  }
}

const char* extension_of(int format) {
  switch (format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_RF64: return ".wav";
    case SF_FORMAT_AIFF: return ".aiff";
    case SF_FORMAT_FLAC: return ".flac";
    case SF_FORMAT_MPEG: return ".mp3";
    case SF_FORMAT_OGG: return (format & SF_FORMAT_SUBMASK) == SF_FORMAT_OPUS ? ".opus" : ".ogg";
    default: return "";
  }
}

// What decoders of MP3 leave out: the encoder's delay, a frame of information.
constexpr int64_t kNotMusic = 8 * 1152;

/// Whether a length is only what libsndfile makes of the first frames of an MP3 file, and wrong.
bool is_guess(const fs::path& path, const SF_INFO& info) {
  const int64_t there = is_mp3(info) ? mp3_length(path) : 0;
  return there > 0 && std::abs(there - info.frames) > kNotMusic;
}

void check_limits(const fs::path& path, const SF_INFO& info) {
  if (info.samplerate < kLowestRate || info.samplerate > kHighestRate)
    refuse(path, format("has a sampling rate of %d Hz; between %d and %d Hz is wanted", info.samplerate, kLowestRate,
                        kHighestRate));
  if (info.channels < 1 || info.channels > kMostChannels)
    refuse(path, format("has %d channels; at most %d are possible", info.channels, kMostChannels));
  if (info.frames == 0) refuse(path, "contains no samples");
}

void check_seconds(const fs::path& path, int64_t frames, int rate, double max_seconds) {
  const double seconds = static_cast<double>(frames) / rate;
  if (max_seconds > 0 && seconds > max_seconds)
    refuse(path, format("is %.4g s long; at most %.4g s are possible, cut it first", seconds, max_seconds));
}

void check_finite(const fs::path& path, std::span<const float> block, int64_t first_frame, const SF_INFO& info) {
  for (size_t i = 0; i < block.size(); ++i) {
    if (std::isfinite(block[i])) continue;
    const double at = static_cast<double>(first_frame + static_cast<int64_t>(i) / info.channels) / info.samplerate;
    refuse(path, format("contains %s at %.2f s", std::isnan(block[i]) ? "NaN" : "an infinite value", at));
  }
}

}  // namespace

AudioInfo probe_audio(const fs::path& path) {
  const Source source = open_source(path);
  AudioInfo info;
  info.sample_rate = source.info.samplerate;
  info.channels = source.info.channels;
  info.frames = length_known(source.info) && !is_guess(path, source.info) ? source.info.frames : -1;
  info.container = format_name(source.info.format & SF_FORMAT_TYPEMASK);
  info.encoding = format_name(source.info.format & SF_FORMAT_SUBMASK);
  info.bit_depth = bits_of(source.info.format);
  info.sample_encoding = encoding_of(source.info.format);
  info.extension = extension_of(source.info.format);
  for (const auto& [name, code] : sound_file_tags())
    if (const char* text = sf_get_string(source.file.get(), code); text != nullptr && *text != '\0')
      info.tags[name] = text;
  std::vector<int> map(static_cast<size_t>(info.channels));
  if (sf_command(source.file.get(), SFC_GET_CHANNEL_MAP_INFO, map.data(), static_cast<int>(map.size() * sizeof(int))) ==
      SF_TRUE)
    info.channel_map = std::move(map);
  return info;
}

AudioBuffer read_audio(const fs::path& path, const ReadOptions& options) {
  ensure(options.start_frame >= 0 && options.frames >= -1, "a range of an audio file begins before its start");
  const Source source = open_source(path);
  const SF_INFO& info = source.info;
  check_limits(path, info);
  const bool bounded = length_known(info);
  if (bounded) {
    const int64_t end = options.frames < 0 ? info.frames : options.start_frame + options.frames;
    if (options.start_frame >= info.frames || end > info.frames)
      refuse(path, format("has %lld frames; %lld to %lld were wanted", static_cast<long long>(info.frames),
                          static_cast<long long>(options.start_frame), static_cast<long long>(end)));
  }
  const int64_t wanted = options.frames >= 0 ? options.frames
                         : bounded           ? info.frames - options.start_frame
                                             : SF_COUNT_MAX;
  if (wanted < SF_COUNT_MAX) check_seconds(path, wanted, info.samplerate, options.max_seconds);
  if (options.start_frame > 0 && sf_seek(source.file.get(), options.start_frame, SEEK_SET) != options.start_frame)
    refuse(path, format("has no frame %lld", static_cast<long long>(options.start_frame)));

  AudioBuffer buffer{info.samplerate, info.channels, {}};
  const auto channels = static_cast<size_t>(info.channels);
  // A damaged header may promise any length: at most about a minute is reserved on its word.
  buffer.samples.reserve(static_cast<size_t>(std::min<int64_t>(wanted, 64 * kBlockFrames)) * channels);
  int64_t done = 0;
  while (done < wanted) {
    const int64_t block = std::min(kBlockFrames, wanted - done);
    buffer.samples.resize(static_cast<size_t>(done + block) * channels);
    float* start = buffer.samples.data() + static_cast<size_t>(done) * channels;
    const int64_t got = sf_readf_float(source.file.get(), start, block);
    const std::span<float> samples(start, static_cast<size_t>(std::max<int64_t>(0, got)) * channels);
    check_finite(path, samples, options.start_frame + done, info);
    if (has_ogg_order(info.format)) to_wav_order(samples, info.channels);
    done += std::max<int64_t>(0, got);
    if (wanted == SF_COUNT_MAX) check_seconds(path, done, info.samplerate, options.max_seconds);
    if (got < block) break;
  }
  buffer.samples.resize(static_cast<size_t>(done) * channels);
  // Without a Xing header the length of an MP3 is an estimate.
  const bool estimate = !bounded || (is_mp3(info) && options.frames < 0);
  if (done < wanted && !estimate)
    refuse(path, format("is truncated or damaged: its header says %.2f s, only %.2f s can be read",
                        static_cast<double>(options.start_frame + wanted) / info.samplerate,
                        static_cast<double>(options.start_frame + done) / info.samplerate));
  if (done == 0) refuse(path, "contains no samples");
  if (is_mp3(info) && options.frames < 0) {
    const int64_t there = mp3_length(path) - options.start_frame;
    if (there > done + kNotMusic)
      refuse(path, format("holds %.1f s but says that it is shorter, or nothing of its length (variable bit rate), so "
                          "that only %.1f s can be read; convert it to WAV or FLAC with another program",
                          static_cast<double>(there) / info.samplerate, static_cast<double>(done) / info.samplerate));
  }
  return buffer;
}

}  // namespace instructme
