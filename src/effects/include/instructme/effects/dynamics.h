#pragma once

#include <vector>

#include "instructme/effects/processor.h"

namespace instructme {

struct CompressorSettings {
  static constexpr const char* kName = "compressor";
  double threshold_db = -18;  ///< -80 to 0, of full scale
  double ratio = 3;           ///< 1 to 100
  double knee_db = 6;         ///< 0 to 40, width of the soft bend around the threshold
  double attack_s = 0.01;     ///< 0.00005 to 1, time to 1 - 1/e of a new gain reduction
  double release_s = 0.15;    ///< 0.001 to 5
  double detector_s = 0;      ///< 0 to 0.5: 0 follows peaks, else RMS with this time constant
  double makeup_db = 0;       ///< -40 to 40
};

/// Feed-forward compressor that smoothes the gain reduction in dB (D. Giannoulis, M. Massberg, J. Reiss,
/// "Digital dynamic range compressor design", JAES 60(6), 2012). Both channels get the gain of the louder
/// one. No latency. Throws kUsage for values out of range.
class Compressor final : public Processor {
 public:
  Compressor(const CompressorSettings& settings, const AudioFormat& format);

  /// The factors [F] that `process` would apply to these frames; advances the state as it does.
  void gains(std::span<const float> samples, std::span<float> gain);

 private:
  void run(float* samples, int64_t frames) override;
  float next_gain(const float* frame);

  CompressorSettings settings_;
  float attack_, release_, detector_, power_ = 0, reduction_db_ = 0;
  std::vector<float> scratch_;
};

struct LimiterSettings {
  static constexpr const char* kName = "limiter";
  double ceiling_db = -0.3;     ///< -60 to 0, of full scale
  double look_ahead_s = 0.004;  ///< 0.0002 to 0.05
  double release_s = 0.08;      ///< 0.001 to 5
};

/// Peak limiter: the gain falls over the look-ahead before a peak and rises after it. No sample of the
/// output is beyond the ceiling; peaks between samples are not looked at. The latency is the look-ahead.
/// The gain is the moving average of a moving minimum, which can never be above what a peak needs.
/// Throws kUsage for values out of range.
class Limiter final : public Processor {
 public:
  Limiter(const LimiterSettings& settings, const AudioFormat& format);

  /// gain[f] belongs to the frame `latency()` before samples[f].
  void gains(std::span<const float> samples, std::span<float> gain);

 private:
  struct Candidate {
    int64_t frame;
    float gain;
  };
  void run(float* samples, int64_t frames) override;

  float ceiling_, release_, envelope_ = 1;
  int64_t window_, now_ = 0;
  std::vector<Candidate> queue_;  ///< ring of rising gains, the front is the minimum of the window
  size_t front_ = 0, count_ = 0;
  std::vector<int64_t> recent_;  ///< gains of the last window in units of 2^-30: integers sum without drift
  int64_t sum_;
  std::vector<float> delayed_, scratch_;  ///< [window * C]
};

/// The gain [F] that the processor applies to a whole piece, at the time of the frames it applies to.
std::vector<float> compressor_gain(const AudioBuffer& buffer, const CompressorSettings& settings);
std::vector<float> limiter_gain(const AudioBuffer& buffer, const LimiterSettings& settings);

}  // namespace instructme
