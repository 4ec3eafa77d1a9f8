#include "instructme/effects/equaliser.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fields.h"

namespace instructme {

BiquadCoefficients design_band(const EqualiserBand& band, int sample_rate) {
  double frequency = band.frequency_hz;
  if (frequency >= 0.49 * sample_rate) {
    if (band.type != BandType::kLowShelf && band.type != BandType::kHighPass) return {};
    frequency = 0.49 * sample_rate;
  }
  const double w = 2 * std::numbers::pi * frequency / sample_rate;
  const double c = std::cos(w), alpha = std::sin(w) / (2 * band.q);
  const double a = std::pow(10.0, band.gain_db / 40), r = 2 * std::sqrt(a) * alpha;
  const auto scaled = [](double b0, double b1, double b2, double a0, double a1, double a2) {
    return BiquadCoefficients{b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0};
  };
  switch (band.type) {
    case BandType::kLowShelf:
      return scaled(a * ((a + 1) - (a - 1) * c + r), 2 * a * ((a - 1) - (a + 1) * c), a * ((a + 1) - (a - 1) * c - r),
                    (a + 1) + (a - 1) * c + r, -2 * ((a - 1) + (a + 1) * c), (a + 1) + (a - 1) * c - r);
    case BandType::kHighShelf:
      return scaled(a * ((a + 1) + (a - 1) * c + r), -2 * a * ((a - 1) + (a + 1) * c), a * ((a + 1) + (a - 1) * c - r),
                    (a + 1) - (a - 1) * c + r, 2 * ((a - 1) - (a + 1) * c), (a + 1) - (a - 1) * c - r);
    case BandType::kPeak: return scaled(1 + alpha * a, -2 * c, 1 - alpha * a, 1 + alpha / a, -2 * c, 1 - alpha / a);
    case BandType::kHighPass: return scaled((1 + c) / 2, -(1 + c), (1 + c) / 2, 1 + alpha, -2 * c, 1 - alpha);
    case BandType::kLowPass: break;
  }
  return scaled((1 - c) / 2, 1 - c, (1 - c) / 2, 1 + alpha, -2 * c, 1 - alpha);
}

std::vector<EqualiserBand> band_limits(double low_hz, double high_hz) {
  // The two pole pairs of a fourth-order Butterworth filter: 1 / (2 cos(π/8)) and 1 / (2 cos(3π/8)).
  constexpr double kFlat = 0.54119610, kSharp = 1.30656296;
  return {{BandType::kHighPass, low_hz, 0, kFlat},
          {BandType::kHighPass, low_hz, 0, kSharp},
          {BandType::kLowPass, high_hz, 0, kFlat},
          {BandType::kLowPass, high_hz, 0, kSharp}};
}

Equaliser::Equaliser(const EqualiserSettings& settings, const AudioFormat& format) : Processor(format) {
  effect_fields::check(settings);
  for (const EqualiserBand& band : settings.bands) sections_.push_back({design_band(band, format.sample_rate)});
}

void Equaliser::run(float* samples, int64_t frames) {
  if (sections_.empty()) return;
  if (format().channels == 2)
    run_channels<2>(samples, frames);
  else
    run_channels<1>(samples, frames);
}

// All sections of a frame before the next frame: each waits for its own last result, so the processor can work
// on several at once.
template <int C>
void Equaliser::run_channels(float* samples, int64_t frames) {
  for (float* frame = samples; frame != samples + frames * C; frame += C) {
    double x[C];
    for (int c = 0; c < C; ++c) x[c] = frame[c];
    for (Section& s : sections_)
      for (int c = 0; c < C; ++c) {
        const double y = s.k.b0 * x[c] + s.s1[c];
        s.s1[c] = (s.k.b1 * x[c] + s.s2[c]) - s.k.a1 * y;
        s.s2[c] = s.k.b2 * x[c] - s.k.a2 * y;
        x[c] = y;
      }
    for (int c = 0; c < C; ++c) frame[c] = static_cast<float>(x[c]);
  }
}

}  // namespace instructme
