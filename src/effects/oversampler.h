#pragma once

#include <cstdint>
#include <vector>

namespace instructme {

/// Doubles and halves the sampling rate of one channel by a half-band filter (Kaiser-windowed sinc of 4K - 1 taps,
/// linear phase), in blocks of at most kBlock frames of the lower rate. Up and down again are 2K - 1 frames late.
class HalfBand {
 public:
  static constexpr int kBlock = 128;

  /// `most` is the largest number of frames of the lower rate in one call.
  HalfBand(int k, int most);
  /// in [n] -> out [2n]
  void up(const float* in, int n, float* out);
  /// in [2n] -> out [n]
  void down(const float* in, int n, float* out);
  int latency() const { return 2 * k_ - 1; }

 private:
  int k_;
  std::vector<float> taps_;             ///< [2K], the taps beside the middle one
  std::vector<float> up_, even_, odd_;  ///< what the filters still need of the past, then the block
  std::vector<float> sums_;
};

/// The same by 1, 2 or 4.
class Oversampler {
 public:
  static constexpr int kBlock = HalfBand::kBlock;

  explicit Oversampler(int factor);
  /// in [n] -> out [factor * n], n at most kBlock
  void up(const float* in, int n, float* out);
  void down(float* in, int n, float* out);
  /// Frames of the lower rate from `up` and `down` together.
  int latency() const;

 private:
  int factor_;
  HalfBand outer_, inner_;
  float held_ = 0;
  std::vector<float> between_;
};

}  // namespace instructme
