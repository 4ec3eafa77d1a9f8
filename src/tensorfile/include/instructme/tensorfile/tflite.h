#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "instructme/tensorfile/safetensors.h"

namespace instructme {

/// A tensor of a TensorFlow Lite graph. Constants have bytes, the others none.
struct TfliteTensor {
  std::string name;
  TensorView values;
  float scale = 1;  ///< of an 8-bit tensor: value = scale * (stored - zero_point)
  int zero_point = 0;
  bool per_channel = false;  ///< several scales, of which `scale` is only the first
};

/// Codes of the operations that carry weights, as in TensorFlow Lite's schema.
enum class TfliteOp { kOther, kConv2d, kDepthwiseConv2d, kDequantize, kFullyConnected };

struct TfliteOperator {
  TfliteOp op = TfliteOp::kOther;
  std::vector<int> inputs, outputs;  ///< indices of tensors; -1 for one left out
};

/// The first graph of a TensorFlow Lite model (FlatBuffers; schema.fbs, version 3), memory-mapped read-only: enough to
/// take published weights out of it, not to run it. Views live as long as the object.
class TfliteFile {
 public:
  /// Throws kIo when the file cannot be read, kModel naming it when it is no TensorFlow Lite file or damaged.
  explicit TfliteFile(const std::filesystem::path& path);
  ~TfliteFile();
  TfliteFile(TfliteFile&&) noexcept;
  TfliteFile& operator=(TfliteFile&&) noexcept;

  const std::vector<TfliteTensor>& tensors() const;
  const std::vector<TfliteOperator>& operators() const;  ///< in order of execution

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace instructme
