#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "instructme/tensorfile/safetensors.h"

namespace instructme::safetensors {

// What reader and writer share about the format: 8 bytes little-endian header length, a JSON header
// padded with spaces, then the bytes of all tensors without gaps.
inline constexpr size_t kLengthBytes = 8;
inline constexpr uint64_t kMaxHeaderBytes = 100'000'000;  ///< limit of the reference implementation
inline constexpr size_t kDataAlignment = 8;
inline constexpr const char* kMetadataKey = "__metadata__";

std::optional<DType> dtype_from_name(const std::string& name);

/// Bytes of a tensor; empty when a dimension is negative or the product does not fit 64 bits.
std::optional<uint64_t> byte_count(DType dtype, const std::vector<int64_t>& shape);

/// "[2, 3]".
std::string shape_text(const std::vector<int64_t>& shape);

}  // namespace instructme::safetensors
