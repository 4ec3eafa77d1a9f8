#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "instructme/tensorfile/safetensors.h"

namespace instructme {

/// One operation of an ONNX graph; its attributes are not read.
struct OnnxNode {
  std::string op;  ///< e.g. "Conv"
  std::vector<std::string> inputs, outputs;
};

/// The constants and the operations of an ONNX model (Protocol Buffers; onnx.proto of github.com/onnx/onnx),
/// memory-mapped read-only: enough to take published weights out of it, not to run it. Constants of types that DType
/// does not know, and those whose numbers lie in another file or not as plain bytes, are left out. Thread-safe after
/// construction; views live as long as the object.
class OnnxFile {
 public:
  /// Throws kIo when the file cannot be read, kModel naming it when it is damaged or holds no graph.
  explicit OnnxFile(const std::filesystem::path& path);
  ~OnnxFile();
  OnnxFile(OnnxFile&&) noexcept;
  OnnxFile& operator=(OnnxFile&&) noexcept;

  const std::map<std::string, TensorView>& tensors() const;
  const std::vector<OnnxNode>& nodes() const;  ///< in the order of the file, which is one of execution

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace instructme
