#include "stem_file.h"

#include <algorithm>
#include <cmath>

#include "instructme/audio/audio_file.h"
#include "instructme/base/error.h"

namespace instructme {
namespace {

constexpr double kFullScale = 32768;

}  // namespace

void write_stem(const std::filesystem::path& path, std::vector<float> samples, int sample_rate) {
  WriteOptions options;
  options.encoding = AudioEncoding::kPcm16;
  write_audio(path, from_mono(std::move(samples), sample_rate), options);
}

std::vector<float> read_stem(const std::filesystem::path& path, int64_t start, int64_t frames) {
  ReadOptions options;
  options.start_frame = start;
  options.frames = frames;
  AudioBuffer buffer = read_audio(path, options);
  if (buffer.channels != 1 || buffer.frames() != frames)
    throw Error(ErrorKind::kInput, "The stem '" + path.string() + "' has changed since its song was opened.");
  return std::move(buffer.samples);
}

std::vector<int16_t> stem_codes(const std::vector<float>& samples) {
  std::vector<int16_t> codes(samples.size());
  for (size_t i = 0; i < codes.size(); ++i)
    codes[i] = static_cast<int16_t>(std::clamp(std::nearbyint(samples[i] * kFullScale), -kFullScale, kFullScale - 1));
  return codes;
}

std::vector<float> stem_samples(std::span<const int16_t> codes) {
  std::vector<float> samples(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) samples[i] = static_cast<float>(codes[i]) / static_cast<float>(kFullScale);
  return samples;
}

StemFileInfo stem_file_info(const std::filesystem::path& path) {
  const AudioInfo info = probe_audio(path);
  return {info.sample_rate, info.channels, info.frames};
}

}  // namespace instructme
