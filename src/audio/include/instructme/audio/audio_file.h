#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "instructme/audio/audio_buffer.h"

namespace instructme {

/// Audio files through libsndfile. All functions may be called from several threads, except that two
/// threads must not write the same file at the same time.

enum class AudioEncoding {
  kAuto,     ///< 24 bit where the format has no loss, else the format's own codec
  kPcm8,     ///< WAV, AIFF, FLAC
  kPcm16,    ///< WAV, AIFF, FLAC
  kPcm24,    ///< WAV, AIFF, FLAC
  kPcm32,    ///< WAV, AIFF
  kFloat32,  ///< WAV, AIFF
  kFloat64,  ///< WAV, AIFF; the samples that an AudioBuffer can hold, see WriteOptions::original
};

/// What a file says about its contents: "title", "artist", "album", "genre", "date", "tracknumber", "comment",
/// "copyright", "license", "software".
using AudioTags = std::map<std::string, std::string>;

struct AudioInfo {
  int sample_rate = 0;  ///< Hz
  int channels = 0;
  int64_t frames = 0;     ///< -1 when the file does not tell
  std::string container;  ///< e.g. "WAV (Microsoft)"
  std::string encoding;   ///< e.g. "Signed 16 bit PCM"
  int bit_depth = 0;      ///< bits of a sample; 0 for codecs that have none, such as Vorbis
  AudioEncoding sample_encoding = AudioEncoding::kAuto;  ///< of the samples; kAuto for codecs with loss
  std::string extension;  ///< under which write_audio makes the same kind of file, e.g. ".wav"; "" when it cannot
  AudioTags tags = {};
  std::vector<int> channel_map = {};  ///< loudspeaker of every channel, by libsndfile's numbers; empty when not said

  double seconds() const { return sample_rate > 0 && frames > 0 ? static_cast<double>(frames) / sample_rate : 0.0; }
};

/// What the header of an audio file says; the samples are not read. Throws kInput when the file is
/// missing, a folder, empty, truncated (as far as its container tells) or not audio, kIo when it may not
/// be read.
AudioInfo probe_audio(const std::filesystem::path& path);

struct ReadOptions {
  double max_seconds = 0;   ///< refuse more than this; 0 for no limit
  int64_t start_frame = 0;  ///< first frame wanted
  int64_t frames = -1;      ///< how many frames; -1 for all up to the end
};

/// Reads a file, or a range of it, at its own rate and with its own channels, in the order of WAV and FLAC (centre and
/// deep channel third and fourth) for Ogg too.
/// Throws kInput, with a sentence that names the file, for everything `probe_audio` refuses and for: a
/// truncated file (WAV, AIFF, FLAC, Ogg and those MP3 that state their length; when a range of a FLAC file is
/// read, only if the range is hit), no samples, NaN or
/// infinite samples, more than `max_seconds`, a range that goes beyond the end, a rate outside 8 to
/// 192 kHz, more than 8 channels. Silence is not an error, see `is_silent`. Values beyond ±1 are kept.
AudioBuffer read_audio(const std::filesystem::path& path, const ReadOptions& options = {});

/// A file and what `read_audio` made of all of it.
struct OriginalAudio {
  std::filesystem::path file = {};
  const AudioBuffer* samples = nullptr;
};

struct WriteOptions {
  AudioEncoding encoding = AudioEncoding::kAuto;
  double quality = 0.7;  ///< of Vorbis, Opus and MP3, from 0 (small) to 1 (good)
  AudioTags tags = {};   ///< those that the format knows are written
  /// All tags and pictures of this file are written in place of `tags`, where TagLib was there when this was built.
  /// From WAV to WAV, everything else that it holds beside its samples goes along: broadcast time stamps, cue points,
  /// iXML.
  std::filesystem::path tags_of = {};
  std::vector<int> channel_map = {};
  /// Samples that are as they were in the original come from its file, with the bits that a float has no room for,
  /// where original and result have the same encoding of more than 24 bits.
  OriginalAudio original = {};
};

struct WriteResult {
  float peak = 0;               ///< largest absolute value that was to be written, before clipping
  int64_t clipped_samples = 0;  ///< samples cut to full scale; always 0 for float and lossy encodings
  int sample_rate = 0;          ///< Hz, as written
};

/// Writes WAV, AIFF, FLAC, Ogg Vorbis, Opus or MP3 by the extension (.wav .aif .aiff .flac .ogg .oga
/// .opus .mp3). Integers are rounded to nearest without dither; values beyond full scale are clipped and
/// counted. Opus and MP3 know few rates: others are resampled to the next higher one they have, or to
/// their highest. The file appears under its name only when complete.
/// Throws kUsage for an unknown extension or an encoding, rate, channel count or length the format
/// cannot hold, kInternal for an empty buffer or NaN, kIo when the disk refuses, e.g. because it is full.
WriteResult write_audio(const std::filesystem::path& path, const AudioBuffer& buffer, const WriteOptions& options = {});

/// The encoding for a file of this name that holds samples of `wanted` without loss where its format has one, else the
/// most exact that it has. Throws kUsage for an unknown extension.
AudioEncoding fitting_encoding(const std::filesystem::path& path, AudioEncoding wanted);

/// Throws the kUsage error that `write_audio` would throw for this name and encoding, so that a long
/// run can refuse them before it starts.
void check_audio_target(const std::filesystem::path& path, AudioEncoding encoding = AudioEncoding::kAuto);

}  // namespace instructme
