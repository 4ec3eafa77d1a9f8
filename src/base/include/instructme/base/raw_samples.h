#pragma once

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace instructme {

/// Samples as the bytes of raw 32-bit floats, in the machine's own order; they stay where they are.
inline std::string_view bytes_of(std::span<const float> samples) {
  return {reinterpret_cast<const char*>(samples.data()), samples.size_bytes()};
}

/// The samples in such bytes; what is left over of the last one does not count.
inline std::vector<float> samples_of(std::string_view bytes) {
  std::vector<float> samples(bytes.size() / sizeof(float));
  if (!samples.empty()) std::memcpy(samples.data(), bytes.data(), samples.size() * sizeof(float));
  return samples;
}

}  // namespace instructme
