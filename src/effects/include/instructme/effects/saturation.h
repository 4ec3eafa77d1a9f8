#pragma once

#include <memory>
#include <vector>

#include "instructme/effects/equaliser.h"
#include "instructme/effects/processor.h"

namespace instructme {

enum class SaturationCurve {
  kTanh,      ///< symmetric and soft: odd harmonics
  kTube,      ///< tanh around a bias: even harmonics too; the resulting offset is filtered out
  kHardClip,  ///< straight up to its limit
};

struct SaturationSettings {
  static constexpr const char* kName = "saturation";
  SaturationCurve curve = SaturationCurve::kTanh;
  double drive_db = 12;  ///< -20 to 60, gain before the curve
  double bias = 0.3;     ///< 0 to 1, of the tube
  double mix = 1;        ///< 0 to 1, share of the distorted sound
  int oversampling = 2;  ///< 1, 2 or 4 times, against aliasing
};

/// A constant curve with gain in front of it. Behind it the level is set so that a sample at -12 dBFS stays
/// where it is (without bias); quieter ones rise, louder ones fall. Oversampling is by half-band filters of
/// linear phase: it brings latency, and the treble above 0.85 of the Nyquist frequency is lost.
/// Throws kUsage for values out of range.
class Saturator final : public Processor {
 public:
  Saturator(const SaturationSettings& settings, const AudioFormat& format);
  ~Saturator() override;

 private:
  struct Channel;
  void run(float* samples, int64_t frames) override;

  SaturationSettings settings_;
  float drive_, level_, block_offset_;  ///< coefficient of the filter that takes out the offset
  std::vector<Channel> channels_;
};

/// f(x)/x of the tanh curve at `drive_db` without oversampling: the factors [F * C] that turn the samples into
/// saturated ones, so that the parts of a mix can be given what the mix gets.
std::vector<float> saturation_gain(const AudioBuffer& buffer, double drive_db);

struct AmplifierSettings {
  static constexpr const char* kName = "amplifier";
  double drive_db = 24;           ///< -10 to 60
  double tight_hz = 120;          ///< 20 to 1000, bass below it does not reach the tubes
  double bass_db = 0;             ///< -20 to 20, below about 150 Hz
  double middle_db = 0;           ///< -20 to 20, around 600 Hz
  double treble_db = 0;           ///< -20 to 20, above about 2 kHz
  double cabinet_low_hz = 85;     ///< 30 to 300, resonance of the loudspeaker
  double cabinet_high_hz = 4800;  ///< 1000 to 12000, its upper end, 24 dB per octave
  double presence_db = 4;         ///< 0 to 15, peak just below the upper end
};

/// A guitar amplifier: drive into asymmetric and then symmetric clipping (four times oversampled), a stack
/// of three tone controls, and the loudspeaker cabinet as a filter. Expects a level of about 0.1 RMS.
/// Throws kUsage for values out of range.
class Amplifier final : public Processor {
 public:
  Amplifier(const AmplifierSettings& settings, const AudioFormat& format);

 private:
  void run(float* samples, int64_t frames) override;

  Equaliser input_;
  Saturator preamplifier_;
  Equaliser tone_;
  Saturator power_;
  Equaliser cabinet_;
};

}  // namespace instructme
