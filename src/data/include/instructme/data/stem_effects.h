#pragma once

#include <string>
#include <vector>

#include "instructme/base/rng.h"

namespace instructme {

/// Second-order filter; coefficients from Bristow-Johnson, "Cookbook formulae for audio equalizer
/// biquad filter coefficients". Frequencies in Hz, gains in dB.
class Biquad {
 public:
  static Biquad low_shelf(double frequency, double gain_db, double sample_rate);
  static Biquad high_shelf(double frequency, double gain_db, double sample_rate);
  static Biquad peak(double frequency, double gain_db, double q, double sample_rate);
  static Biquad low_pass(double frequency, double q, double sample_rate);
  static Biquad high_pass(double frequency, double q, double sample_rate);

  void apply(std::vector<float>& signal) const;  ///< in place, from rest

 private:
  Biquad(double b0, double b1, double b2, double a0, double a1, double a2);
  double b0_, b1_, b2_, a1_, a2_;
};

/// Root mean square over the half seconds that are within 30 dB of the loudest one, so that pauses do
/// not count; 0 for silence.
double active_rms(const std::vector<float>& signal, int sample_rate);

/// Soft clipping by tanh. `drive` is the gain in front of it for a signal of about unit peak.
void saturate(std::vector<float>& signal, double drive);

/// Adds the reverberation of a room by a feedback delay network of eight lines (Jot and Chaigne,
/// "Digital delay networks for designing artificial reverberators", 1991).
/// `decay_s` is the time to −60 dB, `wet` the amplitude of the reverberation beside the dry sound.
void add_room(std::vector<float>& signal, double decay_s, double wet, int sample_rate, Rng& rng);

/// Adds a second take: the same signal through a slowly wandering delay of 10..30 ms.
void double_track(std::vector<float>& signal, double level, int sample_rate, Rng& rng);

struct ColourOptions {
  double amplifier_drive = 0;       ///< above 0: through a guitar amplifier; 1 is clean, 20 distorted
  double double_probability = 0.1;  ///< chance of a second take
  double room_probability = 0.5;    ///< chance of a room
};

/// What a mixing desk does to a stem, drawn at random: equalisation, saturation, a second take, a room.
/// The result has an active RMS of 0.1. Returns what was done, for the song's record, e.g.
/// "eq room(0.4 s)". Silence stays as it is.
std::string colour_stem(std::vector<float>& signal, const ColourOptions& options, int sample_rate, Rng& rng);

}  // namespace instructme
