#pragma once

#include <vector>

#include "instructme/effects/processor.h"

namespace instructme {

enum class BandType { kLowShelf, kHighShelf, kPeak, kHighPass, kLowPass };

struct EqualiserBand {
  BandType type = BandType::kPeak;
  double frequency_hz = 1000;  ///< 10 to 96000: centre, middle of the slope, or corner
  double gain_db = 0;          ///< -40 to 40; passes ignore it
  double q = 0.70710678;       ///< 0.1 to 20; of a shelf it is the Q of the cookbook
};

struct EqualiserSettings {
  static constexpr const char* kName = "equaliser";
  std::vector<EqualiserBand> bands;  ///< one after the other, at most 32
};

/// (b0 + b1/z + b2/z²) / (1 + a1/z + a2/z²)
struct BiquadCoefficients {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
};

/// Second-order sections by R. Bristow-Johnson, "Cookbook formulae for audio equalizer biquad filter
/// coefficients". A band at or above 0.49 of the sampling rate does nothing if it is a peak, high shelf or
/// low-pass; a low shelf or high-pass acts as if it were at 0.49 of the rate.
BiquadCoefficients design_band(const EqualiserBand& band, int sample_rate);

/// Butterworth slopes of 24 dB per octave below `low_hz` and above `high_hz`, e.g. 300 to 3400 for a telephone.
std::vector<EqualiserBand> band_limits(double low_hz, double high_hz);

/// Any number of biquads in double precision. Linear, no latency. Throws kUsage for values out of range.
class Equaliser final : public Processor {
 public:
  Equaliser(const EqualiserSettings& settings, const AudioFormat& format);

 private:
  struct Section {
    BiquadCoefficients k;
    double s1[2] = {0, 0}, s2[2] = {0, 0};  ///< of each channel, transposed direct form II
  };
  void run(float* samples, int64_t frames) override;
  template <int C>
  void run_channels(float* samples, int64_t frames);

  std::vector<Section> sections_;
};

}  // namespace instructme
