#include "instructme/audio/audio_memory.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "sound_file.h"

namespace instructme {
namespace {

constexpr int64_t kBlockFrames = 65536;

/// A file in memory for libsndfile.
struct MemoryFile {
  std::string written;
  std::string_view content;
  sf_count_t position = 0;
  bool writing = false;

  std::string_view bytes() const { return writing ? std::string_view(written) : content; }
  SF_VIRTUAL_IO callbacks() const { return {&length, &seek, &read, &write, &tell}; }

  static MemoryFile& of(void* self) { return *static_cast<MemoryFile*>(self); }
  static sf_count_t length(void* self) { return static_cast<sf_count_t>(of(self).bytes().size()); }
  static sf_count_t tell(void* self) { return of(self).position; }
  static sf_count_t seek(sf_count_t offset, int whence, void* self) {
    MemoryFile& file = of(self);
    const sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.position : length(self);
    return file.position = std::max<sf_count_t>(0, from + offset);
  }
  static sf_count_t read(void* data, sf_count_t bytes, void* self) {
    MemoryFile& file = of(self);
    const sf_count_t count = std::clamp<sf_count_t>(length(self) - file.position, 0, bytes);
    if (count > 0) std::memcpy(data, file.bytes().data() + file.position, static_cast<size_t>(count));
    file.position += count;
    return count;
  }
  static sf_count_t write(const void* data, sf_count_t bytes, void* self) {
    MemoryFile& file = of(self);
    const auto end = static_cast<size_t>(file.position + bytes);
    if (file.written.size() < end) file.written.resize(end);
    std::memcpy(file.written.data() + file.position, data, static_cast<size_t>(bytes));
    file.position += bytes;
    return bytes;
  }
};

}  // namespace

std::string audio_library_version() { return sf_version_string(); }

std::string encode_flac(const AudioBuffer& buffer, int bits) {
  ensure(bits == 16 || bits == 24, "FLAC is written with 16 or 24 bits");
  ensure(buffer.sample_rate > 0 && buffer.frames() > 0, "there is no sound to encode");
  ensure(std::all_of(buffer.samples.begin(), buffer.samples.end(), [](float x) { return std::isfinite(x); }),
         "the sound to encode contains NaN or infinite values");
  MemoryFile memory;
  memory.writing = true;
  SF_INFO info{};
  info.samplerate = buffer.sample_rate;
  info.channels = buffer.channels;
  info.format = SF_FORMAT_FLAC | (bits == 16 ? SF_FORMAT_PCM_16 : SF_FORMAT_PCM_24);
  SF_VIRTUAL_IO callbacks = memory.callbacks();
  SoundFile out(sf_open_virtual(&callbacks, SFM_WRITE, &info, &memory));
  ensure(out != nullptr, std::string("FLAC cannot hold this sound: ") + sf_strerror(nullptr));
  const auto channels = static_cast<size_t>(buffer.channels);
  const std::span<const float> samples(buffer.samples);
  std::vector<int> codes;
  for (int64_t done = 0; done < buffer.frames(); done += kBlockFrames) {
    const int64_t frames = std::min(kBlockFrames, buffer.frames() - done);
    quantise(samples.subspan(static_cast<size_t>(done) * channels, static_cast<size_t>(frames) * channels), bits,
             codes);
    ensure(sf_writef_int(out.get(), codes.data(), frames) == frames, sf_strerror(out.get()));
  }
  const int closed = sf_close(out.release());
  ensure(closed == 0, sf_error_number(closed));
  return std::move(memory.written);
}

AudioBuffer decode_flac(std::string_view bytes, const std::string& name) {
  const auto refuse = [&](const std::string& why) {
    return Error(ErrorKind::kInput, "cannot use " + name + ": it " + why);
  };
  MemoryFile memory;
  memory.content = bytes;
  SF_INFO info{};
  SF_VIRTUAL_IO callbacks = memory.callbacks();
  const SoundFile in(bytes.starts_with("fLaC") ? sf_open_virtual(&callbacks, SFM_READ, &info, &memory) : nullptr);
  if (in == nullptr) throw refuse("is not a FLAC file that can be decoded");
  // A damaged header may promise any length; FLAC does not shrink sound a thousandfold but for silence.
  constexpr double kMostFramesPerByte = 20000;
  if (info.frames <= 0 || static_cast<double>(info.frames) > kMostFramesPerByte * static_cast<double>(bytes.size()))
    throw refuse("contains no samples or is damaged");
  AudioBuffer buffer{info.samplerate, info.channels, {}};
  buffer.samples.resize(static_cast<size_t>(info.frames) * static_cast<size_t>(info.channels));
  const sf_count_t got = sf_readf_float(in.get(), buffer.samples.data(), info.frames);
  if (got != info.frames || sf_error(in.get()) != 0)
    throw refuse(format("is truncated or damaged: its header says %lld frames, %lld can be read",
                        static_cast<long long>(info.frames), static_cast<long long>(got)));
  return buffer;
}

}  // namespace instructme
