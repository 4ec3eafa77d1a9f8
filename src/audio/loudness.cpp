#include "instructme/audio/loudness.h"

#include <ebur128.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "instructme/base/error.h"

namespace instructme {
namespace {

struct StateDeleter {
  void operator()(ebur128_state* state) const { ebur128_destroy(&state); }
};

double measure(std::span<const float> samples, int channels, int sample_rate) {
  constexpr double kSilent = -std::numeric_limits<double>::infinity();
  ensure(channels > 0 && sample_rate > 0, "loudness needs a sampling rate and at least one channel");
  const size_t frames = samples.size() / static_cast<size_t>(channels);
  if (frames == 0) return kSilent;
  const std::unique_ptr<ebur128_state, StateDeleter> state(
      ebur128_init(static_cast<unsigned>(channels), static_cast<unsigned long>(sample_rate), EBUR128_MODE_I));
  ensure(state != nullptr, "libebur128 does not measure " + std::to_string(channels) + " channels at " +
                               std::to_string(sample_rate) + " Hz");
  ensure(ebur128_add_frames_float(state.get(), samples.data(), frames) == EBUR128_SUCCESS,
         "libebur128 ran out of memory");
  double lufs = kSilent;
  const size_t block = static_cast<size_t>((sample_rate + 5) / 10) * 4;
  if (frames >= block) {
    ensure(ebur128_loudness_global(state.get(), &lufs) == EBUR128_SUCCESS, "libebur128 gave no loudness");
    return lufs;
  }
  // The momentary window of 0.4 s holds the sound after zeros: its mean power has to be spread over less.
  ensure(ebur128_loudness_momentary(state.get(), &lufs) == EBUR128_SUCCESS, "libebur128 gave no loudness");
  if (!std::isfinite(lufs)) return kSilent;
  return lufs - 10.0 * std::log10(static_cast<double>(frames) / static_cast<double>(block));
}

}  // namespace

double loudness_lufs(const AudioBuffer& buffer) { return measure(buffer.samples, buffer.channels, buffer.sample_rate); }

double loudness_lufs(std::span<const float> mono, int sample_rate) { return measure(mono, 1, sample_rate); }

void LoudnessGain::apply(std::span<float> samples) const {
  for (float& sample : samples) sample *= gain;
}

void LoudnessGain::undo(std::span<float> samples) const {
  for (float& sample : samples) sample /= gain;
}

LoudnessGain normalise(std::vector<float>& mono, int sample_rate, double target_lufs) {
  LoudnessGain result;
  result.before_lufs = loudness_lufs(mono, sample_rate);
  if (!std::isfinite(result.before_lufs)) return result;
  result.gain = static_cast<float>(std::pow(10.0, (target_lufs - result.before_lufs) / 20.0));
  result.apply(mono);
  return result;
}

namespace {

double rms_of_active_blocks(std::span<const float> samples, size_t block) {
  std::vector<double> powers;
  for (size_t start = 0; start < samples.size(); start += block) {
    const size_t end = std::min(samples.size(), start + block);
    double sum = 0;
    for (size_t i = start; i < end; ++i) sum += static_cast<double>(samples[i]) * samples[i];
    powers.push_back(sum / static_cast<double>(end - start));
  }
  const double loudest = powers.empty() ? 0.0 : *std::max_element(powers.begin(), powers.end());
  double sum = 0;
  int count = 0;
  for (const double power : powers)
    if (power > 0 && power >= loudest * 1e-3) sum += power, ++count;
  return count == 0 ? 0.0 : std::sqrt(sum / count);
}

}  // namespace

double active_rms(const AudioBuffer& buffer) {
  return rms_of_active_blocks(buffer.samples, static_cast<size_t>(std::max(1, buffer.sample_rate / 2)) *
                                                  static_cast<size_t>(std::max(1, buffer.channels)));
}

double active_rms(std::span<const float> mono, int sample_rate) {
  return rms_of_active_blocks(mono, static_cast<size_t>(std::max(1, sample_rate / 2)));
}

}  // namespace instructme
