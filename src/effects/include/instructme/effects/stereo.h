#pragma once

#include <vector>

#include "instructme/effects/processor.h"

namespace instructme {

struct EchoSettings {
  static constexpr const char* kName = "delay";
  double time_s = 0.3;       ///< 0.001 to 5; rounded to whole frames
  double feedback = 0.35;    ///< 0 to 0.95, level of each repeat after the one before
  double damping_hz = 4000;  ///< 100 to 96000, low-pass for each repeat; none from 0.49 of the rate on
  bool ping_pong = false;    ///< repeats change sides; one channel has no sides
  double wet_db = -14;       ///< -100 to 12, of the first repeat
  double dry_db = 0;         ///< -100 to 12
};

/// Repeats in steady distance. Linear; the dry sound has no latency. Throws kUsage for values out of range.
class Echo final : public Processor {
 public:
  Echo(const EchoSettings& settings, const AudioFormat& format);

 private:
  void run(float* samples, int64_t frames) override;

  float wet_, dry_, feedback_, open_;
  bool cross_;
  float low_[2] = {0, 0};
  size_t position_ = 0;
  std::vector<float> ring_;  ///< [time * C]
};

struct WidthSettings {
  static constexpr const char* kName = "width";
  double width = 1.2;  ///< 0 to 2, factor of the side signal: 0 is mono, 1 changes nothing
};

struct PanSettings {
  static constexpr const char* kName = "pan";
  double pan = 0;  ///< -1 (left) to 1 (right), at constant power; 0 changes nothing
};

struct GainSettings {
  static constexpr const char* kName = "gain";
  double gain_db = 0;  ///< -100 to 40
};

/// A constant matrix from the channels to the channels: width, pan and gain. Width and pan leave one channel
/// as it is. Throws kUsage for values out of range.
class StereoMatrix final : public Processor {
 public:
  StereoMatrix(const WidthSettings& settings, const AudioFormat& format);
  StereoMatrix(const PanSettings& settings, const AudioFormat& format);
  StereoMatrix(const GainSettings& settings, const AudioFormat& format);

 private:
  void run(float* samples, int64_t frames) override;

  float left_from_left_ = 1, left_from_right_ = 0, right_from_left_ = 0, right_from_right_ = 1;
};

}  // namespace instructme
