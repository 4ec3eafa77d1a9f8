#include "instructme/effects/dynamics.h"

#include <algorithm>
#include <cmath>

#include "fast_math.h"
#include "fields.h"
#include "flush_denormals.h"

namespace instructme {
namespace {

constexpr double kUnit = 1 << 30;
// What rounding of the gain, its product and a sum of stems may add stays below the ceiling.
constexpr double kMargin = 1 - 1e-5;

float smoothing(double time_s, int sample_rate) { return static_cast<float>(std::exp(-1.0 / (time_s * sample_rate))); }

float loudest(const float* frame, int channels) {
  return channels == 2 ? std::max(std::abs(frame[0]), std::abs(frame[1])) : std::abs(frame[0]);
}

}  // namespace

Compressor::Compressor(const CompressorSettings& settings, const AudioFormat& format)
    : Processor(format),
      settings_(effect_fields::checked(settings)),
      attack_(smoothing(settings.attack_s, format.sample_rate)),
      release_(smoothing(settings.release_s, format.sample_rate)),
      detector_(settings.detector_s > 0 ? smoothing(settings.detector_s, format.sample_rate) : 0.0f) {}

float Compressor::next_gain(const float* frame) {
  constexpr float kFloor = 1e-9f;
  const int channels = format().channels;
  float level_db;
  if (detector_ > 0) {
    const float power = (frame[0] * frame[0] + frame[channels - 1] * frame[channels - 1]) / 2;
    power_ = power + detector_ * (power_ - power);
    level_db = fast::kDbPerLog2 / 2 * fast::log2(power_ + kFloor * kFloor);
  } else {
    level_db = fast::kDbPerLog2 * fast::log2(loudest(frame, channels) + kFloor);
  }
  const auto knee = static_cast<float>(settings_.knee_db);
  const auto slope = static_cast<float>(1 - 1 / settings_.ratio);
  const float over = level_db - static_cast<float>(settings_.threshold_db);
  float wanted = 0;
  if (2 * over >= knee)
    wanted = slope * over;
  else if (2 * over > -knee)
    wanted = slope * (over + knee / 2) * (over + knee / 2) / (2 * knee);
  const float pole = wanted > reduction_db_ ? attack_ : release_;
  reduction_db_ = wanted + pole * (reduction_db_ - wanted);
  return fast::exp2((static_cast<float>(settings_.makeup_db) - reduction_db_) * (1 / fast::kDbPerLog2));
}

void Compressor::gains(std::span<const float> samples, std::span<float> gain) {
  const FlushDenormals flush;
  const int channels = format().channels;
  ensure(samples.size() == gain.size() * static_cast<size_t>(channels), "a gain for each frame is needed");
  const float* frame = samples.data();
  for (float& g : gain) {
    g = next_gain(frame);
    frame += channels;
  }
}

void Compressor::run(float* samples, int64_t frames) {
  const int channels = format().channels;
  for (float* frame = samples; frame != samples + frames * channels; frame += channels) {
    const float gain = next_gain(frame);
    for (int c = 0; c < channels; ++c) frame[c] *= gain;
  }
}

Limiter::Limiter(const LimiterSettings& settings, const AudioFormat& format)
    : Processor(format),
      ceiling_(static_cast<float>(fast::db_to_gain(effect_fields::checked(settings).ceiling_db) * kMargin)),
      release_(smoothing(settings.release_s, format.sample_rate)),
      window_(std::max<int64_t>(1, std::llround(settings.look_ahead_s * format.sample_rate))) {
  const auto window = static_cast<size_t>(window_);
  queue_.resize(window + 2);
  recent_.assign(window + 1, static_cast<int64_t>(kUnit));
  sum_ = static_cast<int64_t>(kUnit) * (window_ + 1);
  delayed_.resize(window * static_cast<size_t>(format.channels));
  set_latency(window_);
}

void Limiter::gains(std::span<const float> samples, std::span<float> gain) {
  const FlushDenormals flush;
  const int channels = format().channels;
  ensure(samples.size() == gain.size() * static_cast<size_t>(channels), "a gain for each frame is needed");
  const size_t capacity = queue_.size();
  const auto wrapped = [capacity](size_t i) { return i >= capacity ? i - capacity : i; };
  const double scale = 1 / (kUnit * static_cast<double>(window_ + 1));
  const float* frame = samples.data();
  for (float& g : gain) {
    const float peak = loudest(frame, channels);
    const float needed = peak > ceiling_ ? ceiling_ / peak : 1.0f;
    frame += channels;
    // Minimum over the last window + 1 frames: gains that a later, lower one outlives are dropped.
    while (count_ > 0 && queue_[wrapped(front_ + count_ - 1)].gain >= needed) --count_;
    queue_[wrapped(front_ + count_)] = {now_, needed};
    ++count_;
    if (queue_[front_].frame < now_ - window_) {
      front_ = wrapped(front_ + 1);
      --count_;
    }
    const float lowest = queue_[front_].gain;
    envelope_ = lowest < envelope_ ? lowest : lowest + release_ * (envelope_ - lowest);
    int64_t& oldest = recent_[static_cast<size_t>(now_ % (window_ + 1))];
    const auto unit = static_cast<int64_t>(static_cast<double>(envelope_) * kUnit);
    sum_ += unit - oldest;
    oldest = unit;
    g = static_cast<float>(static_cast<double>(sum_) * scale);
    ++now_;
  }
}

void Limiter::run(float* samples, int64_t frames) {
  const auto channels = static_cast<size_t>(format().channels);
  int64_t position = now_ % window_;
  scratch_.resize(static_cast<size_t>(frames));
  gains({samples, static_cast<size_t>(frames) * channels}, scratch_);
  for (const float gain : scratch_) {
    float* held = &delayed_[static_cast<size_t>(position) * channels];
    for (size_t c = 0; c < channels; ++c) {
      const float out = held[c] * gain;
      held[c] = samples[c];
      samples[c] = out;
    }
    samples += channels;
    if (++position == window_) position = 0;
  }
}

std::vector<float> compressor_gain(const AudioBuffer& buffer, const CompressorSettings& settings) {
  Compressor compressor(settings, format_of(buffer));
  std::vector<float> gain(static_cast<size_t>(buffer.frames()));
  compressor.gains(buffer.samples, gain);
  return gain;
}

std::vector<float> limiter_gain(const AudioBuffer& buffer, const LimiterSettings& settings) {
  Limiter limiter(settings, format_of(buffer));
  std::vector<float> gain(static_cast<size_t>(buffer.frames()));
  limiter.gains(buffer.samples, gain);
  const auto late = static_cast<size_t>(limiter.latency());
  std::vector<float> rest(late);
  limiter.gains(std::vector<float>(late * static_cast<size_t>(buffer.channels)), rest);
  gain.insert(gain.end(), rest.begin(), rest.end());
  gain.erase(gain.begin(), gain.begin() + static_cast<std::ptrdiff_t>(late));
  return gain;
}

}  // namespace instructme
