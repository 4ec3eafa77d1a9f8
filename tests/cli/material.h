#pragma once

#include <filesystem>
#include <string>

namespace instructme {

/// A model folder of a few thousand random weights, made once for all tests from configs/train/tiny.json.
const std::filesystem::path& tiny_model();
/// A copy of it that a test may damage.
std::filesystem::path copy_of_tiny_model(const std::filesystem::path& folder);
std::filesystem::path tiny_recipe();
std::filesystem::path tokenizer_file();

/// Damages in weight files: what is done to one tensor of `file`.
enum class Damage { kShape, kName, kType };
void damage_weights(const std::filesystem::path& file, Damage damage);

/// A chord of sines with a little noise. The extension chooses the format.
void write_music(const std::filesystem::path& file, double seconds = 2, int sample_rate = 44100, int channels = 2);
void write_silence(const std::filesystem::path& file);
/// A float WAV of one second with one sample that is not a number.
void write_wav_with_nan(const std::filesystem::path& file);
/// 8 kHz, 8 bit, mono: low noise.
void write_long_wav(const std::filesystem::path& file, double seconds);
/// Keeps the first `share` of a file.
void truncate_file(const std::filesystem::path& file, double share);

}  // namespace instructme
