#include "instructme/plugins/plugin_effect.h"

#include <cmath>
#include <utility>

#include "instructme/audio/resample.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

// Peaks of the output over that of the input. Within these an effect is strong; beyond, it does not work.
constexpr float kSoftest = 1e-3f, kLoudest = 10.0f;

}  // namespace

PluginEffect::PluginEffect(PluginHostOptions host) : host_(std::move(host)) {}

void PluginEffect::apply(const PluginSettings& plugin, AudioBuffer& buffer) const {
  if (buffer.channels < 1 || buffer.channels > 2 || buffer.sample_rate < 8000 || buffer.sample_rate > 96000)
    throw Error(ErrorKind::kUsage,
                format("A stem for a plugin has 1 or 2 channels at 8000 to 96000 Hz, not %d at %d Hz.", buffer.channels,
                       buffer.sample_rate));
  for (const float x : buffer.samples)
    if (!std::isfinite(x)) throw Error(ErrorKind::kInput, "Effects need finite samples, found NaN or infinite ones.");
  const float before = peak(buffer.samples);
  if (before == 0) return;
  const AudioBuffer input = resample(buffer, buffer.sample_rate * plugin_oversampling(buffer.sample_rate));
  AudioBuffer output{input.sample_rate, input.channels, {}};
  output.samples = host_.run(
      plugin,
      {.sample_rate = input.sample_rate, .channels = input.channels, .frames = input.frames(), .input = input.samples});
  output = resample(output, buffer.sample_rate);
  output.samples.resize(buffer.samples.size());
  const float after = peak(output.samples);
  if (after < kSoftest * before) throw plugin_failure(plugin, "it silences what it is given");
  if (after > kLoudest * before) throw plugin_failure(plugin, "it is far too loud");
  buffer = std::move(output);
}

}  // namespace instructme
