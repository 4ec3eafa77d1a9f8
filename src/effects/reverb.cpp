#include "instructme/effects/reverb.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "fast_math.h"
#include "fields.h"

namespace instructme {
namespace {

// Eight values side by side; GCC and clang turn them into whatever vectors there are.
using Eight = float __attribute__((vector_size(32)));

bool is_prime(size_t n) {
  for (size_t d = 2; d * d <= n; ++d)
    if (n % d == 0) return false;
  return n > 1;
}

// Lines of prime lengths have no resonance in common.
size_t prime_from(double frames) {
  auto n = static_cast<size_t>(std::max(2.0, std::round(frames)));
  while (!is_prime(n)) ++n;
  return n;
}

}  // namespace

DelayRing::DelayRing(size_t frames) : data_(std::bit_ceil(frames + 1)), mask_(data_.size() - 1) {}

RoomReverb::RoomReverb(const RoomSettings& settings, const AudioFormat& format)
    : Processor(format),
      wet_(fast::level(effect_fields::checked(settings).wet_db)),
      dry_(fast::level(settings.dry_db)),
      pre_delay_(static_cast<size_t>(std::llround(settings.pre_delay_s * format.sample_rate))) {
  constexpr std::array<double, kLines> kLine_ms{12.1, 16.7, 21.3, 26.9, 33.1, 40.3, 48.7, 57.9};
  // The two sides are diffused differently, or a sound in the middle would come back from the middle.
  constexpr std::array<std::array<double, kDiffusers>, 2> kDiffuser_ms{
      {{1.31, 2.39, 3.83, 5.57}, {1.51, 2.21, 4.07, 5.29}}};
  const double frames_per_ms = settings.size * format.sample_rate / 1000;
  double kept = 0;  // of the energy in each pass, on the average
  size_t longest = 0;
  for (size_t i = 0; i < kLines; ++i) {
    delays_[i] = prime_from(kLine_ms[i] * frames_per_ms);
    longest = std::max(longest, delays_[i]);
    const double gain =
        std::pow(10.0, -3.0 * static_cast<double>(delays_[i]) / (settings.decay_s * format.sample_rate));
    gains_[i] = static_cast<float>(gain);
    kept += gain * gain / kLines;
    // At the damping frequency every pass loses twice the dB it loses at low ones (Jot's absorbent filters).
    open_[i] = static_cast<float>(1 - fast::pole_for(gain * gain, settings.damping_hz, format.sample_rate));
  }
  for (size_t side = 0; side < 2; ++side) {
    entry_[side] = DelayRing(pre_delay_);
    for (size_t i = 0; i < kDiffusers; ++i) {
      Diffuser& diffuser = diffusers_[side][i];
      diffuser.delay = prime_from(kDiffuser_ms[side][i] * frames_per_ms);
      diffuser.ring = DelayRing(diffuser.delay);
    }
  }
  mask_ = std::bit_ceil(longest + 1) - 1;
  lines_.assign((mask_ + 1) * kLines, 0.0f);
  // The energy of an impulse that enters with 1 into each line and leaves, pass after pass, as a sum of all taps;
  // with it taken out, wet_db does not depend on decay and size.
  const double energy = kLines * kept / (1 - kept);
  wet_ = static_cast<float>(wet_ / std::sqrt(energy));
}

void RoomReverb::run(float* samples, int64_t frames) {
  if (format().channels == 2)
    run_channels<2>(samples, frames);
  else
    run_channels<1>(samples, frames);
}

template <int C>
void RoomReverb::run_channels(float* samples, int64_t frames) {
  constexpr float kDiffusion = 0.6f;
  Eight low, open, gains;
  for (int i = 0; i < kLines; ++i) {
    const auto k = static_cast<size_t>(i);
    low[i] = low_[k];
    open[i] = open_[k];
    gains[i] = gains_[k];
  }
  for (float* frame = samples; frame != samples + frames * C; frame += C, ++now_) {
    float in[2];
    for (size_t c = 0; c < C; ++c) {
      entry_[c].write(now_, frame[c]);
      float x = entry_[c].read(now_, pre_delay_);
      for (Diffuser& d : diffusers_[c]) {
        const float past = d.ring.read(now_, d.delay), inner = x - kDiffusion * past;
        d.ring.write(now_, inner);
        x = past + kDiffusion * inner;
      }
      in[c] = x;
    }
    if constexpr (C == 1) in[1] = in[0];
    Eight taps;
    for (int i = 0; i < kLines; ++i)
      taps[i] = lines_[((now_ - delays_[static_cast<size_t>(i)]) & mask_) * kLines + static_cast<size_t>(i)];
    low += open * (taps - low);
    const Eight t = low * gains;
    // Sums of the pairs once for both the matrix and the two outputs.
    const float a = t[0] + t[4], b = t[1] + t[5], c = t[2] + t[6], d = t[3] + t[7];
    const float common = (a + b + c + d) * (2.0f / kLines);
    const Eight feed = {in[0], in[0], in[0], in[0], in[1], in[1], in[1], in[1]};
    const Eight into = feed + t - common;  // Householder: I - 2/N 11ᵀ mixes without loss
    for (int i = 0; i < kLines; ++i) lines_[(now_ & mask_) * kLines + static_cast<size_t>(i)] = into[i];
    frame[0] = dry_ * frame[0] + wet_ * (a - b + c - d);
    if constexpr (C == 2) {
      const float e = t[0] - t[4], f = t[1] - t[5], g = t[2] - t[6], h = t[3] - t[7];
      frame[1] = dry_ * frame[1] + wet_ * (e - f - g + h);
    }
  }
  for (int i = 0; i < kLines; ++i) low_[static_cast<size_t>(i)] = low[i];
}

PlateReverb::PlateReverb(const PlateSettings& settings, const AudioFormat& format)
    : Processor(format),
      wet_(fast::level(effect_fields::checked(settings).wet_db)),
      dry_(fast::level(settings.dry_db)),
      step_(settings.modulation_hz / format.sample_rate),
      pre_delay_(static_cast<size_t>(std::llround(settings.pre_delay_s * format.sample_rate))),
      entry_(pre_delay_) {
  constexpr double kPublishedRate = 29761;
  const double ratio = format.sample_rate / kPublishedRate, tank = settings.size * ratio;
  const auto frames = [](double published, double by) {
    return static_cast<size_t>(std::max<long long>(1, std::llround(published * by)));
  };
  const auto all_pass = [&](double published, double by, double gain, double wander = 0) {
    AllPass result;
    result.delay = frames(published, by);
    result.gain = static_cast<float>(gain);
    result.ring = DelayRing(result.delay + static_cast<size_t>(wander) + 2);
    return result;
  };
  wander_ = static_cast<float>(8 * ratio * std::min(1.0, settings.size));
  diffusers_ = {all_pass(142, ratio, 0.75), all_pass(107, ratio, 0.75), all_pass(379, ratio, 0.625),
                all_pass(277, ratio, 0.625)};
  constexpr double kLeft[] = {672, 4453, 1800, 3720}, kRight[] = {908, 4217, 2656, 3163};
  double total = 0;
  for (const auto* delays : {kLeft, kRight})
    for (int i = 0; i < 4; ++i) total += delays[i] * tank;
  // A sound passes the decay factor four times on its way through both loops.
  const double decay = std::pow(10.0, -3.0 * total / (4 * settings.decay_s * format.sample_rate));
  decay_ = static_cast<float>(decay);
  open_ = static_cast<float>(1 - fast::pole_for(std::pow(decay, 4), settings.damping_hz, format.sample_rate));
  bandwidth_ = static_cast<float>(1 - fast::pole_for(0.5, settings.bandwidth_hz, format.sample_rate));
  for (size_t side = 0; side < 2; ++side) {
    const double* delays = side == 0 ? kLeft : kRight;
    Loop& loop = loops_[side];
    loop.wandering = all_pass(delays[0], tank, -0.7, wander_);
    loop.first_delay = frames(delays[1], tank);
    loop.first = DelayRing(loop.first_delay);
    loop.fixed = all_pass(delays[2], tank, std::clamp(decay + 0.15, 0.25, 0.5));
    loop.second_delay = frames(delays[3], tank);
    loop.second = DelayRing(loop.second_delay);
  }
  const auto tap = [&](int node, double published, float sign) { return Tap{node, frames(published, tank), sign}; };
  taps_[0] = {tap(3, 266, 1),   tap(3, 2974, 1), tap(4, 1913, -1), tap(5, 1996, 1),
              tap(0, 1990, -1), tap(1, 187, -1), tap(2, 1066, -1)};
  taps_[1] = {tap(0, 353, 1),   tap(0, 3627, 1), tap(1, 1228, -1), tap(2, 2673, 1),
              tap(3, 2111, -1), tap(4, 335, -1), tap(5, 121, -1)};
  // The energy of an impulse at the seven taps: a loop gets what enters and what the other one leaves; three taps
  // lie before its decay, two inside the fixed all-pass, whose inner signal is stronger, and two behind.
  const double loop_energy = 1 / (1 - std::pow(decay, 4)), diffusion = loops_[0].fixed.gain;
  const double energy = loop_energy * (3 + 2 * decay * decay * (1 + 1 / (1 - diffusion * diffusion)));
  wet_ = static_cast<float>(wet_ / std::sqrt(energy));
}

float PlateReverb::run_loop(Loop& loop, float input, float wander) {
  const auto pass = [this](AllPass& p, float past, float x) {
    const float inner = x - p.gain * past;
    p.ring.write(now_, inner);
    return past + p.gain * inner;
  };
  const float place = std::max(1.0f, static_cast<float>(loop.wandering.delay) + wander);
  const auto whole = static_cast<size_t>(place);
  const float part = place - static_cast<float>(whole);
  const DelayRing& ring = loop.wandering.ring;
  const float past = (1 - part) * ring.read(now_, whole) + part * ring.read(now_, whole + 1);
  loop.first.write(now_, pass(loop.wandering, past, input));
  loop.low += open_ * (loop.first.read(now_, loop.first_delay) - loop.low);
  loop.second.write(now_, pass(loop.fixed, loop.fixed.ring.read(now_, loop.fixed.delay), decay_ * loop.low));
  return decay_ * loop.second.read(now_, loop.second_delay);
}

float PlateReverb::sum_taps(const std::array<Tap, 7>& taps) const {
  float sum = 0;
  for (const Tap& tap : taps) {
    const Loop& loop = loops_[static_cast<size_t>(tap.node / 3)];
    const DelayRing& ring = tap.node % 3 == 0 ? loop.first : tap.node % 3 == 1 ? loop.fixed.ring : loop.second;
    sum += tap.sign * ring.read(now_, tap.delay);
  }
  return sum;
}

void PlateReverb::run(float* samples, int64_t frames) {
  const int channels = format().channels;
  for (float* frame = samples; frame != samples + frames * channels; frame += channels, ++now_) {
    entry_.write(now_, channels == 2 ? 0.5f * (frame[0] + frame[1]) : frame[0]);
    band_ += bandwidth_ * (entry_.read(now_, pre_delay_) - band_);
    float x = band_;
    for (AllPass& p : diffusers_) {
      const float past = p.ring.read(now_, p.delay), inner = x - p.gain * past;
      p.ring.write(now_, inner);
      x = past + p.gain * inner;
    }
    const auto wave = static_cast<float>(fast::sine(phase_));
    const auto quarter = static_cast<float>(fast::sine(phase_ < 0.75 ? phase_ + 0.25 : phase_ - 0.75));
    phase_ += step_;
    if (phase_ >= 1) phase_ -= 1;
    const float from_left = run_loop(loops_[0], x + spread_, wander_ * wave);
    spread_ = run_loop(loops_[1], x + from_left, wander_ * quarter);
    for (int c = 0; c < channels; ++c) frame[c] = dry_ * frame[c] + wet_ * sum_taps(taps_[static_cast<size_t>(c)]);
  }
}

}  // namespace instructme
