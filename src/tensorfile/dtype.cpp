#include <array>
#include <bit>

#include "format.h"
#include "instructme/base/error.h"

namespace instructme {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are used as they lie in the file");

struct DTypeEntry {
  DType dtype;
  const char* name;
  size_t size;
};

constexpr std::array<DTypeEntry, 10> kDTypes{{{DType::kBool, "BOOL", 1},
                                              {DType::kU8, "U8", 1},
                                              {DType::kI8, "I8", 1},
                                              {DType::kI16, "I16", 2},
                                              {DType::kI32, "I32", 4},
                                              {DType::kI64, "I64", 8},
                                              {DType::kF16, "F16", 2},
                                              {DType::kBF16, "BF16", 2},
                                              {DType::kF32, "F32", 4},
                                              {DType::kF64, "F64", 8}}};

const DTypeEntry& entry(DType dtype) {
  for (const DTypeEntry& candidate : kDTypes)
    if (candidate.dtype == dtype) return candidate;
  throw Error(ErrorKind::kInternal, "not an element type: " + std::to_string(static_cast<int>(dtype)));
}

}  // namespace

size_t dtype_size(DType dtype) { return entry(dtype).size; }

const char* dtype_name(DType dtype) { return entry(dtype).name; }

namespace safetensors {

std::optional<DType> dtype_from_name(const std::string& name) {
  for (const DTypeEntry& candidate : kDTypes)
    if (name == candidate.name) return candidate.dtype;
  return std::nullopt;
}

std::optional<uint64_t> byte_count(DType dtype, const std::vector<int64_t>& shape) {
  uint64_t count = dtype_size(dtype);
  for (const int64_t dimension : shape)
    if (dimension < 0 || __builtin_mul_overflow(count, static_cast<uint64_t>(dimension), &count)) return std::nullopt;
  return count;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (const int64_t dimension : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(dimension);
  return text + "]";
}

}  // namespace safetensors
}  // namespace instructme
