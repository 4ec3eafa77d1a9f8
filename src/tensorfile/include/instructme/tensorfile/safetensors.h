#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace instructme {

/// Element types of the safetensors format that we read and write.
enum class DType { kBool, kU8, kI8, kI16, kI32, kI64, kF16, kBF16, kF32, kF64 };
size_t dtype_size(DType dtype);       ///< bytes per element
const char* dtype_name(DType dtype);  ///< "F32", "BF16", …

/// A tensor inside a file or about to be written: row-major, little-endian bytes.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

/// A safetensors file, memory-mapped read-only. Checks at opening (kModel errors that name file,
/// tensor, wanted and found): header length and size limit (100 MB), JSON, known dtypes, dtype x
/// shape == range, ranges sorted, without gaps or overlap, covering the file, no duplicate names.
/// Thread-safe after construction; views live as long as the object.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  const std::map<std::string, TensorView>& tensors() const;
  /// Throws kModel naming the tensor and the nearest names.
  const TensorView& tensor(const std::string& name) const;
  /// The `__metadata__` strings.
  const std::map<std::string, std::string>& metadata() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes atomically (temporary file, fsync, rename). Throws kIo; kInternal when bytes and shape disagree.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace instructme
