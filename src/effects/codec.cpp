#include "instructme/effects/codec.h"

#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <numbers>

#include "fields.h"
#include "instructme/audio/resample.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

struct Closer {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using File = std::unique_ptr<SNDFILE, Closer>;

/// A file in memory for libsndfile.
struct Memory {
  std::vector<char> bytes;
  sf_count_t place = 0;

  static Memory& of(void* self) { return *static_cast<Memory*>(self); }
  static sf_count_t length(void* self) { return static_cast<sf_count_t>(of(self).bytes.size()); }
  static sf_count_t tell(void* self) { return of(self).place; }
  static sf_count_t seek(sf_count_t offset, int whence, void* self) {
    const sf_count_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? tell(self) : length(self);
    return of(self).place = std::max<sf_count_t>(0, base + offset);
  }
  static sf_count_t read(void* data, sf_count_t count, void* self) {
    const sf_count_t got = std::clamp<sf_count_t>(length(self) - tell(self), 0, count);
    if (got > 0) std::memcpy(data, of(self).bytes.data() + tell(self), static_cast<size_t>(got));
    of(self).place += got;
    return got;
  }
  static sf_count_t write(const void* data, sf_count_t count, void* self) {
    const auto end = static_cast<size_t>(tell(self) + count);
    if (end > of(self).bytes.size()) of(self).bytes.resize(end);
    if (count > 0) std::memcpy(of(self).bytes.data() + tell(self), data, static_cast<size_t>(count));
    of(self).place += count;
    return count;
  }
  static SF_VIRTUAL_IO callbacks() { return {&length, &seek, &read, &write, &tell}; }
};

int format_code(CodecFormat format) {
  switch (format) {
    case CodecFormat::kVorbis: return SF_FORMAT_OGG | SF_FORMAT_VORBIS;
    case CodecFormat::kOpus: return SF_FORMAT_OGG | SF_FORMAT_OPUS;
    case CodecFormat::kMp3: break;
  }
  return SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;
}

/// The rate to encode at: the sound's own, or the next higher or else the highest that the format has.
int codec_rate(CodecFormat format, int rate) {
  std::vector<int> rates = {8000, 12000, 16000, 24000, 48000};
  if (format == CodecFormat::kMp3) rates = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};
  if (format == CodecFormat::kVorbis) return rate;
  const auto next = std::lower_bound(rates.begin(), rates.end(), rate);
  return next == rates.end() ? rates.back() : *next;
}

std::string name_of(const CodecSettings& settings) {
  return effect_fields::kCodecs.at(static_cast<size_t>(settings.format));
}

/// Encoded and decoded; as many frames as the decoder gives.
std::vector<float> round_trip(const AudioBuffer& buffer, const CodecSettings& settings) {
  constexpr int64_t kBlock = 4096;  // the Vorbis encoder takes what it is given at once on the stack
  Memory memory;
  SF_VIRTUAL_IO callbacks = Memory::callbacks();
  SF_INFO info{};
  info.samplerate = buffer.sample_rate;
  info.channels = buffer.channels;
  info.format = format_code(settings.format);
  File encoder(sf_open_virtual(&callbacks, SFM_WRITE, &info, &memory));
  if (encoder == nullptr)
    throw Error(ErrorKind::kMissing, format("libsndfile cannot encode %s at %d Hz: %s", name_of(settings).c_str(),
                                            buffer.sample_rate, sf_strerror(nullptr)));
  double quality = settings.quality;
  // libsndfile spreads Opus over 6 to 256 kbit/s a channel; the upper half is beyond hearing.
  if (settings.format == CodecFormat::kOpus) quality *= 0.5;
  sf_command(encoder.get(), SFC_SET_VBR_ENCODING_QUALITY, &quality, sizeof(quality));
  for (int64_t done = 0; done < buffer.frames(); done += kBlock) {
    const int64_t frames = std::min(kBlock, buffer.frames() - done);
    ensure(sf_writef_float(encoder.get(), buffer.samples.data() + done * buffer.channels, frames) == frames,
           "an encoder refused sound in memory");
  }
  encoder.reset();

  memory.place = 0;
  SF_INFO found{};
  const File decoder(sf_open_virtual(&callbacks, SFM_READ, &found, &memory));
  ensure(decoder != nullptr && found.channels == buffer.channels, "what was encoded in memory could not be decoded");
  std::vector<float> out, block(static_cast<size_t>(kBlock * buffer.channels));
  for (sf_count_t got; (got = sf_readf_float(decoder.get(), block.data(), kBlock)) > 0;)
    out.insert(out.end(), block.begin(), block.begin() + got * buffer.channels);
  return out;
}

/// Frames by which the decoded sound is late: found with a sweep that every codec keeps well.
int64_t measure_delay(const CodecSettings& settings, const AudioFormat& format) {
  const auto length = static_cast<int64_t>(0.1 * format.sample_rate), margin = 3000 + length / 2;
  AudioBuffer probe{format.sample_rate, format.channels, {}};
  probe.samples.resize(static_cast<size_t>((length + 2 * margin) * format.channels));
  const auto channels = static_cast<size_t>(format.channels);
  for (int64_t i = 0; i < length; ++i) {
    const double t = static_cast<double>(i) / format.sample_rate,
                 x = static_cast<double>(i) / static_cast<double>(length);
    const double envelope = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * x);
    const double wave = 0.5 * envelope * std::sin(2 * std::numbers::pi * (300 * t + 0.5 * 22000 * t * t));
    for (size_t c = 0; c < channels; ++c)
      probe.samples[static_cast<size_t>(margin + i) * channels + c] = static_cast<float>(wave);
  }
  const std::vector<float> decoded = round_trip(probe, settings);
  const auto total = static_cast<int64_t>(decoded.size() / channels);
  double best = 0;
  int64_t delay = 0;
  for (int64_t lag = -margin; lag <= margin; ++lag) {
    double sum = 0;
    for (int64_t i = std::max<int64_t>(0, -(margin + lag)); i < length && margin + i + lag < total; ++i)
      sum += static_cast<double>(probe.samples[static_cast<size_t>(margin + i) * channels]) *
             decoded[static_cast<size_t>(margin + i + lag) * channels];
    if (sum > best) best = sum, delay = lag;
  }
  return delay;
}

}  // namespace

AudioBuffer through_codec(const AudioBuffer& buffer, const CodecSettings& settings) {
  effect_fields::check(settings);
  ensure(buffer.channels > 0 && buffer.sample_rate > 0, "a codec needs a rate and at least one channel");
  const float highest = peak(buffer.samples);
  if (highest == 0) return buffer;
  const int rate = codec_rate(settings.format, buffer.sample_rate);
  AudioBuffer sound = rate == buffer.sample_rate ? buffer : resample(buffer, rate);
  // Codecs clip; with some room the ripple they add is not clipped either.
  const float scale = highest > 0.8f ? 0.8f / highest : 1.0f;
  for (float& x : sound.samples) x *= scale;

  const std::vector<float> decoded = round_trip(sound, settings);
  const int64_t delay = measure_delay(settings, {rate, buffer.channels}) * buffer.channels;
  const auto size = static_cast<int64_t>(decoded.size());
  for (int64_t i = 0; i < static_cast<int64_t>(sound.samples.size()); ++i) {
    const int64_t from = i + delay;
    sound.samples[static_cast<size_t>(i)] = from >= 0 && from < size ? decoded[static_cast<size_t>(from)] / scale : 0;
  }
  if (rate == buffer.sample_rate) return sound;
  AudioBuffer back = resample(sound, buffer.sample_rate);
  back.samples.resize(buffer.samples.size());
  return back;
}

}  // namespace instructme
