#include "instructme/effects/saturation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "fast_math.h"
#include "fields.h"
#include "flush_denormals.h"
#include "instructme/base/multiversion.h"
#include "oversampler.h"

namespace instructme {
namespace {

constexpr float kReference = 0.25f;  // -12 dBFS, the level a saturator keeps
constexpr double kOffsetHz = 10;

INSTRUCTME_MULTIVERSION void curve_tanh(float* x, int n, float drive, float level, float dry) {
  for (int i = 0; i < n; ++i) x[i] = level * fast::tanh(drive * x[i]) + dry * x[i];
}

INSTRUCTME_MULTIVERSION void curve_tube(float* x, int n, float drive, float level, float dry, float bias) {
  const float rest = fast::tanh(bias);
  for (int i = 0; i < n; ++i) x[i] = level * (fast::tanh(drive * x[i] + bias) - rest) + dry * x[i];
}

INSTRUCTME_MULTIVERSION void curve_clip(float* x, int n, float drive, float level, float dry) {
  for (int i = 0; i < n; ++i) {
    const float driven = drive * x[i];
    x[i] = level * (driven < -1 ? -1.0f : driven > 1 ? 1.0f : driven) + dry * x[i];
  }
}

float reference_level(SaturationCurve curve, float drive) {
  const float driven = drive * kReference;
  return kReference / (curve == SaturationCurve::kHardClip ? std::min(driven, 1.0f) : fast::tanh(driven));
}

}  // namespace

struct Saturator::Channel {
  explicit Channel(int factor) : sampler(factor) {}
  Oversampler sampler;
  float last_in = 0, last_out = 0;  // of the filter that takes out the offset
};

Saturator::Saturator(const SaturationSettings& settings, const AudioFormat& format)
    : Processor(format),
      settings_(effect_fields::checked(settings)),
      drive_(static_cast<float>(fast::db_to_gain(settings.drive_db))),
      level_(reference_level(settings.curve, drive_)),
      block_offset_(static_cast<float>(std::exp(-2 * std::numbers::pi * kOffsetHz / format.sample_rate))) {
  for (int c = 0; c < format.channels; ++c) channels_.emplace_back(settings.oversampling);
  set_latency(channels_.front().sampler.latency());
}

Saturator::~Saturator() = default;

void Saturator::run(float* samples, int64_t frames) {
  constexpr int kBlock = Oversampler::kBlock;
  const int factor = settings_.oversampling, count = format().channels;
  const auto dry = static_cast<float>(1 - settings_.mix);
  const float wet = level_ * static_cast<float>(settings_.mix);
  float block[kBlock], high[4 * kBlock];
  for (int64_t start = 0; start < frames; start += kBlock) {
    const int n = static_cast<int>(std::min<int64_t>(kBlock, frames - start));
    float* from = samples + start * count;
    for (int c = 0; c < count; ++c) {
      Channel& channel = channels_[static_cast<size_t>(c)];
      for (int i = 0; i < n; ++i) block[i] = from[i * count + c];
      channel.sampler.up(block, n, high);
      switch (settings_.curve) {
        case SaturationCurve::kTanh: curve_tanh(high, factor * n, drive_, wet, dry); break;
        case SaturationCurve::kTube:
          curve_tube(high, factor * n, drive_, wet, dry, static_cast<float>(settings_.bias));
          break;
        case SaturationCurve::kHardClip: curve_clip(high, factor * n, drive_, wet, dry); break;
      }
      channel.sampler.down(high, n, block);
      if (settings_.curve == SaturationCurve::kTube)
        for (int i = 0; i < n; ++i) {
          channel.last_out = block[i] - channel.last_in + block_offset_ * channel.last_out;
          channel.last_in = block[i];
          block[i] = channel.last_out;
        }
      for (int i = 0; i < n; ++i) from[i * count + c] = block[i];
    }
  }
}

std::vector<float> saturation_gain(const AudioBuffer& buffer, double drive_db) {
  effect_fields::check(SaturationSettings{.drive_db = drive_db});
  const auto drive = static_cast<float>(fast::db_to_gain(drive_db));
  const float level = reference_level(SaturationCurve::kTanh, drive);
  // Below this tanh is straight to within the precision of float, and the quotient would be 0/0 at 0.
  constexpr float kStraight = 1e-4f;
  std::vector<float> gain(buffer.samples.size());
  std::transform(buffer.samples.begin(), buffer.samples.end(), gain.begin(), [&](float x) {
    const float driven = drive * x;
    return std::abs(driven) < kStraight ? drive * level : level * fast::tanh(driven) / x;
  });
  return gain;
}

namespace {

const AmplifierSettings& checked_amplifier(const AmplifierSettings& s) { return effect_fields::checked(s); }

EqualiserSettings input_stage(const AmplifierSettings& s) {
  return {{{BandType::kHighPass, s.tight_hz, 0, 0.7}, {BandType::kPeak, 900, 3, 0.6}}};
}

EqualiserSettings tone_stack(const AmplifierSettings& s) {
  return {{{BandType::kLowShelf, 150, s.bass_db, 0.7},
           {BandType::kPeak, 600, s.middle_db, 0.7},
           {BandType::kHighShelf, 2000, s.treble_db, 0.7}}};
}

EqualiserSettings cabinet(const AmplifierSettings& s) {
  return {{{BandType::kHighPass, s.cabinet_low_hz, 0, 1.2},  // a closed box resonates before it falls off
           {BandType::kPeak, 400, -3, 1.0},
           {BandType::kPeak, 0.7 * s.cabinet_high_hz, s.presence_db, 1.5},
           {BandType::kLowPass, s.cabinet_high_hz, 0, 0.54119610},
           {BandType::kLowPass, s.cabinet_high_hz, 0, 1.30656296}}};
}

}  // namespace

Amplifier::Amplifier(const AmplifierSettings& settings, const AudioFormat& format)
    : Processor(format),
      input_(input_stage(checked_amplifier(settings)), format),
      preamplifier_({SaturationCurve::kTube, settings.drive_db, 0.35, 1, 4}, format),
      tone_(tone_stack(settings), format),
      power_({SaturationCurve::kTanh, 6 + 0.15 * settings.drive_db, 0, 1, 2}, format),
      cabinet_(cabinet(settings), format) {
  set_latency(preamplifier_.latency() + power_.latency());
}

void Amplifier::run(float* samples, int64_t frames) {
  const std::span<float> block(samples, static_cast<size_t>(frames * format().channels));
  input_.process(block);
  preamplifier_.process(block);
  tone_.process(block);
  power_.process(block);
  cabinet_.process(block);
}

}  // namespace instructme
