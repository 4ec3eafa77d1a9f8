#include "instructme/data/mix_gain.h"

#include <algorithm>
#include <cmath>

#include "instructme/audio/audio_buffer.h"
#include "instructme/audio/loudness.h"

namespace instructme {
namespace {

constexpr double kPeakLimit = 0.98;

}  // namespace

double mix_gain(const std::vector<std::vector<float>>& stems, double level_db, int sample_rate) {
  std::vector<float> mix;
  float highest = 0;
  for (const std::vector<float>& stem : stems) {
    if (mix.size() < stem.size()) mix.resize(stem.size());
    for (size_t i = 0; i < stem.size(); ++i) mix[i] += stem[i];
    highest = std::max(highest, peak(stem));
  }
  highest = std::max(highest, peak(mix));
  const double rms = active_rms(mix, sample_rate);
  if (!(rms > 0)) return 0;
  return std::min(std::pow(10.0, level_db / 20) / rms, kPeakLimit / highest);
}

}  // namespace instructme
