#include "instructme/effects/modulation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "fast_math.h"
#include "fields.h"

namespace instructme {
namespace {

using Four = float __attribute__((vector_size(16)));

double advance(double phase, double step) {
  phase += step;
  return phase >= 1 ? phase - 1 : phase;
}

/// For phases from 0 on.
double wrap(double phase) { return phase - static_cast<double>(static_cast<int64_t>(phase)); }

/// Change of speed that shifts the pitch by so many cents.
double speed_change(double cents) { return std::exp2(cents / 1200) - 1; }

constexpr int kMostVoices = 6;
constexpr double kJump_s = 0.02;
constexpr double kFade_s = 0.06;

/// The share of a round that is a cross-fade.
double detune_fade(double cents) { return std::min(0.5, kFade_s * std::abs(speed_change(cents)) / kJump_s); }

/// Frames from the middle of the range of delays to its ends, and what the interpolation needs.
double detune_centre(double cents, const AudioFormat& format) {
  return std::ceil(kJump_s * format.sample_rate * (0.5 + detune_fade(cents)) + SincReader::kLeastDelay + 1);
}

/// Frames by which a delay must wander for the speed to change so much.
double wow_depth(double cents, double hz, int rate) { return speed_change(cents) * rate / (2 * std::numbers::pi * hz); }

double wow_centre(const WowSettings& s, int rate) {
  return std::ceil(wow_depth(s.wow_cents, s.wow_hz, rate) + wow_depth(s.flutter_cents, s.flutter_hz, rate) +
                   SincReader::kLeastDelay + 1);
}

}  // namespace

Chorus::Chorus(const ChorusSettings& settings, const AudioFormat& format)
    : Processor(format),
      voices_(effect_fields::checked(settings).voices),
      wet_(fast::level(settings.wet_db) / std::sqrt(static_cast<float>(settings.voices))),
      dry_(fast::level(settings.dry_db)),
      delay_(static_cast<float>(settings.delay_s * format.sample_rate)),
      depth_(static_cast<float>(settings.depth_s * format.sample_rate)),
      phase_(wrap(settings.phase)),
      step_(settings.rate_hz / format.sample_rate) {
  mask_ = std::bit_ceil(static_cast<size_t>((settings.delay_s + settings.depth_s) * format.sample_rate) + 4) - 1;
  for (int c = 0; c < format.channels; ++c) ring_[c].assign(mask_ + 1, 0.0f);
}

void Chorus::run(float* samples, int64_t frames) {
  const int channels = format().channels, voices = voices_;
  const size_t mask = mask_;
  const float middle = delay_, wet = wet_, dry = dry_;
  // sin(a + b) = sin a cos b + cos a sin b: one sine and cosine a frame for all voices.
  float along[2][kMostVoices], across[2][kMostVoices];
  for (int c = 0; c < channels; ++c)
    for (int v = 0; v < voices; ++v) {
      const double angle = 2 * std::numbers::pi * (static_cast<double>(v) / voices + 0.25 * c);
      along[c][v] = static_cast<float>(depth_ * std::cos(angle));
      across[c][v] = static_cast<float>(depth_ * std::sin(angle));
    }
  for (float* frame = samples; frame != samples + frames * channels; frame += channels, ++now_) {
    const size_t now = now_;
    const auto sine = static_cast<float>(fast::sine(phase_));
    const auto cosine = static_cast<float>(fast::sine(wrap(phase_ + 0.25)));
    for (int c = 0; c < channels; ++c) {
      float* ring = ring_[c].data();
      ring[now & mask] = frame[c];
      float sum = 0;
      for (int v = 0; v < voices; ++v) {
        const float delay = std::max(1.0f, middle + along[c][v] * sine + across[c][v] * cosine);
        const auto whole = static_cast<int32_t>(delay);
        const auto place = static_cast<size_t>(whole);
        const float t = delay - static_cast<float>(whole);
        // Cubic Hermite through the four samples around the place.
        const float a = ring[(now - place + 1) & mask], b = ring[(now - place) & mask];
        const float d = ring[(now - place - 1) & mask], e = ring[(now - place - 2) & mask];
        const float slope = 0.5f * (d - a);
        const float curve = a - 2.5f * b + 2 * d - 0.5f * e, bend = 0.5f * (e - a) + 1.5f * (b - d);
        sum += b + t * (slope + t * (curve + t * bend));
      }
      frame[c] = dry * frame[c] + wet * sum;
    }
    phase_ = advance(phase_, step_);
  }
}

SincReader::SincReader(double most_delay, int channels)
    : channels_(channels), size_(std::bit_ceil(static_cast<size_t>(std::ceil(most_delay)) + kTaps + 1)) {
  rings_.assign(static_cast<size_t>(channels) * (size_ + kTaps), 0.0f);
  constexpr double kBeta = 7.0;
  for (int p = 0; p <= kPhases; ++p) {
    double taps[kTaps], sum = 0;
    for (int k = 0; k < kTaps; ++k) {
      // Place of the tap relative to the wanted point, which lies p/kPhases after the middle pair's first.
      const double t = k + 1 - 0.5 * kTaps - static_cast<double>(p) / kPhases, u = t / (kTaps / 2.0);
      const double x = std::numbers::pi * t;
      taps[k] = std::abs(u) >= 1
                    ? 0
                    : (std::abs(x) < 1e-9 ? 1 : std::sin(x) / x) * std::cyl_bessel_i(0, kBeta * std::sqrt(1 - u * u));
      sum += taps[k];
    }
    for (const double tap : taps) table_.push_back(static_cast<float>(tap / sum));
  }
}

void SincReader::write(const float* frame) {
  now_ = (now_ + 1) & (size_ - 1);
  for (int c = 0; c < channels_; ++c) {
    float* ring = &rings_[static_cast<size_t>(c) * (size_ + kTaps)];
    ring[now_] = frame[c];
    if (now_ < kTaps) ring[size_ + now_] = frame[c];
  }
}

void SincReader::read(double delay, float weight, float* frame) const {
  // The point lies between the frames `whole` and `whole - 1` ago, `later` of the way to the younger one.
  const auto younger = static_cast<size_t>(delay);  // frames ago
  const bool between = static_cast<double>(younger) < delay;
  const size_t whole = between ? younger + 1 : younger;
  const double later = static_cast<double>(whole) - delay;
  const size_t start = (now_ - whole - (kTaps / 2 - 1)) & (size_ - 1);
  const double place = later * kPhases;
  const auto row = static_cast<size_t>(place);
  const float part = static_cast<float>(place - static_cast<double>(row));
  const float* taps = &table_[row * kTaps];
  Four blend[kTaps / 4];
  for (int i = 0; i < kTaps / 4; ++i) {
    Four low, high;
    __builtin_memcpy(&low, taps + 4 * i, sizeof(Four));
    __builtin_memcpy(&high, taps + kTaps + 4 * i, sizeof(Four));
    blend[i] = low + part * (high - low);
  }
  for (int c = 0; c < channels_; ++c) {
    const float* from = &rings_[static_cast<size_t>(c) * (size_ + kTaps) + start];
    Four sum = {0, 0, 0, 0};
    for (int i = 0; i < kTaps / 4; ++i) {
      Four x;
      __builtin_memcpy(&x, from + 4 * i, sizeof(Four));
      sum += blend[i] * x;
    }
    frame[c] += weight * ((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
}

Detune::Detune(const DetuneSettings& settings, const AudioFormat& format)
    : Processor(format),
      sweep_(std::copysign(kJump_s * format.sample_rate, effect_fields::checked(settings).cents)),
      fade_(detune_fade(settings.cents)),
      step_(std::abs(speed_change(settings.cents)) / (kJump_s * format.sample_rate)),
      reader_(2 * detune_centre(settings.cents, format), format.channels) {
  set_latency(static_cast<int64_t>(detune_centre(settings.cents, format)));
}

void Detune::run(float* samples, int64_t frames) {
  const int channels = format().channels;
  const auto centre = static_cast<double>(latency());
  for (float* frame = samples; frame != samples + frames * channels; frame += channels) {
    reader_.write(frame);
    std::fill(frame, frame + channels, 0.0f);
    const double delay = centre + sweep_ * (0.5 - phase_);
    if (phase_ < fade_) {
      // The reader of the round before goes on beyond its end until this one has taken over.
      const double part = phase_ / fade_;
      const auto weight = static_cast<float>(part * part * (3 - 2 * part));
      reader_.read(delay, weight, frame);
      reader_.read(delay - sweep_, 1 - weight, frame);
    } else {
      reader_.read(delay, 1, frame);
    }
    phase_ = advance(phase_, step_);
  }
}

Wow::Wow(const WowSettings& settings, const AudioFormat& format)
    : Processor(format),
      depths_{wow_depth(effect_fields::checked(settings).wow_cents, settings.wow_hz, format.sample_rate),
              wow_depth(settings.flutter_cents, settings.flutter_hz, format.sample_rate)},
      steps_{settings.wow_hz / format.sample_rate, settings.flutter_hz / format.sample_rate},
      phases_{wrap(settings.phase), 0},
      centre_(wow_centre(settings, format.sample_rate)),
      reader_(2 * centre_, format.channels) {
  set_latency(static_cast<int64_t>(centre_));
}

void Wow::run(float* samples, int64_t frames) {
  const int channels = format().channels;
  for (float* frame = samples; frame != samples + frames * channels; frame += channels) {
    reader_.write(frame);
    std::fill(frame, frame + channels, 0.0f);
    double delay = centre_;
    for (int i = 0; i < 2; ++i) {
      delay += depths_[i] * fast::sine(phases_[i]);
      phases_[i] = advance(phases_[i], steps_[i]);
    }
    reader_.read(delay, 1, frame);
  }
}

}  // namespace instructme
