#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "instructme/torchx/state_dict.h"

namespace instructme {

/// Precision of weights in a file; in memory they are always floating-point.
enum class WeightFormat {
  kBFloat16,
  kInt8,  ///< matrices and filters as 8-bit integers with one float32 scale per row or filter ("<name>.row_scale"), the
          ///< rest bfloat16
};
WeightFormat parse_weight_format(const std::string& name);  ///< "bfloat16", "int8"; throws kUsage

/// Writes the weights of a model atomically. Throws kIo.
void save_weights(const std::filesystem::path& path, const TensorMap& tensors, WeightFormat format,
                  const std::map<std::string, std::string>& metadata = {});

/// Reads a file written by `save_weights` (or any safetensors file without 8-bit matrices): values in
/// floating point under their own names, of those that are `wanted`. Throws kIo, or kModel when a scale is missing or
/// does not fit.
TensorMap load_weights(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted = {});

}  // namespace instructme
