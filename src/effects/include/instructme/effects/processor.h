#pragma once

#include <cstdint>
#include <span>

#include "instructme/audio/audio_buffer.h"

namespace instructme {

/// What a processor is made for: `sample_rate` from 8000 to 192000 Hz, one or two channels.
struct AudioFormat {
  int sample_rate = 0;
  int channels = 0;
};

/// One effect with its state. Sound goes through it in blocks of any size; the blocks together are, bit
/// for bit, what one large block would have given. It starts from rest; for another piece make another
/// processor. Not thread-safe; different processors may run in different threads.
class Processor {
 public:
  virtual ~Processor() = default;
  Processor(const Processor&) = delete;
  Processor& operator=(const Processor&) = delete;

  /// In place; `samples` is [F * C] interleaved, finite. Numbers too small to be normal count as 0, so that
  /// a decaying tail does not slow down. Throws kInternal when the frames are not whole.
  void process(std::span<float> samples);

  /// Frames by which the output is later than the input.
  int64_t latency() const { return latency_; }
  const AudioFormat& format() const { return format_; }

 protected:
  /// Throws kUsage for a rate or channel count out of range.
  explicit Processor(const AudioFormat& format);
  void set_latency(int64_t frames) { latency_ = frames; }

 private:
  virtual void run(float* samples, int64_t frames) = 0;

  AudioFormat format_;
  int64_t latency_ = 0;
};

/// The rate and channels of a buffer.
AudioFormat format_of(const AudioBuffer& buffer);

/// A whole piece through a fresh processor, in place: length and time stay, that is, the latency is taken
/// out and a tail beyond the end is cut. Throws kInternal when the formats differ.
void process_whole(Processor& processor, AudioBuffer& buffer);

}  // namespace instructme
