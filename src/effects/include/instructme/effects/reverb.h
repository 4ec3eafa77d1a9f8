#pragma once

#include <array>
#include <vector>

#include "instructme/effects/processor.h"

namespace instructme {

struct RoomSettings {
  static constexpr const char* kName = "room";
  double decay_s = 0.6;       ///< 0.05 to 20, time to -60 dB at low frequencies
  double size = 1;            ///< 0.25 to 4; 1 has reflections 12 to 58 ms apart
  double pre_delay_s = 0.01;  ///< 0 to 0.25
  double damping_hz = 4000;   ///< 200 to 96000, where the decay takes half the time
  double wet_db = -18;        ///< -100 to 12, RMS of the reverberation of a bass noise beside its dry sound
  double dry_db = 0;          ///< -100 to 12
};

struct PlateSettings {
  static constexpr const char* kName = "plate";
  double decay_s = 2;          ///< 0.1 to 20, time to -60 dB at low frequencies
  double size = 1;             ///< 0.25 to 2; 1 is the published plate
  double pre_delay_s = 0.01;   ///< 0 to 0.25
  double bandwidth_hz = 9000;  ///< 200 to 96000, low-pass at the entry
  double damping_hz = 5000;    ///< 200 to 96000, where the decay takes half the time
  double modulation_hz = 0.8;  ///< 0 to 5, of the two wandering delays
  double wet_db = -18;         ///< -100 to 12, as that of the room
  double dry_db = 0;           ///< -100 to 12
};

/// Levels of -100 dB count as nothing. Damping and bandwidth above the Nyquist frequency are at it.
/// The constructors throw kUsage for values out of range. Both reverbs are linear and without latency.

/// Delay line; positions count frames since the start.
class DelayRing {
 public:
  /// Holds at least the last `frames` values, zeros at first.
  explicit DelayRing(size_t frames = 1);
  float read(size_t now, size_t delay) const { return data_[(now - delay) & mask_]; }
  void write(size_t now, float value) { data_[now & mask_] = value; }

 private:
  std::vector<float> data_;
  size_t mask_;
};

/// Feedback delay network of eight lines with a Householder matrix (J.-M. Jot and A. Chaigne, "Digital delay
/// networks for designing artificial reverberators", AES 90, 1991) behind four all-passes for each channel.
/// Left and right enter different lines and leave by different sums of all.
class RoomReverb final : public Processor {
 public:
  RoomReverb(const RoomSettings& settings, const AudioFormat& format);

 private:
  static constexpr int kLines = 8, kDiffusers = 4;
  struct Diffuser {
    DelayRing ring;
    size_t delay = 1;
  };
  void run(float* samples, int64_t frames) override;
  template <int C>
  void run_channels(float* samples, int64_t frames);

  float wet_, dry_;
  size_t pre_delay_, now_ = 0;
  std::array<DelayRing, 2> entry_;
  std::array<std::array<Diffuser, kDiffusers>, 2> diffusers_;
  std::array<size_t, kLines> delays_{};
  std::array<float, kLines> gains_{}, open_{}, low_{};  ///< of the lines: gain, 1 - pole, state of the low-pass
  std::vector<float> lines_;                            ///< ring of [kLines] values a frame
  size_t mask_ = 0;
};

/// The plate of J. Dattorro, "Effect design, part 1: reverberator and other filters", JAES 45(9), 1997,
/// figure 1 and tables 1 and 2: four all-passes, then two crossed loops with wandering all-passes, seven taps
/// for each ear. Its delays are scaled to the sampling rate; stereo enters as the mean of left and right, and
/// one channel hears the left taps.
class PlateReverb final : public Processor {
 public:
  PlateReverb(const PlateSettings& settings, const AudioFormat& format);

 private:
  struct AllPass {
    DelayRing ring;
    size_t delay = 1;
    float gain = 0;
  };
  struct Loop {
    AllPass wandering, fixed;
    DelayRing first, second;
    size_t first_delay = 1, second_delay = 1;
    float low = 0;
  };
  struct Tap {
    int node;  ///< 0, 1, 2: first delay, fixed all-pass, second delay of the left loop; 3, 4, 5 of the right
    size_t delay;
    float sign;
  };
  void run(float* samples, int64_t frames) override;
  float run_loop(Loop& loop, float input, float wander);
  float sum_taps(const std::array<Tap, 7>& taps) const;

  float wet_, dry_, bandwidth_, band_ = 0, open_, decay_, wander_, spread_ = 0;
  double phase_ = 0, step_;
  size_t pre_delay_, now_ = 0;
  DelayRing entry_;
  std::array<AllPass, 4> diffusers_;
  std::array<Loop, 2> loops_;
  std::array<std::array<Tap, 7>, 2> taps_{};
};

}  // namespace instructme
