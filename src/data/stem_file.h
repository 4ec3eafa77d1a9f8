#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace instructme {

/// Writes mono 16-bit audio; the extension (.wav, .flac) says which format. Throws kIo.
void write_stem(const std::filesystem::path& path, std::vector<float> samples, int sample_rate);
/// Frames [start, start + frames), which must lie in the file. Throws kIo or kInput.
std::vector<float> read_stem(const std::filesystem::path& path, int64_t start, int64_t frames);
/// The integers that write_stem stores for `samples`, and the samples that read_stem makes of them.
std::vector<int16_t> stem_codes(const std::vector<float>& samples);
std::vector<float> stem_samples(std::span<const int16_t> codes);

struct StemFileInfo {
  int sample_rate = 0;
  int channels = 0;
  int64_t frames = 0;
};
StemFileInfo stem_file_info(const std::filesystem::path& path);

}  // namespace instructme
