#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>

#include "instructme/audio/audio_file.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "sound_file.h"

namespace fs = std::filesystem;

namespace instructme {
namespace {

constexpr int64_t kBlockFrames = 65536;
/// RIFF and IFF count bytes in 32 bits; what is left over is for the headers.
constexpr double kMostBytes = 4294000000.0;

struct Format {
  const char* extension;
  int sndfile_type;
  AudioEncoding automatic;  ///< kAuto for formats with a codec of their own
  int codec;                ///< sndfile's code of that codec
  int most_channels;
  std::vector<AudioEncoding> encodings;
  std::vector<int> rates;  ///< rising; empty for any
};

const std::vector<Format>& formats() {
  using enum AudioEncoding;
  static const std::vector<AudioEncoding> wav = {kPcm8, kPcm16, kPcm24, kPcm32, kFloat32};
  // libsndfile counts the padding of an odd number of bytes as one sample more in 8-bit AIFF.
  static const std::vector<AudioEncoding> aiff = {kPcm16, kPcm24, kPcm32, kFloat32};
  static const std::vector<int> opus_rates = {8000, 12000, 16000, 24000, 48000};
  static const std::vector<int> mp3_rates = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};
  static const std::vector<Format> table = {
      {".wav", SF_FORMAT_WAV, kPcm24, 0, 1024, wav, {}},
      {".aif", SF_FORMAT_AIFF, kPcm24, 0, 1024, aiff, {}},
      {".aiff", SF_FORMAT_AIFF, kPcm24, 0, 1024, aiff, {}},
      {".flac", SF_FORMAT_FLAC, kPcm24, 0, 8, {kPcm16, kPcm24}, {}},
      {".ogg", SF_FORMAT_OGG, kAuto, SF_FORMAT_VORBIS, 8, {}, {}},
      {".oga", SF_FORMAT_OGG, kAuto, SF_FORMAT_VORBIS, 8, {}, {}},
      {".opus", SF_FORMAT_OGG, kAuto, SF_FORMAT_OPUS, 8, {}, opus_rates},
      {".mp3", SF_FORMAT_MPEG, kAuto, SF_FORMAT_MPEG_LAYER_III, 2, {}, mp3_rates},
  };
  return table;
}

const Format& format_for(const fs::path& path, AudioEncoding encoding) {
  const std::string extension = lower(path.extension().string());
  std::vector<std::string> known;
  for (const Format& entry : formats()) {
    known.emplace_back(entry.extension);
    if (extension != entry.extension) continue;
    const auto& list = entry.encodings;
    if (encoding != AudioEncoding::kAuto && std::find(list.begin(), list.end(), encoding) == list.end())
      throw Error(ErrorKind::kUsage, "cannot write " + path.string() + ": " + extension +
                                         " files do not have this sample encoding; leave it out or write .wav");
    return entry;
  }
  throw Error(ErrorKind::kUsage, "cannot write " + path.string() + ": '" + extension +
                                     "' is not a known audio extension, use one of " + join(known, " ") +
                                     did_you_mean(extension, known));
}

int bits_of(AudioEncoding encoding) {
  switch (encoding) {
    case AudioEncoding::kPcm8: return 8;
    case AudioEncoding::kPcm16: return 16;
    case AudioEncoding::kPcm24: return 24;
    case AudioEncoding::kPcm32:
    case AudioEncoding::kFloat32: return 32;
    case AudioEncoding::kAuto: break;
  }
  return 0;
}

int sndfile_subtype(const Format& target, AudioEncoding encoding) {
  switch (encoding) {
    case AudioEncoding::kPcm8: return SF_FORMAT_PCM_U8;
    case AudioEncoding::kPcm16: return SF_FORMAT_PCM_16;
    case AudioEncoding::kPcm24: return SF_FORMAT_PCM_24;
    case AudioEncoding::kPcm32: return SF_FORMAT_PCM_32;
    case AudioEncoding::kFloat32: return SF_FORMAT_FLOAT;
    case AudioEncoding::kAuto: break;
  }
  return target.codec;
}

void check_buffer(const fs::path& path, const AudioBuffer& buffer, const Format& target, AudioEncoding encoding) {
  const std::string prefix = "cannot write " + path.string() + ": ";
  ensure(buffer.sample_rate > 0 && buffer.frames() > 0 &&
             buffer.samples.size() % static_cast<size_t>(buffer.channels) == 0,
         prefix + "there is no sound to write");
  const auto bad =
      std::find_if(buffer.samples.begin(), buffer.samples.end(), [](float x) { return !std::isfinite(x); });
  ensure(bad == buffer.samples.end(), prefix + "the sound contains NaN or infinite values");
  if (buffer.channels > target.most_channels)
    throw Error(ErrorKind::kUsage, prefix + format("%s files hold at most %d channels, there are %d", target.extension,
                                                   target.most_channels, buffer.channels));
  const bool counted = target.sndfile_type == SF_FORMAT_WAV || target.sndfile_type == SF_FORMAT_AIFF;
  if (counted && static_cast<double>(buffer.samples.size()) * bits_of(encoding) / 8 > kMostBytes)
    throw Error(ErrorKind::kUsage, prefix + target.extension + " files hold at most 4 GB; write .flac");
}

[[noreturn]] void throw_write_error(const fs::path& path, const std::string& reason) {
  throw Error(ErrorKind::kIo, "cannot write " + path.string() + ": " + reason);
}

}  // namespace

void check_audio_target(const fs::path& path, AudioEncoding encoding) { format_for(path, encoding); }

WriteResult write_audio(const fs::path& path, const AudioBuffer& buffer, const WriteOptions& options) {
  const Format& target = format_for(path, options.encoding);
  const AudioEncoding encoding = options.encoding == AudioEncoding::kAuto ? target.automatic : options.encoding;
  check_buffer(path, buffer, target, encoding);

  std::optional<AudioBuffer> converted;
  if (!target.rates.empty() &&
      std::find(target.rates.begin(), target.rates.end(), buffer.sample_rate) == target.rates.end()) {
    const auto next = std::upper_bound(target.rates.begin(), target.rates.end(), buffer.sample_rate);
    converted = resample(buffer, next == target.rates.end() ? target.rates.back() : *next);
  }
  const AudioBuffer& sound = converted ? *converted : buffer;

  AtomicFile file(path);
  OutputStream stream(file.temporary());
  if (stream.error() != 0) throw_write_error(path, std::strerror(stream.error()));
  SF_INFO info{};
  info.samplerate = sound.sample_rate;
  info.channels = sound.channels;
  info.format = target.sndfile_type | sndfile_subtype(target, encoding);
  SF_VIRTUAL_IO callbacks = stream.callbacks();
  SoundFile out(sf_open_virtual(&callbacks, SFM_WRITE, &info, &stream));
  if (stream.error() != 0) throw_write_error(path, std::strerror(stream.error()));
  if (out == nullptr)
    throw Error(ErrorKind::kUsage, "cannot write " + path.string() + ": " + sf_strerror(nullptr) +
                                       format(" (%d channels at %d Hz)", info.channels, info.samplerate));
  // The PEAK chunk holds the time of writing; equal sound should give equal files.
  sf_command(out.get(), SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
  if (encoding == AudioEncoding::kAuto) {
    double quality = std::clamp(options.quality, 0.0, 1.0);
    // libsndfile spreads Opus over 6 to 256 kbit/s a channel; the upper half is beyond hearing.
    if (target.codec == SF_FORMAT_OPUS) quality *= 0.5;
    sf_command(out.get(), SFC_SET_VBR_ENCODING_QUALITY, &quality, sizeof(quality));
  }

  WriteResult result{peak(sound.samples), 0, sound.sample_rate};
  const bool integers = encoding != AudioEncoding::kAuto && encoding != AudioEncoding::kFloat32;
  const auto channels = static_cast<size_t>(sound.channels);
  const std::span<const float> samples(sound.samples);
  std::vector<int> codes;
  for (int64_t done = 0; done < sound.frames(); done += kBlockFrames) {
    const int64_t frames = std::min(kBlockFrames, sound.frames() - done);
    const auto block = samples.subspan(static_cast<size_t>(done) * channels, static_cast<size_t>(frames) * channels);
    int64_t written;
    if (integers) {
      result.clipped_samples += quantise(block, bits_of(encoding), codes);
      written = sf_writef_int(out.get(), codes.data(), frames);
    } else {
      written = sf_writef_float(out.get(), block.data(), frames);
    }
    if (stream.error() != 0) break;
    if (written != frames) throw_write_error(path, sf_strerror(out.get()));
  }
  const int closed = sf_close(out.release());
  if (stream.error() != 0) throw_write_error(path, std::strerror(stream.error()));
  if (closed != 0) throw_write_error(path, sf_error_number(closed));
  file.commit();
  return result;
}

}  // namespace instructme
