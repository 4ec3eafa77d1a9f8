#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "instructme/tensorfile/safetensors.h"

namespace instructme {

/// The weights of a TensorFlow.js graph model: `model.json` with its weights manifest, and the files of bytes beside
/// it. Quantised weights are refused. Views live as long as the object.
class TfjsFile {
 public:
  /// `path` is that of model.json. Throws kIo when a file cannot be read, kModel naming it when it is damaged.
  explicit TfjsFile(const std::filesystem::path& path);

  const std::map<std::string, TensorView>& tensors() const { return tensors_; }

 private:
  std::vector<std::unique_ptr<std::string>> groups_;  // one string of bytes per group of the manifest
  std::map<std::string, TensorView> tensors_;
};

}  // namespace instructme
