#include "instructme/torchx/quantised_weights.h"

#include <torch/torch.h>

#include "instructme/base/error.h"
#include "instructme/base/names.h"
#include "instructme/base/strings.h"

namespace instructme {
namespace {

constexpr const char* kScaleSuffix = ".row_scale";
// Small matrices are not worth the loss.
constexpr int64_t kSmallest = 4096;

}  // namespace

WeightFormat parse_weight_format(const std::string& name) {
  static constexpr Names<WeightFormat, 2> kNames{
      {{WeightFormat::kBFloat16, "bfloat16"}, {WeightFormat::kInt8, "int8"}}};
  return value_called(name, kNames, "weight format");
}

void save_weights(const std::filesystem::path& path, const TensorMap& tensors, WeightFormat format,
                  const std::map<std::string, std::string>& metadata) {
  if (format == WeightFormat::kBFloat16) return save_tensors(path, tensors, metadata, at::kBFloat16);
  torch::NoGradGuard no_grad;
  TensorMap stored;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point() || tensor.dim() < 2 || tensor.numel() < kSmallest) {
      stored[name] = tensor.is_floating_point() ? tensor.to(at::kBFloat16) : tensor;
      continue;
    }
    const at::Tensor values = tensor.to(at::kCPU, at::kFloat).flatten(1);      // (rows, what a row is made of)
    const at::Tensor scale = (values.abs().amax(1) / 127.0).clamp_min(1e-12);  // (rows)
    stored[name] = (values / scale.unsqueeze(1)).round().clamp(-127, 127).to(at::kChar).view_as(tensor);
    stored[name + kScaleSuffix] = scale;
  }
  save_tensors(path, stored, metadata);
}

TensorMap load_weights(const std::filesystem::path& path, const std::function<bool(const std::string&)>& wanted) {
  TensorMap stored = load_tensors(path, wanted), weights;
  for (const auto& [name, tensor] : stored) {
    if (name.ends_with(kScaleSuffix)) {
      const auto matrix = stored.find(name.substr(0, name.size() - std::string(kScaleSuffix).size()));
      if (matrix == stored.end() || matrix->second.scalar_type() != at::kChar)
        throw Error(ErrorKind::kModel, path.string() + ": '" + name + "' has no 8-bit matrix beside it");
      continue;
    }
    if (tensor.scalar_type() != at::kChar) {
      weights[name] = tensor;
      continue;
    }
    const auto scale = stored.find(name + kScaleSuffix);
    if (scale == stored.end() || tensor.dim() < 2 || scale->second.sizes() != at::IntArrayRef({tensor.size(0)}))
      throw Error(ErrorKind::kModel, path.string() + ": the 8-bit matrix '" + name + "' needs '" + name + kScaleSuffix +
                                         "' with one value per row; the file is damaged or from another program");
    weights[name] = (tensor.to(at::kFloat).flatten(1) * scale->second.to(at::kFloat).unsqueeze(1)).view_as(tensor);
  }
  return weights;
}

}  // namespace instructme
