#pragma once

#include <sndfile.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace instructme {

struct SoundFileDeleter {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using SoundFile = std::unique_ptr<SNDFILE, SoundFileDeleter>;

/// A file that libsndfile writes through, because its own functions do not report every error of the
/// disk: headers and last pages that are written on closing fail silently there.
class OutputStream {
 public:
  /// Opens an existing file and empties it; `error()` tells when that failed.
  explicit OutputStream(const std::filesystem::path& path);
  ~OutputStream();
  OutputStream(const OutputStream&) = delete;
  OutputStream& operator=(const OutputStream&) = delete;

  SF_VIRTUAL_IO callbacks() const;
  /// The first errno, 0 when all went well.
  int error() const { return error_; }

 private:
  static sf_count_t length(void* self);
  static sf_count_t seek(sf_count_t offset, int whence, void* self);
  static sf_count_t read(void* data, sf_count_t bytes, void* self);
  static sf_count_t write(const void* data, sf_count_t bytes, void* self);
  static sf_count_t tell(void* self);

  int file_ = -1;
  int error_ = 0;
};

/// The tags that libsndfile knows, by our names.
const std::vector<std::pair<const char*, int>>& sound_file_tags();

/// Ogg Vorbis and Opus have an order of channels of their own, with the centre second and the deep one last (Vorbis I
/// specification, 4.3.9; RFC 7845, 5.1.1.2), and libsndfile leaves it as it is. These bring interleaved samples into
/// the order of WAV and FLAC, which an AudioBuffer has, and back.
void to_wav_order(std::span<float> ogg, int channels);
void to_ogg_order(std::span<float> wav, int channels);
/// Whether a format of libsndfile has that order.
bool has_ogg_order(int format);

/// Rounds to left-justified 32-bit integers, of which libsndfile keeps the upper `bits`; returns how many samples were
/// beyond full scale.
int64_t quantise(std::span<const float> in, int bits, std::vector<int>& out);

}  // namespace instructme
