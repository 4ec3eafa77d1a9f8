#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <optional>

#include "file_tags.h"
#include "instructme/audio/audio_file.h"
#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "sound_file.h"
#include "wav_chunks.h"

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
  static const std::vector<AudioEncoding> uncompressed = {kPcm8, kPcm16, kPcm24, kPcm32, kFloat32, kFloat64};
  static const std::vector<int> opus_rates = {8000, 12000, 16000, 24000, 48000};
  static const std::vector<int> mp3_rates = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};
  static const std::vector<Format> table = {
      {".wav", SF_FORMAT_WAV, kPcm24, 0, 1024, uncompressed, {}},
      {".aif", SF_FORMAT_AIFF, kPcm24, 0, 1024, uncompressed, {}},
      {".aiff", SF_FORMAT_AIFF, kPcm24, 0, 1024, uncompressed, {}},
      {".flac", SF_FORMAT_FLAC, kPcm24, 0, 8, {kPcm8, kPcm16, kPcm24}, {}},
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
    case AudioEncoding::kFloat64: return 64;
    case AudioEncoding::kAuto: break;
  }
  return 0;
}

int sndfile_subtype(const Format& target, AudioEncoding encoding) {
  switch (encoding) {
    case AudioEncoding::kPcm8: return target.sndfile_type == SF_FORMAT_WAV ? SF_FORMAT_PCM_U8 : SF_FORMAT_PCM_S8;
    case AudioEncoding::kPcm16: return SF_FORMAT_PCM_16;
    case AudioEncoding::kPcm24: return SF_FORMAT_PCM_24;
    case AudioEncoding::kPcm32: return SF_FORMAT_PCM_32;
    case AudioEncoding::kFloat32: return SF_FORMAT_FLOAT;
    case AudioEncoding::kFloat64: return SF_FORMAT_DOUBLE;
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

bool is_float(AudioEncoding encoding) {
  return encoding == AudioEncoding::kFloat32 || encoding == AudioEncoding::kFloat64;
}

/// libsndfile counts the byte that fills up an odd number of bytes as a frame; this puts the true counts into the file.
void correct_padded_aiff(const fs::path& path, uint32_t frames, uint32_t bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto read_number = [&] {
    std::array<unsigned char, 4> digits{};
    file.read(reinterpret_cast<char*>(digits.data()), 4);
    return static_cast<uint32_t>(digits[0]) << 24 | digits[1] << 16 | digits[2] << 8 | digits[3];
  };
  const auto write_number = [&](std::streamoff at, uint32_t number) {
    const std::array<char, 4> digits = {static_cast<char>(number >> 24), static_cast<char>(number >> 16),
                                        static_cast<char>(number >> 8), static_cast<char>(number)};
    file.seekp(at);
    file.write(digits.data(), 4);
  };
  constexpr std::streamoff kFirstChunk = 12, kHeader = 8;
  constexpr uint32_t kBeforeSound = 8;  // bytes of the sound's chunk
  for (std::streamoff at = kFirstChunk; file;) {
    std::array<char, 4> name{};
    file.seekg(at);
    file.read(name.data(), 4);
    const uint32_t size = read_number();
    if (!file) break;
    if (std::memcmp(name.data(), "COMM", 4) == 0) write_number(at + kHeader + 2, frames);
    if (std::memcmp(name.data(), "SSND", 4) == 0) {
      write_number(at + 4, bytes + kBeforeSound);
      file.flush();
      if (file) return;
      break;
    }
    at += kHeader + size + size % 2;
  }
  throw_write_error(path, "its header cannot be corrected");
}

/// Puts the bits back that a float has no room for, where a sample is as it was.
class OriginalBits {
 public:
  OriginalBits(const OriginalAudio& original, const AudioBuffer& result, AudioEncoding encoding) {
    if (original.samples == nullptr || bits_of(encoding) < 32 || encoding == AudioEncoding::kFloat32) return;
    const AudioInfo info = probe_audio(original.file);
    if (info.sample_encoding != encoding || original.samples->samples.size() != result.samples.size()) return;
    SF_INFO opened{};
    file_.reset(sf_open(original.file.c_str(), SFM_READ, &opened));
    samples_ = original.samples->samples;
    channels_ = opened.channels;
  }

  /// `block` begins at sample `first` of the result; `codes` is what would be written for it.
  template <class Code>
  void restore(std::span<const float> block, size_t first, std::vector<Code>& codes) {
    if (file_ == nullptr) return;
    std::vector<Code> before(block.size());
    const auto frames = static_cast<sf_count_t>(block.size()) / channels_;
    sf_count_t got;
    if constexpr (std::is_same_v<Code, int>)
      got = sf_readf_int(file_.get(), before.data(), frames);
    else
      got = sf_readf_double(file_.get(), before.data(), frames);
    if (got != frames) throw Error(ErrorKind::kIo, "the original file changed while its samples were written anew");
    for (size_t i = 0; i < block.size(); ++i)
      if (block[i] == samples_[first + i]) codes[i] = before[i];
  }

 private:
  SoundFile file_;
  std::span<const float> samples_;
  int channels_ = 1;
};

}  // namespace

AudioEncoding fitting_encoding(const fs::path& path, AudioEncoding wanted) {
  const Format& target = format_for(path, AudioEncoding::kAuto);
  if (wanted == AudioEncoding::kAuto || target.encodings.empty()) return target.automatic;
  // From the narrowest to the widest.
  for (const AudioEncoding encoding : target.encodings)
    if (encoding >= wanted) return encoding;
  return target.encodings.back();
}

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
  const bool wav = target.sndfile_type == SF_FORMAT_WAV;
  // Other formats have one order for each number of channels.
  const bool placed = (wav || target.sndfile_type == SF_FORMAT_AIFF) &&
                      options.channel_map.size() == static_cast<size_t>(info.channels);
  info.format = (wav && placed ? SF_FORMAT_WAVEX : target.sndfile_type) | sndfile_subtype(target, encoding);
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

  if (placed) {
    std::vector<int> map = options.channel_map;
    sf_command(out.get(), SFC_SET_CHANNEL_MAP_INFO, map.data(), static_cast<int>(map.size() * sizeof(int)));
  }
  // A list of tags in the other file comes along whole; libsndfile knows only some of what may be in it.
  const bool has_list = wav && !options.tags_of.empty() && has_wav_info(options.tags_of);
  for (const auto& [name, code] : sound_file_tags())
    if (const auto tag = options.tags.find(name); !has_list && tag != options.tags.end())
      sf_set_string(out.get(), code, tag->second.c_str());

  WriteResult result{peak(sound.samples), 0, sound.sample_rate};
  const bool integers = encoding != AudioEncoding::kAuto && !is_float(encoding);
  const auto channels = static_cast<size_t>(sound.channels);
  const std::span<const float> samples(sound.samples);
  OriginalBits original(options.original, sound, encoding);
  std::vector<int> codes;
  std::vector<double> doubles;
  std::vector<float> reordered;
  for (int64_t done = 0; done < sound.frames(); done += kBlockFrames) {
    const int64_t frames = std::min(kBlockFrames, sound.frames() - done);
    const auto block = samples.subspan(static_cast<size_t>(done) * channels, static_cast<size_t>(frames) * channels);
    int64_t written;
    if (integers) {
      result.clipped_samples += quantise(block, bits_of(encoding), codes);
      original.restore(block, static_cast<size_t>(done) * channels, codes);
      written = sf_writef_int(out.get(), codes.data(), frames);
    } else if (encoding == AudioEncoding::kFloat64) {
      doubles.assign(block.begin(), block.end());
      original.restore(block, static_cast<size_t>(done) * channels, doubles);
      written = sf_writef_double(out.get(), doubles.data(), frames);
    } else if (has_ogg_order(info.format)) {
      reordered.assign(block.begin(), block.end());
      to_ogg_order(reordered, info.channels);
      written = sf_writef_float(out.get(), reordered.data(), frames);
    } else {
      written = sf_writef_float(out.get(), block.data(), frames);
    }
    if (stream.error() != 0) break;
    if (written != frames) throw_write_error(path, sf_strerror(out.get()));
  }
  const int closed = sf_close(out.release());
  if (stream.error() != 0) throw_write_error(path, std::strerror(stream.error()));
  if (closed != 0) throw_write_error(path, sf_error_number(closed));
  if (target.sndfile_type == SF_FORMAT_AIFF && encoding == AudioEncoding::kPcm8 && sound.samples.size() % 2 != 0)
    correct_padded_aiff(file.temporary(), static_cast<uint32_t>(sound.frames()),
                        static_cast<uint32_t>(sound.samples.size()));
  if (!options.tags_of.empty()) {
    if (wav) copy_wav_chunks(options.tags_of, file.temporary());
    copy_tags(options.tags_of, file.temporary());
  }
  file.commit();
  return result;
}

}  // namespace instructme
