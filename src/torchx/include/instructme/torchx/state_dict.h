#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "instructme/tensorfile/safetensors.h"

namespace torch::nn {
class Module;
}

namespace instructme {

// Weights of modules to and from safetensors files. Functions on different modules and files may run
// at the same time; one module must not be used by others while it is loaded.

/// Tensors by their dotted names, e.g. "encoder.block.0.weight".
using TensorMap = std::map<std::string, at::Tensor>;

/// Throws kInternal for types that the files cannot hold (complex, quantized).
DType to_dtype(at::ScalarType type);
at::ScalarType to_scalar_type(DType dtype);

/// Parameters and buffers of a module and its children, sharing their memory. Left out are buffers
/// whose own name (the part after the last dot) begins with '_', and the full names in
/// `not_persistent`: such values are recomputed and belong in no file.
TensorMap named_tensors(const torch::nn::Module& module, const std::vector<std::string>& not_persistent = {});

/// Writes any tensors (any device, contiguous or not) atomically. With `floating`, floating-point
/// tensors are stored in that type (e.g. at::kBFloat16), others as they are. Throws kIo.
void save_tensors(const std::filesystem::path& path, const TensorMap& tensors,
                  const std::map<std::string, std::string>& metadata = {}, std::optional<at::ScalarType> floating = {});

/// Copies of the tensors of a file, on the CPU, in the file's types; only those for which `wanted`
/// (if given) says true. Throws kIo, or kModel for a damaged file.
TensorMap load_tensors(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted = {});

/// Copies `tensors` into the parameters and buffers of `module`, whose names are preceded by `prefix`
/// in the map; names without the prefix belong to somebody else and are left alone. Strict: throws one
/// kModel error that names `file_name` and all that is missing, unexpected or of another shape or kind
/// before anything is copied. Floating-point types are converted to the module's; every other
/// difference of type is an error. Gradients are not recorded.
void load_into(torch::nn::Module& module, const TensorMap& tensors, const std::string& file_name,
               const std::string& prefix = "", const std::vector<std::string>& not_persistent = {});

/// Copies those tensors that the module has under the same name, shape and kind, and returns the names of the
/// module's tensors that keep their values: for going on with a network that has grown.
std::vector<std::string> adopt_weights(torch::nn::Module& module, const TensorMap& tensors);
/// The rows of a tensor with fewer of them become the first ones of `to`. Gradients are not recorded.
void adopt_rows(const at::Tensor& to, const at::Tensor& from);

}  // namespace instructme
