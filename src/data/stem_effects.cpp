#include "instructme/data/stem_effects.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "instructme/base/strings.h"

namespace instructme {
namespace {

struct Angle {
  double cosine, alpha;
};

Angle angle(double frequency, double q, double sample_rate) {
  const double w = 2 * M_PI * std::min(frequency, 0.49 * sample_rate) / sample_rate;
  return {std::cos(w), std::sin(w) / (2 * q)};
}

constexpr double kShelfQ = M_SQRT1_2;
constexpr double kActiveRms = 0.1;

void scale(std::vector<float>& signal, double gain) {
  for (float& x : signal) x = static_cast<float>(x * gain);
}

// A tube amplifier in rough strokes: the bass is cut before the clipping, a speaker cuts the treble after.
void amplify(std::vector<float>& signal, double drive, int sample_rate, Rng& rng) {
  Biquad::high_pass(rng.uniform(90, 180), M_SQRT1_2, sample_rate).apply(signal);
  Biquad::peak(rng.uniform(600, 1200), rng.uniform(0, 6), 0.7, sample_rate).apply(signal);
  saturate(signal, drive);
  Biquad::low_pass(rng.uniform(3500, 5500), 0.9, sample_rate).apply(signal);
}

}  // namespace

Biquad::Biquad(double b0, double b1, double b2, double a0, double a1, double a2)
    : b0_(b0 / a0), b1_(b1 / a0), b2_(b2 / a0), a1_(a1 / a0), a2_(a2 / a0) {}

Biquad Biquad::low_shelf(double frequency, double gain_db, double sample_rate) {
  const auto [c, alpha] = angle(frequency, kShelfQ, sample_rate);
  const double a = std::pow(10.0, gain_db / 40), r = 2 * std::sqrt(a) * alpha;
  return {a * ((a + 1) - (a - 1) * c + r), 2 * a * ((a - 1) - (a + 1) * c), a * ((a + 1) - (a - 1) * c - r),
          (a + 1) + (a - 1) * c + r,       -2 * ((a - 1) + (a + 1) * c),    (a + 1) + (a - 1) * c - r};
}

Biquad Biquad::high_shelf(double frequency, double gain_db, double sample_rate) {
  const auto [c, alpha] = angle(frequency, kShelfQ, sample_rate);
  const double a = std::pow(10.0, gain_db / 40), r = 2 * std::sqrt(a) * alpha;
  return {a * ((a + 1) + (a - 1) * c + r), -2 * a * ((a - 1) + (a + 1) * c), a * ((a + 1) + (a - 1) * c - r),
          (a + 1) - (a - 1) * c + r,       2 * ((a - 1) - (a + 1) * c),      (a + 1) - (a - 1) * c - r};
}

Biquad Biquad::peak(double frequency, double gain_db, double q, double sample_rate) {
  const auto [c, alpha] = angle(frequency, q, sample_rate);
  const double a = std::pow(10.0, gain_db / 40);
  return {1 + alpha * a, -2 * c, 1 - alpha * a, 1 + alpha / a, -2 * c, 1 - alpha / a};
}

Biquad Biquad::low_pass(double frequency, double q, double sample_rate) {
  const auto [c, alpha] = angle(frequency, q, sample_rate);
  return {(1 - c) / 2, 1 - c, (1 - c) / 2, 1 + alpha, -2 * c, 1 - alpha};
}

Biquad Biquad::high_pass(double frequency, double q, double sample_rate) {
  const auto [c, alpha] = angle(frequency, q, sample_rate);
  return {(1 + c) / 2, -(1 + c), (1 + c) / 2, 1 + alpha, -2 * c, 1 - alpha};
}

void Biquad::apply(std::vector<float>& signal) const {
  double s1 = 0, s2 = 0;  // transposed direct form II
  for (float& value : signal) {
    const double x = value, y = b0_ * x + s1;
    s1 = b1_ * x - a1_ * y + s2;
    s2 = b2_ * x - a2_ * y;
    value = static_cast<float>(y);
  }
}

double active_rms(const std::vector<float>& signal, int sample_rate) {
  const auto block = static_cast<size_t>(std::max(1, sample_rate / 2));
  std::vector<double> powers;
  for (size_t start = 0; start < signal.size(); start += block) {
    const size_t end = std::min(signal.size(), start + block);
    double sum = 0;
    for (size_t i = start; i < end; ++i) sum += static_cast<double>(signal[i]) * signal[i];
    powers.push_back(sum / static_cast<double>(end - start));
  }
  const double loudest = powers.empty() ? 0.0 : *std::max_element(powers.begin(), powers.end());
  double sum = 0;
  int count = 0;
  for (double power : powers)
    if (power > 0 && power >= loudest * 1e-3) sum += power, ++count;
  return count == 0 ? 0.0 : std::sqrt(sum / count);
}

void saturate(std::vector<float>& signal, double drive) {
  for (float& x : signal) x = std::tanh(static_cast<float>(drive) * x) / static_cast<float>(drive);
}

void add_room(std::vector<float>& signal, double decay_s, double wet, int sample_rate, Rng& rng) {
  constexpr int kLines = 8;
  // Delays of mutually unrelated lengths between about 12 and 60 ms.
  constexpr std::array<double, kLines> kDelays_ms{12.1, 16.7, 21.3, 26.9, 33.1, 40.3, 48.7, 57.9};
  std::array<std::vector<float>, kLines> lines;
  std::array<size_t, kLines> positions{};
  std::array<float, kLines> gains{}, lows{};
  const double size = rng.uniform(0.6, 1.3);
  const auto damping = static_cast<float>(rng.uniform(0.1, 0.5));
  for (int i = 0; i < kLines; ++i) {
    const double delay_s = kDelays_ms[i] * 1e-3 * size * rng.uniform(0.97, 1.03);
    lines[i].assign(std::max<size_t>(8, static_cast<size_t>(delay_s * sample_rate)), 0.0f);
    gains[i] = static_cast<float>(std::pow(10.0, -3.0 * delay_s / decay_s));
  }
  for (float& value : signal) {
    std::array<float, kLines> taps;
    float sum = 0, out = 0;
    for (int i = 0; i < kLines; ++i) {
      // A one-pole low-pass in the loop: treble dies away first, as in real rooms.
      lows[i] += (1.0f - damping) * (lines[i][positions[i]] - lows[i]);
      taps[i] = lows[i] * gains[i];
      sum += taps[i];
      out += (i % 2 ? -1.0f : 1.0f) * taps[i];
    }
    // Householder feedback matrix I − 2/N·11ᵀ mixes the lines without loss.
    for (int i = 0; i < kLines; ++i) {
      lines[i][positions[i]] = value + taps[i] - 2.0f / kLines * sum;
      if (++positions[i] == lines[i].size()) positions[i] = 0;
    }
    value += static_cast<float>(wet) * out;
  }
}

void double_track(std::vector<float>& signal, double level, int sample_rate, Rng& rng) {
  const double centre_s = rng.uniform(0.014, 0.024), depth_s = rng.uniform(0.0005, 0.003);
  const double rate = 2 * M_PI * rng.uniform(0.1, 0.9) / sample_rate, phase = rng.uniform(0, 2 * M_PI);
  const std::vector<float> dry = signal;
  for (size_t i = 0; i < dry.size(); ++i) {
    const double position =
        static_cast<double>(i) - (centre_s + depth_s * std::sin(rate * static_cast<double>(i) + phase)) * sample_rate;
    if (position < 0) continue;
    const auto k = static_cast<size_t>(position);
    const double part = position - static_cast<double>(k);
    signal[i] += static_cast<float>(level * ((1 - part) * dry[k] + part * dry[std::min(k + 1, i)]));
  }
}

std::string colour_stem(std::vector<float>& signal, const ColourOptions& options, int sample_rate, Rng& rng) {
  const auto normalise = [&] {
    if (const double level = active_rms(signal, sample_rate); level > 0) scale(signal, kActiveRms / level);
  };
  normalise();
  std::vector<std::string> done;
  if (options.amplifier_drive > 0) {
    amplify(signal, options.amplifier_drive, sample_rate, rng);
    done.push_back(format("amplifier(%.1f)", options.amplifier_drive));
  }
  if (rng.chance(0.75)) {
    if (rng.chance(0.6)) Biquad::low_shelf(rng.uniform(90, 300), rng.uniform(-6, 4), sample_rate).apply(signal);
    for (int i = 0; i < 2; ++i)
      if (rng.chance(0.5))
        Biquad::peak(200 * std::pow(25.0, rng.uniform()), rng.uniform(-6, 5), rng.uniform(0.5, 2), sample_rate)
            .apply(signal);
    if (rng.chance(0.6)) Biquad::high_shelf(rng.uniform(2500, 8000), rng.uniform(-8, 5), sample_rate).apply(signal);
    done.push_back("eq");
  }
  normalise();
  if (rng.chance(0.3)) {
    const double drive = rng.uniform(1.0, 4.0);
    saturate(signal, drive);
    done.push_back(format("saturation(%.1f)", drive));
  }
  if (rng.chance(options.double_probability)) {
    double_track(signal, rng.uniform(0.4, 1.0), sample_rate, rng);
    done.push_back("doubled");
  }
  if (rng.chance(options.room_probability)) {
    const double decay_s = std::exp(rng.uniform(std::log(0.15), std::log(1.6)));
    add_room(signal, decay_s, std::pow(10.0, rng.uniform(-32, -17) / 20), sample_rate, rng);
    done.push_back(format("room(%.1f s)", decay_s));
  }
  normalise();
  return join(done, " ");
}

}  // namespace instructme
