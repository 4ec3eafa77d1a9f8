#include <torch/torch.h>
// The precompiled torch header comes first.
#include <algorithm>
#include <cstring>

#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/torchx/state_dict.h"
#include "instructme/torchx/tensor_view.h"

namespace instructme {
namespace {

constexpr std::pair<DType, at::ScalarType> kTypes[] = {
    {DType::kBool, at::kBool}, {DType::kU8, at::kByte},    {DType::kI8, at::kChar},  {DType::kI16, at::kShort},
    {DType::kI32, at::kInt},   {DType::kI64, at::kLong},   {DType::kF16, at::kHalf}, {DType::kBF16, at::kBFloat16},
    {DType::kF32, at::kFloat}, {DType::kF64, at::kDouble},
};

bool begins_with_underscore(const std::string& dotted_name) {
  const size_t dot = dotted_name.rfind('.');
  return dotted_name.compare(dot == std::string::npos ? 0 : dot + 1, 1, "_") == 0;
}

std::string shape_text(const at::Tensor& tensor) {
  std::string text = "[";
  for (const int64_t dimension : tensor.sizes()) text += (text.size() > 1 ? ", " : "") + std::to_string(dimension);
  return text + "]";
}

/// What does not fit between a module and a file, for one message.
class Mismatches {
 public:
  void missing(const std::string& name) { missing_.push_back("'" + name + "'"); }
  void unexpected(const std::string& name) { unexpected_.push_back("'" + name + "'"); }
  void compare(const std::string& name, const at::Tensor& wanted, const at::Tensor& found) {
    if (wanted.sizes() != found.sizes()) {
      shapes_.push_back("'" + name + "' (wanted " + shape_text(wanted) + ", found " + shape_text(found) + ")");
    } else if (wanted.scalar_type() != found.scalar_type() &&
               !(wanted.is_floating_point() && found.is_floating_point())) {
      types_.push_back("'" + name + "' (wanted " + at::toString(wanted.scalar_type()) + ", found " +
                       at::toString(found.scalar_type()) + ")");
    }
  }

  void throw_if_any(const std::string& file_name) const {
    std::vector<std::string> parts;
    add(parts, "missing", missing_);
    add(parts, "unexpected", unexpected_);
    add(parts, "of another shape", shapes_);
    add(parts, "of another type", types_);
    if (parts.empty()) return;
    throw Error(ErrorKind::kModel, file_name + " does not fit the model's configuration: " + join(parts, "; "));
  }

 private:
  static void add(std::vector<std::string>& parts, const char* what, const std::vector<std::string>& items) {
    if (items.empty()) return;
    constexpr size_t kShown = 5;
    const std::vector<std::string> shown(items.begin(), items.begin() + std::min(items.size(), kShown));
    parts.push_back(std::to_string(items.size()) + (items.size() == 1 ? " tensor " : " tensors ") + what + ": " +
                    join(shown, ", ") + (items.size() > kShown ? ", …" : ""));
  }

  std::vector<std::string> missing_, unexpected_, shapes_, types_;
};

}  // namespace

at::Tensor copy_of(const TensorView& view) {
  // A bool holding anything but 0 and 1 is undefined behaviour, so those bytes are compared, not copied.
  const bool is_bool = view.dtype == DType::kBool;
  at::Tensor tensor = at::empty(view.shape, is_bool ? at::kByte : to_scalar_type(view.dtype));
  if (!view.bytes.empty()) std::memcpy(tensor.data_ptr(), view.bytes.data(), view.bytes.size());
  return is_bool ? tensor.ne(0) : tensor;
}

DType to_dtype(at::ScalarType type) {
  for (const auto& [dtype, scalar_type] : kTypes)
    if (scalar_type == type) return dtype;
  throw Error(ErrorKind::kInternal, std::string("tensors of ") + at::toString(type) + " cannot be stored in a file");
}

at::ScalarType to_scalar_type(DType dtype) {
  for (const auto& [candidate, scalar_type] : kTypes)
    if (candidate == dtype) return scalar_type;
  throw Error(ErrorKind::kInternal, "not an element type: " + std::to_string(static_cast<int>(dtype)));
}

TensorMap named_tensors(const torch::nn::Module& module, const std::vector<std::string>& not_persistent) {
  const auto excluded = [&](const std::string& name) {
    return std::find(not_persistent.begin(), not_persistent.end(), name) != not_persistent.end();
  };
  TensorMap tensors;
  for (const auto& item : module.named_parameters())
    if (!excluded(item.key())) tensors.emplace(item.key(), item.value());
  for (const auto& item : module.named_buffers())
    if (!excluded(item.key()) && !begins_with_underscore(item.key())) tensors.emplace(item.key(), item.value());
  return tensors;
}

void save_tensors(const std::filesystem::path& path, const TensorMap& tensors,
                  const std::map<std::string, std::string>& metadata, std::optional<at::ScalarType> floating) {
  const torch::NoGradGuard no_grad;
  std::vector<at::Tensor> kept_alive;
  std::map<std::string, TensorView> views;
  for (const auto& [name, given] : tensors) {
    ensure(given.defined(), "tensor '" + name + "' to be saved is not defined");
    const at::ScalarType type = floating && given.is_floating_point() ? *floating : given.scalar_type();
    const at::Tensor tensor = given.detach().to(at::kCPU, type).contiguous();
    kept_alive.push_back(tensor);
    views[name] = {
        to_dtype(type), tensor.sizes().vec(), {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()}};
  }
  write_safetensors(path, views, metadata);
}

TensorMap load_tensors(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted) {
  const SafetensorsFile file(path);
  TensorMap tensors;
  for (const auto& [name, view] : file.tensors())
    if (!wanted || wanted(name)) tensors.emplace(name, copy_of(view));
  return tensors;
}

void load_into(torch::nn::Module& module, const TensorMap& tensors, const std::string& file_name,
               const std::string& prefix, const std::vector<std::string>& not_persistent) {
  TensorMap targets;
  for (const auto& [name, tensor] : named_tensors(module, not_persistent)) targets.emplace(prefix + name, tensor);

  Mismatches mismatches;
  for (const auto& [name, target] : targets) {
    const auto found = tensors.find(name);
    if (found == tensors.end())
      mismatches.missing(name);
    else
      mismatches.compare(name, target, found->second);
  }
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with(prefix) && !targets.count(name)) mismatches.unexpected(name);
  mismatches.throw_if_any(file_name);

  const torch::NoGradGuard no_grad;
  for (auto& [name, target] : targets) target.copy_(tensors.at(name));
}

std::vector<std::string> adopt_weights(torch::nn::Module& module, const TensorMap& tensors) {
  const torch::NoGradGuard no_grad;
  std::vector<std::string> kept;
  for (auto& [name, target] : named_tensors(module)) {
    const auto found = tensors.find(name);
    if (found != tensors.end() && found->second.sizes() == target.sizes() &&
        found->second.is_floating_point() == target.is_floating_point())
      target.copy_(found->second);
    else
      kept.push_back(name);
  }
  return kept;
}

void adopt_rows(const at::Tensor& to, const at::Tensor& from) {
  to.detach().narrow(0, 0, from.size(0)).copy_(from.detach());
}

}  // namespace instructme
