#pragma once

#include <vector>

#include "instructme/effects/processor.h"

namespace instructme {

struct ChorusSettings {
  static constexpr const char* kName = "chorus";
  int voices = 2;          ///< 1 to 6
  double delay_s = 0.015;  ///< 0.001 to 0.1, of the voices on the average
  double depth_s = 0.002;  ///< 0 to 0.02, how far they wander; below the delay
  double rate_hz = 0.6;    ///< 0.01 to 20
  double phase = 0;        ///< 0 to 1, where in its round the first voice starts
  double wet_db = -3;      ///< -100 to 12, of the voices together when they differ
  double dry_db = 0;       ///< -100 to 12
};

/// Adds voices through slowly wandering delays; left and right wander a quarter of a round apart. One slow
/// voice at 10 to 30 ms is a doubled take. Linear; the dry sound has no latency. Throws kUsage.
class Chorus final : public Processor {
 public:
  Chorus(const ChorusSettings& settings, const AudioFormat& format);

 private:
  void run(float* samples, int64_t frames) override;

  int voices_;
  float wet_, dry_, delay_, depth_;  ///< delays in frames
  double phase_, step_;
  size_t now_ = 0, mask_;
  std::vector<float> ring_[2];
};

/// Reads a signal at fractional delays through a Kaiser-windowed sinc of 16 taps: flat within 0.1 dB to 0.7
/// of the Nyquist frequency. All channels are read at the same place.
class SincReader {
 public:
  static constexpr int kTaps = 16;
  /// The smallest delay it can read, frames.
  static constexpr double kLeastDelay = 0.5 * kTaps;

  SincReader(double most_delay, int channels);
  void write(const float* frame);
  /// Adds `weight` times the signal `delay` frames before the last written frame to `frame` [C].
  void read(double delay, float weight, float* frame) const;

 private:
  static constexpr int kPhases = 128;
  int channels_;
  size_t size_, now_ = 0;
  std::vector<float> rings_;  ///< [C, size + kTaps]: the first taps are repeated behind the end
  std::vector<float> table_;  ///< [kPhases + 1, kTaps]
};

struct DetuneSettings {
  static constexpr const char* kName = "detune";
  double cents = 8;  ///< -200 to 200
};

/// Changes the pitch but not the duration: the delay grows or shrinks steadily by up to 10 ms (20 ms for large
/// shifts) to either side of true time and jumps back by 20 ms within a cross-fade of up to 60 ms, in which a
/// click may come twice at half its level. Meant for small shifts. Linear. Throws kUsage.
class Detune final : public Processor {
 public:
  Detune(const DetuneSettings& settings, const AudioFormat& format);

 private:
  void run(float* samples, int64_t frames) override;

  double sweep_, fade_, step_, phase_ = 0.5;  ///< frames; share of a round; rounds a frame; rounds
  SincReader reader_;
};

struct WowSettings {
  static constexpr const char* kName = "wow";
  double wow_cents = 4;      ///< 0 to 50, largest change of pitch
  double wow_hz = 0.8;       ///< 0.2 to 4
  double flutter_cents = 2;  ///< 0 to 50
  double flutter_hz = 9;     ///< 4 to 40
  double phase = 0;          ///< 0 to 1, where in its round the wow starts
};

/// The unsteady speed of tape and records: wow (slow) and flutter (fast). On the average in time; the same
/// for all channels and all sounds, so it is linear. Throws kUsage.
class Wow final : public Processor {
 public:
  Wow(const WowSettings& settings, const AudioFormat& format);

 private:
  void run(float* samples, int64_t frames) override;

  double depths_[2], steps_[2], phases_[2];  ///< frames; rounds a frame; rounds
  double centre_;
  SincReader reader_;
};

}  // namespace instructme
