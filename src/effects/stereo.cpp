#include "instructme/effects/stereo.h"

#include <cmath>
#include <numbers>

#include "fast_math.h"
#include "fields.h"

namespace instructme {

Echo::Echo(const EchoSettings& settings, const AudioFormat& format)
    : Processor(format),
      wet_(fast::level(effect_fields::checked(settings).wet_db)),
      dry_(fast::level(settings.dry_db)),
      feedback_(static_cast<float>(settings.feedback)),
      open_(settings.damping_hz >= 0.49 * format.sample_rate
                ? 1.0f
                : static_cast<float>(1 - fast::pole_for(0.5, settings.damping_hz, format.sample_rate))),
      cross_(settings.ping_pong && format.channels == 2),
      ring_(static_cast<size_t>(std::llround(settings.time_s * format.sample_rate) * format.channels)) {}

void Echo::run(float* samples, int64_t frames) {
  const auto channels = static_cast<size_t>(format().channels);
  for (float* frame = samples; frame != samples + static_cast<size_t>(frames) * channels; frame += channels) {
    float* past = &ring_[position_];
    float back[2] = {0, 0};
    for (size_t c = 0; c < channels; ++c) {
      low_[c] += open_ * (past[c] - low_[c]);
      back[c] = feedback_ * low_[c];
    }
    for (size_t c = 0; c < channels; ++c) {
      const float repeat = past[c];
      past[c] = frame[c] + back[cross_ ? 1 - c : c];
      frame[c] = dry_ * frame[c] + wet_ * repeat;
    }
    position_ += channels;
    if (position_ == ring_.size()) position_ = 0;
  }
}

StereoMatrix::StereoMatrix(const WidthSettings& settings, const AudioFormat& format) : Processor(format) {
  const double width = effect_fields::checked(settings).width;
  left_from_left_ = right_from_right_ = static_cast<float>((1 + width) / 2);
  left_from_right_ = right_from_left_ = static_cast<float>((1 - width) / 2);
  if (format.channels == 1) left_from_left_ = 1;
}

StereoMatrix::StereoMatrix(const PanSettings& settings, const AudioFormat& format) : Processor(format) {
  const double angle = (effect_fields::checked(settings).pan + 1) * std::numbers::pi / 4;
  if (format.channels == 1) return;
  left_from_left_ = static_cast<float>(std::numbers::sqrt2 * std::cos(angle));
  right_from_right_ = static_cast<float>(std::numbers::sqrt2 * std::sin(angle));
}

StereoMatrix::StereoMatrix(const GainSettings& settings, const AudioFormat& format) : Processor(format) {
  left_from_left_ = right_from_right_ = fast::level(effect_fields::checked(settings).gain_db);
}

void StereoMatrix::run(float* samples, int64_t frames) {
  if (format().channels == 1) {
    for (int64_t i = 0; i < frames; ++i) samples[i] *= left_from_left_;
    return;
  }
  for (int64_t i = 0; i < frames; ++i) {
    const float left = samples[2 * i], right = samples[2 * i + 1];
    samples[2 * i] = left_from_left_ * left + left_from_right_ * right;
    samples[2 * i + 1] = right_from_left_ * left + right_from_right_ * right;
  }
}

}  // namespace instructme
