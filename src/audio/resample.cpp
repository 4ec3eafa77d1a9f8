#include "instructme/audio/resample.h"

#include <soxr.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "instructme/base/error.h"

namespace instructme {
namespace {

std::vector<float> resample_interleaved(std::span<const float> samples, size_t channels, double from_hz, double to_hz) {
  ensure(std::isfinite(from_hz) && std::isfinite(to_hz) && from_hz > 0 && to_hz > 0,
         "sampling rates must be above 0 Hz, " + std::to_string(from_hz) + " and " + std::to_string(to_hz) +
             " were given");
  if (from_hz == to_hz) return {samples.begin(), samples.end()};
  const size_t frames = samples.size() / channels;
  const auto wanted = static_cast<size_t>(std::llround(static_cast<double>(frames) * to_hz / from_hz));
  std::vector<float> out(wanted * channels);
  if (frames == 0 || wanted == 0) return out;

  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_VHQ, SOXR_ROLLOFF_NONE);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  const auto convert = [&](std::span<const float> in) {
    size_t done = 0;
    const soxr_error_t failed =
        soxr_oneshot(from_hz, to_hz, static_cast<unsigned>(channels), in.data(), in.size() / channels, nullptr,
                     out.data(), wanted, &done, &io, &quality, &runtime);
    ensure(failed == nullptr, std::string("libsoxr cannot resample: ") + (failed == nullptr ? "" : failed));
    return done;
  };
  if (convert(samples) == wanted) return out;
  // libsoxr rounds some lengths down that end on a half. Zeros after the end, which it assumes anyway,
  // make it give the last frame.
  const size_t more = 2 + static_cast<size_t>(std::ceil(from_hz / to_hz));
  std::vector<float> padded((frames + more) * channels);
  std::copy_n(samples.begin(), frames * channels, padded.begin());
  ensure(convert(padded) == wanted, "libsoxr gave fewer samples than wanted");
  return out;
}

}  // namespace

std::vector<float> resample(std::span<const float> mono, double from_hz, double to_hz) {
  return resample_interleaved(mono, 1, from_hz, to_hz);
}

AudioBuffer resample(const AudioBuffer& buffer, int to_hz) {
  ensure(buffer.channels > 0, "a buffer without channels cannot be resampled");
  return {to_hz, buffer.channels,
          resample_interleaved(buffer.samples, static_cast<size_t>(buffer.channels), buffer.sample_rate, to_hz)};
}

}  // namespace instructme
