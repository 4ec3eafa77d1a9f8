#include "instructme/effects/processor.h"

#include <algorithm>
#include <cmath>

#include "flush_denormals.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"

namespace instructme {

Processor::Processor(const AudioFormat& format) : format_(format) {
  if (format.sample_rate < 8000 || format.sample_rate > 192000)
    throw Error(ErrorKind::kUsage,
                instructme::format("effects need a rate from 8000 to 192000 Hz, found %d", format.sample_rate));
  if (format.channels != 1 && format.channels != 2)
    throw Error(ErrorKind::kUsage,
                instructme::format("effects need one or two channels, found %d; mix them down first", format.channels));
}

void Processor::process(std::span<float> samples) {
  const auto channels = static_cast<size_t>(format_.channels);
  ensure(samples.size() % channels == 0, "a block of sound must consist of whole frames");
  const FlushDenormals flush;
  run(samples.data(), static_cast<int64_t>(samples.size() / channels));
}

AudioFormat format_of(const AudioBuffer& buffer) { return {buffer.sample_rate, buffer.channels}; }

void process_whole(Processor& processor, AudioBuffer& buffer) {
  ensure(buffer.sample_rate == processor.format().sample_rate && buffer.channels == processor.format().channels,
         "a processor was given sound of another rate or channel count");
  const auto late = static_cast<size_t>(processor.latency() * buffer.channels);
  buffer.samples.resize(buffer.samples.size() + late);
  // Blocks that stay in the cache while several effects pass over them.
  const size_t block = 2048 * static_cast<size_t>(buffer.channels);
  for (size_t start = 0; start < buffer.samples.size(); start += block)
    processor.process(std::span(buffer.samples).subspan(start, std::min(block, buffer.samples.size() - start)));
  buffer.samples.erase(buffer.samples.begin(), buffer.samples.begin() + static_cast<std::ptrdiff_t>(late));
}

}  // namespace instructme
