#include "vocal_tract.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>

#include "part_events.h"

namespace instructme {
namespace {

constexpr double kTau = 2 * std::numbers::pi;
constexpr size_t kTable = 2048;  // samples of a period, a power of two
constexpr std::array<size_t, 11> kHarmonics{4, 8, 12, 18, 26, 40, 60, 90, 130, 200, 300};
constexpr float kHiss = 2.3f, kBreath = 4.7f;  // beside the pulses
constexpr float kGain = 0.01f;

/// y(n) = a x(n) + b y(n-1) + c y(n-2), of gain 1 at 0 Hz (Klatt 1980, equation 2).
struct Resonator {
  float a = 1, b = 0, c = 0, y1 = 0, y2 = 0;

  void tune(double hz, double width_hz, double sample_rate) {
    const double r = std::exp(-std::numbers::pi * width_hz / sample_rate);
    c = static_cast<float>(-r * r);
    b = static_cast<float>(2 * r * std::cos(kTau * hz / sample_rate));
    a = 1 - b - c;
  }
  float operator()(float x) {
    const float y = a * x + b * y1 + c * y2;
    y2 = y1;
    y1 = y;
    return y;
  }
};

/// One period of the derivative of Rosenberg's flow, with so many harmonics.
class Pulses {
 public:
  Pulses(double open, double skew, double tilt) {
    std::vector<std::complex<double>> circle(kTable);
    for (size_t i = 0; i < kTable; ++i) circle[i] = std::polar(1.0, kTau * static_cast<double>(i) / kTable);
    std::vector<double> flow(kTable, 0.0);
    const double rise = open * skew, fall = open - rise;
    for (size_t i = 0; i < kTable; ++i) {
      const double t = static_cast<double>(i) / kTable;
      if (t < rise)
        flow[i] = 0.5 * (1 - std::cos(std::numbers::pi * t / rise));
      else if (t < open)
        flow[i] = std::cos(0.5 * std::numbers::pi * (t - rise) / fall);
    }
    std::vector<std::complex<double>> harmonics;
    for (size_t k = 1; k <= kHarmonics.back(); ++k) {
      std::complex<double> sum = 0;
      for (size_t i = 0; i < kTable; ++i) sum += flow[i] * std::conj(circle[k * i % kTable]);
      // The derivative, and how much faster than it the harmonics fall.
      const auto order = static_cast<double>(k);
      harmonics.push_back(sum * std::complex<double>(0, kTau * order) * (2.0 / kTable) * std::pow(order, -tilt));
    }
    std::vector<double> sum(kTable, 0.0);
    size_t k = 1;
    for (const size_t count : kHarmonics) {
      for (; k <= count; ++k)
        for (size_t i = 0; i < kTable; ++i) sum[i] += (harmonics[k - 1] * circle[k * i % kTable]).real();
      std::vector<float> table(kTable + 1);
      for (size_t i = 0; i < kTable; ++i) table[i] = static_cast<float>(sum[i]);
      table.back() = table.front();
      tables_.push_back(std::move(table));
    }
  }

  const std::vector<float>& of_pitch(double hz, double sample_rate) const {
    size_t chosen = 0;
    while (chosen + 1 < kHarmonics.size() && static_cast<double>(kHarmonics[chosen + 1]) * hz < 0.48 * sample_rate)
      ++chosen;
    return tables_[chosen];
  }

 private:
  std::vector<std::vector<float>> tables_;
};

float white(Rng& rng) { return static_cast<float>(2 * rng.uniform() - 1); }

}  // namespace

std::vector<float> sound_of_tract(const std::vector<VoiceFrame>& frames, const SingerTraits& traits, int sample_rate,
                                  Rng rng) {
  const double rate = sample_rate;
  const Pulses pulses(0.75 - 0.25 * std::min(1.0, traits.effort), rng.uniform(0.6, 0.75), 0.55 * (1 - traits.effort));
  // Formants above the third hardly move: about one per kHz of a tract of usual size.
  std::vector<Resonator> upper;
  for (double hz = 3400 / traits.tract; hz < 0.45 * rate; hz += 1050 / traits.tract) {
    upper.emplace_back();
    const double place = hz * rng.uniform(0.96, 1.04);
    upper.back().tune(place, 0.035 * place + 90, rate);
  }
  std::array<Resonator, 3> moving;
  Resonator hiss;
  std::vector<float> out(frames.size() * kStemBlock);
  double phase = 0;
  float last_air = 0;
  for (size_t f = 0; f < frames.size(); ++f) {
    const VoiceFrame& frame = frames[f];
    const VoiceFrame& next = frames[std::min(f + 1, frames.size() - 1)];
    const double hz = std::clamp(440 * std::exp2((frame.pitch - 69) / 12.0), 30.0, 2000.0);
    const std::vector<float>& table = pulses.of_pitch(hz, rate);
    constexpr std::array kWidth_hz{70.0, 90.0, 130.0};
    for (size_t i = 0; i < moving.size(); ++i) {
      // Singers open the mouth where a note lies above the first formant.
      const double least = i == 0 ? std::max(200.0, 1.05 * hz) : 0;
      const double place = std::min(0.45 * rate, std::max<double>(least, frame.formant_hz[i]));
      moving[i].tune(place, kWidth_hz[i] * frame.damping * (1 + 0.6 * traits.breath), rate);
    }
    hiss.tune(std::min<double>(frame.hiss_hz, 0.42 * rate), frame.hiss_width_hz, rate);
    const double step = hz / rate;
    for (int i = 0; i < kStemBlock; ++i) {
      const float t = static_cast<float>(i) / kStemBlock;
      const float voice = frame.voice + t * (next.voice - frame.voice);
      const float breath = frame.breath + t * (next.breath - frame.breath);
      const float hissing = frame.hiss + t * (next.hiss - frame.hiss);
      phase += step * (1 + 0.004 * white(rng));  // no two periods are alike
      if (phase >= 1) phase -= 1;
      const double place = phase * kTable;
      const auto index = static_cast<size_t>(place);
      const auto fraction = static_cast<float>(place - static_cast<double>(index));
      const float pulse = table[index] + fraction * (table[index + 1] - table[index]);
      const float noise = white(rng);
      // Breath comes in the rhythm of the folds while they move.
      const float gate = voice > 0.05f ? (phase < 0.6 ? 1.3f : 0.4f) : 1.0f;
      float x = voice * pulse + breath * gate * kBreath * noise;
      for (Resonator& formant : moving) x = formant(x);
      for (Resonator& formant : upper) x = formant(x);
      const float air = hiss(hissing > 0 ? noise : 0.0f);
      // Hiss has little below its centre, unlike a resonator of gain 1 at 0 Hz.
      const float high = air - last_air;
      last_air = air;
      out[f * kStemBlock + static_cast<size_t>(i)] = kGain * (x + kHiss * hissing * high);
    }
  }
  return out;
}

}  // namespace instructme
